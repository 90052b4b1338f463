import Foundation

/// The CSV files of a population, open for writing.
final class PopulationFiles {
  let patients: OutputFile
  let encounters: OutputFile
  let conditions: OutputFile
  let observations: OutputFile
  let medications: OutputFile
  private let folder: String
  private var providerBytes = 0

  init(folder: String) throws(SimulationError) {
    self.folder = folder
    try createFolder(folder)
    let present = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    if present.contains(where: { $0.hasSuffix(".csv") }) {
      throw .notEmpty(path: folder)
    }
    patients = try Self.file(
      folder, "patients",
      "Id,BIRTHDATE,DEATHDATE,SSN,DRIVERS,PASSPORT,PREFIX,FIRST,MIDDLE,LAST,SUFFIX,MAIDEN,MARITAL,RACE,ETHNICITY,"
        + "GENDER,BIRTHPLACE,ADDRESS,CITY,STATE,COUNTY,FIPS,ZIP,LAT,LON,HEALTHCARE_EXPENSES,HEALTHCARE_COVERAGE,INCOME")
    encounters = try Self.file(
      folder, "encounters",
      "Id,START,STOP,PATIENT,ORGANIZATION,PROVIDER,PAYER,ENCOUNTERCLASS,CODE,DESCRIPTION,BASE_ENCOUNTER_COST,"
        + "TOTAL_CLAIM_COST,PAYER_COVERAGE,REASONCODE,REASONDESCRIPTION")
    conditions = try Self.file(folder, "conditions", "START,STOP,PATIENT,ENCOUNTER,SYSTEM,CODE,DESCRIPTION")
    observations = try Self.file(
      folder, "observations", "DATE,PATIENT,ENCOUNTER,CATEGORY,CODE,DESCRIPTION,VALUE,UNITS,TYPE")
    medications = try Self.file(
      folder, "medications",
      "START,STOP,PATIENT,PAYER,ENCOUNTER,CODE,DESCRIPTION,BASE_COST,PAYER_COVERAGE,DISPENSES,TOTALCOST,REASONCODE,"
        + "REASONDESCRIPTION")
  }

  /// Closes all files; the bytes written together.
  func close() throws(SimulationError) -> Int {
    var bytes = providerBytes
    for file in [patients, encounters, conditions, observations, medications] {
      try file.close()
      bytes += file.bytes
    }
    return bytes
  }

  /// Writes the organizations, providers and payers that encounters refer to.
  func writeProviders() throws(SimulationError) {
    let organizations = try Self.file(
      folder, "organizations", "Id,NAME,ADDRESS,CITY,STATE,ZIP,LAT,LON,PHONE,REVENUE,UTILIZATION,NPI")
    for organization in Place.organizations {
      try organizations.row { row in
        row.write(organization.identifier)
        row.write(text: ",\(organization.name),100 MAIN ST,\(organization.place.city.uppercased()),MA,")
        row.write(text: "\(organization.place.zip),\(organization.place.latitude),\(organization.place.longitude),")
        row.write(text: "617-555-0100,0.0,0,\(organization.number)\n")
      }
    }
    try organizations.close()
    let providers = try Self.file(
      folder, "providers",
      "Id,ORGANIZATION,NAME,GENDER,SPECIALITY,ADDRESS,CITY,STATE,ZIP,LAT,LON,ENCOUNTERS,PROCEDURES,NPI")
    for organization in Place.organizations {
      try providers.row { row in
        row.write(organization.provider)
        row.write(byte: UInt8(ascii: ","))
        row.write(organization.identifier)
        row.write(text: ",\(organization.providerName),F,GENERAL PRACTICE,100 MAIN ST,")
        row.write(text: "\(organization.place.city.uppercased()),MA,\(organization.place.zip),")
        row.write(text: "\(organization.place.latitude),\(organization.place.longitude),0,0,\(organization.number)\n")
      }
    }
    try providers.close()
    let payers = try Self.file(
      folder, "payers",
      "Id,NAME,OWNERSHIP,ADDRESS,CITY,STATE_HEADQUARTERED,ZIP,PHONE,AMOUNT_COVERED,AMOUNT_UNCOVERED,REVENUE,"
        + "COVERED_ENCOUNTERS,UNCOVERED_ENCOUNTERS,COVERED_MEDICATIONS,UNCOVERED_MEDICATIONS,COVERED_PROCEDURES,"
        + "UNCOVERED_PROCEDURES,COVERED_IMMUNIZATIONS,UNCOVERED_IMMUNIZATIONS,UNIQUE_CUSTOMERS,QOLS_AVG,MEMBER_MONTHS"
    )
    for payer in Payer.all {
      try payers.row { row in
        row.write(payer.identifier)
        row.write(text: ",\(payer.name),\(payer.ownership),,,,,,0.00,0.00,0.00,0,0,0,0,0,0,0,0,0,0.0,0\n")
      }
    }
    try payers.close()
    providerBytes = organizations.bytes + providers.bytes + payers.bytes
  }

  private static func file(_ folder: String, _ name: String, _ header: String) throws(SimulationError) -> OutputFile {
    let file = try OutputFile(path: "\(folder)/\(name).csv")
    try file.row { row in
      row.write(text: header)
      row.write(byte: UInt8(ascii: "\n"))
    }
    return file
  }
}
