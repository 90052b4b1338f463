import Clinical

/// A simulated person, a function of the seed and the person's number alone: the population generator and the record
/// simulator therefore meet the same people under the same identifiers.
struct Person: Sendable {
  /// A chronic disease of one person.
  struct ChronicCase: Sendable {
    /// Position in ``Disease/chronic``.
    let disease: Int
    let severity: Float
    /// Whether a doctor's diagnosis leads to treatment.
    let takesTreatment: Bool
    /// When it began, as a share (0 ... 1) of the simulated years.
    let onset: Double
  }

  /// The day that ages are counted from, whatever day the simulation is run on.
  static let referenceDay = CivilDate(year: 2026, month: 1, day: 1)

  let index: Int
  let identifier: SimulatedUUID
  let sex: Sex
  let birth: CivilDate
  /// How this healthy person differs from the usual.
  let difference: Levels
  let chronic: [ChronicCase]
  /// When the person died, as a share (0 ... 1) of the simulated years; `nil` for the living.
  let death: Double?

  /// Person number `index` of the population of `seed`.
  init(seed: UInt64, index: Int) {
    var random = SeededRandom(seed: seed, stream: UInt64(truncatingIfNeeded: index) &* 2)
    self.index = index
    identifier = SimulatedUUID(random: &random)
    sex = random.chance(0.51) ? .female : .male
    let age = Self.randomAge(&random)
    birth = CivilDate(days: Self.referenceDay.days - Int32(age * 365.2425))
    var z = Levels(repeating: 0)
    for lane in 0..<Levels.scalarCount {
      z[lane] = Float(random.normal())
    }
    // Overweight is skewed to the right; taller pressure runs in both pressures.
    z[.bodyMassIndex] = z[.bodyMassIndex] > 0 ? z[.bodyMassIndex] * 1.35 : z[.bodyMassIndex] * 0.7
    z[.diastolicPressure] = 0.6 * z[.systolicPressure] + 0.8 * z[.diastolicPressure]
    difference = z * Physiology.betweenPeople
    chronic = Self.randomChronic(age: age, bodyMassIndex: z[.bodyMassIndex], &random)
    let mortality = [0.002, 0.004, 0.007, 0.015, 0.05, 0.16][Self.group(age: age)]
    death = random.chance(mortality * (1 + 0.4 * Double(chronic.count))) ? random.uniform(in: 0.3...1) : nil
  }

  /// Levels of this person when healthy, at an age in years.
  func healthy(ageYears: Double) -> Levels {
    var others = difference
    others[.bodyMassIndex] = 0
    return others
      + Physiology.usual(sex: sex, ageYears: ageYears, bodyMassIndexOffset: difference[.bodyMassIndex])
  }

  /// Age in years at the reference day.
  var ageYears: Double {
    Double(Self.referenceDay.days - birth.days) / 365.2425
  }

  private static func randomAge(_ random: inout SeededRandom) -> Double {
    let place = random.uniform()
    let within = random.uniform()
    switch place {
    case ..<0.18: return 0.5 + within * 17.5
    case ..<0.39: return 18 + within * 17
    case ..<0.58: return 35 + within * 15
    case ..<0.78: return 50 + within * 15
    case ..<0.94: return 65 + within * 15
    default: return 80 + within * 15
    }
  }

  private static func group(age: Double) -> Int {
    [18.0, 35, 50, 65, 80].firstIndex { age < $0 } ?? 5
  }

  private static func randomChronic(
    age: Double, bodyMassIndex: Float, _ random: inout SeededRandom
  ) -> [ChronicCase] {
    let group = group(age: age)
    var cases: [ChronicCase] = []
    for (position, disease) in Disease.chronic.enumerated() {
      guard case .chronic(let prevalence) = disease.course else { continue }
      // The overweight have more of everything chronic, and one disease brings the next.
      let burden = 1 + 0.35 * Double(max(-1, bodyMassIndex)) + 0.5 * Double(min(2, cases.count))
      let has = random.chance(min(0.9, prevalence[group] * burden))
      let severity = Disease.randomSeverity(&random)
      let takesTreatment = random.chance(0.7)
      let onset = random.uniform()
      if has {
        cases.append(
          ChronicCase(disease: position, severity: severity, takesTreatment: takesTreatment, onset: onset))
      }
    }
    return cases
  }
}
