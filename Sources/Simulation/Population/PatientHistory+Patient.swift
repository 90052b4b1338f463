import Clinical

extension PatientHistory {
  /// The yearly quality-of-life score, which Synthea writes without an encounter; the number of rows.
  mutating func writeQualityOfLife(_ files: PopulationFiles) throws(SimulationError) -> Int {
    var rows = 0
    let birth = person.birth.parts
    let years = CivilDate(days: life.firstDay).parts.year...CivilDate(days: life.lastDay).parts.year
    for year in years {
      let birthday = CivilDate(year: year, month: birth.month, day: birth.day)
      guard birthday.days >= life.firstDay, birthday.days <= life.lastDay else { continue }
      let score = max(0.2, 1 - 0.08 * Double(person.chronic.count) - 0.1 * random.uniform())
      try files.observations.row { row in
        row.write(timestampSeconds: Int64(birthday.days) * 86_400)
        row.write(byte: UInt8(ascii: ","))
        row.write(person.identifier)
        row.write(",,,QOLS,QOLS,")
        row.write(score, decimals: 1)
        row.write(",{score},numeric\n")
      }
      rows += 1
    }
    return rows
  }

  /// Who paid in which year.
  mutating func writePayerTransitions(_ files: PopulationFiles) throws(SimulationError) {
    let member = SimulatedUUID(random: &care)
    let first = CivilDate(days: life.firstDay).parts.year
    let last = CivilDate(days: life.lastDay).parts.year
    let isChild = person.ageYears < 18
    for year in first...last {
      let start = max(CivilDate(year: year, month: 1, day: 1).days, life.firstDay)
      guard CivilDate(year: year + 1, month: 1, day: 1).days > start + 1 else { continue }
      try files.payerTransitions.row { row in
        row.write(person.identifier)
        row.comma()
        if payer.coveredPercent > 0 { row.write(member) }
        row.comma()
        row.write(timestampSeconds: Int64(start) * 86_400)
        row.comma()
        row.write(timestampSeconds: Int64(CivilDate(year: year + 1, month: 1, day: 1).days) * 86_400)
        row.comma()
        row.write(payer.identifier)
        row.write(isChild ? ",,Guardian," : ",,Self,")
        row.write(text: isChild ? "Guardian" : firstName)
        row.write(byte: UInt8(ascii: " "))
        row.write(text: lastName)
        row.endLine()
      }
    }
    files.counters.customer(payer: payer, months: (last - first + 1) * 12)
  }

  /// The row of patients.csv, written last because it sums up the costs.
  mutating func writePatient(_ files: PopulationFiles) throws(SimulationError) {
    let place = Place.all[place]
    let isAdult = person.ageYears >= 18
    let title: StaticString = person.sex == .male ? "Mr." : "Ms."
    let marital: StaticString = !isAdult ? "" : random.chance(0.6) ? "M" : "S"
    let race: StaticString =
      switch random.uniform() {
      case ..<0.72: "white"
      case ..<0.85: "black"
      case ..<0.93: "asian"
      case ..<0.95: "native"
      case ..<0.96: "hawaiian"
      default: "other"
      }
    let ethnicity: StaticString = random.chance(0.14) ? "hispanic" : "nonhispanic"
    let social = random.integer(below: 1_000_000)
    let house = 1 + random.integer(below: 999)
    let income = 12_000 + random.integer(below: 140_000)
    try files.patients.row { row in
      row.write(person.identifier)
      row.write(byte: UInt8(ascii: ","))
      row.write(person.birth)
      row.write(byte: UInt8(ascii: ","))
      if let death = life.death { row.write(CivilDate(days: death)) }
      row.write(",999-")
      row.write(padded: UInt64(10 + social % 90), digits: 2)
      row.write(byte: UInt8(ascii: "-"))
      row.write(padded: UInt64(social), digits: 4)
      if isAdult {
        row.write(",S999")
        row.write(padded: UInt64(social), digits: 5)
        row.write(",X")
        row.write(padded: UInt64(social * 7), digits: 8)
        row.write(text: "X,\(title),")
      } else {
        row.write(",,,,")
      }
      row.write(text: "\(firstName),,\(lastName),,,\(marital),\(race),\(ethnicity),")
      row.write(person.sex == .male ? "M," : "F,")
      row.write(text: "\(place.city)  Massachusetts  US,\(house) Main Street,\(place.city),Massachusetts,")
      row.write(text: "\(place.county),\(place.fips),\(place.zip),\(place.latitude),\(place.longitude),")
      row.write(cents: expensesCents)
      row.write(byte: UInt8(ascii: ","))
      row.write(cents: coveredCents)
      row.write(byte: UInt8(ascii: ","))
      row.write(income)
      row.write(byte: UInt8(ascii: "\n"))
    }
  }
}

/// What kind of encounter a visit is: class, SNOMED CT code, length and price.
struct EncounterKind {
  /// ENCOUNTERCLASS.
  let name: StaticString
  let code: String
  let description: String
  let seconds: Int64
  let costCents: Int
  /// Which of a hospital's providers see such patients.
  let providers: Range<Int>

  private init(
    _ name: StaticString, _ code: String, _ description: String, _ seconds: Int64 = 900, _ costCents: Int = 8_555,
    providers: Range<Int> = 0..<1
  ) {
    (self.name, self.code, self.description) = (name, code, description)
    (self.seconds, self.costCents, self.providers) = (seconds, costCents, providers)
  }

  init(_ visit: LifeCourse.Visit, life: LifeCourse, isChild: Bool) {
    if let stay = visit.stay {
      self.init("inpatient", "183452005", "Encounter Inpatient", stay.seconds, 34_150, providers: 1..<3)
      return
    }
    switch visit.reason {
    case .checkUp where isChild: self.init("wellness", "410620009", "Well child visit (procedure)", 900, 13_680)
    case .checkUp: self.init("wellness", "162673000", "General examination of patient (procedure)", 900, 13_680)
    case .chronicCare: self.init("ambulatory", "390906007", "Follow-up encounter")
    case .recovered, .returned: self.init("outpatient", "185349003", "Encounter for check up (procedure)")
    case .complaint: self.init("ambulatory", "185345009", "Encounter for symptom")
    case .acuteDisease(let number) where life.episodes[number].isEmergency:
      self.init("emergency", "50849002", "Emergency room admission (procedure)", 3_600, 14_618, providers: 3..<4)
    case .acuteDisease: self.init("ambulatory", "185347001", "Encounter for problem")
    }
  }
}

extension ByteCursor {
  /// An amount of money with two decimals.
  mutating func write(cents: Int) {
    write(cents / 100)
    write(byte: UInt8(ascii: "."))
    write(padded: UInt64(cents % 100), digits: 2)
  }
}
