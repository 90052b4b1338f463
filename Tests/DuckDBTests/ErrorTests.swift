@testable import DuckDB
import Testing

@Suite struct ErrorTests {
  let connection: Connection

  init() throws {
    connection = try Database(settings: ["memory_limit": "50MB", "threads": "1"]).connect()
    try connection.execute(
      """
      CREATE TABLE patient(id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, CHECK (id < 1000));
      INSERT INTO patient VALUES (1, 'Ann Smith')
      """)
  }

  static let long = """
    SELECT
      1 AS a,
      'a long text that names Ann Smith, so that DuckDB cuts the line at both ends because it is too long to be shown', no_such_column, 'and more text behind it to be cut off as well'
    FROM patient
    """

  static let cases: [(String, DuckDBError.Kind, String)] = [
    ("SELEC 'Ann'", .parser, "DuckDB syntax error (SQL line 1, column 1)"),
    ("SELECT 'Ann", .parser, "DuckDB syntax error (SQL line 1, column 8)"),
    (
      "SELECT 'Ann', nope FROM patient", .binder,
      #"DuckDB binder error: Referenced column "nope" not found in FROM clause! (SQL line 1, column 15)"#
    ),
    (
      long, .binder,
      #"DuckDB binder error: Referenced column "no_such_column" not found in FROM clause! (SQL line 3, column 117)"#
    ),
    (
      "SELECT sum('Ann'::VARCHAR)", .binder,
      "DuckDB binder error: No function matches the given name and argument types 'sum(VARCHAR)'. You might need to add "
        + "explicit type casts. (SQL line 1, column 8)"
    ),
    (
      "FROM nobody", .catalog,
      "DuckDB catalog error: Table with name nobody does not exist! (SQL line 1, column 6)"
    ),
    (
      "SELECT 'Ann'::INTEGER", .conversion,
      "DuckDB conversion error: a value does not convert to INT32 (SQL line 1, column 13)"
    ),
    (
      "SELECT name::INTEGER FROM patient", .conversion,
      "DuckDB conversion error: a value does not convert to INT32 when casting from source column name "
        + "(SQL line 1, column 12)"
    ),
    (
      "SELECT name::DATE FROM patient", .conversion,
      "DuckDB conversion error: a value does not convert when casting from source column name "
        + "(SQL line 1, column 12)"
    ),
    (
      "INSERT INTO patient VALUES (1, 'Ann')", .constraint,
      "DuckDB constraint error: a duplicate key violates primary key constraint"
    ),
    (
      "INSERT INTO patient VALUES (2, NULL)", .constraint,
      "DuckDB constraint error: NOT NULL constraint failed: patient.name"
    ),
    (
      "INSERT INTO patient VALUES (2000, 'Ann')", .constraint,
      "DuckDB constraint error: CHECK constraint failed on table patient with expression CHECK((id < 1000))"
    ),
    (
      "FROM read_parquet('/nowhere/x.parquet')", .io,
      #"DuckDB file error: No files found that match the pattern "/nowhere/x.parquet" (SQL line 1, column 6)"#
    ),
    (
      "COPY patient TO '/nowhere/y.parquet'", .io,
      #"DuckDB file error: Cannot open file "/nowhere/y.parquet": No such file or directory"#
    ),
    ("SELECT error('Ann Smith')", .invalidInput, "DuckDB invalid input"),
    ("SELECT json_extract('{Ann', '$.a')", .invalidInput, "DuckDB invalid input: Malformed JSON"),
    ("SELECT strptime('Ann Smith', '%Y')", .invalidInput, "DuckDB invalid input"),
    (
      "SELECT 127::TINYINT + 100::TINYINT", .outOfRange,
      "DuckDB out of range error: Overflow in addition of INT8"
    ),
    ("BEGIN; BEGIN", .transaction, "DuckDB transaction error: cannot start a transaction within a transaction"),
    ("SET nope = 'Ann'", .catalog, #"DuckDB catalog error: unrecognized configuration parameter "nope""#),
  ]

  @Test(arguments: cases) func descriptionsAreSafe(
    _ sql: String, _ kind: DuckDBError.Kind, _ description: String
  ) throws {
    let error = try #require(throws: DuckDBError.self) { try connection.query(sql) }
    #expect(error.kind == kind)
    #expect(error.description == description)
    #expect(!"\(error)".contains("Ann") && !error.detail.isEmpty)
  }

  @Test func memoryLimitIsAnError() throws {
    let error = try #require(throws: DuckDBError.self) {
      try connection.query("SELECT list(range) FROM range(100000000)")
    }
    #expect(error.kind == .outOfMemory)
    #expect(try connection.query("SELECT 1").scalar() == 1)
  }

  static let masks: [(String, String)] = [
    (
      #"Binder Error: Cannot extract field 'x' from expression "{'a': 'Ann'}" here"#,
      #"Cannot extract field '…' from expression "…" here"#
    ),
    (#"Binder Error: odd 'Ann"#, "odd …"),
    (#"Catalog Error: Table "a b" exists"#, #"Table "a b" exists"#),
  ]

  @Test(arguments: masks) func quotedTextIsMasked(_ message: String, _ safe: String) {
    #expect(DuckDBError(message: message).safeDetail == safe)
  }

  @Test func unknownTextsAreSilent() {
    let error = DuckDBError(message: "something about Ann")
    #expect(error.kind == .other && error.description == "DuckDB error" && error.detail == "something about Ann")
    #expect(DuckDBError(message: "INTERNAL Error: Ann").description == "DuckDB internal error")
    #expect(DuckDBError(message: "INTERRUPT Error: Interrupted!").kind == .interrupt)
  }

  @Test func fullDisk() {
    let error = DuckDBError(message: #"IO Error: Could not write file "/x/y": No space left on device"#)
    #expect(error.isDiskFull)
    #expect(error.description == #"DuckDB file error: Could not write file "/x/y": No space left on device"#)
  }

  @Test func databasesThatDoNotOpen() throws {
    let file = try #require(throws: DuckDBError.self) { try Database(path: "/nowhere/x.duckdb") }
    #expect(file.kind == .io && file.description.contains("/nowhere/x.duckdb"))
    let setting = try #require(throws: DuckDBError.self) { try Database(settings: ["nope": "1"]) }
    #expect(setting.kind == .settings && setting.description.contains("nope"), "\(setting.detail)")
  }
}
