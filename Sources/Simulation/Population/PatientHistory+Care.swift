import Clinical

/// What is done to a patient beside talking: procedures, vaccines, plans, things. Codes and words are Synthea's.
extension PatientHistory {
  mutating func writeCare(_ meeting: Meeting, isFirst: Bool, _ files: PopulationFiles) throws(SimulationError) {
    let age = Double(meeting.visit.day - person.birth.days) / 365.2425
    if isFirst, care.chance(0.12) { try writeAllergies(meeting, files) }
    switch meeting.visit.reason {
    case .checkUp:
      try writeProcedure("430193006,Medication reconciliation (procedure)", 73_540, nil, meeting, files)
      if age >= 18 {
        try writeProcedure("171207006,Depression screening (procedure)", 43_140, nil, meeting, files)
        if care.chance(0.5) {
          try writeProcedure("428211000124100,Assessment of substance use (procedure)", 51_665, nil, meeting, files)
        }
      }
      try writeImmunizations(meeting, ageYears: age, files)
    case .chronicCare:
      try writeProcedure(
        "710824005,Assessment of health and social care needs (procedure)", 68_840, nil, meeting, files)
    case .acuteDisease: try writeAcuteCare(meeting, files)
    case .returned:
      if meeting.visit.stay?.kind == .planned {
        try writeProcedure("52052004,Rehabilitation therapy (regime/therapy)", 84_200, nil, meeting, files)
      }
    case .recovered, .complaint: break
    }
  }

  /// The plan and the things that come with the diagnosis of a chronic disease.
  mutating func writeChronicCare(
    _ disease: Disease, _ meeting: Meeting, _ files: PopulationFiles
  ) throws(SimulationError) {
    switch disease.code {
    case "59621000":
      try writePlan("443402002,Lifestyle education regarding hypertension", disease, meeting, nil, files)
    case "44054006": try writePlan("698360004,Diabetes self management plan", disease, meeting, nil, files)
    case "195967001":
      try writePlan("699728000,Asthma self management", disease, meeting, nil, files)
      if care.chance(0.3) { try writeDevice("170615005,Home nebulizer (physical object)", meeting, files) }
    case "185086009":
      try writePlan(
        "412776001,Chronic obstructive pulmonary disease clinical management plan", disease, meeting, nil, files)
      if care.chance(0.4) { try writeDevice("170615005,Home nebulizer (physical object)", meeting, files) }
    case "53741008":
      if care.chance(0.3) {
        try writeProcedure(
          "415070008,Percutaneous coronary intervention (procedure)", 2_418_500, disease, meeting, files)
        try writeDevice("705643001,Coronary artery stent (physical object)", meeting, files)
      }
    default: break
    }
  }

  private mutating func writeAcuteCare(_ meeting: Meeting, _ files: PopulationFiles) throws(SimulationError) {
    guard let disease = meeting.disease else { return }
    let stop = meeting.visit.day + 30
    switch disease.code {
    case "233604007":
      try writeProcedure("399208008,Plain X-ray of chest (procedure)", 48_620, disease, meeting, files)
      try writeImage("51185008,Chest", "399208008", meeting, files)
      try writePlan("53950000,Respiratory therapy (procedure)", disease, meeting, stop, files)
    case "44465007":
      try writeProcedure("19490002,Ankle X-ray (procedure)", 43_140, disease, meeting, files)
      try writeImage("344001,Ankle", "19490002", meeting, files)
      try writePlan("408869004,Musculoskeletal care (regime/therapy)", disease, meeting, stop, files)
    case "74400008": try writeProcedure("80146002,Appendectomy (procedure)", 901_235, disease, meeting, files)
    case "74474003": try writeProcedure("73761001,Colonoscopy (procedure)", 1_240_000, disease, meeting, files)
    case "91302008": try writeProcedure("30088009,Blood culture (procedure)", 24_900, disease, meeting, files)
    case "68566005": try writeProcedure("27171005,Urinalysis (procedure)", 9_800, disease, meeting, files)
    case "840539006":
      try writePlan("736376001,Infectious disease care plan (record artifact)", disease, meeting, stop, files)
      if care.chance(0.3) {
        try writeProcedure(
          "371908008,Oxygen administration by mask (procedure)", 51_665, disease, meeting, files)
      }
      for item: StaticString in [
        "409534002,Disposable air-purifying respirator (physical object),", "706724001,Face shield (physical object),",
        "713779008,Nitrile examination/treatment glove  non-powdered  sterile (physical object),",
        "469673003,Isolation gown  single-use (physical object),",
      ] {
        let quantity = 1 + care.integer(below: 24)
        try files.supplies.row { row in
          row.write(CivilDate(days: meeting.visit.day))
          writeOwner(&row, meeting)
          row.write(item)
          row.write(quantity)
          row.endLine()
        }
      }
    default: break
    }
  }

  private func writeOwner(_ row: inout ByteCursor, _ meeting: Meeting) {
    row.comma()
    row.write(person.identifier)
    row.comma()
    row.write(meeting.encounter)
    row.comma()
  }

  private mutating func writeProcedure(
    _ item: StaticString, _ cents: Int, _ reason: Disease?, _ meeting: Meeting, _ files: PopulationFiles
  ) throws(SimulationError) {
    let length = Int64(600 + care.integer(below: 1_800))
    let price = cents / 2 + care.integer(below: cents)
    expensesCents += price
    coveredCents += price * payer.coveredPercent / 100
    files.counters.procedure(by: meeting, payer: payer, cents: price)
    try files.procedures.row { row in
      row.write(timestampSeconds: meeting.visit.start)
      row.comma()
      row.write(timestampSeconds: min(meeting.visit.start + length, meeting.end))
      writeOwner(&row, meeting)
      row.write("http://snomed.info/sct,")
      row.write(item)
      row.comma()
      row.write(cents: price)
      row.comma()
      row.writeReason(reason)
    }
  }

  private mutating func writeImmunizations(
    _ meeting: Meeting, ageYears age: Double, _ files: PopulationFiles
  ) throws(SimulationError) {
    for vaccine in Vaccine.all where vaccine.ages.contains(age) {
      if vaccine.isPandemic, meeting.visit.day < CivilDate(year: 2021, month: 1, day: 1).days { continue }
      guard care.chance(vaccine.chance) else { continue }
      files.counters.immunization(payer: payer)
      try files.immunizations.row { row in
        row.write(timestampSeconds: meeting.visit.start)
        writeOwner(&row, meeting)
        row.write(vaccine.text)
        row.write(",140.52\n")
      }
    }
  }

  private mutating func writeAllergies(_ meeting: Meeting, _ files: PopulationFiles) throws(SimulationError) {
    let first = care.integer(below: Allergen.all.count)
    let count = care.chance(0.4) ? 2 : 1
    for step in 0..<count {
      let allergen = Allergen.all[(first + step * 5) % Allergen.all.count]
      try files.allergies.row { row in
        row.write(CivilDate(days: meeting.visit.day))
        row.comma()
        writeOwner(&row, meeting)
        row.write(allergen)
        row.endLine()
      }
    }
  }

  private mutating func writePlan(
    _ item: StaticString, _ disease: Disease, _ meeting: Meeting, _ stop: Int32?, _ files: PopulationFiles
  ) throws(SimulationError) {
    let identifier = SimulatedUUID(random: &care)
    try files.careplans.row { row in
      row.write(identifier)
      row.comma()
      row.write(CivilDate(days: meeting.visit.day))
      row.comma()
      if let stop, stop <= life.lastDay { row.write(CivilDate(days: stop)) }
      writeOwner(&row, meeting)
      row.write(item)
      row.comma()
      row.writeReason(disease)
    }
  }

  private mutating func writeDevice(
    _ item: StaticString, _ meeting: Meeting, _ files: PopulationFiles
  ) throws(SimulationError) {
    let maker = UInt64(care.integer(below: 99_999_999))
    let serial = UInt64(care.integer(below: 999_999_999))
    try files.devices.row { row in
      row.write(timestampSeconds: meeting.visit.start)
      row.comma()
      writeOwner(&row, meeting)
      row.write(item)
      row.write(",(01)999")
      row.write(padded: maker, digits: 11)
      row.write("(21)")
      row.write(padded: serial, digits: 9)
      row.endLine()
    }
  }

  private mutating func writeImage(
    _ site: StaticString, _ procedure: StaticString, _ meeting: Meeting, _ files: PopulationFiles
  ) throws(SimulationError) {
    let identifier = SimulatedUUID(random: &care)
    let series = UInt64(care.integer(below: 99_999_999))
    try files.imagingStudies.row { row in
      row.write(identifier)
      row.comma()
      row.write(timestampSeconds: meeting.visit.start)
      writeOwner(&row, meeting)
      row.write("1.2.840.99999999.1.")
      row.write(padded: series, digits: 8)
      row.comma()
      row.write(site)
      row.write(",DX,Digital Radiography,1.2.840.99999999.1.1.")
      row.write(padded: series, digits: 8)
      row.write(",1.2.840.10008.5.1.4.1.1.1.1,Digital X-Ray Image Storage,")
      row.write(procedure)
      row.endLine()
    }
  }
}
