/// The National Early Warning Score 2 of the Royal College of Physicians (London, December 2017), for people of 16
/// years and over who are not pregnant. It supports a judgement and never replaces one.
public enum NEWS2 {
  /// Which oxygen saturation scale a patient is scored on. Scale 2 is a prescription for this patient (confirmed
  /// hypercapnic respiratory failure, target 88–92 %), never inferred from a diagnosis code.
  public enum SaturationScale: Sendable, Hashable {
    /// The default.
    case one
    /// Target saturation 88–92 %.
    case two
  }

  /// Level of consciousness.
  public enum Consciousness: String, Sendable, Hashable, CaseIterable {
    /// Alert.
    case alert = "A"
    /// New confusion; confusion of unknown age counts as new.
    case confusion = "C"
    /// Responds to voice.
    case voice = "V"
    /// Responds to pain.
    case pain = "P"
    /// Unresponsive.
    case unresponsive = "U"
  }

  /// The seven physiological parameters.
  public enum Parameter: String, Sendable, Hashable, CaseIterable {
    /// Respiratory rate.
    case respiratoryRate = "rr"
    /// Oxygen saturation.
    case oxygenSaturation = "spo2"
    /// Air or supplemental oxygen.
    case oxygen = "o2"
    /// Systolic blood pressure.
    case systolicPressure = "sbp"
    /// Pulse.
    case pulse = "hr"
    /// Consciousness.
    case consciousness = "acvpu"
    /// Body temperature.
    case temperature = "temp"
  }

  /// Clinical risk by the aggregate score, in rising order.
  public enum Band: String, Sendable, Hashable, Comparable, CaseIterable {
    /// 0 to 4 without a 3 in a single parameter.
    case low
    /// Under 5 with a 3 in a single parameter.
    case lowMedium = "low-medium"
    /// 5 or 6.
    case medium
    /// 7 and more.
    case high

    /// The band of a total and the single-parameter flag.
    public init(total: Int, hasSingleThree: Bool) {
      switch total {
      case 7...: self = .high
      case 5...6: self = .medium
      default: self = hasSingleThree ? .lowMedium : .low
      }
    }

    /// A lower risk is the smaller one.
    public static func < (left: Band, right: Band) -> Bool {
      left.rank < right.rank
    }

    private var rank: Int {
      switch self {
      case .low: 0
      case .lowMedium: 1
      case .medium: 2
      case .high: 3
      }
    }
  }

  /// Points for respirations per minute.
  public static func points(respiratoryRate: Double) -> Int {
    switch roundHalfUp(respiratoryRate) {
    case ...8: 3
    case ...11: 1
    case ...20: 0
    case ...24: 2
    default: 3
    }
  }

  /// Points for the oxygen saturation in percent; scale 2 depends on whether the patient is given oxygen.
  public static func points(oxygenSaturation: Double, scale: SaturationScale, onOxygen: Bool) -> Int {
    let percent = roundHalfUp(oxygenSaturation)
    switch scale {
    case .one:
      switch percent {
      case ...91: return 3
      case ...93: return 2
      case ...95: return 1
      default: return 0
      }
    case .two:
      switch percent {
      case ...83: return 3
      case ...85: return 2
      case ...87: return 1
      case ...92: return 0
      default: break
      }
      guard onOxygen else { return 0 }
      return percent <= 94 ? 1 : percent <= 96 ? 2 : 3
    }
  }

  /// Points for air (0) or oxygen (2).
  public static func points(onOxygen: Bool) -> Int {
    onOxygen ? 2 : 0
  }

  /// Points for the systolic blood pressure in mmHg.
  public static func points(systolicPressure: Double) -> Int {
    switch roundHalfUp(systolicPressure) {
    case ...90: 3
    case ...100: 2
    case ...110: 1
    case ...219: 0
    default: 3
    }
  }

  /// Points for the pulse per minute.
  public static func points(pulse: Double) -> Int {
    switch roundHalfUp(pulse) {
    case ...40: 3
    case ...50: 1
    case ...90: 0
    case ...110: 1
    case ...130: 2
    default: 3
    }
  }

  /// Points for the level of consciousness.
  public static func points(consciousness: Consciousness) -> Int {
    consciousness == .alert ? 0 : 3
  }

  /// Points for the body temperature in °C.
  public static func points(temperature: Double) -> Int {
    switch roundHalfUp(temperature * 10) {
    case ...350: 3
    case ...360: 1
    case ...380: 0
    case ...390: 1
    default: 2
    }
  }

  /// Half up to a whole number. The small addition keeps decimals such as 38.05 · 10 on their own side of the half.
  private static func roundHalfUp(_ value: Double) -> Int {
    let rounded = (value + 0.5 + 1e-9).rounded(.down)
    return rounded.isFinite ? Int(max(-1_000_000, min(1_000_000, rounded))) : 0
  }
}
