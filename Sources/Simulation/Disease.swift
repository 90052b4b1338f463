/// A disease of the simulation: what it is called, whom it meets and what it does to the body.
struct Disease: Sendable {
  /// How a disease comes and goes.
  enum Course: Sendable {
    /// Begins once and stays. The share of people who have it, by age group (under 18, 18–34, … 80 and over).
    case chronic(prevalence: [Double])
    /// Comes with an encounter and ends after so many days. The weight is its share among acute diseases.
    case acute(days: ClosedRange<Int>, weight: Double)
  }

  /// SNOMED CT code, as Synthea writes it.
  let code: String
  /// Description as Synthea writes it, without commas.
  let description: String
  let course: Course
  /// What the disease of average severity adds to the levels of a healthy body.
  let effect: Levels
  /// How much of the effect remains once a chronic disease is treated.
  let remainsUnderTreatment: Float
  let treatment: Treatment?

  init(
    _ code: String, _ description: String, _ course: Course, _ effect: [Analyte: Float],
    remainsUnderTreatment: Float = 1, treatment: Treatment? = nil
  ) {
    self.code = code
    self.description = description
    self.course = course
    self.effect = Levels.of(effect)
    self.remainsUnderTreatment = remainsUnderTreatment
    self.treatment = treatment
  }
}

/// A medication that a disease is treated with (RxNorm code and name as Synthea writes them).
struct Treatment: Sendable {
  let code: String
  let description: String
  /// Price of one dispense in cents.
  let costCents: Int
}
