internal import DeltaLake
internal import DuckDB

/// One value of a row that is written.
enum Cell {
  case text(String?)
  /// Microseconds since 1970.
  case time(Int64?)
  case number(Int64?)
  case flag(Bool)

  var value: Value {
    switch self {
    case .text(let text): text.map(Value.string) ?? .null
    case .time(let time): time.map(Value.timestampTZ) ?? .null
    case .number(let number): number.map(Value.int) ?? .null
    case .flag(let flag): .bool(flag)
    }
  }
}

/// A column of one of the tables: how it is called, stored, read and made from a value.
struct RowColumn<Row>: Sendable {
  var name: String
  var type: DataType
  var cell: @Sendable (Row) -> Cell

  init(_ name: String, _ type: DataType, _ cell: @escaping @Sendable (Row) -> Cell) {
    self.name = name
    self.type = type
    self.cell = cell
  }

  /// The column in a SELECT that is read back: instants as microseconds since 1970.
  var reading: String {
    let name = SQL.quote(identifier: self.name)
    return type == .timestamp ? "epoch_us(\(name)) AS \(name)" : name
  }
}

extension Array {
  /// The table's schema.
  func schema<Row>() -> Schema where Element == RowColumn<Row> { Schema(map { StructField($0.name, $0.type) }) }

  /// Puts rows into a table for as long as `body` reads them.
  ///
  /// As literals in a statement the planner would take milliseconds and tens of kilobytes for each row.
  /// - Parameter body: Gets a SELECT of the rows.
  func staged<Row, R>(
    _ rows: some Collection<Row>, on connection: Connection, _ body: (_ select: String) throws -> R
  ) throws -> R where Element == RowColumn<Row> {
    let columns = map { "\(SQL.quote(identifier: $0.name)) \($0.type.sqlType)" }.joined(separator: ", ")
    try connection.execute("CREATE OR REPLACE TABLE staged_rows (\(columns))")
    defer { try? connection.execute("DROP TABLE IF EXISTS staged_rows") }
    let appender = try connection.appender(table: "staged_rows")
    for row in rows { try appender.append(map { $0.cell(row).value }) }
    try appender.close()
    return try body("SELECT * FROM staged_rows")
  }

  /// What a SELECT lists to read rows back.
  func list<Row>() -> String where Element == RowColumn<Row> { map(\.reading).joined(separator: ", ") }
}

extension Collection {
  /// Rows in slices small enough for the engine that stores them.
  var slices: [SubSequence] {
    var slices: [SubSequence] = []
    var rest = self[...]
    while !rest.isEmpty {
      slices.append(rest.prefix(20_000))
      rest = rest.dropFirst(20_000)
    }
    return slices
  }
}

/// Takes the values of a row that was read, by the names of its columns.
struct RowReader {
  private let values: [Value]
  private let places: [String: Int]

  init(_ values: [Value], _ places: [String: Int]) {
    self.values = values
    self.places = places
  }

  func text(_ name: String) -> String? { places[name].flatMap { values[$0].stringValue } }
  func number(_ name: String) -> Int64? { places[name].flatMap { values[$0].intValue }.map(Int64.init) }
  func flag(_ name: String) -> Bool { places[name].flatMap { values[$0].boolValue } ?? false }

  /// Each row of a query as a reader.
  static func rows(_ connection: Connection, _ sql: String) throws(DuckDBError) -> [RowReader] {
    let result = try connection.query(sql)
    let places = Dictionary(result.columns.enumerated().map { ($1.name, $0) }) { first, _ in first }
    return try result.rows().map { RowReader($0, places) }
  }
}
