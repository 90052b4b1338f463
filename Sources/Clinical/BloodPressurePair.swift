/// How a systolic and a diastolic value of the same moment, and a measured mean if there is one, fit together.
public enum BloodPressurePair: Sendable, Hashable {
  /// They fit.
  case consistent
  /// A pulse pressure under 5 mmHg, or a mean outside the two: to be confirmed.
  case suspect
  /// The diastolic is not below the systolic: neither can be used.
  case rejected

  /// Judges values in mmHg.
  public init(systolic: Double, diastolic: Double, mean: Double? = nil) {
    if !(diastolic < systolic) {
      self = .rejected
    } else if systolic - diastolic < 5 {
      self = .suspect
    } else if let mean, !(diastolic...systolic).contains(mean) {
      self = .suspect
    } else {
      self = .consistent
    }
  }
}
