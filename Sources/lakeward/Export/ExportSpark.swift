internal import Foundation
internal import Models
internal import Pipelines
internal import SparkExport
internal import Streaming

/// `lakeward export spark`
enum ExportSpark {
  static func run(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let words = try Subcommand.require(words, ["PIPELINE", "DIR"], command: "export spark")
    let workspace = try Workspace(arguments)
    let pipeline = try workspace.pipeline(words[0])
    let manager = FileManager.default
    guard !manager.fileExists(atPath: words[1]) else {
      throw CommandFailure("\(words[1]) is there already; name a new folder")
    }
    let training = Set(pipeline.models.flatMap(\.trainingFiles))
    let names = try manager.contentsOfDirectory(atPath: pipeline.folder).sorted()
    let sql = try names.filter { $0.hasSuffix(".sql") && !training.contains($0) }.map {
      Pipeline.File(name: $0, text: try String(contentsOfFile: "\(pipeline.folder)/\($0)", encoding: .utf8))
    }
    let models = try pipeline.models.map { try live($0, of: pipeline, workspace) }
    let landing = pipeline.source?.landing.map { absolute(workspace.lake.resolve($0.path)) }
    let read = pipeline.tables.flatMap(\.inputs).filter { pipeline.externalTables.contains($0) }
    let tables = Dictionary(read.map { ($0, absolute(workspace.lake.location(ofTable: $0))) }) { first, _ in first }
    let project = try SparkProject(pipeline, sql: sql, models: models.map(\.model), landing: landing, tables: tables)
    for file in project.files {
      let path = "\(words[1])/\(file.name)"
      try manager.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try file.text.write(toFile: path, atomically: true, encoding: .utf8)
    }
    for (model, file) in models {
      try manager.createDirectory(atPath: "\(words[1])/models", withIntermediateDirectories: true)
      try manager.copyItem(atPath: file, toPath: "\(words[1])/models/\(model.name).ubj")
    }
    Console.write("\(pipeline.name): \(project.files.count + models.count) files in \(words[1])")
    return 0
  }

  private static func live(
    _ definition: ModelDefinition, of pipeline: Pipeline, _ workspace: Workspace
  ) throws -> (model: SparkProject.Model, file: String) {
    guard let entry = try workspace.registry.list().first(where: { $0.card.name == definition.name && $0.isLive })
    else {
      throw CommandFailure(
        "no version of the model \(definition.name) is live, which \(pipeline.name) asks; run: lakeward train \(definition.name)"
      )
    }
    let file = "\(entry.directory)/model.ubj"
    guard FileManager.default.fileExists(atPath: file), entry.card.calibration == nil else {
      throw CommandFailure(
        "the model \(definition.name) (\(entry.card.algorithm.rawValue)) is not one of trees alone, without calibration, which is what Spark can load"
      )
    }
    return (
      SparkProject.Model(
        name: definition.name, version: entry.card.version, features: entry.card.features,
        classes: entry.card.classes ?? [], threshold: entry.card.threshold ?? 0.5), file
    )
  }

  private static func absolute(_ path: String) -> String {
    path.contains("://") ? path : URL(fileURLWithPath: path).standardizedFileURL.path
  }
}
