/// What the values of one parameter mean for an adult.
///
/// Three things that are never mixed: hard validity limits, outside which no living patient is (the value is an
/// artefact); the suspect zone, rare but possible; and the clinical alert and critical limits, which a ward may
/// change.
public struct ParameterLimits: Sendable, Hashable {
  /// One clinical limit.
  public struct Bound: Sendable, Hashable {
    /// The limit in the parameter's unit.
    public var value: Double
    /// Whether the limit itself already counts.
    public var isInclusive: Bool

    /// From this value on, the value included.
    public static func from(_ value: Double) -> Bound { Bound(value: value, isInclusive: true) }
    /// Beyond this value, the value excluded.
    public static func beyond(_ value: Double) -> Bound { Bound(value: value, isInclusive: false) }

    func isReachedFromAbove(by other: Double) -> Bool { isInclusive ? other <= value : other < value }
    func isReachedFromBelow(by other: Double) -> Bool { isInclusive ? other >= value : other > value }
  }

  /// Hard validity limits, both included; outside them a value is rejected.
  public var valid: ClosedRange<Double>
  /// Values inside the valid range but outside this one are suspect until confirmed.
  public var plausible: ClosedRange<Double>
  /// Low alert limit.
  public var alertLow: Bound?
  /// Low critical limit.
  public var criticalLow: Bound?
  /// High alert limit.
  public var alertHigh: Bound?
  /// High critical limit.
  public var criticalHigh: Bound?

  init(
    valid: ClosedRange<Double>, plausible: ClosedRange<Double>? = nil, alertLow: Bound? = nil,
    criticalLow: Bound? = nil, alertHigh: Bound? = nil, criticalHigh: Bound? = nil
  ) {
    self.valid = valid
    self.plausible = plausible ?? valid
    self.alertLow = alertLow
    self.criticalLow = criticalLow
    self.alertHigh = alertHigh
    self.criticalHigh = criticalHigh
  }
}

/// How one value is judged.
public enum ValueAssessment: Sendable, Hashable {
  /// Not a measurement: outside the hard limits, not a number, or a device's sign for "no signal".
  case rejected(Rejection)
  /// A measurement with what it means; `isSuspect` asks for confirmation by the next one.
  case measured(Meaning, isSuspect: Bool)

  /// Why a value is no measurement.
  public enum Rejection: String, Sendable, Hashable {
    /// Zero of a parameter that is never zero in the living: no signal.
    case noSignal = "no signal"
    /// A number that devices send instead of a value (-999, -100, -99.9, 8388607).
    case sentinel
    /// NaN or infinite.
    case notANumber = "not a number"
    /// Below the hard validity limit.
    case tooLow = "below the valid range"
    /// Above the hard validity limit.
    case tooHigh = "above the valid range"
  }

  /// What a measurement means.
  public enum Meaning: String, Sendable, Hashable {
    /// At or below the low critical limit.
    case criticalLow = "critical low"
    /// At or below the low alert limit.
    case alertLow = "low"
    /// Within the alert limits.
    case normal
    /// At or above the high alert limit.
    case alertHigh = "high"
    /// At or above the high critical limit.
    case criticalHigh = "critical high"
  }
}

extension ClinicalParameter {
  private static let sentinels: Set<Double> = [-999, -100, -99.9, 8_388_607]

  /// The limits for adults of either sex, or of the given one where laboratories tell the sexes apart. Alert limits
  /// agree with NEWS2 where NEWS2 has the parameter; they do not apply to children.
  public func limits(isMale: Bool? = nil) -> ParameterLimits {
    switch self {
    case .heartRate, .respiratoryRate, .oxygenSaturation, .bodyTemperature, .systolicPressure, .diastolicPressure,
      .meanPressure, .bodyMassIndex:
      vitalSignLimits
    default:
      laboratoryLimits(isMale: isMale)
    }
  }

  /// Judges a value given in this parameter's ``unit``.
  public func assess(_ value: Double, isMale: Bool? = nil) -> ValueAssessment {
    let limits = limits(isMale: isMale)
    guard value.isFinite else { return .rejected(.notANumber) }
    if Self.sentinels.contains(value) { return .rejected(.sentinel) }
    if value == 0, limits.valid.lowerBound > 0 { return .rejected(.noSignal) }
    if value < limits.valid.lowerBound { return .rejected(.tooLow) }
    if value > limits.valid.upperBound { return .rejected(.tooHigh) }
    let meaning: ValueAssessment.Meaning =
      if limits.criticalLow?.isReachedFromAbove(by: value) == true {
        .criticalLow
      } else if limits.criticalHigh?.isReachedFromBelow(by: value) == true {
        .criticalHigh
      } else if limits.alertLow?.isReachedFromAbove(by: value) == true {
        .alertLow
      } else if limits.alertHigh?.isReachedFromBelow(by: value) == true {
        .alertHigh
      } else {
        .normal
      }
    return .measured(meaning, isSuspect: !limits.plausible.contains(value))
  }

  private var vitalSignLimits: ParameterLimits {
    switch self {
    case .heartRate:
      ParameterLimits(
        valid: 10...300, plausible: 25...220, alertLow: .from(50), criticalLow: .from(40), alertHigh: .from(111),
        criticalHigh: .from(131))
    case .respiratoryRate:
      ParameterLimits(
        valid: 1...80, plausible: 1...60, alertLow: .from(11), criticalLow: .from(8), alertHigh: .from(21),
        criticalHigh: .from(25))
    case .oxygenSaturation:
      ParameterLimits(valid: 30...100, plausible: 70...100, alertLow: .from(93), criticalLow: .from(91))
    case .bodyTemperature:
      ParameterLimits(
        valid: 25...45, plausible: 32...42, alertLow: .from(36), criticalLow: .from(35), alertHigh: .from(38.1),
        criticalHigh: .from(39.1))
    case .systolicPressure:
      ParameterLimits(
        valid: 30...300, plausible: 50...260, alertLow: .from(100), criticalLow: .from(90), alertHigh: .from(180),
        criticalHigh: .from(220))
    case .diastolicPressure:
      ParameterLimits(
        valid: 10...200, plausible: 20...150, alertLow: .beyond(50), criticalLow: .beyond(40),
        alertHigh: .from(110), criticalHigh: .from(120))
    case .meanPressure:
      ParameterLimits(
        valid: 15...250, plausible: 30...200, alertLow: .beyond(70), criticalLow: .beyond(65),
        alertHigh: .beyond(110), criticalHigh: .beyond(130))
    default:
      ParameterLimits(
        valid: 7...120, plausible: 12...80, alertLow: .beyond(18.5), criticalLow: .beyond(16), alertHigh: .from(30),
        criticalHigh: .from(40))
    }
  }

  private func laboratoryLimits(isMale: Bool?) -> ParameterLimits {
    switch self {
    case .glucose:
      ParameterLimits(
        valid: 10...2_000, alertLow: .beyond(70), criticalLow: .beyond(54), alertHigh: .beyond(180),
        criticalHigh: .beyond(400))
    case .creatinine:
      ParameterLimits(
        valid: 0.05...60, alertHigh: .beyond(isMale == false ? 1.1 : 1.3), criticalHigh: .from(6))
    case .alanineAminotransferase:
      ParameterLimits(
        valid: 0...15_000, plausible: 0...10_000, alertHigh: .beyond(40), criticalHigh: .beyond(1_000))
    case .hemoglobin:
      ParameterLimits(
        valid: 1...25, alertLow: .beyond(isMale == true ? 13 : 12), criticalLow: .from(7),
        alertHigh: .beyond(isMale == false ? 16 : 16.5), criticalHigh: .from(20))
    case .leukocytes:
      ParameterLimits(
        valid: 0...1_000, plausible: 0...500, alertLow: .beyond(4), criticalLow: .from(1), alertHigh: .beyond(11),
        criticalHigh: .from(25))
    case .cholesterol:
      ParameterLimits(valid: 20...1_000, plausible: 20...600, alertLow: .beyond(120), alertHigh: .from(200))
    case .hemoglobinA1c:
      ParameterLimits(valid: 2...20, alertHigh: .from(5.7))
    case .potassium:
      ParameterLimits(
        valid: 1...12, alertLow: .beyond(3.5), criticalLow: .beyond(3), alertHigh: .beyond(5),
        criticalHigh: .beyond(6.1))
    case .sodium:
      ParameterLimits(
        valid: 80...220, alertLow: .beyond(135), criticalLow: .beyond(120), alertHigh: .beyond(145),
        criticalHigh: .beyond(160))
    default:
      ParameterLimits(
        valid: 0...3_000, alertLow: .beyond(150), criticalLow: .from(20), alertHigh: .beyond(450),
        criticalHigh: .from(1_000))
    }
  }
}
