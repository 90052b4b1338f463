import Clinical

/// Writes the observations of one encounter.
///
/// Which tests are made does not depend on whether the patient is ill: a model trained on them must learn from the
/// values, since the records of a stream carry all tests.
struct EncounterObservations {
  let person: Person
  let visit: LifeCourse.Visit
  let encounter: SimulatedUUID
  let measured: Levels
  private var rows = 0

  init(person: Person, visit: LifeCourse.Visit, encounter: SimulatedUUID, measured: Levels) {
    self.person = person
    self.visit = visit
    self.encounter = encounter
    self.measured = measured
  }

  /// Writes the rows and gives their number.
  mutating func write(to file: OutputFile, random: inout SeededRandom) throws(SimulationError) -> Int {
    try writeVitalSigns(file, &random)
    if random.chance(0.85) { try writeMetabolicPanel(file, &random) }
    if random.chance(0.75) { try writeBloodCount(file, &random) }
    if random.chance(0.65) {
      try put(
        file, "laboratory,1742-6,Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma,",
        Double(measured[.alanineAminotransferase]), ",U/L,numeric\n")
    }
    if case .checkUp = visit.reason {
      if random.chance(0.4) {
        try put(file, "laboratory,2093-3,Total Cholesterol,", Double(measured[.cholesterol]), ",mg/dL,numeric\n")
      }
      try writeSmoking(file)
    }
    return rows
  }

  private mutating func writeVitalSigns(_ file: OutputFile, _ random: inout SeededRandom) throws(SimulationError) {
    let age = Double(visit.day - person.birth.days) / 365.2425
    let grown = person.sex == .male ? 176.0 : 163
    let height = age < 18 ? 50 + (grown - 50) * (age / 18).squareRoot() : grown
    let tall = height * (1 + Double(person.difference[.sodium]) * 0.012)
    let index = Double(measured[.bodyMassIndex])
    try put(file, "vital-signs,8302-2,Body Height,", tall, ",cm,numeric\n")
    try put(
      file, "vital-signs,72514-3,Pain severity - 0-10 verbal numeric rating [Score] - Reported,",
      Double(random.integer(below: 5)), ",{score},numeric\n")
    try put(file, "vital-signs,29463-7,Body Weight,", index * tall * tall / 10_000, ",kg,numeric\n")
    try put(file, "vital-signs,39156-5,Body Mass Index,", index, ",kg/m2,numeric\n")
    let systolic = Double(measured[.systolicPressure]).rounded()
    let diastolic = min(Double(measured[.diastolicPressure]).rounded(), systolic - 12)
    try put(file, "vital-signs,8462-4,Diastolic Blood Pressure,", diastolic, ",mm[Hg],numeric\n")
    try put(file, "vital-signs,8480-6,Systolic Blood Pressure,", systolic, ",mm[Hg],numeric\n")
    try put(file, "vital-signs,8867-4,Heart rate,", Double(measured[.heartRate]).rounded(), ",/min,numeric\n")
    try put(
      file, "vital-signs,9279-1,Respiratory rate,", Double(measured[.respiratoryRate]).rounded(), ",/min,numeric\n")
    if random.chance(0.85) {
      try put(file, "vital-signs,8310-5,Body temperature,", Double(measured[.bodyTemperature]), ",Cel,numeric\n")
    }
    if random.chance(0.8) {
      try put(
        file, "vital-signs,2708-6,Oxygen saturation in Arterial blood,", Double(measured[.oxygenSaturation]),
        ",%,numeric\n")
    }
  }

  private mutating func writeMetabolicPanel(_ file: OutputFile, _ random: inout SeededRandom) throws(SimulationError) {
    try put(file, "laboratory,2339-0,Glucose,", Double(measured[.glucose]), ",mg/dL,numeric\n")
    try put(file, "laboratory,6299-2,Urea Nitrogen,", Double(measured[.ureaNitrogen]), ",mg/dL,numeric\n")
    try put(file, "laboratory,38483-4,Creatinine,", max(0.1, Double(measured[.creatinine])), ",mg/dL,numeric\n")
    try put(file, "laboratory,2947-0,Sodium,", Double(measured[.sodium]), ",mmol/L,numeric\n")
    try put(file, "laboratory,6298-4,Potassium,", Double(measured[.potassium]), ",mmol/L,numeric\n")
  }

  private mutating func writeBloodCount(_ file: OutputFile, _ random: inout SeededRandom) throws(SimulationError) {
    try put(
      file, "laboratory,6690-2,Leukocytes [#/volume] in Blood by Automated count,", Double(measured[.leukocytes]),
      ",10*3/uL,numeric\n")
    try put(
      file, "laboratory,718-7,Hemoglobin [Mass/volume] in Blood,", Double(measured[.hemoglobin]), ",g/dL,numeric\n")
    try put(
      file, "laboratory,4544-3,Hematocrit [Volume Fraction] of Blood by Automated count,",
      Double(measured[.hemoglobin]) * 2.94 + random.normal(), ",%,numeric\n")
    try put(
      file, "laboratory,777-3,Platelets [#/volume] in Blood by Automated count,", max(20, 250 + 55 * random.normal()),
      ",10*3/uL,numeric\n")
  }

  private mutating func writeSmoking(_ file: OutputFile) throws(SimulationError) {
    let smokes = person.chronic.contains { Disease.chronic[$0.disease].code == "185086009" }
    rows += 1
    try file.row { row in
      writeStart(&row)
      row.write("social-history,72166-2,Tobacco smoking status,")
      row.write(smokes ? "Ex-smoker (finding),,text\n" : "Never smoked tobacco (finding),,text\n")
    }
  }

  private mutating func put(
    _ file: OutputFile, _ name: StaticString, _ value: Double, _ unit: StaticString
  ) throws(SimulationError) {
    rows += 1
    try file.row { row in
      writeStart(&row)
      row.write(name)
      row.write(value, decimals: 1)
      row.write(unit)
    }
  }

  private func writeStart(_ row: inout ByteCursor) {
    row.write(timestampSeconds: visit.start)
    row.write(byte: UInt8(ascii: ","))
    row.write(person.identifier)
    row.write(byte: UInt8(ascii: ","))
    row.write(encounter)
    row.write(byte: UInt8(ascii: ","))
  }
}
