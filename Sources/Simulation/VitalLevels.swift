/// A vital sign of the ward simulation; the raw value is its lane in ``VitalLevels``.
enum VitalLane: Int, Sendable {
  case heartRate, systolic, diastolic, respiration, saturation, temperature
  static let count = 6
}

/// One number per ``VitalLane``: /min, mmHg, mmHg, /min, %, °C.
typealias VitalLevels = SIMD8<Float>

extension VitalLevels {
  init(
    heartRate: Float = 0, systolic: Float = 0, diastolic: Float = 0, respiration: Float = 0, saturation: Float = 0,
    temperature: Float = 0
  ) {
    self.init(heartRate, systolic, diastolic, respiration, saturation, temperature, 0, 0)
  }

  subscript(lane: VitalLane) -> Float {
    get { self[lane.rawValue] }
    set { self[lane.rawValue] = newValue }
  }
}
