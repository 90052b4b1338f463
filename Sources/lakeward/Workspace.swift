internal import DuckDB
internal import Foundation
internal import Kafka
internal import Models
internal import Pipelines
internal import Streaming

/// What a command works on: the configuration, the lake, its pipelines and models.
struct Workspace {
  let configuration: LakeConfiguration
  let lake: Lake
  let registry: ModelRegistry

  /// Reads the configuration; options on the command line win.
  init(_ arguments: Arguments) throws {
    let file = arguments.text("config")
    if let file, !FileManager.default.fileExists(atPath: file) {
      throw CommandFailure("\(file): there is no such configuration file")
    }
    var configuration = try LakeConfiguration.load(file: file)
    if let folder = arguments.text("lake") {
      if configuration.models == configuration.lake + "/models" { configuration.models = folder + "/models" }
      configuration.lake = folder
    }
    self.init(configuration)
  }

  init(_ configuration: LakeConfiguration) {
    self.configuration = configuration
    lake = Lake(root: configuration.lake, places: configuration.tablePlaces)
    registry = ModelRegistry(directory: configuration.models)
  }

  /// A query engine with the configured limits.
  /// - Parameter runsPipelines: Whether it is for micro-batches rather than for what people ask.
  func engine(runsPipelines: Bool = false) throws -> QueryEngine {
    try QueryEngine(
      lake: lake, threads: configuration.threads, memoryLimitBytes: configuration.memoryLimitBytes,
      runsPipelines: runsPipelines)
  }

  /// Names of the pipelines that have a folder, sorted.
  func pipelineNames() throws -> [String] {
    let manager = FileManager.default
    guard let names = try? manager.contentsOfDirectory(atPath: configuration.pipelines) else {
      throw CommandFailure(
        "\(configuration.pipelines): there is no folder of pipelines; run lakeward where it is, or set pipelines in lakeward.yml"
      )
    }
    return names.filter {
      manager.fileExists(atPath: "\(configuration.pipelines)/\($0)/\(Pipeline.definitionFile)")
    }.sorted()
  }

  /// Reads and checks a pipeline by name.
  func pipeline(_ name: String) throws -> Pipeline {
    let names = try pipelineNames()
    guard names.contains(name) else {
      let guess = nearest(to: name, among: names).map { "; did you mean \($0)?" } ?? ""
      throw CommandFailure(
        "there is no pipeline \(name) in \(configuration.pipelines)\(guess) (there are: \(names.joined(separator: ", ")))"
      )
    }
    return try Pipeline.load(folder: "\(configuration.pipelines)/\(name)")
  }

  /// The pipelines that were named on the command line, or all.
  func pipelines(_ names: [String]) throws -> [Pipeline] {
    try (names.isEmpty ? pipelineNames() : names).map(pipeline)
  }

  /// The pipelines whose definitions can be read.
  var readablePipelines: [Pipeline] { ((try? pipelineNames()) ?? []).compactMap { try? pipeline($0) } }

  /// The pipeline and definition of a model by name.
  func model(_ name: String) throws -> (pipeline: Pipeline, model: ModelDefinition) {
    var known: [String] = []
    for pipeline in try pipelines([]) {
      if let model = pipeline.models.first(where: { $0.name == name }) { return (pipeline, model) }
      known += pipeline.models.map(\.name)
    }
    let guess = nearest(to: name, among: known).map { "; did you mean \($0)?" } ?? ""
    throw CommandFailure("no pipeline defines a model \(name)\(guess) (there are: \(known.joined(separator: ", ")))")
  }

  /// Where the pipeline's records come from.
  func inputs(_ pipeline: Pipeline, brokers: String?) throws -> PipelineInputs {
    try PipelineInputs(pipeline: pipeline, lake: lake, configuration: configuration, brokers: brokers)
  }

  /// The pipeline's source: Kafka where brokers are known and the pipeline has a topic, else its landing directory.
  ///
  /// - Parameter sharing: Whether a topic's partitions are shared with other processes.
  func source(_ pipeline: Pipeline, brokers: String?, sharing: Bool = false) throws -> any RecordSource {
    try inputs(pipeline, brokers: brokers).source(sharing: sharing)
  }
}
