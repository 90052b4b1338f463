import JSON
import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Testing

@Suite struct GoldenTests {
  @Test(arguments: GoldenCase.of(kind: "read"))
  func rowsAreRead(_ golden: GoldenCase) throws {
    let table = try DeltaTable(at: golden.table)
    let snapshot = try table.snapshot()
    try expectFacts(golden, snapshot)
    let comparison = try RowComparison()
    expectSame(try comparison.difference(snapshot, golden.folder + "/expected.parquet", golden))
    for (version, file) in golden.facts["version_expected"]?.object?.members ?? [] {
      let earlier = try table.snapshot(version: Int64(version))
      expectSame(try comparison.difference(earlier, "\(golden.folder)/\(file.string ?? "")", golden))
    }
    for (version, rows) in golden.facts["versions"]?.object?.members ?? [] {
      let earlier = try table.snapshot(version: Int64(version))
      #expect(try comparison.count(try DeltaReader.scanSQL(earlier)) == rows.int, "version \(version)")
    }
  }

  @Test(arguments: GoldenCase.all.filter { $0.facts["cdf"] != nil })
  func changesAreRead(_ golden: GoldenCase) throws {
    let table = try DeltaTable(at: golden.table)
    let feed = try #require(golden.facts["cdf"]?.object)
    let start = try #require(feed["start_version"]?.int)
    let sql = try DeltaReader.changesSQL(table, from: start)
    let expected = "\(golden.folder)/\(feed["expected"]?.string ?? "")"
    expectSame(try RowComparison().difference(scan: sql, expected))
  }

  @Test(arguments: GoldenCase.of(kind: "log"))
  func logsAreReplayed(_ golden: GoldenCase) throws {
    let snapshot = try DeltaTable(at: golden.table).snapshot()
    try expectFacts(golden, snapshot)
    let active = (golden.facts["active_paths"]?.array ?? []).compactMap(\.string)
    #expect(snapshot.files.map(\.decodedPath).sorted() == active.sorted())
    guard !snapshot.files.isEmpty else { return }
    #expect(throws: (any Error).self) { try RowComparison().count(try DeltaReader.scanSQL(snapshot)) }
  }

  @Test(arguments: GoldenCase.of(kind: "error"))
  func badTablesAreRefused(_ golden: GoldenCase) throws {
    if golden.facts["fails_at"]?.string == "snapshot" {
      #expect(throws: DeltaError.self) { try DeltaTable(at: golden.table) }
    } else {
      let snapshot = try DeltaTable(at: golden.table).snapshot()
      #expect(throws: (any Error).self) { try RowComparison().count(try DeltaReader.scanSQL(snapshot)) }
    }
  }

  @Test(arguments: GoldenCase.of(kind: "template"))
  func templatesAreRead(_ golden: GoldenCase) throws {
    let template = try #require(golden.facts["template"]?.object)
    let copy = try TemporaryDirectory("golden")
    let table = copy.file("delta")
    try FileManager.default.copyItem(atPath: golden.table, toPath: table)
    let log = "\(table)/\(template["file"]?.string ?? "")"
    let text = String(decoding: try #require(FileManager.default.contents(atPath: log)), as: UTF8.self)
    let folder = table + "/folder%26with%25special%20char"
    try Data(text.replacing(try #require(template["placeholder"]?.string), with: folder).utf8).write(
      to: URL(fileURLWithPath: log))
    let snapshot = try DeltaTable(at: table).snapshot()
    expectSame(try RowComparison().difference(snapshot, golden.folder + "/expected.parquet", golden))
  }

  @Test(arguments: GoldenCase.all.filter { $0.facts["writable"]?.bool == false })
  func someTablesMustNotBeWritten(_ golden: GoldenCase) throws {
    let table = try DeltaTable(at: golden.table)
    #expect(throws: DeltaError.self) { try table.append([]) }
  }

  private func expectSame(_ difference: String?, at location: SourceLocation = #_sourceLocation) {
    #expect(difference == nil, "\(difference ?? "")", sourceLocation: location)
  }

  private func expectFacts(_ golden: GoldenCase, _ snapshot: Snapshot) throws {
    let facts = golden.facts
    #expect(snapshot.version == facts["version"]?.int)
    #expect(Int64(snapshot.files.count) == facts["active_files"]?.int)
    #expect(Int64(snapshot.tableProtocol.minReaderVersion) == facts["min_reader"]?.int)
    #expect(Int64(snapshot.tableProtocol.minWriterVersion) == facts["min_writer"]?.int)
    #expect(
      snapshot.tableProtocol.readerFeatures?.sorted() == facts["reader_features"]?.array?.compactMap(\.string).sorted())
    #expect(snapshot.metadata.id == facts["table_id"]?.string)
    #expect(snapshot.partitionColumns == facts["partition_columns"]?.array?.compactMap(\.string))
    #expect(snapshot.schema.fields.map(\.nullable) == facts["nullable"]?.array?.compactMap(\.bool))
    let names = (facts["columns"]?.array ?? []).compactMap { $0.array?.first?.string }
    #expect(snapshot.schema.names == names)
    let configuration = (facts["configuration"]?.object?.members ?? []).map { ($0.key, $0.value.string ?? "") }
    #expect(snapshot.metadata.configuration == Dictionary(configuration) { first, _ in first })
    for (application, version) in facts["txns"]?.object?.members ?? [] {
      #expect(snapshot.transactions[application] == version.int)
    }
    if let domains = facts["domain_metadata"]?.object {
      #expect(Set(snapshot.domains.keys) == Set(domains.members.map(\.key)))
    }
  }
}
