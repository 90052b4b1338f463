/// Patients of the `diabetes` pipeline with the measurements of the Pima data: a disposition that no record holds moves
/// glucose, insulin, body mass and the outcome.
///
/// As in the Pima data, 0 stands for pressures, skin folds, insulin, body mass and glucose that were not measured, about
/// as often. Everything else is invented; nobody's values are copied.
public enum DiabetesCohort: Cohort {
  /// What is known about one patient beside the identifier.
  public struct Patient: Sendable {
    var age: Double
    var pregnancies: Double
    var pedigree: Double
    var bodyMass: Double
    /// How disposed the body is to diabetes; mean 0, variance about 1.
    var disposition: Double
    var outcome: Int
  }

  /// The features of the Pima data in their order.
  public static let fields = [
    ObservationField("pregnancies", decimals: 0, tooHigh: "99"),
    ObservationField("glucose", decimals: 0, absent: .zero, tooHigh: "36000"),
    ObservationField("blood_pressure", decimals: 0, absent: .zero, tooHigh: "9999"),
    ObservationField("skin_thickness", decimals: 0, absent: .zero, tooHigh: "900"),
    ObservationField("insulin", decimals: 0, absent: .zero, tooHigh: "99999"),
    ObservationField("bmi", decimals: 1, absent: .zero, tooHigh: "240.0"),
    ObservationField("diabetes_pedigree_function", decimals: 3, tooHigh: "99.000"),
    ObservationField("age", decimals: 0, tooHigh: "999"),
  ]
  /// 1 for diabetes.
  public static let outcomes = ["0", "1"]
  /// The label's column.
  public static let label = "outcome"

  /// A new patient.
  public static func patient(_ random: inout SeededRandom) -> Patient {
    let age = min(81, 21 - logarithm(1 - random.uniform()) * 12)
    let pedigree = min(2.5, exponential(-0.95 + 0.6 * random.normal()))
    let bodyMass = min(60, max(18.5, 32 + 6.8 * random.normal()))
    let pregnancies = min(15, max(0, (age - 20) * 0.16 + 1.8 * random.normal() + 1)).rounded(.down)
    let disposition =
      0.045 * (age - 33) + 0.09 * (bodyMass - 32) + 0.9 * (pedigree - 0.47) + 0.07 * (pregnancies - 3)
      + 0.8 * random.normal()
    let probability = 1 / (1 + exponential(0.95 - 1.5 * disposition))
    return Patient(
      age: age.rounded(.down), pregnancies: pregnancies, pedigree: pedigree, bodyMass: bodyMass,
      disposition: disposition, outcome: random.chance(probability) ? 1 : 0)
  }

  /// The next measurement.
  public static func observe(_ patient: inout Patient, _ random: inout SeededRandom) -> Observation {
    let glucose = 109 + 13 * patient.disposition + (patient.outcome == 1 ? 22 : 0) + 20 * random.normal()
    let pressure = 69 + 0.28 * (patient.age - 33) + 0.35 * (patient.bodyMass - 32) + 11 * random.normal()
    let skin = 29 + 0.9 * (patient.bodyMass - 32) + 7.5 * random.normal()
    let insulin = exponential(4.75 + 0.011 * (glucose - 120) + 0.45 * random.normal())
    func measured(_ value: Double, in range: ClosedRange<Double>, missing: Double) -> Double {
      random.chance(missing) ? .nan : min(range.upperBound, max(range.lowerBound, value))
    }
    return Observation(
      values: [
        patient.pregnancies, measured(glucose, in: 44...400, missing: 0.007),
        measured(pressure, in: 24...160, missing: 0.045), measured(skin, in: 7...99, missing: 0.3),
        measured(insulin, in: 14...850, missing: 0.49), measured(patient.bodyMass, in: 15...70, missing: 0.014),
        patient.pedigree, patient.age,
      ], outcome: patient.outcome)
  }
}

/// The record stream of the `diabetes` pipeline.
public typealias DiabetesSimulator = CohortSimulator<DiabetesCohort>
