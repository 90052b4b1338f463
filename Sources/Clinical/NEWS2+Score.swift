extension NEWS2 {
  /// One set of observations; `nil` where there is no valid value. A value rejected as artefact is `nil`, not normal.
  public struct Observations: Sendable, Hashable {
    /// Respirations per minute.
    public var respiratoryRate: Double?
    /// Oxygen saturation in percent.
    public var oxygenSaturation: Double?
    /// Whether the patient is given oxygen.
    public var onOxygen: Bool?
    /// Systolic blood pressure in mmHg.
    public var systolicPressure: Double?
    /// Pulse per minute.
    public var pulse: Double?
    /// Level of consciousness.
    public var consciousness: Consciousness?
    /// Body temperature in °C.
    public var temperature: Double?
    /// The scale prescribed for this patient.
    public var scale: SaturationScale

    /// A set of observations.
    public init(
      respiratoryRate: Double? = nil, oxygenSaturation: Double? = nil, onOxygen: Bool? = nil,
      systolicPressure: Double? = nil, pulse: Double? = nil, consciousness: Consciousness? = nil,
      temperature: Double? = nil, scale: SaturationScale = .one
    ) {
      self.respiratoryRate = respiratoryRate
      self.oxygenSaturation = oxygenSaturation
      self.onOxygen = onOxygen
      self.systolicPressure = systolicPressure
      self.pulse = pulse
      self.consciousness = consciousness
      self.temperature = temperature
      self.scale = scale
    }
  }

  /// The score of one set of observations. Of an incomplete set only bounds are known: the known points, and the
  /// known points with the worst case of what is missing.
  public struct Score: Sendable, Hashable {
    /// Points of the parameters that are known.
    public let points: [Parameter: Int]
    /// Parameters without a value, in the order of the chart.
    public let missing: [Parameter]
    /// The lowest possible total (0 ... 20).
    public let minimumTotal: Int
    /// The highest possible total (0 ... 20).
    public let maximumTotal: Int
    /// The lowest possible band.
    public let minimumBand: Band
    /// The highest possible band.
    public let maximumBand: Band
    /// Whether a known parameter scores 3 (the red flag, whatever the total).
    public let hasSingleThree: Bool

    /// The total of a complete set; `nil` for a partial one, which must not be published as a NEWS2.
    public var total: Int? { missing.isEmpty ? minimumTotal : nil }
    /// The band, if it is certain.
    public var band: Band? { minimumBand == maximumBand ? minimumBand : nil }
  }

  /// Scores one set of observations.
  public static func score(_ observations: Observations) -> Score {
    var points: [Parameter: Int] = [:]
    points[.respiratoryRate] = observations.respiratoryRate.map { Self.points(respiratoryRate: $0) }
    points[.systolicPressure] = observations.systolicPressure.map { Self.points(systolicPressure: $0) }
    points[.pulse] = observations.pulse.map { Self.points(pulse: $0) }
    points[.consciousness] = observations.consciousness.map { Self.points(consciousness: $0) }
    points[.temperature] = observations.temperature.map { Self.points(temperature: $0) }
    points[.oxygen] = observations.onOxygen.map { Self.points(onOxygen: $0) }

    // Without the oxygen flag both cases are followed, because scale 2 depends on it.
    let cases = (observations.onOxygen.map { [$0] } ?? [false, true]).map { onOxygen in
      Alternative(observations, onOxygen: onOxygen, otherPoints: points.filter { $0.key != .oxygen }.map(\.value))
    }
    let saturations = Set(cases.map(\.saturation))
    if saturations.count == 1 { points[.oxygenSaturation] = cases[0].saturation }

    var missing = Parameter.allCases.filter { points[$0] == nil }
    if observations.oxygenSaturation != nil { missing.removeAll { $0 == .oxygenSaturation } }
    return Score(
      points: points, missing: missing,
      minimumTotal: cases.map(\.minimum).min() ?? 0, maximumTotal: cases.map(\.maximum).max() ?? 0,
      minimumBand: cases.map(\.minimumBand).min() ?? .low, maximumBand: cases.map(\.maximumBand).max() ?? .low,
      hasSingleThree: points.values.contains(3))
  }

  /// The bounds under the assumption that the patient is, or is not, given oxygen.
  private struct Alternative {
    let saturation: Int?
    let minimum: Int
    let maximum: Int
    let minimumBand: Band
    let maximumBand: Band

    init(_ observations: Observations, onOxygen: Bool, otherPoints: [Int]) {
      saturation = observations.oxygenSaturation.map {
        NEWS2.points(oxygenSaturation: $0, scale: observations.scale, onOxygen: onOxygen)
      }
      let known = otherPoints + (saturation.map { [$0] } ?? [])
      // Oxygen is the seventh parameter; the other six can score 3 each.
      let missing = Parameter.allCases.count - 1 - known.count
      minimum = known.reduce(0, +) + NEWS2.points(onOxygen: onOxygen)
      maximum = minimum + 3 * missing
      let hasThree = known.contains(3)
      minimumBand = Band(total: minimum, hasSingleThree: hasThree)
      maximumBand = Band(total: maximum, hasSingleThree: hasThree || missing > 0)
    }
  }
}
