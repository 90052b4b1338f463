internal import Foundation
internal import Kafka
internal import Pipelines
internal import Simulation
internal import Streaming

/// `lakeward simulate`
enum SimulateCommand: Command {
  static let name = "simulate"
  static let summary = "make a pipeline's records: realistic, seeded, with faults on request"
  static let help = """
    usage: lakeward simulate PIPELINE [--rate N | --count N] [--patients N] [--seed N] [--faults] [--to TARGET]

    Writes records of simulated patients to the pipeline's landing directory, another directory, or a Kafka topic. With
    --rate the records are measured now and sent at that rate until Ctrl-C (or --count); without it --count records
    are written at once, measured a millisecond apart from --start on, the same bytes for the same seed.
    --faults breaks 3 % of the records: broken JSON, wrong types, missing fields, NaN, values out of limits, invalid
    UTF-8, late records, duplicates, unknown fields. The counts of each are printed as JSON at the end.

    examples:
      lakeward simulate illness --rate 2000 --faults
      lakeward simulate illness --count 1000000 --to /tmp/landing
      lakeward simulate illness --rate 500 --to kafka://localhost:9092/patient_data
    """
  static let options = [
    Option("rate", "N", "records per second, measured now (default with no --count: 1000)"),
    Option("count", "N", "stop after this many records"),
    Option("patients", "N", "how many patients (default 10000)"),
    Option("seed", "N", "the same seed gives the same records (default 42)"),
    Option("faults", nil, "break 3 % of the records"),
    Option("growing", nil, "write files that grow instead of whole ones"),
    Option("start", "TIME", "first event time without --rate (default 2026-01-01T00:00:00Z)"),
    Option("to", "TARGET", "a directory, or kafka://HOST:PORT/TOPIC (default the pipeline's landing directory)"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    guard let name = arguments.positionals.first, arguments.positionals.count == 1 else {
      throw UsageError("lakeward simulate: name one pipeline, such as: lakeward simulate illness")
    }
    let workspace = try Workspace(arguments)
    let pipeline = try workspace.pipeline(name)
    guard name == "illness" else {
      throw CommandFailure("there is no simulator for the pipeline \(name) (there is one for: illness)")
    }
    let count = try arguments.integer("count", minimum: 1)
    let rate = try arguments.number("rate", minimum: 0.001) ?? (count == nil ? 1_000 : nil)
    let simulator = IllnessRecordSimulator(
      seed: UInt64(try arguments.integer("seed") ?? 42),
      patients: try arguments.integer("patients", minimum: 1) ?? 10_000,
      faults: arguments.has("faults") ? .mixed : nil)
    var landing = pipeline.source.landing.map { workspace.lake.resolve($0.path) }
    if let folder = arguments.text("to") { landing = folder }
    guard let place = landing else { throw StreamingError.noSource(pipeline: name) }
    let feed = RecordFeed(
      simulator: simulator,
      target: try target(place, growing: arguments.has("growing") || rate != nil, seed: arguments.text("seed")))
    let stop = StopSignal()
    let signals = StopOnSignals(stop)
    defer { signals.cancel() }
    try feed.run(rate: rate, count: count, eventTime: try eventTime(arguments, rate: rate), stop: stop) { sent in
      if Console.isTerminal { Console.writeRaw("\r\(Console.grouped(sent)) records\u{1B}[K") }
    }
    if Console.isTerminal { Console.writeRaw("\r\u{1B}[K") }
    Console.write(feed.simulator.truth.json)
    return 0
  }

  private static func eventTime(_ arguments: Arguments, rate: Double?) throws -> RecordFeed.EventTime {
    if rate != nil { return .live }
    let text = arguments.text("start") ?? "2026-01-01T00:00:00Z"
    guard let date = try? Date(text, strategy: .iso8601) else {
      throw UsageError("--start \(text): give an instant such as 2026-01-01T00:00:00Z")
    }
    return .from(Int64(date.timeIntervalSince1970 * 1e6))
  }

  private static func target(_ place: String, growing: Bool, seed: String?) throws -> RecordFeed.Target {
    guard place.hasPrefix("kafka://") else {
      return .landing(try LandingWriter(folder: place, delivery: growing ? .growing : .renamed))
    }
    let parts = place.dropFirst("kafka://".count).split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
      throw UsageError("--to \(place): write kafka://HOST:PORT/TOPIC")
    }
    let configuration = KafkaConfiguration(brokers: String(parts[0]))
    try createTopicIfMissing(String(parts[1]), configuration)
    return .kafka(try KafkaProducer(configuration), topic: String(parts[1]))
  }

  private static func createTopicIfMissing(_ topic: String, _ configuration: KafkaConfiguration) throws {
    let admin = try KafkaAdmin(configuration)
    guard try !admin.topics().contains(where: { $0.name == topic }) else { return }
    do {
      try admin.createTopic(topic, partitions: 4)
      Console.warn("created the topic \(topic) with 4 partitions")
    } catch {
      // Unless somebody else was faster.
      guard case .topicExists = error.reason else { throw error }
    }
  }
}
