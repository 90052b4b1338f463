/// What alerts cost and what they are worth. Pure.
public struct ReplayReport: Sendable, Hashable {
  /// The policy; nil for all together.
  public var policy: String?
  /// The number that `threshold` meant, if the policy has one.
  public var threshold: Double?
  /// Alerts that would have told somebody.
  public var alerts = 0
  /// Alerts for which another alert of the same patient spoke.
  public var covered = 0
  /// Alerts per patient and day of observation; nil without observation.
  public var perBedDay: Double?
  /// Alerts per ward and shift; nil without observation.
  public var perShift: Double?
  /// Alerts per hour on all wards together; nil without observation.
  public var perHour: Double?
  /// Labelled deteriorations in the history; nil without truth.
  public var episodes: Int?
  /// Deteriorations during which an alert was raised.
  public var found: Int?
  /// Share of the deteriorations that were found; nil if there are none, or no truth.
  public var recall: Double?
  /// Share of the alerts about known patients that were raised during a deterioration.
  public var precision: Double?
  /// Alerts about patients of whom nothing is known.
  public var unknown: Int?
  /// Median of the seconds from the first alert to the deterioration's peak; negative: the alert came after it.
  public var medianLeadSeconds: Double?
  /// Median of the seconds from the deterioration's onset to the first alert.
  public var medianDelaySeconds: Double?

  /// Adds up a replay.
  /// - Parameters:
  ///   - policy: Alerts of this policy alone; nil: of all.
  ///   - shiftHours: Length of a shift.
  public init(_ result: PolicyReplay.Result, policy: AlertPolicy? = nil, shiftHours: Double = 12) {
    let own = result.alerts.filter { policy == nil || $0.policy == policy?.id }
    let told = own.filter { $0.coveredBy == nil }
    self.policy = policy?.name
    if case .condition(_, let threshold?) = policy?.trigger { self.threshold = threshold.value }
    alerts = told.count
    covered = own.count - told.count
    if result.patientSeconds > 0 { perBedDay = Double(alerts) / (result.patientSeconds / 86_400) }
    if result.wardSeconds > 0 { perShift = Double(alerts) / (result.wardSeconds / (shiftHours * 3_600)) }
    if let span = result.span, span.upperBound > span.lowerBound {
      perHour = Double(alerts) / (Double(span.upperBound - span.lowerBound) / 3_600e6)
    }
    if let truth = result.truth { judge(told, truth) }
  }

  private mutating func judge(_ told: [Alert], _ truth: ReplayTruth) {
    let byPatient = Dictionary(grouping: told) { $0.patient }
    var right: Set<String> = []
    var leads: [Double] = []
    var delays: [Double] = []
    for episode in truth.episodes {
      let during = (byPatient[episode.patient] ?? [])
        .filter { $0.eventTime >= episode.onset && $0.eventTime <= episode.end }
      right.formUnion(during.map(\.id))
      guard let first = during.map(\.eventTime).min() else { continue }
      leads.append(Double(episode.peak - first) / 1e6)
      delays.append(Double(first - episode.onset) / 1e6)
    }
    let known = told.filter { truth.patients.contains($0.patient) }
    episodes = truth.episodes.count
    found = leads.count
    unknown = told.count - known.count
    if !truth.episodes.isEmpty { recall = Double(leads.count) / Double(truth.episodes.count) }
    if !known.isEmpty { precision = Double(known.count { right.contains($0.id) }) / Double(known.count) }
    medianLeadSeconds = Self.median(leads)
    medianDelaySeconds = Self.median(delays)
  }

  private static func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

/// How many alerts a team can answer.
public struct AlertBudget: Sendable, Hashable {
  /// What the number is counted by.
  public enum Unit: String, Sendable, Hashable, CaseIterable {
    /// A ward and a shift.
    case shift
    /// A patient and a day.
    case bedDay = "bed-day"
    /// An hour on all wards.
    case hour
  }

  /// The most alerts.
  public var alerts: Double
  /// For one of these.
  public var unit: Unit

  /// Reads `4/shift`; nil if it is not a budget.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, let alerts = Double(parts[0]), alerts.isFinite, alerts >= 0,
      let unit = Unit(rawValue: parts[1])
    else { return nil }
    self.alerts = alerts
    self.unit = unit
  }

  /// The rate of a report in the budget's unit.
  public func rate(_ report: ReplayReport) -> Double? {
    switch unit {
    case .shift: report.perShift
    case .bedDay: report.perBedDay
    case .hour: report.perHour
    }
  }

  /// The report that uses the budget best without going beyond it: the most deteriorations found, then the most alerts;
  /// nil if none is within it.
  public func best(of reports: [ReplayReport]) -> ReplayReport? {
    reports.filter { rate($0).map { $0 <= alerts } ?? false }
      .max { ($0.recall ?? 0, $0.alerts) < ($1.recall ?? 0, $1.alerts) }
  }
}
