/// Values derived from blood pressures and the heart rate. A monitor's own mean pressure is measured and to be
/// preferred over the formula.
public enum Hemodynamics {
  /// Mean arterial pressure in mmHg, (systolic + 2 · diastolic) / 3; `nil` unless 0 < diastolic < systolic.
  public static func meanArterialPressure(systolic: Double, diastolic: Double) -> Double? {
    guard diastolic > 0, diastolic < systolic else { return nil }
    return (systolic + 2 * diastolic) / 3
  }

  /// Systolic minus diastolic pressure in mmHg; `nil` unless 0 < diastolic < systolic.
  public static func pulsePressure(systolic: Double, diastolic: Double) -> Double? {
    guard diastolic > 0, diastolic < systolic else { return nil }
    return systolic - diastolic
  }

  /// Heart rate over systolic pressure, normally 0.5 to 0.7; `nil` for a pressure that is not positive. Both must have
  /// been taken within a few minutes of each other.
  public static func shockIndex(heartRate: Double, systolic: Double) -> Double? {
    guard systolic > 0, heartRate > 0 else { return nil }
    return heartRate / systolic
  }

  /// Heart rate over mean arterial pressure, normally 0.7 to 1.3; `nil` for a pressure that is not positive.
  public static func modifiedShockIndex(heartRate: Double, meanPressure: Double) -> Double? {
    guard meanPressure > 0, heartRate > 0 else { return nil }
    return heartRate / meanPressure
  }
}
