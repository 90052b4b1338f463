internal import Foundation
public import JSON
public import Observability

/// What a process that runs a pipeline says about it, for `lakeward status` in another process. Counts and times only.
public struct PipelineStatusNote: Sendable, Hashable {
  /// The process's number.
  public var process: Int32
  /// The machine's name.
  public var host: String
  /// When the process began with the pipeline, microseconds since 1970.
  public var started: Int64
  /// When this was written, microseconds since 1970.
  public var updated: Int64
  /// What the pipeline is doing.
  public var state: PipelineState
  /// Since when, microseconds since 1970.
  public var since: Int64
  /// Why.
  public var reason: String?
  /// Micro-batches since the process began.
  public var batches: Int64 = 0
  /// Records since the process began.
  public var records: Int64 = 0
  /// Records per second over the last ten seconds.
  public var recordsPerSecond: Double = 0
  /// Last commit, microseconds since 1970.
  public var lastCommit: Int64?
  /// Records that are known to wait.
  public var lagRecords: Int64?
  /// How old the oldest record of the last micro-batch was when it was durable, seconds.
  public var lagSeconds: Double?
  /// Mean time of a micro-batch by stage, seconds.
  public var stageSeconds: [String: Double] = [:]

  init(_ figures: PipelineFigures, started: Int64, now: Int64) {
    process = getpid()
    host = Self.thisHost
    self.started = started
    updated = now
    state = figures.state
    since = figures.since
    reason = figures.reason
    batches = figures.batches
    records = figures.records
    recordsPerSecond = figures.rate(now: now)
    lastCommit = figures.lastCommit
    lagRecords = figures.lagRecords
    lagSeconds = figures.lagSeconds
    stageSeconds = figures.seconds.mapValues { $0 / Double(max(1, figures.batches)) }
  }

  /// Reads what `json` wrote; nil if it is something else.
  init?(parsing text: String) {
    guard let object = JSONValue(parsing: text)?.object, let process = object["process"]?.int,
      let host = object["host"]?.string, let started = object["started"]?.int, let updated = object["updated"]?.int,
      let state = object["state"]?.string.flatMap(PipelineState.init(rawValue:)), let since = object["since"]?.int
    else { return nil }
    self.process = Int32(clamping: process)
    self.host = host
    self.started = started
    self.updated = updated
    self.state = state
    self.since = since
    reason = object["reason"]?.string
    batches = object["batches"]?.int ?? 0
    records = object["records"]?.int ?? 0
    recordsPerSecond = object["records_per_second"]?.number ?? 0
    lastCommit = object["last_commit"]?.int
    lagRecords = object["lag_records"]?.int
    lagSeconds = object["lag_seconds"]?.number
    for (stage, seconds) in object["stage_seconds"]?.object?.members ?? [] {
      stageSeconds[stage] = seconds.number
    }
  }

  /// Everything as one JSON object; instants are microseconds since 1970.
  public var json: JSONValue {
    var object: JSONObject = [
      "process": .int(Int64(process)), "host": .string(host), "started": .int(started), "updated": .int(updated),
      "state": .string(state.rawValue), "since": .int(since), "batches": .int(batches), "records": .int(records),
      "records_per_second": .double(recordsPerSecond),
      "stage_seconds": .object(
        JSONObject(stageSeconds.sorted { $0.key < $1.key }.map { ($0.key, .double($0.value)) })),
    ]
    if let reason { object["reason"] = .string(reason) }
    if let lastCommit { object["last_commit"] = .int(lastCommit) }
    if let lagRecords { object["lag_records"] = .int(lagRecords) }
    if let lagSeconds { object["lag_seconds"] = .double(lagSeconds) }
    return .object(object)
  }

  /// The machine's name, as gethostname(2) gives it.
  static let thisHost: String = {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }()

  /// Whether its process is alive, as far as can be known: on this machine by its number, elsewhere by the note's age.
  func isFresh(now: Int64) -> Bool {
    guard host == Self.thisHost else { return now - updated < 60_000_000 }
    return kill(process, 0) == 0 || errno == EPERM
  }
}
