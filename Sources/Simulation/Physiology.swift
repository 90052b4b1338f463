import Clinical

/// The healthy body: what is normal for an age, how people differ and how measurements vary from one to the next.
///
/// The numbers are round textbook values for a demonstration (adult reference intervals as in the laboratory table
/// of the clinical reference); they describe nobody.
enum Physiology {
  /// The usual levels of a healthy person of this sex and age.
  static func usual(sex: Sex, ageYears: Double, bodyMassIndexOffset: Float) -> Levels {
    let age = Float(ageYears)
    let male = sex == .male
    let childhood = max(0, 18 - age)
    let adultYears = max(0, age - 18)
    let bmi = (age < 18 ? 16 + age * 0.42 : 23.6 + min(adultYears, 40) * 0.09) + bodyMassIndexOffset
    let overweight = bmi - 25
    var levels = Levels(repeating: 0)
    levels[.bodyMassIndex] = bmi
    levels[.bodyTemperature] = 36.75 - adultYears * 0.002
    levels[.heartRate] = (male ? 70 : 73) + childhood * 2.4 + max(0, overweight) * 0.25
    levels[.systolicPressure] = 114 - childhood * 1.6 + adultYears * 0.28 + overweight * 0.45 + (male ? 2 : -2)
    levels[.diastolicPressure] = 73 - childhood * 0.9 + min(adultYears, 40) * 0.12 + overweight * 0.3
    levels[.creatinine] = (male ? -0.08 : -0.28) - childhood * 0.035 + adultYears * 0.0025
    levels[.alanineAminotransferase] = (male ? 3.12 : 2.9) + overweight * 0.018
    levels[.glucose] = 4.5 + adultYears * 0.0012 + overweight * 0.004
    levels[.hemoglobin] = (male ? 15.0 : 13.5) - childhood * 0.11 - max(0, age - 60) * 0.018
    levels[.leukocytes] = 1.9 + childhood * 0.012
    levels[.oxygenSaturation] = 98.1 - max(0, age - 40) * 0.022
    levels[.respiratoryRate] = 15 + childhood * 0.5
    levels[.cholesterol] = 165 + min(adultYears, 40) * 0.75
    levels[.potassium] = 4.2
    levels[.sodium] = 140
    levels[.ureaNitrogen] = 2.55 + adultYears * 0.004
    return levels
  }

  /// How healthy people of one sex and age differ from each other: one standard deviation.
  static let betweenPeople = Levels.of([
    .bodyMassIndex: 4.2, .bodyTemperature: 0.18, .heartRate: 7, .systolicPressure: 8, .diastolicPressure: 5.5,
    .creatinine: 0.14, .alanineAminotransferase: 0.3, .glucose: 0.07, .hemoglobin: 0.75, .leukocytes: 0.19,
    .oxygenSaturation: 0.7, .respiratoryRate: 1.2, .cholesterol: 28, .potassium: 0.22, .sodium: 1.5,
    .ureaNitrogen: 0.18,
  ])

  /// How one person's measurements differ from one to the next: one standard deviation, biology and device together.
  static let withinPerson = Levels.of([
    .bodyMassIndex: 0.25, .bodyTemperature: 0.24, .heartRate: 6, .systolicPressure: 7, .diastolicPressure: 5,
    .creatinine: 0.08, .alanineAminotransferase: 0.16, .glucose: 0.1, .hemoglobin: 0.35, .leukocytes: 0.14,
    .oxygenSaturation: 0.8, .respiratoryRate: 1.4, .cholesterol: 12, .potassium: 0.18, .sodium: 1.4,
    .ureaNitrogen: 0.15,
  ])

  /// Arousal (stairs, worry, a cold room) moves these together; added once per measurement.
  static let arousal = Levels.of([
    .heartRate: 6, .systolicPressure: 5, .diastolicPressure: 3, .respiratoryRate: 1, .bodyTemperature: 0.06,
  ])

  /// No living patient of the simulation is measured outside these; they lie inside the hard validity limits of the
  /// clinical reference, so that a rejected value is always an injected fault.
  static let lowest = Levels.of([
    .bodyMassIndex: 11, .bodyTemperature: 34, .heartRate: 34, .systolicPressure: 62, .creatinine: -1.9,
    .alanineAminotransferase: 1.4, .glucose: 3.5, .hemoglobin: 4.5, .leukocytes: -0.3, .oxygenSaturation: 68,
    .diastolicPressure: 32, .respiratoryRate: 7, .cholesterol: 70, .potassium: 2.4, .sodium: 118, .ureaNitrogen: 1,
  ])

  /// The upper counterpart of ``lowest``.
  static let highest = Levels.of([
    .bodyMassIndex: 62, .bodyTemperature: 41.6, .heartRate: 205, .systolicPressure: 245, .creatinine: 2.6,
    .alanineAminotransferase: 8.2, .glucose: 6.6, .hemoglobin: 20, .leukocytes: 4.2, .oxygenSaturation: 100,
    .diastolicPressure: 140, .respiratoryRate: 52, .cholesterol: 420, .potassium: 7.2, .sodium: 160,
    .ureaNitrogen: 4.8,
  ])

  /// One measurement of the first `count` analytes around `levels`, in the units of a record (logarithms undone).
  @inline(__always)
  static func measure(_ levels: Levels, count: Int, random: inout SeededRandom) -> Levels {
    var noise = Levels(repeating: 0)
    for lane in 0..<count {
      noise[lane] = Float(random.normal())
    }
    var measured = levels + noise * withinPerson + Float(random.normal()) * arousal
    measured.clamp(lowerBound: lowest, upperBound: highest)
    measured[.creatinine] = Float(exponential(Double(measured[.creatinine])))
    measured[.alanineAminotransferase] = Float(exponential(Double(measured[.alanineAminotransferase])))
    measured[.glucose] = Float(exponential(Double(measured[.glucose])))
    measured[.leukocytes] = Float(exponential(Double(measured[.leukocytes])))
    if count > Analyte.ureaNitrogen.rawValue {
      measured[.ureaNitrogen] = Float(exponential(Double(measured[.ureaNitrogen])))
    }
    return measured
  }
}
