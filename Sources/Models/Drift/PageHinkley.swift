/// Page and Hinkley's test for a rise of a stream's mean (Page 1954): sums how far values lie above their running mean,
/// less a tolerance, and rings when the sum has risen by more than `threshold` above its lowest point.
public struct PageHinkley: Sendable {
  /// Values before the first alarm.
  public let warmUp: Int
  /// How far above the mean is no change.
  public let tolerance: Double
  /// What the sum must rise by.
  public let threshold: Double
  /// Factor by which the sum fades with each value; 1 remembers everything.
  public let fading: Double
  private var count = 0
  private var mean = 0.0
  private var sum = 0.0
  private var lowest = 0.0
  /// Alarms so far.
  public private(set) var detections = 0

  /// A detector that has seen nothing.
  public init(warmUp: Int = 30, tolerance: Double = 0.005, threshold: Double = 50, fading: Double = 0.9999) {
    self.warmUp = max(1, warmUp)
    self.tolerance = tolerance
    self.threshold = threshold
    self.fading = min(1, max(0, fading))
  }

  /// Takes a value; NaN is ignored. True: the mean has risen, and the test begins anew.
  public mutating func add(_ value: Double) -> Bool {
    guard value.isFinite else { return false }
    count += 1
    mean += (value - mean) / Double(count)
    sum = fading * sum + (value - mean - tolerance)
    lowest = min(lowest, sum)
    guard count >= warmUp, sum - lowest > threshold else { return false }
    detections += 1
    (count, mean, sum, lowest) = (0, 0, 0, 0)
    return true
  }
}
