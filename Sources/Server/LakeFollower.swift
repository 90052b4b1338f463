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
    var alerts: Int64?
    var reviewed = ContinuousClock.now
    var reported = ContinuousClock.now
  }

  /// How often the lake is looked at while somebody listens.
  private static let pause = 0.1
  /// How often the audit log is told who heard of whom.
  private static let reportSeconds = 60.0
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
        review(&state)
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

  /// Ends streams whose token has ended, and says who heard of whom.
  private func review(_ state: inout State) {
    let now = ContinuousClock.now
    if now - state.reviewed > .seconds(1) {
      state.reviewed = now
      context.events.dismissUnwelcome()
      // Streams that have ended said so by themselves.
      context.heard.write(to: context.audit)
    }
    if now - state.reported > .seconds(Self.reportSeconds) {
      state.reported = now
      context.events.report()
    }
  }

  private func look(_ state: inout State, tells: Bool) {
    guard let names = try? context.lake.tableNames() else { return }
    var changed: [String: Int64] = [:]
    for name in names {
      if state.tables[name] == nil { state.tables[name] = try? context.remoteTables.table(named: name) }
      guard let version = try? state.tables[name]?.snapshot().version else { continue }
      let before = state.versions.updateValue(version, forKey: name)
      guard before != version else { continue }
      changed[name] = before ?? version
      if tells { tellCommit(name, version) }
    }
    let tables = changed.isEmpty || !tells ? [] : (try? PatientTables(context).tables) ?? []
    for table in tables {
      if let before = changed[table.name] { tellReadings(table, state, after: before) }
    }
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

  /// The newest reading of each patient among those that came after a version.
  private func tellReadings(_ table: PatientTables.Table, _ state: State, after version: Int64) {
    guard let delta = state.tables[table.name], let snapshot = try? delta.snapshot(),
      let files = try? delta.changedFiles(after: version, through: snapshot),
      case let present = files.filter({ snapshot.files[$0.key] != nil }), !present.isEmpty,
      let scan = try? DeltaReader.scanSQL(snapshot, files: present)
    else { return }
    let columns = table.has("news2_pulse") ? "*" : table.select(PatientTables.scores)
    let sql = """
      SELECT \(columns) FROM \(scan)
      QUALIFY row_number() OVER (PARTITION BY patient_id ORDER BY event_time DESC) = 1
      ORDER BY event_time DESC LIMIT \(Self.readings)
      """
    guard let (bytes, patients) = try? context.followerObjects(sql), !patients.isEmpty else { return }
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("pipeline", table.pipeline.name)
    writer.member("table", table.name)
    writer.key("readings")
    writer.raw(String(decoding: bytes, as: UTF8.self))
    writer.endObject()
    context.events.publish("scores", writer.bytes, about: patients)
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
      let subject = desk.subject(of: alert)
      AlertJSON.write(alert, about: subject, to: &writer)
      let isPatients = subject == .patient && !alert.patient.isEmpty
      context.events.publish("alert", writer.bytes, about: isPatients ? [alert.patient] : [])
    }
  }
}
