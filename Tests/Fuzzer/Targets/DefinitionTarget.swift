import Alerts
import Dashboards
import Foundation
import Pipelines

/// The files of a pipeline, the lake's configuration, alert policies and pages: read whole, or refused with file, line, and
/// what to do.
final class DefinitionTarget: FuzzTarget {
  private static let yamlWords = [
    "? ", "- ", "&a ", "*a", "<<: ", "|\n  ", "!!int ", "---\n", "...\n", "%YAML 1.1\n", "\t", "name:", "type:", "{",
    "[",
  ]
  private static let sqlWords = [
    "-- ", "/*", "*/", "--\n", "''", "\"\"", "$$", ";", "STREAM(", "CREATE STREAMING TABLE ", "AS ", "WITH ", "OVER (",
    "predict_illness(", "CONSTRAINT ", "PARTITIONED BY (", "REFRESH ", "CASE WHEN ", "::", "e'\\",
  ]

  let seeds: [[UInt8]]
  let words: [String]
  private let isYAML: Bool
  /// The files of two pipelines; each input takes the place of their definition or of the SQL of all their tables.
  private let pipelines: [(name: String, files: [Pipeline.File])]
  private let vitals: Pipeline

  init(mutates ending: String) throws {
    let isYAML = ending == "yml"
    self.isYAML = isYAML
    words = isYAML ? Self.yamlWords : Self.sqlWords
    let root = try Self.root()
    func text(_ path: String) throws -> String { try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8) }
    func names(_ folder: String) throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)").sorted()
    }
    let pipelines = try ["illness", "vitals"].map { name in
      let files = try names("pipelines/\(name)").filter { $0 == Pipeline.definitionFile || $0.hasSuffix(".sql") }
      return (name: name, files: try files.map { Pipeline.File(name: $0, text: try text("pipelines/\(name)/\($0)")) })
    }
    self.pipelines = pipelines
    vitals = try Pipeline(folder: "vitals", files: pipelines[1].files)
    var texts = pipelines.map { pipeline in
      let wanted = isYAML ? Self.isDefinition : Self.isTables
      return pipeline.files.filter(wanted).map(\.text).joined(separator: ";\n")
    }
    if isYAML {
      texts.append(try text("pipelines/vitals/alerts.yml"))
      for name in try names("dashboards") where name.hasSuffix(".yml") { texts.append(try text("dashboards/\(name)")) }
    }
    seeds = texts.map { Array($0.utf8) }
  }

  private static func isDefinition(_ file: Pipeline.File) -> Bool { file.name == Pipeline.definitionFile }

  private static func isTables(_ file: Pipeline.File) -> Bool {
    !isDefinition(file) && !file.name.hasSuffix("training.sql") && !file.name.hasSuffix("definition.sql")
  }

  private static func root() throws -> String {
    var folder = URL(fileURLWithPath: #filePath)
    while folder.path != "/" {
      folder.deleteLastPathComponent()
      if FileManager.default.fileExists(atPath: folder.path + "/Package.swift") { return folder.path }
    }
    throw Violation("the package is not where it was built")
  }

  func read(_ inputs: [[UInt8]]) throws -> Int {
    try inputs.reduce(0) { sum, input in
      let text = String(decoding: input, as: UTF8.self)
      // Each reader must refuse what is not its own.
      let readers = isYAML ? yaml(text) : sql(text)
      return try sum + (readers.reduce(0) { try $0 + isRefused($1) } == readers.count ? 1 : 0)
    }
  }

  private func yaml(_ text: String) -> [() throws -> Void] {
    // The definition of no pipeline is tried with the files of the second.
    let pipeline = pipelines.first { text.contains("pipeline: \($0.name)") } ?? pipelines[1]
    let others = pipeline.files.filter { !Self.isDefinition($0) }
    return [
      { _ = try Pipeline(folder: "p", files: others + [.init(name: Pipeline.definitionFile, text: text)]) },
      { _ = try LakeConfiguration(yaml: text, file: "lakeward.yml") },
      { _ = try PolicyFile.policies(yaml: text, file: "alerts.yml", pipeline: self.vitals) },
      { _ = try Page(yaml: text, file: "page.yml", name: "page") },
    ]
  }

  private func sql(_ text: String) -> [() throws -> Void] {
    pipelines.map { name, files in
      {
        let others = files.filter { !Self.isTables($0) }
        _ = try Pipeline(folder: name, files: others + [.init(name: "tables.sql", text: text)])
      }
    }
  }

  /// 1 if the reader refuses.
  private func isRefused(_ reader: () throws -> Void) throws -> Int {
    do {
      try reader()
      return 0
    } catch let error as DefinitionError {
      guard !error.problems.isEmpty else { throw Violation("refused without a reason") }
      for problem in error.problems where problem.location.line < 1 || problem.message.isEmpty {
        throw Violation("a problem has no place or no words")
      }
      return 1
    }
  }
}
