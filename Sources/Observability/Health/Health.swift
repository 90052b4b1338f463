internal import Synchronization

/// What a pipeline is doing.
public enum PipelineState: String, Sendable, Hashable, CaseIterable {
  /// Its tables are being opened and repaired.
  case starting
  /// It takes records, or waits for them.
  case running
  /// Something outside failed; it tries again.
  case retrying
  /// It was asked to pause.
  case paused
  /// Another process runs it; this one waits for its turn.
  case yielding
  /// It ended with an error and is not tried again.
  case failed
  /// It came to its end, or was asked to stop.
  case stopped
}

/// One pipeline of a process: what it does, since when, and how far it is behind.
public struct PipelineHealth: Sendable, Hashable {
  /// The pipeline's name.
  public var pipeline: String
  /// What it is doing.
  public var state: PipelineState
  /// Since when, microseconds since 1970.
  public var since: Int64
  /// Why, for `retrying` and `failed`: one line without patients' data.
  public var reason: String?
  /// When its tables were last committed to, microseconds since 1970.
  public var lastCommit: Int64?
  /// Records that are known to wait in the source; nil if the source does not know.
  public var lagRecords: Int64?
  /// Age of the oldest record of the last micro-batch when its last table was committed, seconds; 0 while nothing waits.
  public var lagSeconds: Double?

  /// A pipeline's health.
  public init(pipeline: String, state: PipelineState, since: Int64, reason: String? = nil) {
    self.pipeline = pipeline
    self.state = state
    self.since = since
    self.reason = reason
  }
}

/// The health of a process: every pipeline's, kept up to date by those who run them. Any thread may read and write.
public final class Health: Sendable {
  private let pipelines = Mutex<[String: PipelineHealth]>([:])
  private let clock: @Sendable () -> Int64

  /// - Parameter clock: The time of day, microseconds since 1970.
  public init(clock: @escaping @Sendable () -> Int64 = Logger.systemClock) { self.clock = clock }

  /// Notes what a pipeline is doing. `since` changes only with the state.
  public func set(_ pipeline: String, _ state: PipelineState, reason: String? = nil) {
    let now = clock()
    pipelines.withLock { pipelines in
      var health = pipelines[pipeline] ?? PipelineHealth(pipeline: pipeline, state: state, since: now)
      if health.state != state { health.since = now }
      health.state = state
      health.reason = reason
      pipelines[pipeline] = health
    }
  }

  /// Notes a commit: now, with what then still waited in the source.
  /// - Parameter isCommit: False if only the lag is new.
  public func didCommit(_ pipeline: String, lagRecords: Int64?, lagSeconds: Double?, isCommit: Bool = true) {
    let now = clock()
    pipelines.withLock { pipelines in
      if isCommit { pipelines[pipeline]?.lastCommit = now }
      pipelines[pipeline]?.lagRecords = lagRecords
      pipelines[pipeline]?.lagSeconds = lagSeconds
    }
  }

  /// Every pipeline, by name.
  public var report: HealthReport {
    HealthReport(pipelines: pipelines.withLock { $0.values.sorted { $0.pipeline < $1.pipeline } })
  }
}

/// The health of a process at one moment.
public struct HealthReport: Sendable, Hashable {
  /// Every pipeline, by name.
  public var pipelines: [PipelineHealth]

  /// Whether no pipeline has failed: what a liveness probe asks.
  public var isHealthy: Bool { pipelines.allSatisfy { $0.state != .failed } }

  /// Whether every pipeline takes records, or was asked not to: what a readiness probe asks.
  public var isReady: Bool {
    pipelines.allSatisfy { [.running, .paused, .yielding, .stopped].contains($0.state) }
  }

  /// The report as a JSON object: `healthy`, `ready`, and `pipelines` with `pipeline`, `state`, `since`, and where known
  /// `reason`, `last_commit`, `lag_records`, `lag_seconds`.
  public var json: String {
    let list = pipelines.map { pipeline in
      var text = "{\"pipeline\":\(JSONText.quoted(pipeline.pipeline)),\"state\":\"\(pipeline.state.rawValue)\""
      text += ",\"since\":\"\(LogTime.iso8601(pipeline.since))\""
      if let reason = pipeline.reason { text += ",\"reason\":\(JSONText.quoted(reason))" }
      if let time = pipeline.lastCommit { text += ",\"last_commit\":\"\(LogTime.iso8601(time))\"" }
      if let lag = pipeline.lagRecords { text += ",\"lag_records\":\(lag)" }
      if let lag = pipeline.lagSeconds { text += ",\"lag_seconds\":\(JSONText.number(lag))" }
      return text + "}"
    }
    return "{\"healthy\":\(isHealthy),\"ready\":\(isReady),\"pipelines\":[\(list.joined(separator: ","))]}"
  }
}
