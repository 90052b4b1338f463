internal import DeltaLake
internal import DuckDB

/// One value of a row that is written: SQL text from a Swift value.
enum Cell {
  case text(String?)
  case time(Int64?)
  case number(Int64?)
  case flag(Bool)

  var sql: String {
    switch self {
    case .text(let text): text.map { SQL.quote(literal: $0) } ?? "CAST(NULL AS VARCHAR)"
    case .time(let time): time.map { "make_timestamptz(\($0))" } ?? "CAST(NULL AS TIMESTAMPTZ)"
    case .number(let number): number.map { "CAST(\($0) AS BIGINT)" } ?? "CAST(NULL AS BIGINT)"
    case .flag(let flag): flag ? "true" : "false"
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

  /// A SELECT of these rows.
  func select<Row>(_ rows: [Row]) -> String where Element == RowColumn<Row> {
    let values = rows.map { row in "(\(map { $0.cell(row).sql }.joined(separator: ", ")))" }
    let names = map { SQL.quote(identifier: $0.name) }.joined(separator: ", ")
    return "SELECT * FROM (VALUES \(values.joined(separator: ",\n"))) AS rows(\(names))"
  }

  /// What a SELECT lists to read rows back.
  func list<Row>() -> String where Element == RowColumn<Row> { map(\.reading).joined(separator: ", ") }
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
