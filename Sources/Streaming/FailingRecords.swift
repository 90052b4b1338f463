internal import DuckDB
internal import Pipelines

/// Finds the records on which a table's SQL raises an error (a cast that does not hold, a number out of range), so that
/// they go to quarantine and the stream goes on.
///
/// The micro-batch is halved until single records are left: some twenty statements for each of them, on failure only.
struct FailingRecords {
  /// More failing records than this in one micro-batch mean that the SQL is wrong, not the records.
  static let limit = 250
  /// What the quarantine says after the table's name; a verification leaves these records out.
  static let reason = "the SQL fails on this record"

  /// The failing records of the micro-batch in hand: `partition`, `offset`, `reason`.
  static let table = "stage._failing"
  /// The other records, parsed, as SQL that can stand in FROM.
  static let others = "(SELECT * EXCLUDE (_number) FROM stage._numbered)"

  private let connection: Connection
  /// The SQL of a table's rows over a relation of parsed records.
  private let rows: (String) throws -> String

  init(connection: Connection, rows: @escaping (String) throws -> String) {
    self.connection = connection
    self.rows = rows
  }

  /// Whether an error is about the data that a statement met, rather than about the statement or the machine.
  static func isAboutData(_ error: any Error) -> Bool {
    guard let kind = (error as? DuckDBError)?.kind else { return false }
    return kind == .conversion || kind == .outOfRange || kind == .invalidInput
  }

  /// Empties the table of failing records.
  static func reset(_ connection: Connection) throws {
    try connection.execute(
      "CREATE OR REPLACE TABLE \(table) (\"partition\" INTEGER, \"offset\" BIGINT, reason VARCHAR)")
  }

  /// Moves the failing records of a relation of parsed records from `others` to `table`.
  /// - Throws: `error`, if the SQL fails on too many of them.
  func separate(_ records: String, for definition: TableDefinition, after error: any Error) throws {
    try connection.execute(
      """
      CREATE OR REPLACE TABLE stage._numbered AS
      SELECT *, row_number() OVER (ORDER BY _partition, _offset) AS _number FROM \(records)
      """)
    let count = try connection.query("SELECT count(*) FROM stage._numbered").scalar().integer ?? 0
    var failing: [Int64] = []
    var pending = [Int64(1)..<(count + 1)]
    while let range = pending.popLast() {
      guard try fails(range) else { continue }
      if range.count == 1 {
        failing.append(range.lowerBound)
        guard failing.count <= Self.limit else { throw error }
      } else {
        let middle = range.lowerBound + Int64(range.count / 2)
        pending += [range.lowerBound..<middle, middle..<range.upperBound]
      }
    }
    // An error that no single record raises is the statement's own.
    guard !failing.isEmpty else { throw error }
    let numbers = failing.map(String.init).joined(separator: ", ")
    let text = SQL.quote(literal: "\(definition.name): \(Self.reason)")
    try connection.execute(
      """
      INSERT INTO \(Self.table) SELECT _partition, _offset, \(text) FROM stage._numbered WHERE _number IN (\(numbers));
      DELETE FROM stage._numbered WHERE _number IN (\(numbers))
      """)
  }

  private func fails(_ range: Range<Int64>) throws -> Bool {
    let part = """
      (SELECT * EXCLUDE (_number) FROM stage._numbered
      WHERE _number >= \(range.lowerBound) AND _number < \(range.upperBound))
      """
    do {
      try connection.execute("CREATE OR REPLACE TABLE stage._probe AS \(try rows(part))")
      return false
    } catch  where Self.isAboutData(error) {
      return true
    }
  }
}
