import Foundation
import Pipelines
import Testing

/// Each folder of `Tests/Goldens/pipelines` is a definition with `expected.txt`: every problem, or what was read.
/// Run with `LAKEWARD_REGENERATE=1` to write the expectations anew; read the difference before committing it.
@Suite struct DefinitionGoldenTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Goldens/pipelines")

  static let cases = try? FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()

  @Test func casesExist() { #expect((Self.cases ?? []).count > 10) }

  @Test(arguments: cases ?? []) func reads(name: String) throws {
    let folder = Self.folder.appending(path: name)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
      .filter { $0 != "expected.txt" }
      .map { Pipeline.File(name: $0, text: try String(contentsOf: folder.appending(path: $0), encoding: .utf8)) }
    let result = Self.outcome(name, files)
    let expected = folder.appending(path: "expected.txt")
    if ProcessInfo.processInfo.environment["LAKEWARD_REGENERATE"] == "1" {
      try result.write(to: expected, atomically: true, encoding: .utf8)
    }
    #expect(result == (try? String(contentsOf: expected, encoding: .utf8)))
  }

  private static func outcome(_ name: String, _ files: [Pipeline.File]) -> String {
    do throws(DefinitionError) {
      return describe(try Pipeline(folder: name, files: files))
    } catch {
      return error.description + "\n"
    }
  }

  private static func describe(_ pipeline: Pipeline) -> String {
    var lines = ["pipeline \(pipeline.name): \(pipeline.summary ?? "-")"]
    let trigger = pipeline.trigger
    lines.append("trigger \(trigger.intervalSeconds) s, \(trigger.maxRecords) records, \(trigger.maxBytes) bytes")
    lines += (pipeline.source?.fields ?? []).map {
      "field \($0.name) <- \($0.field): \($0.type.sqlName)\($0.isRequired ? " required" : "") \($0.unit ?? "-")"
    }
    for table in pipeline.tables {
      lines.append("\(table.kind) \(table.name) at \(table.location)")
      lines.append("  columns \(table.columns?.joined(separator: ", ") ?? "?")")
      lines.append("  streams \(table.streamInputs), whole \(table.batchInputs)")
      lines.append(
        "  partitioned \(table.partitionedBy), clustered \(table.clusteredBy), comment \(table.comment ?? "-")")
      if table.kind == .materialized {
        lines.append("  refreshed every \(table.refresh.everySeconds.map { "\($0) s" } ?? "time it is asked for")")
      }
      lines += table.properties.sorted { $0.key < $1.key }.map { "  property \($0.key) = \($0.value)" }
      lines += table.expectations.map {
        "  expects \($0.name): \($0.expression), else \($0.action) (\($0.summary ?? "-"))"
      }
      if let rule = table.deduplicate {
        lines.append("  deduplicates by \(rule.keys) within \(rule.withinSeconds) s of \(rule.eventTime)")
      }
    }
    if let time = pipeline.eventTime {
      let lateness = time.allowedLatenessSeconds.map { "\($0) s" } ?? "any"
      let tolerance = time.futureToleranceSeconds.map { "\($0) s" } ?? "any"
      lines.append("event time \(time.column), late by \(lateness) into \(time.late), ahead by \(tolerance)")
    }
    lines += pipeline.recents.map {
      "recent \($0.name): \($0.columns) of the last \($0.rows) of \($0.table) by \($0.keys) within \($0.withinSeconds) s"
        + " of \($0.orderBy)\($0.includesCurrent ? " and its own" : "")"
    }
    let catalogue = pipeline.catalogue
    lines += catalogue.shared.sorted { $0.key < $1.key }.map { "column \($0.key): \($0.value.phi?.rawValue ?? "-")" }
    for (table, entries) in catalogue.tables.sorted(by: { $0.key < $1.key }) {
      lines += entries.sorted { $0.key < $1.key }.map { "column \(table).\($0.key): \($0.value.phi?.rawValue ?? "-")" }
    }
    lines += pipeline.warnings.map { "warning \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }
}
