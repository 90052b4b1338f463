import Clinical

/// What was planted into a population, as CSV files in the folder `truth` beside it: the answers that measures must
/// find. Nothing here is imported.
final class PopulationTruth {
  private let diseases: OutputFile
  private let returns: OutputFile
  private let supplies: OutputFile
  private let outbreaks: OutputFile
  private let outbreakCases: OutputFile
  private let organizations: OutputFile

  init(folder: String) throws(SimulationError) {
    try createFolder(folder)
    diseases = try Self.file(folder, "diseases", "PATIENT,CODE,DESCRIPTION,ONSET,DIAGNOSED,TREATED,SEVERITY")
    returns = try Self.file(
      folder, "returns", "PATIENT,INDEX_ENCOUNTER,RETURN_ENCOUNTER,KIND,ORGANIZATION,RETURNED_AT")
    supplies = try Self.file(folder, "supplies", "PATIENT,CODE,FIRST_FILL,LAST_DAY,COVERED_DAYS,DAYS")
    outbreaks = try Self.file(folder, "outbreaks", "CODE,DESCRIPTION,COUNTY,FIRST_DAY,WEEKS,ATTACK_RATE")
    outbreakCases = try Self.file(folder, "outbreak_cases", "PATIENT,CODE,COUNTY,ONSET")
    organizations = try Self.file(folder, "organizations", "ORGANIZATION,NAME,READMISSION_CHANCE,STAY_FACTOR")
  }

  func write(_ planted: [Outbreak]) throws(SimulationError) {
    for outbreak in planted {
      let disease = Disease.acute[outbreak.disease]
      try outbreaks.row { row in
        row.write(text: "\(disease.code),\(disease.description),\(outbreak.county),")
        row.write(CivilDate(days: outbreak.firstDay))
        row.write(text: ",\(outbreak.weeks),\(outbreak.attackRate)\n")
      }
    }
    for organization in Organization.all {
      try organizations.row { row in
        row.write(organization.identifier)
        row.write(text: ",\(organization.name),")
        row.write(organization.readmissionChance, decimals: 2)
        row.comma()
        row.write(organization.stayFactor, decimals: 2)
        row.endLine()
      }
    }
  }

  /// The true diseases of a patient, found or not, and the outbreaks that the patient was part of.
  func write(_ patient: PatientHistory) throws(SimulationError) {
    for (illness, course) in zip(patient.person.chronic, patient.chronicCourses) {
      let disease = Disease.chronic[illness.disease]
      let onset = patient.life.onsetDay(of: illness)
      guard onset <= patient.life.lastDay else { continue }
      try diseases.row { row in
        row.write(patient.person.identifier)
        row.write(text: ",\(disease.code),\(disease.description),")
        row.write(CivilDate(days: onset))
        row.comma()
        if let day = course.diagnosedOn { row.write(CivilDate(days: day)) }
        row.write(course.isTreated ? ",true," : ",false,")
        row.write(Double(illness.severity), decimals: 2)
        row.endLine()
      }
    }
    for (outbreak, day) in patient.outbreakCases {
      try outbreakCases.row { row in
        row.write(patient.person.identifier)
        row.write(text: ",\(Disease.acute[outbreak.disease].code),\(outbreak.county),")
        row.write(CivilDate(days: day))
        row.endLine()
      }
    }
  }

  func writeReturn(
    patient: SimulatedUUID, index: (encounter: SimulatedUUID, end: Int64), return meeting: Meeting,
    kind: LifeCourse.Stay.Kind, organization: Organization
  ) throws(SimulationError) {
    try returns.row { row in
      row.write(patient)
      row.comma()
      row.write(index.encounter)
      row.comma()
      row.write(meeting.encounter)
      row.write(text: ",\(kind.rawValue),")
      row.write(organization.identifier)
      row.comma()
      row.write(timestampSeconds: meeting.visit.start)
      row.endLine()
    }
  }

  func writeSupply(patient: SimulatedUUID, code: String, _ supply: Supply?) throws(SimulationError) {
    guard let supply else { return }
    try supplies.row { row in
      row.write(patient)
      row.comma()
      row.write(text: code)
      row.comma()
      row.write(CivilDate(days: supply.firstFill))
      row.comma()
      row.write(CivilDate(days: supply.lastDay))
      row.comma()
      row.write(supply.coveredDays)
      row.comma()
      row.write(supply.days)
      row.endLine()
    }
  }

  func close() throws(SimulationError) {
    for file in [diseases, returns, supplies, outbreaks, outbreakCases, organizations] { try file.close() }
  }

  private static func file(_ folder: String, _ name: String, _ header: String) throws(SimulationError) -> OutputFile {
    let file = try OutputFile(path: "\(folder)/\(name).csv")
    try file.row { row in
      row.write(text: header)
      row.endLine()
    }
    return file
  }
}
