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

  /// The row of patients.csv, written last because it sums up the costs.
  mutating func writePatient(_ files: PopulationFiles) throws(SimulationError) {
    let place = Place.all[home]
    let first = PersonName.first[random.integer(below: PersonName.first.count)]
    let last = PersonName.last[random.integer(below: PersonName.last.count)]
    let digits = 100 + random.integer(below: 900)
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
      row.write(text: "\(first)\(digits),,\(last)\(digits),,,\(marital),\(race),\(ethnicity),")
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
  /// ENCOUNTERCLASS, CODE and DESCRIPTION as they stand in a row.
  let text: StaticString
  let seconds: Int64
  let costCents: Int

  init(_ visit: LifeCourse.Visit, life: LifeCourse, isChild: Bool) {
    switch visit.reason {
    case .checkUp:
      text =
        isChild
        ? "wellness,410620009,Well child visit (procedure)"
        : "wellness,162673000,General examination of patient (procedure)"
      (seconds, costCents) = (900, 13_680)
    case .chronicCare:
      text = "ambulatory,390906007,Follow-up encounter"
      (seconds, costCents) = (900, 8_555)
    case .recovered:
      text = "outpatient,185349003,Encounter for check up (procedure)"
      (seconds, costCents) = (900, 8_555)
    case .complaint:
      text = "ambulatory,185345009,Encounter for symptom"
      (seconds, costCents) = (900, 8_555)
    case .acuteDisease(let number):
      let episode = life.episodes[number]
      let isGrave = ["91302008", "74400008", "74474003", "233604007"].contains(Disease.acute[episode.disease].code)
      if isGrave, episode.severity > 0.9 {
        text = "inpatient,183452005,Encounter Inpatient"
        (seconds, costCents) = (Int64(86_400 * (1 + episode.severity * 3)), 34_150)
      } else if isGrave {
        text = "emergency,50849002,Emergency room admission (procedure)"
        (seconds, costCents) = (3_600, 14_618)
      } else {
        text = "ambulatory,185347001,Encounter for problem"
        (seconds, costCents) = (900, 8_555)
      }
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
