public import Pipelines

/// When to raise an alert about a patient, how loudly, and whom to tell.
///
/// A policy is one entry of `alerts.yml` in a pipeline's folder. Conditions are SQL over the rows of one table.
public struct AlertPolicy: Sendable, Hashable {
  /// The policy's name, unique in its pipeline. Part of the positions in `alert_events`.
  public var name: String
  /// The pipeline whose folder holds it.
  public var pipeline: String
  /// The table whose rows are judged: a streaming table, or a materialized view.
  public var table: String
  /// Why the policy is as it is, and where its limits come from.
  public var source: String?
  /// How urgent its alerts are.
  public var severity: AlertSeverity
  /// The alert's title, with placeholders.
  public var title: String
  /// What to do, with placeholders.
  public var message: String
  /// The column that names the patient; there is one open alert per policy and patient.
  public var patient = "patient_id"
  /// The column of event time, an instant.
  public var time = "event_time"
  /// The column that names the ward, if the table has one.
  public var ward: String?
  /// What must hold, or be absent.
  public var trigger: Trigger
  /// Rows that do not count at all, such as those of a sensor in doubt.
  public var ignore: String?
  /// How long the condition must hold before an alert is raised.
  public var delay = Persistence()
  /// What must hold for the alert's condition to be over; nil: the condition is false.
  public var clear: String?
  /// How long that must hold.
  public var clearDelay = Persistence()
  /// Seconds after the end in which a condition that comes back reopens the same alert and tells nobody anew.
  public var holdOffSeconds: Double = 0
  /// Whether an alert that nobody has acknowledged stays open when its condition is over.
  public var isLatching = false
  /// A row older than this when it arrived, in seconds, opens an alert that tells nobody; nil: any age is live.
  public var retrospectiveSeconds: Double?
  /// Columns whose values at the opening are kept in the alert.
  public var show: [String] = []
  /// Policies that tell nobody while an alert of this one is open for the same patient.
  public var covers: [String] = []
  /// Whom to tell at once, and later while nobody acknowledges; the first level is told at once.
  public var levels: [EscalationLevel] = []
  /// Seconds in which openings on one ward are gathered into one message; nil: each is told alone.
  public var groupSeconds: Double?
  /// Times of day in which nobody is told.
  public var quiet: [QuietHours] = []
  /// Spans in which nobody is told, with the reason.
  public var suppressions: [SuppressionWindow] = []
  /// Where the policy stands.
  public var location = SourceLocation(file: "", line: 1, column: 1)

  /// What raises the alert.
  public enum Trigger: Sendable, Hashable {
    /// A row meets a condition, in which `threshold` may stand for a number.
    case condition(String, threshold: Threshold?)
    /// No row of the patient for this many seconds of the partition's event time.
    case missing(seconds: Double)
  }

  /// The number that `threshold` means in a condition, and those that a search may try.
  public struct Threshold: Sendable, Hashable {
    /// The number in use.
    public var value: Double
    /// What `lakeward alerts replay --budget` tries.
    public var candidates: [Double]

    /// A number in use and those to try.
    public init(_ value: Double, candidates: [Double] = []) {
      self.value = value
      self.candidates = candidates
    }
  }

  /// For how long something must hold.
  public struct Persistence: Sendable, Hashable {
    /// Seconds of event time from the first row to the one that completes it.
    public var seconds: Double
    /// Rows in succession, at least 1.
    public var readings: Int

    /// Seconds and rows; both must be reached.
    public init(seconds: Double = 0, readings: Int = 1) {
      self.seconds = seconds
      self.readings = readings
    }
  }

  /// A policy with the least that it needs.
  public init(
    name: String, pipeline: String, table: String, severity: AlertSeverity, title: String, message: String,
    trigger: Trigger
  ) {
    self.name = name
    self.pipeline = pipeline
    self.table = table
    self.severity = severity
    self.title = title
    self.message = message
    self.trigger = trigger
  }

  /// The name that is unique in the lake.
  public var id: PolicyID { PolicyID(pipeline: pipeline, policy: name) }
}

/// Names a policy in the lake.
public struct PolicyID: Sendable, Hashable, Comparable {
  /// The pipeline.
  public var pipeline: String
  /// The policy in it.
  public var policy: String

  /// A policy of a pipeline.
  public init(pipeline: String, policy: String) {
    self.pipeline = pipeline
    self.policy = policy
  }

  /// By pipeline, then by policy.
  public static func < (left: PolicyID, right: PolicyID) -> Bool {
    (left.pipeline, left.policy) < (right.pipeline, right.policy)
  }
}

/// Who is told when nobody has acknowledged an alert for some time.
public struct EscalationLevel: Sendable, Hashable {
  /// Seconds after the alert was raised.
  public var afterSeconds: Double
  /// Names of notifiers.
  public var notify: [String]

  /// Seconds after the opening, and notifiers.
  public init(afterSeconds: Double, notify: [String]) {
    self.afterSeconds = afterSeconds
    self.notify = notify
  }
}
