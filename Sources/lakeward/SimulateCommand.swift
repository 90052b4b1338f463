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
           lakeward simulate population [--patients N] [--years N] [--seed N] [--to DIR]

    Writes records of simulated patients to the pipeline's landing directory, another directory, or a Kafka topic. With
    --rate the records are measured now and sent at that rate until Ctrl-C (or --count); without it --count records
    are written at once, measured a millisecond (or --apart) apart from --start on, the same bytes for the same seed.
    --faults breaks 3 % of the records. The counts of each fault are printed as JSON at the end.

    illness: results of medical tests. Faults: broken JSON, wrong types, missing fields, NaN, values out of limits,
    invalid UTF-8, late records, duplicates, unknown fields.
    vitals: readings of wearable devices on wards, --patients beds taking turns. Faults: broken JSON, values out of
    limits, clocks that run ahead (only seen as such if the records are read when they are made: --rate, or
    --start now), late readings, duplicates, temperatures in degrees Fahrenheit, zeros for no signal. What happened to
    whom is written beside as _episodes.csv (deteriorations) and _movements.csv (admissions, transfers, discharges).
    risk, diabetes: measurements of patients with the faults of illness. What came of each record is written beside as
    _outcomes.csv, which lakeward models outcomes takes.
    population: people instead of records, as Synthea's eighteen CSV files for lakeward import. Readmissions, gaps in
    medication and outbreaks are planted; DIR/truth says which.

    examples:
      lakeward simulate illness --rate 2000 --faults
      lakeward simulate illness --count 1000000 --to /tmp/landing
      lakeward simulate illness --rate 500 --to kafka://localhost:9092/patient_data
      lakeward simulate vitals --rate 1000 --patients 500 --speed 60
      lakeward simulate vitals --count 86400 --patients 30 --apart 1     a day of readings, two a minute
      lakeward simulate population --patients 100000 --to /tmp/population
    """
  static let options = [
    Option("rate", "N", "records per second, measured now (default with no --count: 1000)"),
    Option("count", "N", "stop after this many records"),
    Option("patients", "N", "how many patients, or beds (default illness, population: 10000, others: 2000)"),
    Option("years", "N", "population: how far back it goes (default 5)"),
    Option("seed", "N", "the same seed gives the same records (default 42)"),
    Option("faults", nil, "break 3 % of the records"),
    Option("speed", "N", "vitals: how many hours bodies live in an hour (default 1)"),
    Option("growing", nil, "write files that grow instead of whole ones"),
    Option("apart", "SECONDS", "from one record to the next without --rate (default 0.001)"),
    Option("start", "TIME", "first event time without --rate (default 2026-01-01T00:00:00Z), or now"),
    Option("to", "TARGET", "a directory, or kafka://HOST:PORT/TOPIC (default: the landing directory; population-csv)"),
    Option("truth", "DIR", "where to write what happened (default the directory of the records; none with Kafka)"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    guard let name = arguments.positionals.first, arguments.positionals.count == 1 else {
      throw UsageError("lakeward simulate: name one pipeline, such as: lakeward simulate illness")
    }
    if name == "population" { return try SimulatePopulation.run(arguments) }
    let workspace = try Workspace(arguments)
    let pipeline = try workspace.pipeline(name)
    let seed = UInt64(try arguments.integer("seed") ?? 42)
    let patients = try arguments.integer("patients", minimum: 1)
    let hasFaults = arguments.has("faults")
    switch name {
    case "illness":
      try send(
        IllnessRecordSimulator(seed: seed, patients: patients ?? 10_000, faults: hasFaults ? .mixed : nil),
        of: pipeline, arguments, workspace)
    case "vitals":
      let speed = try arguments.number("speed", minimum: 0.001) ?? 1
      try send(
        VitalsSimulator(seed: seed, beds: patients ?? 2_000, speed: speed, faults: hasFaults ? .mixed : nil),
        of: pipeline, arguments, workspace)
    case "risk":
      try send(
        RiskSimulator(seed: seed, patients: patients ?? 2_000, faults: hasFaults ? .mixed : nil), of: pipeline,
        arguments, workspace)
    case "diabetes":
      try send(
        DiabetesSimulator(seed: seed, patients: patients ?? 2_000, faults: hasFaults ? .mixed : nil), of: pipeline,
        arguments, workspace)
    default:
      throw CommandFailure(
        "there is no simulator for the pipeline \(name) (there are: illness, vitals, risk, diabetes, population)")
    }
    return 0
  }

  /// Sends the records where the options say, then prints and writes the truth about them.
  private static func send(
    _ simulator: some RecordSimulator, of pipeline: Pipeline, _ arguments: Arguments, _ workspace: Workspace
  ) throws {
    let count = try arguments.integer("count", minimum: 1)
    let rate = try arguments.number("rate", minimum: 0.001) ?? (count == nil ? 1_000 : nil)
    let time = try eventTime(arguments, rate: rate)
    let landing = pipeline.source?.landing.map { workspace.lake.resolve($0.path) }
    guard let place = arguments.text("to") ?? landing else { throw StreamingError.noSource(pipeline: pipeline.name) }
    let feed = RecordFeed(
      simulator: simulator,
      target: try target(
        place, growing: arguments.has("growing") || rate != nil, properties: workspace.configuration.kafkaProperties))
    let stop = StopSignal()
    let signals = StopOnSignals(stop)
    defer { signals.cancel() }
    try feed.run(rate: rate, count: count, eventTime: time, stop: stop) { sent in
      if Console.isTerminal { Console.writeRaw("\r\(Console.grouped(sent)) records\u{1B}[K") }
    }
    if Console.isTerminal { Console.writeRaw("\r\u{1B}[K") }
    Console.write(feed.simulator.truth.json)
    let isKafka = place.hasPrefix(kafkaScheme)
    if let folder = arguments.text("truth") ?? (isKafka ? nil : place) { try feed.simulator.truth.write(to: folder) }
  }

  private static func eventTime(_ arguments: Arguments, rate: Double?) throws -> FeedTime {
    if rate != nil { return .live }
    let text = arguments.text("start") ?? "2026-01-01T00:00:00Z"
    guard let date = text == "now" ? Date() : try? Date(text, strategy: .iso8601) else {
      throw UsageError("--start \(text): give an instant such as 2026-01-01T00:00:00Z, or now")
    }
    let apart = try arguments.number("apart", minimum: 0.000_001) ?? 0.001
    return .from(Int64(date.timeIntervalSince1970 * 1e6), step: max(1, Int64(apart * 1e6)))
  }

  private static let kafkaScheme = "kafka://"

  private static func target(_ place: String, growing: Bool, properties: [String: String]) throws -> FeedTarget {
    guard place.hasPrefix(kafkaScheme) else {
      return .landing(try LandingWriter(folder: place, delivery: growing ? .growing : .renamed))
    }
    let parts = place.dropFirst(kafkaScheme.count).split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
      throw UsageError("--to \(place): write kafka://HOST:PORT/TOPIC")
    }
    let configuration = KafkaConfiguration(brokers: String(parts[0]), properties: properties)
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
