/// A way in which a patient of the ward simulation gets worse.
public enum DeteriorationKind: String, Sendable, Hashable, CaseIterable {
  /// Fever (sometimes a low temperature), fast heart and breath, falling pressure, over hours.
  case sepsis
  /// Fast heart and falling pressure with little else, within an hour or two.
  case bleeding
  /// Falling oxygen saturation, fast breath.
  case respiratoryFailure = "respiratory failure"
  /// A sudden fast and irregular, or very slow, heart.
  case arrhythmia

  /// What the vital signs change by at full severity.
  func effect(isVariant: Bool) -> VitalLevels {
    switch self {
    case .sepsis:
      VitalLevels(
        heartRate: 46, systolic: -40, diastolic: -24, respiration: 14, saturation: -6,
        temperature: isVariant ? -1.7 : 2.5)
    case .bleeding:
      VitalLevels(
        heartRate: 52, systolic: -52, diastolic: -28, respiration: 9, saturation: -2, temperature: -0.5)
    case .respiratoryFailure:
      VitalLevels(heartRate: 30, systolic: 10, diastolic: 4, respiration: 18, saturation: -16)
    case .arrhythmia:
      isVariant
        ? VitalLevels(heartRate: -42, systolic: -22, diastolic: -10, respiration: 3, saturation: -2)
        : VitalLevels(heartRate: 72, systolic: -20, diastolic: -6, respiration: 4, saturation: -2)
    }
  }

  /// How often the kind occurs among deteriorations.
  var weight: Double {
    switch self {
    case .sepsis: 0.35
    case .bleeding: 0.2
    case .respiratoryFailure: 0.3
    case .arrhythmia: 0.15
    }
  }

  /// Hours from onset to full severity, at full severity, and back.
  var hours: (rise: ClosedRange<Double>, stay: ClosedRange<Double>, fall: ClosedRange<Double>) {
    switch self {
    case .sepsis: (3...9, 4...14, 8...24)
    case .bleeding: (0.5...2, 1...4, 3...8)
    case .respiratoryFailure: (0.7...4, 2...8, 4...12)
    case .arrhythmia: (0.01...0.03, 0.3...5, 0.01...0.05)
    }
  }

  static func random(_ random: inout SeededRandom) -> DeteriorationKind {
    var left = random.uniform()
    for kind in allCases {
      left -= kind.weight
      if left < 0 { return kind }
    }
    return .sepsis
  }
}

/// One labelled deterioration: the truth that alerts and models are judged by. Times are event times in microseconds
/// since 1970-01-01 UTC.
public struct DeteriorationEpisode: Sendable, Hashable {
  /// The patient's identifier.
  public let patient: String
  /// The ward at onset.
  public let ward: String
  /// What happens.
  public let kind: DeteriorationKind
  /// The first change.
  public let onset: Int64
  /// Full severity is reached.
  public let peak: Int64
  /// Recovery begins.
  public let turn: Int64
  /// The patient is as before.
  public let end: Int64
  /// Full severity: 1 is a textbook case, 0.4 a mild one.
  public let severity: Double
  /// A less usual picture: sepsis with a low temperature, arrhythmia with a slow heart.
  public let isVariant: Bool

  /// Severity at a moment: 0 before onset, ``severity`` between peak and turn, 0 after the end.
  public func severity(at time: Int64) -> Double {
    switch time {
    case ..<onset: 0
    case ..<peak: severity * Double(time - onset) / Double(max(1, peak - onset))
    case ..<turn: severity
    case ..<end: severity * Double(end - time) / Double(max(1, end - turn))
    default: 0
    }
  }
}
