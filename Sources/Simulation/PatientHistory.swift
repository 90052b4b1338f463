import Clinical

/// Writes all rows of one patient, in the order in which they happen.
struct PatientHistory {
  let person: Person
  let life: LifeCourse
  var random: SeededRandom
  let home: Int
  private let payer: Payer
  private var treated: [Bool]
  private var diagnosed: [Bool]
  private var hasObesityRow = false
  private(set) var expensesCents = 0
  private(set) var coveredCents = 0

  init(person: Person, life: LifeCourse, random: SeededRandom) {
    self.person = person
    self.life = life
    self.random = random
    home = self.random.integer(below: Place.all.count)
    let choice = self.random.integer(below: 20)
    payer =
      switch person.ageYears {
      case 65...: Payer.all[0]
      default: Payer.all[choice < 4 ? 1 : choice < 12 ? 2 : choice < 19 ? 3 : 4]
      }
    treated = Array(repeating: false, count: person.chronic.count)
    diagnosed = treated
  }

  mutating func write(to files: PopulationFiles, summary: inout PopulationSummary) throws(SimulationError) {
    for (position, visit) in life.visits.enumerated() {
      let encounter = SimulatedUUID(random: &random)
      try writeEncounter(visit, encounter, files)
      summary.encounters += 1
      summary.conditions += try writeFindings(position, visit, encounter, files)
      summary.conditions += try diagnose(visit, encounter, files, &summary)
      let levels = life.levels(at: visit, treated: treated, random: &random)
      let measured = Physiology.measure(levels, count: Levels.scalarCount, random: &random)
      var rows = EncounterObservations(person: person, visit: visit, encounter: encounter, measured: measured)
      summary.observations += try rows.write(to: files.observations, random: &random)
      summary.conditions += try writeObesity(measured, visit, encounter, files)
      if hasActiveDisease(visit) { summary.encountersWithDisease += 1 }
    }
    summary.observations += try writeQualityOfLife(files)
    try writePatient(files)
  }

  private func hasActiveDisease(_ visit: LifeCourse.Visit) -> Bool {
    if case .acuteDisease = visit.reason { return true }
    return diagnosed.contains(true)
      || life.episodes.contains { $0.firstDay <= visit.day && visit.day <= $0.lastDay && wasSeen($0) }
  }

  private func wasSeen(_ episode: LifeCourse.Episode) -> Bool {
    episode.firstDay >= life.firstDay && episode.firstDay <= life.lastDay
  }

  /// Chronic diseases are found at some encounter after they began, with their treatment; acute ones at theirs.
  private mutating func diagnose(
    _ visit: LifeCourse.Visit, _ encounter: SimulatedUUID, _ files: PopulationFiles,
    _ summary: inout PopulationSummary
  ) throws(SimulationError) -> Int {
    var rows = 0
    for (position, illness) in person.chronic.enumerated()
    where !diagnosed[position] && life.onsetDay(of: illness) <= visit.day {
      let found = random.chance(0.8)
      guard found else { continue }
      diagnosed[position] = true
      let disease = Disease.chronic[illness.disease]
      try writeCondition(
        files, start: visit.day, stop: nil, encounter, code: disease.code, description: disease.description)
      rows += 1
      if let treatment = disease.treatment, illness.takesTreatment {
        treated[position] = true
        try writeMedication(files, treatment, disease, visit, encounter, days: nil)
        summary.medications += 1
      }
    }
    guard case .acuteDisease(let number) = visit.reason else { return rows }
    let episode = life.episodes[number]
    let disease = Disease.acute[episode.disease]
    let stop = episode.lastDay <= life.lastDay ? episode.lastDay : nil
    try writeCondition(
      files, start: visit.day, stop: stop, encounter, code: disease.code, description: disease.description)
    if let treatment = disease.treatment, random.chance(0.8) {
      try writeMedication(files, treatment, disease, visit, encounter, days: 10)
      summary.medications += 1
    }
    return rows + 1
  }

  /// Findings of a check-up that are no disease: work, stress, schooling.
  private mutating func writeFindings(
    _ position: Int, _ visit: LifeCourse.Visit, _ encounter: SimulatedUUID, _ files: PopulationFiles
  ) throws(SimulationError) -> Int {
    guard case .checkUp = visit.reason else { return 0 }
    let age = CivilDate(days: visit.day).completedYears(since: person.birth)
    guard age >= 18 else { return 0 }
    var rows = 0
    let next = life.visits[(position + 1)...].first { later in
      if case .checkUp = later.reason { true } else { false }
    }
    if age < 67 {
      let finding =
        switch random.uniform() {
        case ..<0.7: ("160903007", "Full-time employment (finding)")
        case ..<0.86: ("160904001", "Part-time employment (finding)")
        default: ("741062008", "Not in labor force (finding)")
        }
      try writeCondition(
        files, start: visit.day, stop: next?.day, encounter, code: finding.0, description: finding.1)
      rows += 1
    }
    if random.chance(0.25) {
      try writeCondition(
        files, start: visit.day, stop: next?.day, encounter, code: "73595000", description: "Stress (finding)")
      rows += 1
    }
    if position == 0, random.chance(0.5) {
      try writeCondition(
        files, start: visit.day, stop: nil, encounter, code: "224299000",
        description: "Received higher education (finding)")
      rows += 1
    }
    return rows
  }

  private mutating func writeObesity(
    _ measured: Levels, _ visit: LifeCourse.Visit, _ encounter: SimulatedUUID, _ files: PopulationFiles
  ) throws(SimulationError) -> Int {
    guard !hasObesityRow, person.ageYears >= 18, measured[.bodyMassIndex] >= 30 else { return 0 }
    hasObesityRow = true
    try writeCondition(
      files, start: visit.day, stop: nil, encounter, code: "162864005",
      description: "Body mass index 30+ - obesity (finding)")
    return 1
  }

  private func writeCondition(
    _ files: PopulationFiles, start: Int32, stop: Int32?, _ encounter: SimulatedUUID, code: String,
    description: String
  ) throws(SimulationError) {
    try files.conditions.row { row in
      row.write(CivilDate(days: start))
      row.write(byte: UInt8(ascii: ","))
      if let stop { row.write(CivilDate(days: stop)) }
      row.write(byte: UInt8(ascii: ","))
      row.write(person.identifier)
      row.write(byte: UInt8(ascii: ","))
      row.write(encounter)
      row.write(",http://snomed.info/sct,")
      row.write(text: code)
      row.write(byte: UInt8(ascii: ","))
      row.write(text: description)
      row.write(byte: UInt8(ascii: "\n"))
    }
  }

  private mutating func writeMedication(
    _ files: PopulationFiles, _ treatment: Treatment, _ disease: Disease, _ visit: LifeCourse.Visit,
    _ encounter: SimulatedUUID, days: Int32?
  ) throws(SimulationError) {
    let dispenses = days == nil ? 1 + Int(life.lastDay - visit.day) / 30 : 1
    let covered = treatment.costCents * payer.coveredPercent / 100
    expensesCents += treatment.costCents * dispenses
    coveredCents += covered * dispenses
    try files.medications.row { row in
      row.write(timestampSeconds: visit.start)
      row.write(byte: UInt8(ascii: ","))
      if let days { row.write(timestampSeconds: visit.start + Int64(days) * 86_400) }
      row.write(byte: UInt8(ascii: ","))
      row.write(person.identifier)
      row.write(byte: UInt8(ascii: ","))
      row.write(payer.identifier)
      row.write(byte: UInt8(ascii: ","))
      row.write(encounter)
      row.write(byte: UInt8(ascii: ","))
      row.write(text: treatment.code)
      row.write(byte: UInt8(ascii: ","))
      row.write(text: treatment.description)
      row.write(byte: UInt8(ascii: ","))
      row.write(cents: treatment.costCents)
      row.write(byte: UInt8(ascii: ","))
      row.write(cents: covered)
      row.write(byte: UInt8(ascii: ","))
      row.write(dispenses)
      row.write(byte: UInt8(ascii: ","))
      row.write(cents: treatment.costCents * dispenses)
      row.write(byte: UInt8(ascii: ","))
      row.write(text: disease.code)
      row.write(byte: UInt8(ascii: ","))
      row.write(text: disease.description)
      row.write(byte: UInt8(ascii: "\n"))
    }
  }

  private mutating func writeEncounter(
    _ visit: LifeCourse.Visit, _ encounter: SimulatedUUID, _ files: PopulationFiles
  ) throws(SimulationError) {
    let kind = EncounterKind(visit, life: life, isChild: person.ageYears < 18)
    let base = kind.costCents
    let total = base + random.integer(below: base * 4)
    let covered = total * payer.coveredPercent / 100
    expensesCents += total
    coveredCents += covered
    let organization = Place.organizations[home]
    try files.encounters.row { row in
      row.write(encounter)
      row.write(byte: UInt8(ascii: ","))
      row.write(timestampSeconds: visit.start)
      row.write(byte: UInt8(ascii: ","))
      row.write(timestampSeconds: visit.start + kind.seconds)
      row.write(byte: UInt8(ascii: ","))
      row.write(person.identifier)
      row.write(byte: UInt8(ascii: ","))
      row.write(organization.identifier)
      row.write(byte: UInt8(ascii: ","))
      row.write(organization.provider)
      row.write(byte: UInt8(ascii: ","))
      row.write(payer.identifier)
      row.write(byte: UInt8(ascii: ","))
      row.write(kind.text)
      row.write(byte: UInt8(ascii: ","))
      row.write(cents: base)
      row.write(byte: UInt8(ascii: ","))
      row.write(cents: total)
      row.write(byte: UInt8(ascii: ","))
      row.write(cents: covered)
      row.write(byte: UInt8(ascii: ","))
      if case .acuteDisease(let number) = visit.reason {
        let disease = Disease.acute[life.episodes[number].disease]
        row.write(text: disease.code)
        row.write(byte: UInt8(ascii: ","))
        row.write(text: disease.description)
      } else {
        row.write(byte: UInt8(ascii: ","))
      }
      row.write(byte: UInt8(ascii: "\n"))
    }
  }
}
