internal import Foundation
internal import Kafka
internal import Models
internal import Pipelines
internal import Streaming

/// `lakeward check`
enum CheckCommand: Command {
  static let name = "check"
  static let summary = "read the configuration and every pipeline, and say what is wrong"
  static let help = """
    usage: lakeward check [PIPELINE…] [--brokers HOST:PORT,…]

    Reads lakeward.yml and the pipelines' YAML and SQL without running anything. Every problem is one line
    FILE:LINE:COLUMN: what is wrong; what to do. Then it looks whether the lake can be written, brokers answer and
    models are live. Exit code 1 if anything is wrong.

    examples:
      lakeward check
      lakeward check illness --brokers localhost:9092
    """
  static let options = [Option("brokers", "LIST", "Kafka bootstrap servers to look for")]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let workspace = try Workspace(arguments)
    var problems = 0
    func report(_ name: String, _ good: String, _ body: () throws -> Void) {
      do {
        try body()
        Console.write("ok      \(name): \(good)")
      } catch {
        problems += 1
        Console.write("PROBLEM \(name): \(error)")
      }
    }
    report("lake", "\(workspace.lake.root) can be written") { try workspace.lake.prepare() }
    let names = arguments.positionals.isEmpty ? try workspace.pipelineNames() : arguments.positionals
    for name in names {
      report(name, "the definition is sound") {
        let pipeline = try workspace.pipeline(name)
        try CheckAlerts.policies(of: pipeline, workspace)
        for warning in pipeline.warnings { Console.write("warning \(warning)") }
        for note in try workspace.notesOnViews(of: pipeline) { Console.write("warning \(note)") }
        let newest = try NewestRecords.unknownFields(
          of: pipeline, lake: workspace.lake, connection: workspace.engine().connect())
        for field in newest {
          let stream = pipeline.source?.stream ?? name
          Console.write("warning \(name): \(Notice.unknownField(stream: stream, field))")
        }
        for model in pipeline.models
        where try !model.isOptional && workspace.registry.liveVersion(of: model.name) == nil {
          throw StreamingError.noLiveModel(name: model.name, pipeline: name)
        }
      }
    }
    if workspace.configuration.notifiers != nil || workspace.configuration.alerts != nil {
      report("notifiers", "they can be used") { try CheckAlerts.notifiers(workspace) }
    }
    if workspace.configuration.schedule != nil {
      report("schedule", "every job can run") { _ = try workspace.scheduledJobs() }
    }
    if let brokers = arguments.text("brokers") ?? workspace.configuration.brokers {
      report("kafka", "\(brokers) answers") {
        let admin = try KafkaAdmin(
          KafkaConfiguration(
            brokers: brokers, properties: workspace.configuration.kafkaProperties, connectTimeout: .seconds(5)))
        _ = try admin.topics()
      }
    }
    if let broker = workspace.configuration.mqtt {
      report("mqtt", "\(broker.host):\(broker.port) answers") { try broker.requireAnswer() }
    }
    return problems == 0 ? 0 : 1
  }
}
