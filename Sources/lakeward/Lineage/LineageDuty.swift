internal import DeltaLake
internal import DuckDB
internal import Foundation
internal import Lineage
internal import OpenLineage
internal import Pipelines
internal import Query
internal import Streaming
internal import Synchronization

/// Tells by OpenLineage what runs of this process make of which tables, if `lakeward.yml` says to whom. What is observed
/// is only counted; events are put together and sent on other threads.
final class LineageDuty: Sendable {
  private struct Run: Sendable {
    var run: FlowRun
    /// The table that it writes; nil for the run of the whole pipeline.
    var table: String?
    var pipeline: String
  }

  private let book: LineageBook
  private let sender: LineageSender
  private let runs = Mutex<[Run]>([])
  // Made in `init`, then only cancelled: safe from any thread.
  private nonisolated(unsafe) let timer: any DispatchSourceTimer

  /// nil if nobody is to be told.
  init?(_ workspace: Workspace, brokers: String? = nil) {
    guard let settings = workspace.configuration.openLineage else { return nil }
    let pipelines = workspace.readablePipelines
    guard let catalogue = try? workspace.catalogue() else { return nil }
    let lake = workspace.lake
    let models = Self.absolute(workspace.configuration.models)
    let brokers = brokers ?? workspace.configuration.brokers
    book = LineageBook(
      catalogue, pipelines,
      location: { $0.hasPrefix("model/") ? "\(models)/\($0.dropFirst(6))" : Self.absolute(lake.location(ofTable: $0)) },
      source: { pipeline in
        if let topic = pipeline.source?.kafka?.topic, let brokers {
          return DatasetPlace(topic: topic, brokers: brokers)
        }
        return pipeline.source?.landing.map { DatasetPlace(location: Self.absolute(lake.resolve($0.path))) }
      },
      stored: { name in
        guard let snapshot = try? lake.table(named: name).snapshot() else { return nil }
        return .init(
          version: snapshot.version, columns: snapshot.schema.fields.map { ($0.name, TableFacts.typeName($0.type)) })
      })
    let version = String(Lakeward.version.split(separator: " ").last ?? "")
    sender = LineageSender(settings, version: version) { Console.warn($0) }
    timer = DispatchSource.makeTimerSource(queue: .global(qos: .utility))
    timer.schedule(deadline: .now() + settings.intervalSeconds, repeating: settings.intervalSeconds)
    timer.setEventHandler { [weak self] in self?.tellNews() }
    timer.resume()
  }

  private static func absolute(_ path: String) -> String {
    path.hasPrefix("/") || path.contains("://")
      ? path : URL(fileURLWithPath: path).standardizedFileURL.path
  }

  private static var now: String { stamp(Date()) }

  private static func stamp(_ date: Date) -> String {
    InstantText.timestamp(microseconds: Int64(date.timeIntervalSince1970 * 1_000_000), suffix: "Z")
      .replacing(" ", with: "T")
  }

  // MARK: Streams

  /// Begins the runs of a pipeline: one for itself, and one for each table that its stream writes.
  func began(_ pipeline: Pipeline) {
    let whole = LineageJob(
      name: pipeline.name, processing: .streaming, summary: pipeline.summary, owner: pipeline.catalogue.owner)
    let parent = FlowRun(whole, id: RunIdentifier.make())
    let tables = pipeline.streamTableNames.filter { $0 != pipeline.source?.quarantineTable }
    let flows = tables.compactMap { name in
      book.flow(name).map {
        Run(
          run: .init($0.job, id: RunIdentifier.make(), parent: (parent.id, pipeline.name)), table: name,
          pipeline: pipeline.name)
      }
    }
    let new = [Run(run: parent, table: nil, pipeline: pipeline.name)] + flows
    runs.withLock { $0 += new }
    tell(.start) { $0.pipeline == pipeline.name }
  }

  /// Counts a micro-batch.
  func committed(_ report: BatchReport, of pipeline: Pipeline) {
    runs.withLock { runs in
      for index in runs.indices where runs[index].pipeline == pipeline.name {
        guard let table = runs[index].table else { continue }
        var figures = LineageFigures()
        figures.rowsRead = report.records
        figures.rowsWritten = report.rows[table] ?? 0
        if let written = report.written[table] {
          figures.filesWritten = Int64(written.files)
          figures.bytesWritten = written.bytes
        }
        figures.assertions = Self.assertions(report, pipeline.table(named: table))
        runs[index].run.add(figures)
      }
    }
  }

  private static func assertions(_ report: BatchReport, _ table: TableDefinition?) -> [LineageAssertion] {
    guard let table else { return [] }
    return report.expectations.filter { $0.table == table.name }.compactMap { count in
      table.expectations.first { $0.name == count.rule }.map {
        LineageAssertion(
          name: $0.name, condition: $0.expression, summary: $0.summary, isStrict: $0.action != .count,
          checked: count.checked, failed: count.failed)
      }
    }
  }

  /// Ends the runs of a pipeline.
  func ended(_ pipeline: Pipeline, _ error: (any Error)?) {
    tell(error == nil ? .complete : .fail, error: error.map { "\($0)" }) { $0.pipeline == pipeline.name }
    runs.withLock { $0.removeAll { $0.pipeline == pipeline.name } }
  }

  private func tellNews() { tell(.running) { $0.run.hasNews } }

  private func tell(_ kind: LineageEvent.Kind, error: String? = nil, _ isMeant: (Run) -> Bool) {
    let meant = runs.withLock { $0.filter(isMeant) }
    let flows = meant.map { $0.table.flatMap(book.flow) }
    let time = Self.now
    let events = runs.withLock { runs in
      zip(meant, flows).compactMap { run, flow -> LineageEvent? in
        guard let index = runs.firstIndex(where: { $0.run.id == run.run.id }) else { return nil }
        return runs[index].run.event(kind, at: time, flow: flow, error: error)
      }
    }
    sender.send(events)
  }

  // MARK: Jobs that end by themselves

  /// Tells of a view that was computed.
  func refreshed(_ report: ViewReport) {
    guard report.didWrite, let flow = book.flow(report.view) else { return }
    var figures = LineageFigures()
    figures.rowsWritten = report.rows
    tell(flow, seconds: report.seconds, figures)
  }

  /// Tells of a view that could not be computed.
  func failed(view: String, _ error: any Error) {
    guard let flow = book.flow(view) else { return }
    tell(flow, seconds: 0, LineageFigures(), error: "\(error)")
  }

  /// Tells of the tables that files were imported into.
  func imported(_ files: [(path: String, table: String, rows: Int)], seconds: Double) {
    for (table, parts) in Dictionary(grouping: files, by: \.table).sorted(by: { $0.key < $1.key }) {
      let job = LineageJob(name: "import.\(table)", processing: .batch, summary: "Files into the table \(table)")
      var figures = LineageFigures()
      figures.rowsWritten = Int64(parts.reduce(0) { $0 + $1.rows })
      let flow = LineageBook.Flow(
        job: job, inputs: parts.map { LineageDataset(DatasetPlace(location: Self.absolute($0.path))) },
        output: book.dataset(table) ?? book.table(table),
        columns: LineageNode(id: table, name: table, kind: .external))
      tell(flow, seconds: seconds, figures)
    }
  }

  /// Runs the training of a model and tells how it went.
  func training<Outcome>(_ model: String, _ body: () throws -> Outcome) throws -> Outcome {
    let begin = ContinuousClock.now
    func seconds() -> Double { (ContinuousClock.now - begin) / .seconds(1) }
    do {
      let outcome = try body()
      if let flow = book.flow("model/\(model)") { tell(flow, seconds: seconds(), LineageFigures()) }
      return outcome
    } catch {
      if let flow = book.flow("model/\(model)") {
        tell(flow, seconds: seconds(), LineageFigures(), error: "\(error)")
      }
      throw error
    }
  }

  private func tell(_ flow: LineageBook.Flow, seconds: Double, _ figures: LineageFigures, error: String? = nil) {
    var run = FlowRun(flow.job, id: RunIdentifier.make())
    let start = run.event(.start, at: Self.stamp(Date(timeIntervalSinceNow: -seconds)), flow: flow)
    run.add(figures)
    sender.send([start, run.event(error == nil ? .complete : .fail, at: Self.now, flow: flow, error: error)])
  }

  /// Sends what waits, for a few seconds at most.
  func finish() {
    timer.cancel()
    sender.close()
  }
}
