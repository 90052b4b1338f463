import Clinical

/// A bed with its patient and device: the physiology of the ward simulation.
struct WardBed: Sendable {
  /// What a device writes; devices differ as those of several makers do.
  struct Device: Sendable {
    let number: Int
    /// "120/80" in one field, or `systolic` and `diastolic`.
    let joinsPressure: Bool
    /// Whether consciousness and oxygen are charted through the device.
    let isCharted: Bool
    let namesWard: Bool
  }

  let device: Device
  var key: [UInt8] = []
  var ward = 0
  var discharge: Int64 = 0
  var episode: DeteriorationEpisode?
  var oxygenSince: Int64?
  /// Until when the sensor is off.
  var dropoutEnd: Int64 = .min
  private var usual = VitalLevels()
  private var drift = VitalLevels()
  private var effect = VitalLevels()
  private var activity: Float = 0
  private var phaseHours = 0.0
  private var medicationHours = 0.0
  private var slowsHeart: Float = 0
  private var lowersFever: Float = 0

  init(device: Device) {
    self.device = device
  }

  /// How each vital sign wanders around its mean (one standard deviation), and how a device errs on top.
  private static let wander = VitalLevels(
    heartRate: 5, systolic: 7, diastolic: 4.5, respiration: 1.3, saturation: 0.7, temperature: 0.15)
  private static let deviceError = VitalLevels(
    heartRate: 1.2, systolic: 2.5, diastolic: 2.2, respiration: 0.7, saturation: 0.5, temperature: 0.06)
  private static let exertion = VitalLevels(
    heartRate: 20, systolic: 12, diastolic: 5, respiration: 5, saturation: -0.5, temperature: 0.15)
  /// Inside the hard validity limits, so that a rejected value is always an injected fault.
  private static let lowest = VitalLevels(
    heartRate: 22, systolic: 48, diastolic: 22, respiration: 4, saturation: 55, temperature: 33)
  private static let highest = VitalLevels(
    heartRate: 215, systolic: 250, diastolic: 145, respiration: 55, saturation: 100, temperature: 41.8)

  /// A person lies down in the bed.
  mutating func admit(_ person: Person, _ random: inout SeededRandom) {
    var levels = person.healthy(ageYears: person.ageYears)
    for illness in person.chronic {
      let disease = Disease.chronic[illness.disease]
      levels += disease.effect * (illness.severity * (illness.takesTreatment ? disease.remainsUnderTreatment : 1))
    }
    usual = VitalLevels(
      heartRate: levels[.heartRate] + 4, systolic: levels[.systolicPressure],
      diastolic: min(levels[.diastolicPressure], levels[.systolicPressure] - 25),
      respiration: levels[.respiratoryRate] + 1, saturation: min(99, levels[.oxygenSaturation] - 0.8),
      temperature: levels[.bodyTemperature] + 0.1)
    key = Array(person.identifier.text.utf8)
    drift = VitalLevels()
    activity = 0
    episode = nil
    oxygenSince = nil
    dropoutEnd = .min
    phaseHours = random.uniform(in: -1.5...1.5)
    medicationHours = random.uniform(in: 0...8)
    slowsHeart = random.chance(0.3) ? Float(random.uniform(in: 5...12)) : 0
    lowersFever = random.chance(0.5) ? Float(random.uniform(in: 0.3...0.8)) : 0
  }

  /// A deterioration begins.
  mutating func deteriorate(_ episode: DeteriorationEpisode) {
    self.episode = episode
    effect = episode.kind.effect(isVariant: episode.isVariant)
  }

  /// Vital signs at a moment as the device reads them.
  ///
  /// - Parameters:
  ///   - time: Event time in microseconds.
  ///   - hours: The same moment on the body's clock, hours since midnight UTC of some day.
  ///   - hoursPassed: Hours of the body's clock since the last reading.
  mutating func read(time: Int64, hours: Double, hoursPassed: Double, _ random: inout SeededRandom) -> VitalLevels {
    let minutes = Float(min(600, hoursPassed * 60))
    // First-order autoregressive noise keeps its variance whatever the interval between readings is.
    let keepsDrift = Self.kept(minutes, of: 25)
    let keepsActivity = Self.kept(minutes, of: 4)
    var noise = VitalLevels()
    var error = VitalLevels()
    for lane in 0..<VitalLane.count {
      noise[lane] = Float(random.normal())
      error[lane] = Float(random.normal())
    }
    noise[.diastolic] = 0.6 * noise[.systolic] + 0.8 * noise[.diastolic]
    drift = drift * keepsDrift + noise * (1 - keepsDrift * keepsDrift).squareRoot()
    activity = activity * keepsActivity + Float(random.normal()) * (1 - keepsActivity * keepsActivity).squareRoot()

    let clock = (hours - phaseHours).truncatingRemainder(dividingBy: 24)
    // The circadian low is at about 4 in the morning, the high at about 16 o'clock.
    let day = Float(-sine((clock + 2) * .pi / 12))
    let isAwake = clock > 6.5 && clock < 22.5
    var levels = usual + drift * Self.wander + error * Self.deviceError
    levels[.heartRate] += 4 * day
    levels[.systolic] += 5 * day
    levels[.diastolic] += 3 * day
    levels[.temperature] += 0.28 * day
    levels += Self.exertion * (max(0, activity - 0.8) * (isAwake ? 1 : 0.2))
    addMedication(hours, &levels)
    let severity = Float(episode?.severity(at: time) ?? 0)
    if severity > 0 { addIllness(severity, time, &levels, &random) }
    levels.clamp(lowerBound: Self.lowest, upperBound: Self.highest)
    levels[.diastolic] = min(levels[.diastolic], levels[.systolic] - 12)
    return levels
  }

  /// How much of a wandering value remains after so many minutes.
  @inline(__always)
  private static func kept(_ minutes: Float, of minutesConstant: Float) -> Float {
    Float(exponential(Double(-minutes / minutesConstant)))
  }

  /// Beta blockers and antipyretics every eight hours, fading with a half-life of about four.
  private func addMedication(_ hours: Double, _ levels: inout VitalLevels) {
    let since = (hours + medicationHours).truncatingRemainder(dividingBy: 8)
    let strength = Float(exponential(-since / 5.8))
    levels[.heartRate] -= slowsHeart * strength
    levels[.systolic] -= slowsHeart * 0.6 * strength
    if levels[.temperature] > 37.4 { levels[.temperature] -= lowersFever * strength }
  }

  private mutating func addIllness(
    _ severity: Float, _ time: Int64, _ levels: inout VitalLevels, _ random: inout SeededRandom
  ) {
    levels += effect * severity
    if episode?.kind == .arrhythmia { levels[.heartRate] += Float(random.normal()) * 14 * severity }
    if oxygenSince != nil, levels[.saturation] < 94 {
      levels[.saturation] += min(6, (96 - levels[.saturation]) * 0.6)
    } else if levels[.saturation] < 91, oxygenSince == nil, random.chance(0.2) {
      oxygenSince = time
    }
  }

  /// Level of consciousness by the severity of what happens.
  func consciousness(at time: Int64) -> NEWS2.Consciousness {
    guard let episode else { return .alert }
    let severity = episode.severity(at: time)
    return switch (episode.kind, severity) {
    case (.arrhythmia, ..<1.2): .alert
    case (_, 1.35...): .pain
    case (_, 1.1...): .voice
    case (.sepsis, 0.75...), (.respiratoryFailure, 0.85...): .confusion
    default: .alert
    }
  }
}
