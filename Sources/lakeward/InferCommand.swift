internal import DuckDB
internal import Foundation
internal import Kafka
internal import Pipelines
internal import Streaming

/// `lakeward infer`
enum InferCommand: Command {
  static let name = "infer"
  static let summary = "look at records and write a pipeline to begin with"
  static let help = """
    usage: lakeward infer DIR|FILE|kafka://HOST:PORT/TOPIC [--name NAME] [--records N]

    Looks at the first records of a folder, a file (NDJSON, CSV, Parquet, gzip) or a topic, and writes a folder with
    pipeline.yml and silver.sql that `lakeward check` accepts and `lakeward run` runs. Types and required fields are
    guesses from the sample; units cannot be seen in the data. Nothing that exists is overwritten.

    examples:
      lakeward infer exports/monitors --name monitors
      lakeward infer readings.csv
      lakeward infer kafka://localhost:9092/patient-vitals
    """
  static let options = [
    Option("name", "NAME", "the pipeline's name (default: made from the folder's, file's or topic's)"),
    Option("records", "N", "records to look at (default 10000)"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    guard let place = arguments.positionals.first, arguments.positionals.count == 1 else {
      throw UsageError("lakeward infer: name one folder, file or topic, such as: lakeward infer exports/monitors")
    }
    let workspace = try Workspace(arguments)
    let limit = try arguments.integer("records", minimum: 1) ?? 10_000
    let found = try sample(place, limit: limit, workspace)
    guard found.sampler.records > 0 else {
      throw CommandFailure(
        "\(place): no record could be read (\(found.sampler.others) are no JSON objects); see docs/sources.md for what is read"
      )
    }
    let name = try pipelineName(arguments.text("name"), place)
    let folder = "\(workspace.configuration.pipelines)/\(name)"
    guard !FileManager.default.fileExists(atPath: folder) else {
      throw CommandFailure("\(folder) is there already; give another --name, or remove it")
    }
    let starter = try StarterPipeline(
      name: name, input: found.input, sample: found.sampler, reserved: try reservedWords())
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for file in starter.files {
      try file.text.write(toFile: "\(folder)/\(file.name)", atomically: true, encoding: .utf8)
    }
    Console.write("\(folder): written from \(Console.grouped(Int64(found.sampler.records))) records")
    for remark in starter.remarks + found.remarks { Console.write("  \(remark)") }
    Console.write("next: lakeward check \(name) && lakeward run \(name) --once")
    return 0
  }

  private struct Found {
    var sampler: RecordSampler
    var input: StarterPipeline.Input
    var remarks: [String] = []
  }

  private static func sample(_ place: String, limit: Int, _ workspace: Workspace) throws -> Found {
    let scheme = "kafka://"
    if place.hasPrefix(scheme) {
      let parts = place.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
        throw UsageError("lakeward infer: write kafka://HOST:PORT/TOPIC")
      }
      let topic = String(parts[1])
      let configuration = KafkaConfiguration(
        brokers: String(parts[0]), properties: workspace.configuration.kafkaProperties)
      let source = KafkaSource(topic: topic, configuration: configuration, group: "lakeward-infer")
      var found = Found(sampler: RecordSampler(fromText: false), input: .kafka(topic: topic))
      try read(source, limit: limit, into: &found.sampler)
      if workspace.configuration.brokers == nil {
        found.remarks.append("name the brokers in lakeward.yml, or run with --brokers \(parts[0])")
      }
      return found
    }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: place, isDirectory: &isFolder) else {
      throw CommandFailure("\(place): there is no such folder or file")
    }
    return try sampleFiles(place, isFolder: isFolder.boolValue, limit: limit, workspace)
  }

  /// Reads files as the landing source does, with its bookkeeping in a folder that is thrown away.
  private static func sampleFiles(_ place: String, isFolder: Bool, limit: Int, _ workspace: Workspace) throws -> Found {
    let path = URL(fileURLWithPath: place).standardizedFileURL.path
    let scratch = "\(workspace.lake.temporaryFolder)/infer-\(ProcessInfo.processInfo.processIdentifier)"
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    try FileManager.default.createDirectory(atPath: scratch + "/files", withIntermediateDirectories: true)
    if !isFolder {
      let link = "\(scratch)/files/\((path as NSString).lastPathComponent)"
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
    }
    var options = LandingSource.Options()
    options.rules.settle = .zero
    let source = try LandingSource(
      directory: isFolder ? path : scratch + "/files", splits: scratch + "/splits", options: options)
    let name = isFolder ? try firstFile(path) : path
    let isText = LandingFormat.of(name).format == .csv
    let landing = isFolder ? path : "landing/\(try pipelineName(nil, place))"
    var found = Found(sampler: RecordSampler(fromText: isText), input: .landing(path: landing))
    try read(source, limit: limit, into: &found.sampler)
    if !isFolder { found.remarks.append("the pipeline reads \(workspace.lake.resolve(landing)); put files there") }
    return found
  }

  private static func firstFile(_ folder: String) throws -> String {
    let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return names.filter { !$0.hasPrefix(".") && !$0.hasPrefix("_") }.sorted().first { $0.contains(".") } ?? ""
  }

  private static func read(_ source: any RecordSource, limit: Int, into sampler: inout RecordSampler) throws {
    defer { source.close() }
    try source.start(from: [:])
    let end = ContinuousClock.now + .seconds(30)
    while sampler.records + sampler.others < limit, .now < end {
      let rest = limit - sampler.records - sampler.others
      guard let batch = try source.next(limit: BatchLimit(records: rest), deadline: .now + .milliseconds(500)) else {
        if try source.isExhausted() { return }
        continue
      }
      for index in 0..<batch.records.count { sampler.add(batch.records[index].raw ?? "") }
    }
  }

  private static func pipelineName(_ given: String?, _ place: String) throws -> String {
    let last = place.split(separator: "/").last.map(String.init) ?? place
    let base = last.split(separator: ".").first.map(String.init) ?? last
    let name = given ?? RecordSampler.plainName(base)
    guard name == RecordSampler.plainName(name) else {
      throw UsageError("--name \(name): use lower-case letters, digits and underscores, beginning with a letter")
    }
    return name
  }

  private static func reservedWords() throws -> Set<String> {
    let rows = try Database().connect().query(
      "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'"
    ).rows()
    return Set(rows.compactMap { if case .string(let word) = $0[0] { word } else { nil } })
  }
}
