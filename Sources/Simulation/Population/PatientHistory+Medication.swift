import Clinical

extension PatientHistory {
  /// Days of one prescription of those who are followed closely, and its fills.
  private static let prescription: (days: Int32, fills: Int) = (90, 3)

  /// A treatment that lasts: for most one open prescription, for others one prescription after the other, with gaps
  /// between them for those who forget. Where there are prescriptions with an end, the truth says how much of the last
  /// year they cover.
  mutating func writeLongTreatment(
    _ treatment: Treatment, _ disease: Disease, _ meeting: Meeting, _ files: PopulationFiles
  ) throws(SimulationError) {
    let day = meeting.visit.day
    let draw = care.uniform()
    guard draw < 0.4 else {
      let dispenses = 1 + Int(life.lastDay - day) / 30
      return try writeMedication(treatment, disease, meeting, from: day, days: nil, dispenses: dispenses, files)
    }
    // Going backwards from the end, so that the last supply ends with the data or before.
    let forgets = draw < 0.25
    let usual = forgets ? Int32(25 + care.integer(below: 70)) : 0
    var end = life.lastDay - (forgets ? Int32(care.integer(below: 60)) : 0)
    var prescriptions: [(day: Int32, days: Int32, fills: Int)] = []
    while end - Self.prescription.days >= day {
      prescriptions.append((end - Self.prescription.days, Self.prescription.days, Self.prescription.fills))
      end -= Self.prescription.days + usual
    }
    if end - day >= 10 { prescriptions.append((day, end - day, max(1, Int(end - day) / 30))) }
    for each in prescriptions.reversed() {
      try writeMedication(
        treatment, disease, meeting, from: each.day, days: each.days, dispenses: each.fills, files)
    }
    try files.truth.writeSupply(
      patient: person.identifier, code: treatment.code,
      Supply(prescriptions, dataEnd: life.dataEnd, lastDay: life.lastDay))
  }

  /// One row of medications.csv with its claim. Without `days` it goes on.
  mutating func writeMedication(
    _ treatment: Treatment, _ disease: Disease, _ meeting: Meeting, from day: Int32, days: Int32?, dispenses: Int,
    _ files: PopulationFiles
  ) throws(SimulationError) {
    let start = meeting.visit.start + Int64(day - meeting.visit.day) * 86_400
    let total = treatment.costCents * dispenses
    let covered = treatment.costCents * payer.coveredPercent / 100
    expensesCents += total
    coveredCents += covered * dispenses
    try files.medications.row { row in
      row.write(timestampSeconds: start)
      row.comma()
      if let days { row.write(timestampSeconds: start + Int64(days) * 86_400) }
      row.comma()
      row.write(person.identifier)
      row.comma()
      row.write(payer.identifier)
      row.comma()
      row.write(meeting.encounter)
      row.comma()
      row.write(text: treatment.code)
      row.comma()
      row.write(text: treatment.description)
      row.comma()
      row.write(cents: treatment.costCents)
      row.comma()
      row.write(cents: covered)
      row.comma()
      row.write(dispenses)
      row.comma()
      row.write(cents: total)
      row.comma()
      row.writeReason(disease)
    }
    files.counters.medication(payer: payer, cents: total, covered: covered * dispenses)
    try writeClaim(
      Bill(
        meeting: meeting, cents: total, covered: covered * dispenses, diagnosis: disease, isInstitutional: false,
        item: (treatment.code, treatment.description)), files)
  }
}

/// How much of the last year a row of prescriptions covers: what the proportion of days covered is made of (PQA: from
/// the first fill of the period to its end, both days included).
struct Supply {
  let firstFill: Int32
  let lastDay: Int32
  let coveredDays: Int

  /// nil: nothing was dispensed in the 365 days that end with `dataEnd`.
  ///
  /// - Parameter lastDay: `dataEnd`, or the day of death.
  init?(_ prescriptions: [(day: Int32, days: Int32, fills: Int)], dataEnd: Int32, lastDay: Int32) {
    var first: Int32?
    var covered: Int32 = 0
    for each in prescriptions.sorted(by: { $0.day < $1.day }) {
      for fill in 0..<Int32(each.fills) {
        let begin = each.day + fill * each.days / Int32(each.fills)
        let end = each.day + (fill + 1) * each.days / Int32(each.fills)
        guard begin > dataEnd - 365, begin <= lastDay else { continue }
        if first == nil { first = begin }
        covered += min(end, lastDay + 1) - begin
      }
    }
    guard let first else { return nil }
    firstFill = first
    self.lastDay = lastDay
    coveredDays = Int(covered)
  }

  /// Days from the first fill to the end.
  var days: Int { Int(lastDay - firstFill) + 1 }
}
