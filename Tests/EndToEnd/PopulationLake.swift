import Foundation
import LakewardTesting
import Testing

/// A lake with the population pipeline over CSV files that a test writes in Synthea's layout.
final class PopulationLake {
  let lake: SampleLake

  init() throws {
    lake = try SampleLake()
    let pipelines = lake.directory.file("pipelines")
    try FileManager.default.createDirectory(atPath: pipelines, withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: "\(Places.packageRoot())/pipelines/population", toPath: "\(pipelines)/population")
    try FileManager.default.createDirectory(atPath: csvFolder, withIntermediateDirectories: true)
  }

  /// Where the CSV files are.
  var csvFolder: String { lake.directory.file("csv") }

  /// A file's rows, each as the fields that matter; the others are empty.
  func write(_ name: String, _ rows: [[String: String]]) throws {
    let header = try #require(Self.headers[name]).split(separator: ",").map(String.init)
    var lines = [header.joined(separator: ",")]
    for row in rows {
      #expect(row.keys.allSatisfy(header.contains), "\(name): \(row.keys)")
      lines.append(header.map { row[$0] ?? "" }.joined(separator: ","))
    }
    try (lines.joined(separator: "\n") + "\n").write(
      toFile: "\(csvFolder)/\(name).csv", atomically: true, encoding: .utf8)
  }

  /// Writes the files that are missing, without rows, imports all, and refreshes views.
  func refresh(_ views: String..., words: [String] = []) throws {
    try completeFiles()
    let imported = try lake.run("import", csvFolder)
    #expect(imported.succeeded, "\(imported.errors)")
    let refreshed = try lake.run(["refresh"] + views + (views.isEmpty ? ["--pipeline", "population"] : []) + words)
    #expect(refreshed.succeeded, "\(refreshed.errors)")
    #expect(!refreshed.output.contains("waits for"), "\(refreshed.output)")
  }

  /// Copies an export's files and adds headers of those that it lacks: without them some views would wait.
  func copy(_ folder: String) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasSuffix(".csv") {
      let text = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
      if !text.isEmpty { try text.write(to: URL(fileURLWithPath: "\(csvFolder)/\(name)")) }
    }
  }

  func completeFiles() throws {
    for name in Self.headers.keys where !FileManager.default.fileExists(atPath: "\(csvFolder)/\(name).csv") {
      try write(name, [])
    }
  }

  /// The rows of a query as texts.
  func rows(_ sql: String) throws -> [[String]] {
    try lake.query(sql, "--format", "csv").split(separator: "\n").dropFirst().map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
  }

  /// The names of all views that hold rows for people: gold, OMOP and what these rest on.
  static func views() throws -> [String] {
    let folder = "\(Places.packageRoot())/pipelines/population"
    var names: [String] = []
    for file in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where file.hasSuffix(".sql") {
      let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
      names += text.matches(of: /CREATE MATERIALIZED VIEW ([a-z_0-9]+)/).map { String($0.1) }
    }
    return names
  }

  private static let headers = [
    "patients":
      "Id,BIRTHDATE,DEATHDATE,SSN,DRIVERS,PASSPORT,PREFIX,FIRST,LAST,SUFFIX,MAIDEN,MARITAL,RACE,ETHNICITY,GENDER,BIRTHPLACE,ADDRESS,CITY,STATE,COUNTY,ZIP,LAT,LON,HEALTHCARE_EXPENSES,HEALTHCARE_COVERAGE",
    "encounters":
      "Id,START,STOP,PATIENT,ORGANIZATION,PROVIDER,PAYER,ENCOUNTERCLASS,CODE,DESCRIPTION,BASE_ENCOUNTER_COST,TOTAL_CLAIM_COST,PAYER_COVERAGE,REASONCODE,REASONDESCRIPTION",
    "conditions": "START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION",
    "medications":
      "START,STOP,PATIENT,PAYER,ENCOUNTER,CODE,DESCRIPTION,BASE_COST,PAYER_COVERAGE,DISPENSES,TOTALCOST,REASONCODE,REASONDESCRIPTION",
    "observations": "DATE,PATIENT,ENCOUNTER,CATEGORY,CODE,DESCRIPTION,VALUE,UNITS,TYPE",
    "procedures": "START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION,BASE_COST,REASONCODE,REASONDESCRIPTION",
    "immunizations": "DATE,PATIENT,ENCOUNTER,CODE,DESCRIPTION,BASE_COST",
    "allergies":
      "START,STOP,PATIENT,ENCOUNTER,CODE,SYSTEM,DESCRIPTION,TYPE,CATEGORY,REACTION1,DESCRIPTION1,SEVERITY1,REACTION2,DESCRIPTION2,SEVERITY2",
    "careplans": "Id,START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION,REASONCODE,REASONDESCRIPTION",
    "devices": "START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION,UDI",
    "claims":
      "Id,PATIENTID,PROVIDERID,PRIMARYPATIENTINSURANCEID,SECONDARYPATIENTINSURANCEID,DEPARTMENTID,PATIENTDEPARTMENTID,DIAGNOSIS1,DIAGNOSIS2,DIAGNOSIS3,DIAGNOSIS4,DIAGNOSIS5,DIAGNOSIS6,DIAGNOSIS7,DIAGNOSIS8,REFERRINGPROVIDERID,APPOINTMENTID,CURRENTILLNESSDATE,SERVICEDATE,SUPERVISINGPROVIDERID,STATUS1,STATUS2,STATUSP,OUTSTANDING1,OUTSTANDING2,OUTSTANDINGP,LASTBILLEDDATE1,LASTBILLEDDATE2,LASTBILLEDDATEP,HEALTHCARECLAIMTYPEID1,HEALTHCARECLAIMTYPEID2",
    "organizations": "Id,NAME,ADDRESS,CITY,STATE,ZIP,LAT,LON,PHONE,REVENUE,UTILIZATION",
    "providers": "Id,ORGANIZATION,NAME,GENDER,SPECIALITY,ADDRESS,CITY,STATE,ZIP,LAT,LON,UTILIZATION",
    "payers":
      "Id,NAME,ADDRESS,CITY,STATE_HEADQUARTERED,ZIP,PHONE,AMOUNT_COVERED,AMOUNT_UNCOVERED,REVENUE,COVERED_ENCOUNTERS,UNCOVERED_ENCOUNTERS,COVERED_MEDICATIONS,UNCOVERED_MEDICATIONS,COVERED_PROCEDURES,UNCOVERED_PROCEDURES,COVERED_IMMUNIZATIONS,UNCOVERED_IMMUNIZATIONS,UNIQUE_CUSTOMERS,QOLS_AVG,MEMBER_MONTHS",
  ]
}
