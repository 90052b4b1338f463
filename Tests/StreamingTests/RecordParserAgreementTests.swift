import DuckDB
import LakewardTesting
import Pipelines
import Simulation
import Testing

@testable import Streaming

/// The parser against DuckDB's own JSON functions, on records as they come.
@Suite struct RecordParserAgreementTests {
  private let fields: [RecordField]
  private let connection: Connection
  private let scan: RecordBatchScan

  init() throws {
    fields = try Pipeline.load(folder: Places.packageRoot() + "/pipelines/illness").source?.fields ?? []
    connection = try QueryEngine(lake: Lake(root: "/nonexistent")).connect()
    scan = try connection.registerRecordBatch(name: "batch")
  }

  @Test func sameRowsAndReasonsAsDuckDB() throws {
    var simulator = IllnessRecordSimulator(seed: 11, patients: 5_000, faults: .mixed)
    var bytes: [UInt8] = []
    simulator.append(count: 100_000, startingAt: 1_767_225_600_000_000, to: &bytes)
    let batch = RecordBatch()
    _ = try batch.appendLines(in: bytes, source: try batch.source("s"), firstOffset: 0)
    scan.bind(batch)

    let parser = RecordParser(fields: fields)
    try parser.register(on: connection)
    let bronze = "(SELECT *, now() AS ingest_time FROM batch())"
    try connection.execute("CREATE TABLE ours AS \(parser.select(from: bronze))")
    try connection.execute("CREATE TABLE theirs AS \(DuckDBReader(fields: fields).select(from: bronze))")

    let columns = fields.map { SQL.quote(identifier: $0.name) }
    let row = { (table: String) in "row(\(columns.map { "\(table).\($0)" }.joined(separator: ", ")))" }
    let counts = try connection.query(
      """
      SELECT count(*), count(a._reason), count(DISTINCT a._reason),
        count(*) FILTER (a._reason IS DISTINCT FROM b._reason),
        count(*) FILTER (a._reason IS NULL AND \(row("a")) IS DISTINCT FROM \(row("b")))
      FROM ours AS a JOIN theirs AS b USING (_offset)
      """
    ).rows()[0].map(\.integer)
    let faulty = try #require(counts[1])
    #expect(counts[0] == 100_000)
    #expect(faulty > 1_000)
    #expect(try #require(counts[2]) > 10)
    #expect(counts[3...] == [0, 0])
  }

  @Test func theColumnsTypesAreTheDefinitions() throws {
    let parser = RecordParser(fields: FieldType.allCases.map { RecordField(name: $0.rawValue, type: $0) })
    try parser.register(on: connection)
    try parser.register(on: connection)
    let columns = try connection.columns(of: parser.select(from: "(SELECT *, now() AS ingest_time FROM batch())"))
    let types = columns.prefix(FieldType.allCases.count).map(\.type.description)
    let expected = try FieldType.allCases.map {
      try connection.columns(of: "SELECT CAST(NULL AS \($0.duckDBType))")[0].type.description
    }
    #expect(types == expected)
    #expect(
      columns.dropFirst(types.count).map(\.name) == ["_reason", "_source", "_partition", "_offset", "_ingest_time"])
  }
}

/// The same rules in the words of DuckDB's JSON extension, for the types of the illness record.
private struct DuckDBReader {
  let fields: [RecordField]

  func select(from relation: String) -> String {
    let columns = fields.map { "\(value(of: $0)) AS \(SQL.quote(identifier: $0.name))" }
    let causes = fields.map(cause).joined(separator: ", ")
    return """
      SELECT \(columns.joined(separator: ", ")), CASE
          WHEN raw_encoding = 'base64' THEN 'not valid UTF-8'
          WHEN s IS NULL THEN CASE WHEN json_valid(raw) THEN 'not a JSON object' ELSE 'not valid JSON' END
          ELSE nullif(concat_ws('; ', \(causes)), '') END AS _reason, "offset" AS _offset
      FROM (
        SELECT *, CASE WHEN is_object THEN from_json(raw, \(structure { $0 == .int ? "DOUBLE" : $0.duckDBName })) END AS s,
          CASE WHEN is_object THEN from_json(raw, \(structure { _ in "VARCHAR" })) END AS v
        FROM (SELECT *, raw_encoding = 'utf-8' AND json_valid(raw) AND left(ltrim(raw), 1) = '{' AS is_object
          FROM \(relation))
      )
      """
  }

  private func structure(_ type: (FieldType) -> String) -> String {
    let members = fields.map { "\"\($0.field)\":\"\(type($0.type))\"" }
    return SQL.quote(literal: "{\(members.joined(separator: ","))}")
  }

  private func member(_ of: String, _ field: RecordField) -> String { "\(of).\(SQL.quote(identifier: field.field))" }

  private func value(of field: RecordField) -> String {
    switch field.type {
    case .int: "TRY_CAST(\(member("s", field)) AS INTEGER)"
    case .uuid: "CAST(\(member("s", field)) AS VARCHAR)"
    default: member("s", field)
    }
  }

  private func cause(_ field: RecordField) -> String {
    let typed = member("s", field)
    let gap =
      switch field.type {
      case .int: "coalesce(\(typed) <> trunc(\(typed)) OR abs(\(typed)) > 2147483647, true)"
      case .double: "coalesce(NOT isfinite(\(typed)), true)"
      default: "\(typed) IS NULL"
      }
    let missing = field.isRequired ? SQL.quote(literal: "\(field.name): missing") : "NULL"
    let wrong = SQL.quote(literal: "\(field.name): not a valid \(field.type.rawValue)")
    return "CASE WHEN \(gap) THEN CASE WHEN \(member("v", field)) IS NULL THEN \(missing) ELSE \(wrong) END END"
  }
}

extension FieldType {
  /// The type that DuckDB's reader is asked for.
  fileprivate var duckDBName: String { self == .uuid ? "UUID" : duckDBType }
}
