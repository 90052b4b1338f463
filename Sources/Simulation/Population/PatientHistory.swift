import Clinical

/// Writes all rows of one patient, in the order in which they happen.
struct PatientHistory {
  let person: Person
  private(set) var life: LifeCourse
  /// What the body and the doctors do.
  var random: SeededRandom
  /// What is beside that: plants, procedures, vaccines, papers. A generator of its own, so that a change there changes
  /// nobody's measurements.
  var care: SeededRandom
  let place: Int
  let organization: Organization
  let payer: Payer
  let firstName: String
  let lastName: String
  /// Cases of outbreaks that this patient is.
  let outbreakCases: [(outbreak: Outbreak, day: Int32)]
  var chronicCourses: [ChronicCourse]
  private var stays: [Int: (encounter: SimulatedUUID, end: Int64)] = [:]
  private var hasObesityRow = false
  var expensesCents = 0
  var coveredCents = 0

  /// What became of one of the person's chronic diseases.
  struct ChronicCourse {
    var diagnosedOn: Int32?
    var isTreated = false
  }

  init(
    person: Person, life: LifeCourse, random: SeededRandom, care: SeededRandom, outbreaks: [Outbreak], closes: Bool
  ) {
    self.person = person
    self.random = random
    self.care = care
    place = self.random.integer(below: Place.all.count)
    let choice = self.random.integer(below: 20)
    payer =
      switch person.ageYears {
      case 65...: Payer.all[0]
      default: Payer.all[choice < 4 ? 1 : choice < 12 ? 2 : choice < 19 ? 3 : 4]
      }
    organization = Organization.all[Organization.random(ofPlace: place, &self.care)]
    let names = PersonName.first(person.sex)
    firstName = "\(names[self.care.integer(below: names.count)])\(100 + self.care.integer(below: 900))"
    lastName =
      "\(PersonName.last[self.care.integer(below: PersonName.last.count)])\(100 + self.care.integer(below: 900))"
    chronicCourses = Array(repeating: ChronicCourse(), count: person.chronic.count)
    var life = life
    outbreakCases = life.plant(outbreaks, county: Place.all[place].county, &self.care)
    life.plantStays(in: organization, &self.care)
    if closes { life.addClosingVisit() }
    self.life = life
  }

  mutating func write(to files: PopulationFiles, summary: inout PopulationSummary) throws(SimulationError) {
    for (position, visit) in life.visits.enumerated() {
      let encounter = SimulatedUUID(random: &random)
      let meeting = Meeting(visit, encounter, self)
      try writeEncounter(meeting, files)
      try writeStay(meeting, files)
      try writeFindings(position, meeting, files)
      try diagnose(meeting, files)
      let levels = life.levels(at: visit, treated: chronicCourses.map(\.isTreated), random: &random)
      let measured = Physiology.measure(levels, count: Levels.scalarCount, random: &random)
      var rows = EncounterObservations(person: person, visit: visit, encounter: encounter, measured: measured)
      _ = try rows.write(to: files.observations, random: &random)
      try writeObesity(measured, meeting, files)
      try writeCare(meeting, isFirst: position == 0, files)
      if hasActiveDisease(visit) { summary.encountersWithDisease += 1 }
    }
    _ = try writeQualityOfLife(files)
    try writePayerTransitions(files)
    try writePatient(files)
    try files.truth.write(self)
  }

  private func hasActiveDisease(_ visit: LifeCourse.Visit) -> Bool {
    if case .acuteDisease = visit.reason { return true }
    return chronicCourses.contains { $0.diagnosedOn != nil }
      || life.episodes.contains { $0.firstDay <= visit.day && visit.day <= $0.lastDay && wasSeen($0) }
  }

  private func wasSeen(_ episode: LifeCourse.Episode) -> Bool {
    episode.firstDay >= life.firstDay && episode.firstDay <= life.lastDay
  }

  /// Notes how a stay in a hospital follows an earlier one.
  private mutating func writeStay(_ meeting: Meeting, _ files: PopulationFiles) throws(SimulationError) {
    guard let stay = meeting.visit.stay else { return }
    stays[stay.number] = (meeting.encounter, meeting.end)
    guard let index = stay.follows.flatMap({ stays[$0] }) else { return }
    try files.truth.writeReturn(
      patient: person.identifier, index: index, return: meeting, kind: stay.kind, organization: organization)
  }

  /// Chronic diseases are found at some encounter after they began, with their treatment; acute ones at theirs.
  private mutating func diagnose(_ meeting: Meeting, _ files: PopulationFiles) throws(SimulationError) {
    let visit = meeting.visit
    for (position, illness) in person.chronic.enumerated()
    where chronicCourses[position].diagnosedOn == nil && life.onsetDay(of: illness) <= visit.day {
      let found = random.chance(0.8)
      guard found else { continue }
      let disease = Disease.chronic[illness.disease]
      // Some diagnoses wait for results.
      let waits = care.chance(0.12) ? Int32(1 + care.integer(below: 21)) : 0
      let day = min(visit.day + waits, life.lastDay)
      chronicCourses[position].diagnosedOn = day
      try writeCondition(files, start: day, stop: nil, meeting, code: disease.code, description: disease.description)
      try writeChronicCare(disease, meeting, files)
      if let treatment = disease.treatment, illness.takesTreatment {
        chronicCourses[position].isTreated = true
        try writeLongTreatment(treatment, disease, meeting, files)
      }
    }
    guard case .acuteDisease(let number) = visit.reason else { return }
    let episode = life.episodes[number]
    let disease = Disease.acute[episode.disease]
    let stop = episode.lastDay <= life.lastDay ? episode.lastDay : nil
    try writeCondition(
      files, start: visit.day, stop: stop, meeting, code: disease.code, description: disease.description)
    if let treatment = disease.treatment, random.chance(0.8) {
      try writeMedication(treatment, disease, meeting, from: visit.day, days: 10, dispenses: 1, files)
    }
  }

  /// Findings of a check-up that are no disease: work, stress, schooling.
  private mutating func writeFindings(
    _ position: Int, _ meeting: Meeting, _ files: PopulationFiles
  ) throws(SimulationError) {
    let visit = meeting.visit
    guard case .checkUp = visit.reason else { return }
    let age = CivilDate(days: visit.day).completedYears(since: person.birth)
    guard age >= 18 else { return }
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
      try writeCondition(files, start: visit.day, stop: next?.day, meeting, code: finding.0, description: finding.1)
    }
    if random.chance(0.25) {
      try writeCondition(
        files, start: visit.day, stop: next?.day, meeting, code: "73595000", description: "Stress (finding)")
    }
    if position == 0, random.chance(0.5) {
      try writeCondition(
        files, start: visit.day, stop: nil, meeting, code: "224299000",
        description: "Received higher education (finding)")
    }
  }

  private mutating func writeObesity(
    _ measured: Levels, _ meeting: Meeting, _ files: PopulationFiles
  ) throws(SimulationError) {
    guard !hasObesityRow, person.ageYears >= 18, measured[.bodyMassIndex] >= 30 else { return }
    hasObesityRow = true
    try writeCondition(
      files, start: meeting.visit.day, stop: nil, meeting, code: "162864005",
      description: "Body mass index 30+ - obesity (finding)")
  }

  private func writeCondition(
    _ files: PopulationFiles, start: Int32, stop: Int32?, _ meeting: Meeting, code: String, description: String
  ) throws(SimulationError) {
    try files.conditions.row { row in
      row.write(CivilDate(days: start))
      row.comma()
      if let stop { row.write(CivilDate(days: stop)) }
      row.comma()
      row.write(person.identifier)
      row.comma()
      row.write(meeting.encounter)
      row.write(",http://snomed.info/sct,")
      row.write(text: code)
      row.comma()
      row.write(text: description)
      row.endLine()
    }
  }

  private mutating func writeEncounter(_ meeting: Meeting, _ files: PopulationFiles) throws(SimulationError) {
    let base = meeting.kind.costCents
    let total = base + random.integer(below: base * 4)
    let covered = total * payer.coveredPercent / 100
    expensesCents += total
    coveredCents += covered
    try files.encounters.row { row in
      row.write(meeting.encounter)
      row.comma()
      row.write(timestampSeconds: meeting.visit.start)
      row.comma()
      row.write(timestampSeconds: meeting.end)
      row.comma()
      row.write(person.identifier)
      row.comma()
      row.write(meeting.organization.identifier)
      row.comma()
      row.write(meeting.provider.identifier)
      row.comma()
      row.write(payer.identifier)
      row.comma()
      row.write(meeting.kind.name)
      row.comma()
      row.write(text: meeting.kind.code)
      row.comma()
      row.write(text: meeting.kind.description)
      row.comma()
      row.write(cents: base)
      row.comma()
      row.write(cents: total)
      row.comma()
      row.write(cents: covered)
      row.comma()
      row.writeReason(meeting.disease)
    }
    files.counters.encounter(at: meeting, payer: payer, cents: total, covered: covered)
    try writeClaim(
      Bill(
        meeting: meeting, cents: total, covered: covered, diagnosis: meeting.disease,
        isInstitutional: meeting.visit.stay != nil,
        item: (meeting.kind.code, meeting.kind.description)), files)
  }
}

/// A visit as it is written: who meets whom, where and how.
struct Meeting {
  let visit: LifeCourse.Visit
  let encounter: SimulatedUUID
  let kind: EncounterKind
  let disease: Disease?
  let organization: Organization
  let provider: Organization.Provider
  /// When it ends, in seconds since 1970-01-01 UTC.
  var end: Int64 { visit.start + kind.seconds }

  init(_ visit: LifeCourse.Visit, _ encounter: SimulatedUUID, _ patient: PatientHistory) {
    self.visit = visit
    self.encounter = encounter
    kind = EncounterKind(visit, life: patient.life, isChild: patient.person.ageYears < 18)
    disease = visit.stay?.kind == .planned ? nil : patient.life.acuteDisease(of: visit)
    let home = patient.organization
    // The neighbour in the same town.
    organization = visit.stay?.kind == .transfer ? Organization.all[home.number ^ 1] : home
    provider = organization.providers[kind.providers.lowerBound + patient.person.index % kind.providers.count]
  }
}
