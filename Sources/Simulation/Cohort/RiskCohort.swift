/// Patients of the `risk` pipeline: how ill somebody is (a severity from 0 to 1 that wanders from one measurement to the
/// next) moves heart rate, pressures, saturation, temperature and glucose, and decides how the next day goes.
///
/// The outcome also depends on a frailty that nothing measures and on chance, so the best possible classifier errs.
/// All effect sizes are invented; they are of the order of what the clinical reference calls suspect and critical.
public enum RiskCohort: Cohort {
  /// What is known about one patient beside the identifier.
  public struct Patient: Sendable {
    var usual: [Double]
    var frailty: Double
    var hasInfection: Bool
    var ageYears: Double
    var isFemale: Bool
    /// Wanders with mean 0 and variance 1.
    var state: Double
  }

  /// Heart rate, pressures, saturation, temperature, glucose.
  public static let fields = [
    ObservationField("heart_rate", decimals: 0, tooHigh: "8388607"),
    ObservationField("systolic_blood_pressure", decimals: 0, tooHigh: "11647"),
    ObservationField("diastolic_blood_pressure", decimals: 0, tooHigh: "9999"),
    ObservationField("oxygen_saturation", decimals: 0, tooHigh: "127"),
    ObservationField("body_temperature", decimals: 1, tooHigh: "212.0"),
    ObservationField("glucose", decimals: 0, tooHigh: "36000"),
  ]
  /// No event, care had to be stepped up, an emergency within a day.
  public static let outcomes = ["Low", "Medium", "High"]
  /// The label's column.
  public static let label = "risk"

  /// No record holds them: whom a model serves worse can be seen without its knowing.
  public static let attributes = ["age_group", "sex"]

  private static let effect = [44.0, -38, -22, -9, 1.7, 55]
  private static let noise = [6.0, 8, 6, 1, 0.25, 14]
  private static let lowest = [22.0, 48, 22, 55, 33, 25]
  private static let highest = [215.0, 250, 145, 100, 41.8, 800]

  /// A new patient.
  public static func patient(_ random: inout SeededRandom) -> Patient {
    let isDiabetic = random.chance(0.15)
    let between = [9.0, 13, 8, 0.9, 0.2, 12]
    let middle = [76.0, 125, 76, 97.2, 36.8, isDiabetic ? 165 : 104]
    let age = random.normal()
    var usual = zip(middle, between).map { $0 + $1 * random.normal() }
    // The old have the higher pressures, and less to set against an illness.
    usual[1] += 6 * age
    return Patient(
      usual: usual, frailty: 0.8 * random.normal() + 0.6 * age, hasInfection: random.chance(0.6),
      ageYears: min(98, max(18, 60 + 17 * age)), isFemale: random.chance(0.5), state: random.normal())
  }

  /// Age group and sex.
  public static func attributes(of patient: Patient) -> [String] {
    let groups = [(40.0, "18-39"), (65, "40-64"), (80, "65-79")]
    return [groups.first { patient.ageYears < $0.0 }?.1 ?? "80+", patient.isFemale ? "female" : "male"]
  }

  /// The next measurement.
  public static func observe(_ patient: inout Patient, _ random: inout SeededRandom) -> Observation {
    patient.state = 0.92 * patient.state + 0.392 * random.normal()
    let severity = 1 / (1 + exponential(1.5 - 1.5 * patient.state))
    var values: [Double] = []
    for lane in 0..<6 {
      // Without an infection the temperature hardly moves.
      let effect = effect[lane] * (lane == 4 && !patient.hasInfection ? -0.15 : 1)
      let value = patient.usual[lane] + effect * severity + noise[lane] * random.normal()
      values.append(min(highest[lane], max(lowest[lane], value)))
    }
    values[2] = min(values[2], values[1] - 10)
    // Glucose is not measured every time.
    if random.chance(0.05) { values[5] = .nan }
    let course = severity + 0.07 * patient.frailty + 0.07 * random.normal()
    switch course {
    case 0.62...:
      return Observation(
        values: values, outcome: 2, eventAfterHours: min(24, -logarithm(1 - random.uniform()) * 6 + 0.1))
    case 0.36...: return Observation(values: values, outcome: 1)
    default: return Observation(values: values, outcome: 0)
    }
  }
}

/// The record stream of the `risk` pipeline.
public typealias RiskSimulator = CohortSimulator<RiskCohort>
