internal import Alerts
internal import DeltaLake
internal import DuckDB
internal import Foundation
internal import HTTP
internal import JSON
internal import Pipelines
internal import Query
internal import Streaming
internal import Synchronization

/// Watches the lake and tells listeners what is new in it, whichever process wrote it: commits, readings, alerts.
final class LakeFollower: Sendable {
  private struct State {
    var tables: [String: DeltaTable] = [:]
    var versions: [String: Int64] = [:]
    /// The newest event time that was told, by table, microseconds since 1970.
    var times: [String: Int64] = [:]
    var alerts: Int64?
  }

  /// How often the lake is looked at while somebody listens.
  private static let pause = 0.2
  /// The most readings of one event.
  private static let readings = 500

  private let context: ServerContext
  private let stopped = Atomic(false)
  private let done = DispatchSemaphore(value: 0)

  init(_ context: ServerContext) {
    self.context = context
    let thread = Thread { [self] in
      var state = State()
      look(&state, tells: false)
      while !stopped.load(ordering: .relaxed) {
        Thread.sleep(forTimeInterval: Self.pause)
        guard context.events.clientCount > 0 else {
          // Whoever comes later hears of what comes later.
          state.versions = [:]
          continue
        }
        let isFirst = state.versions.isEmpty
        look(&state, tells: !isFirst)
      }
      done.signal()
    }
    thread.name = "lake follower"
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// Ends the watch.
  func stop() {
    stopped.store(true, ordering: .relaxed)
    done.wait()
  }

  private func look(_ state: inout State, tells: Bool) {
    guard let names = try? context.lake.tableNames() else { return }
    var changed: Set<String> = []
    for name in names {
      if state.tables[name] == nil { state.tables[name] = try? context.lake.table(named: name) }
      guard let version = try? state.tables[name]?.snapshot().version else { continue }
      let before = state.versions.updateValue(version, forKey: name)
      guard before != version else { continue }
      changed.insert(name)
      if tells { tellCommit(name, version) }
    }
    let tables = changed.isEmpty ? [] : (try? PatientTables(context).tables) ?? []
    for table in tables where changed.contains(table.name) { tellReadings(table, &state, tells: tells) }
    tellAlerts(&state, tells: tells)
  }

  private func tellCommit(_ table: String, _ version: Int64) {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("table", table)
    writer.member("version", version)
    writer.endObject()
    context.events.publish("commit", writer.bytes)
  }

  /// The newest reading of each patient since the last look; files without anything newer are not read.
  private func tellReadings(_ table: PatientTables.Table, _ state: inout State, tells: Bool) {
    guard let snapshot = try? state.tables[table.name]?.snapshot() else { return }
    let last = state.times[table.name]
    let filters = last.map { [ColumnFilter("event_time", .greaterOrEqual(.timestamp(microseconds: $0)))] } ?? []
    guard let scan = try? DeltaReader.scanSQL(snapshot, filters: filters) else { return }
    let since = last.map { "WHERE event_time > make_timestamptz(\($0))" } ?? ""
    let newest = try? context.followerRows("SELECT epoch_us(max(event_time)) FROM \(scan) \(since)").first?.first?
      .intValue
    guard let newest else { return }
    state.times[table.name] = Int64(newest)
    guard tells, last != nil else { return }
    let isWard = table.has("heart_rate")
    let columns =
      isWard ? "*" : table.select(["patient_id", "event_time", "ward", "prediction", "probability", "risk"])
    let sql = """
      SELECT \(columns) FROM \(scan) \(since)
      QUALIFY row_number() OVER (PARTITION BY patient_id ORDER BY event_time DESC) = 1
      ORDER BY event_time LIMIT \(Self.readings)
      """
    guard let bytes = try? context.followerObjects(sql), !bytes.isEmpty else { return }
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("pipeline", table.pipeline.name)
    writer.member("table", table.name)
    writer.key("readings")
    writer.raw(String(decoding: bytes, as: UTF8.self))
    writer.endObject()
    context.events.publish("scores", writer.bytes)
  }

  private func tellAlerts(_ state: inout State, tells: Bool) {
    guard let desk = context.desk, let newest = try? desk.newestSequence() else { return }
    guard let last = state.alerts, tells else {
      state.alerts = newest
      return
    }
    guard newest > last, let events = try? desk.events(after: last, limit: 500) else { return }
    state.alerts = events.last?.sequence ?? last
    var told: Set<String> = []
    for id in events.compactMap(\.alert) where told.insert(id).inserted {
      guard let alert = try? desk.get(id) else { continue }
      var writer = JSONWriter()
      AlertJSON.write(alert, to: &writer)
      context.events.publish("alert", writer.bytes)
    }
  }
}
