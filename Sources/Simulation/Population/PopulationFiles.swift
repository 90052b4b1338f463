import Foundation

/// The CSV files of a population, open for writing.
final class PopulationFiles {
  let patients, encounters, conditions, observations, medications, procedures, immunizations, allergies: OutputFile
  let careplans, devices, imagingStudies, supplies, claims, claimsTransactions, payerTransitions: OutputFile
  /// What was planted.
  let truth: PopulationTruth
  let counters = PopulationCounters()
  private let folder: String

  init(folder: String) throws(SimulationError) {
    self.folder = folder
    try createFolder(folder)
    let present = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    if present.contains(where: { $0.hasSuffix(".csv") }) {
      throw .notEmpty(path: folder)
    }
    patients = try Self.file(folder, "patients")
    encounters = try Self.file(folder, "encounters")
    conditions = try Self.file(folder, "conditions")
    observations = try Self.file(folder, "observations")
    medications = try Self.file(folder, "medications")
    procedures = try Self.file(folder, "procedures")
    immunizations = try Self.file(folder, "immunizations")
    allergies = try Self.file(folder, "allergies")
    careplans = try Self.file(folder, "careplans")
    devices = try Self.file(folder, "devices")
    imagingStudies = try Self.file(folder, "imaging_studies")
    supplies = try Self.file(folder, "supplies")
    claims = try Self.file(folder, "claims")
    claimsTransactions = try Self.file(folder, "claims_transactions")
    payerTransitions = try Self.file(folder, "payer_transitions")
    truth = try PopulationTruth(folder: "\(folder)/truth")
  }

  /// Writes the files that sum up the others, and closes all.
  /// - Returns: Rows by file name without `.csv`, and the bytes of all files together.
  func close() throws(SimulationError) -> (rows: [String: Int], bytes: Int) {
    let patientFiles: [(name: String, file: OutputFile)] = [
      ("patients", patients), ("encounters", encounters), ("conditions", conditions), ("observations", observations),
      ("medications", medications), ("procedures", procedures), ("immunizations", immunizations),
      ("allergies", allergies), ("careplans", careplans), ("devices", devices), ("imaging_studies", imagingStudies),
      ("supplies", supplies), ("claims", claims), ("claims_transactions", claimsTransactions),
      ("payer_transitions", payerTransitions),
    ]
    let summaries = [
      ("organizations", try writeOrganizations()), ("providers", try writeProviders()), ("payers", try writePayers()),
    ]
    var rows: [String: Int] = [:]
    var bytes = 0
    for (name, file) in patientFiles + summaries {
      try file.close()
      rows[name] = file.rows - 1
      bytes += file.bytes
    }
    try truth.close()
    return (rows, bytes)
  }

  private func writeOrganizations() throws(SimulationError) -> OutputFile {
    let file = try Self.file(folder, "organizations")
    for organization in Organization.all {
      let use = counters.organizations[organization.number]
      try file.row { row in
        row.write(organization.identifier)
        row.write(text: ",\(organization.name),\(100 + organization.number) MAIN ST,")
        row.write(text: "\(organization.place.city.uppercased()),MA,\(organization.place.zip),")
        row.write(text: "\(organization.place.latitude),\(organization.place.longitude),617-555-0100,")
        row.write(cents: use.cents)
        row.comma()
        row.write(use.encounters)
        row.write(text: ",999990\(1_000 + organization.number)\n")
      }
    }
    return file
  }

  private func writeProviders() throws(SimulationError) -> OutputFile {
    let file = try Self.file(folder, "providers")
    for organization in Organization.all {
      for (rank, provider) in organization.providers.enumerated() {
        let use = counters.providers[provider.identifier] ?? PopulationCounters.ProviderUse()
        try file.row { row in
          row.write(provider.identifier)
          row.comma()
          row.write(organization.identifier)
          row.write(text: ",\(provider.name),\(provider.sex == .female ? "F" : "M"),\(provider.speciality),")
          row.write(text: "\(100 + organization.number) MAIN ST,\(organization.place.city.uppercased()),MA,")
          row.write(text: "\(organization.place.zip),\(organization.place.latitude),\(organization.place.longitude),")
          row.write(text: "\(use.encounters),\(use.procedures),99999\(20_000 + organization.number * 10 + rank)\n")
        }
      }
    }
    return file
  }

  private func writePayers() throws(SimulationError) -> OutputFile {
    let file = try Self.file(folder, "payers")
    for payer in Payer.all {
      let use = counters.payers[payer.identifier] ?? PopulationCounters.PayerUse()
      let pays = payer.coveredPercent > 0
      try file.row { row in
        row.write(payer.identifier)
        row.write(text: ",\(payer.name),\(payer.ownership),,,,,,")
        row.write(cents: use.coveredCents)
        row.comma()
        row.write(cents: use.cents - use.coveredCents)
        row.comma()
        row.write(cents: pays ? use.months * 52_000 : 0)
        for count in [use.encounters, use.medications, use.procedures, use.immunizations] {
          row.write(text: pays ? ",\(count),0" : ",0,\(count)")
        }
        row.write(text: ",\(use.customers),0.9,\(use.months)\n")
      }
    }
    return file
  }

  private static func file(_ folder: String, _ name: String) throws(SimulationError) -> OutputFile {
    let file = try OutputFile(path: "\(folder)/\(name).csv")
    try file.row { row in
      row.write(text: PopulationColumns.header[name] ?? "")
      row.endLine()
    }
    return file
  }
}

/// What organizations, providers and payers had to do with the patients.
final class PopulationCounters {
  struct OrganizationUse {
    var encounters = 0
    var cents = 0
  }
  struct ProviderUse {
    var encounters = 0
    var procedures = 0
  }
  struct PayerUse {
    var cents = 0
    var coveredCents = 0
    var encounters = 0
    var medications = 0
    var procedures = 0
    var immunizations = 0
    var customers = 0
    var months = 0
  }

  private(set) var organizations = Array(repeating: OrganizationUse(), count: Organization.all.count)
  private(set) var providers: [SimulatedUUID: ProviderUse] = [:]
  private(set) var payers: [SimulatedUUID: PayerUse] = [:]

  func encounter(at meeting: Meeting, payer: Payer, cents: Int, covered: Int) {
    organizations[meeting.organization.number].encounters += 1
    organizations[meeting.organization.number].cents += cents
    providers[meeting.provider.identifier, default: ProviderUse()].encounters += 1
    count(payer, cents, covered) { $0.encounters += 1 }
  }

  func medication(payer: Payer, cents: Int, covered: Int) { count(payer, cents, covered) { $0.medications += 1 } }

  func procedure(by meeting: Meeting, payer: Payer, cents: Int) {
    providers[meeting.provider.identifier, default: ProviderUse()].procedures += 1
    count(payer, cents, cents * payer.coveredPercent / 100) { $0.procedures += 1 }
  }

  func immunization(payer: Payer) {
    count(payer, 14_052, 14_052 * payer.coveredPercent / 100) { $0.immunizations += 1 }
  }

  func customer(payer: Payer, months: Int) {
    count(payer, 0, 0) {
      $0.customers += 1
      $0.months += months
    }
  }

  private func count(_ payer: Payer, _ cents: Int, _ covered: Int, _ change: (inout PayerUse) -> Void) {
    var use = payers[payer.identifier] ?? PayerUse()
    use.cents += cents
    use.coveredCents += covered
    change(&use)
    payers[payer.identifier] = use
  }
}
