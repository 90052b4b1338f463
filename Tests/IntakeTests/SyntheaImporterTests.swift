import DeltaLake
import DuckDB
import LakewardTesting
import Testing

@testable import Intake

@Suite struct SyntheaImporterTests {
  /// The one value of a query over a table, which the query calls `t`.
  private func value(_ expression: String, of table: String, in lake: String) throws -> Value {
    let connection = try Database().connect()
    let scan = try DeltaReader.scanSQL(try DeltaTable(at: "\(lake)/\(table)").snapshot())
    return try connection.query("SET TimeZone = 'UTC'; SELECT \(expression) FROM \(scan) AS t").scalar()
  }

  private func importer(_ directory: TemporaryDirectory, pieceBytes: Int = 128 << 20) throws -> SyntheaImporter {
    try SyntheaImporter(lake: directory.file("lake"), settings: ["threads": "2"], pieceBytes: pieceBytes)
  }

  @Test(arguments: [128 << 20, 20_000])
  func theInterruptedRunOfSynthea(pieceBytes: Int) throws {
    guard let folder = Places.shared("data/synthea-a") else { return }
    let directory = try TemporaryDirectory("intake")
    let report = try importer(directory, pieceBytes: pieceBytes).importFolder(folder)
    let expected = [
      "allergies": 62, "careplans": 99, "claims": 3_112, "conditions": 1_103, "devices": 30, "encounters": 1_401,
      "imaging_studies": 4, "immunizations": 271, "medications": 1_727, "observations": 10_071, "patients": 42,
      "payer_transitions": 1_492, "procedures": 1_628, "supplies": 60,
    ]
    #expect(report.files.count == expected.count)
    for (name, rows) in expected {
      #expect(report["synthea_\(name)"]?.rows == rows, "\(name)")
      #expect(try value("count(*)", of: "synthea_\(name)", in: directory.file("lake")) == .int(Int64(rows)), "\(name)")
    }
    #expect(report.quarantined == 7)
    let lines = try value(
      "string_agg(file || ':' || line || ' ' || reason, '; ' ORDER BY file, line)", of: SyntheaImporter.quarantineTable,
      in: directory.file("lake"))
    #expect(
      lines
        == .string(
          [
            "claims.csv:3104 expected 31 fields, found 57", "claims.csv:3115 expected 31 fields, found 17",
            "encounters.csv:1394 expected 15 fields, found 16", "encounters.csv:1404 expected 15 fields, found 6",
            "medications.csv:1729 expected 13 fields, found 7", "observations.csv:10073 expected 9 fields, found 6",
            "procedures.csv:1630 expected 9 fields, found 8",
          ].joined(separator: "; ")))
    let period = try value(
      "min(start)::VARCHAR || ' ' || max(start)::DATE", of: "synthea_encounters", in: directory.file("lake"))
    #expect(period.stringValue?.hasPrefix("1942-03-05 ") == true && period.stringValue?.hasSuffix("2024-11-29") == true)
    #expect(report["synthea_patients"]?.missingColumns == ["middle", "fips"])
    // A line that lost its middle and still has nine fields: two timestamps run into each other.
    #expect(report.files.map(\.rowsWithUnreadableDate).reduce(0, +) == 1)
    #expect(
      try value("max(extra)", of: "synthea_observations", in: directory.file("lake"))
        == "{\"DATE\":\"2020-07-17T002020-05-11T06:27:01Z\"}")
  }

  @Test func importingTwiceChangesNothingAndAnotherRunIsAdded() throws {
    guard let first = Places.shared("data/synthea-a"), let second = Places.shared("data/synthea-b") else { return }
    let directory = try TemporaryDirectory("intake")
    let importer = try importer(directory)
    _ = try importer.importFolder(first)
    let before = try DeltaTable(at: directory.file("lake/synthea_observations")).snapshot().version
    let again = try importer.importFolder(first)
    #expect(again.files.allSatisfy { $0.outcome == .alreadyImported })
    #expect(again.rows == 0 && again.quarantined == 0)
    #expect(try DeltaTable(at: directory.file("lake/synthea_observations")).snapshot().version == before)

    let other = try importer.importFolder(second)
    #expect(other.quarantined == 0)
    #expect(other["synthea_claims_transactions"]?.rows == 5_228)
    #expect(try value("count(*)", of: "synthea_patients", in: directory.file("lake")) == .int(69))
    #expect(try value("count(income)", of: "synthea_patients", in: directory.file("lake")) == .int(42))
    #expect(try value("count(*)", of: SyntheaImporter.quarantineTable, in: directory.file("lake")) == .int(7))
  }

  @Test func earlyLayoutsAreMappedByTheirAliases() throws {
    let directory = try TemporaryDirectory("intake")
    try directory.write(
      "ID,DATE,PATIENT,CODE,DESCRIPTION,REASONCODE,REASONDESCRIPTION\ne1,2016-05-04,p1,185349003,Check up,,\n",
      to: "in/encounters.csv")
    try directory.write(
      "DATE,PATIENT,ENCOUNTER,CODE,DESCRIPTION,VALUE,UNITS\n2016-05-04,p1,e1,8867-4,Heart rate,71,/min\n",
      to: "in/observations.csv")
    try directory.write("PATIENT,YEAR,PAYER,OWNERSHIP\np1,2016,y1,Self\n", to: "in/payer_transitions.csv")
    try directory.write(
      "PATIENT,MEMBERID,START_DATE,END_DATE,PAYER,SECONDARY_PAYER,PLAN_OWNERSHIP,OWNER_NAME\n"
        + "p1,,2016-01-01T00:00:00Z,292278994-08-17T07:12:55Z,y1,,Self,\n", to: "later/payer_transitions.csv")
    let importer = try importer(directory)
    let report = try importer.importFolder(directory.file("in"))
    #expect(report.rows == 3 && report.quarantined == 0)
    #expect(try importer.importFolder(directory.file("later")).rows == 1)
    let lake = directory.file("lake")
    let start = Value.timestampTZ(microseconds: 1_462_320_000_000_000)
    #expect(try value("max(start)", of: "synthea_encounters", in: lake) == start)
    #expect(try value("max(date)", of: "synthea_observations", in: lake) == start)
    #expect(try value("count(type) + count(category)", of: "synthea_observations", in: lake) == .int(0))
    #expect(
      try value("string_agg(DISTINCT year(start_date)::VARCHAR)", of: "synthea_payer_transitions", in: lake) == "2016")
    #expect(try value("count(end_date)", of: "synthea_payer_transitions", in: lake) == .int(0))
  }

  @Test func whatCannotBeReadGoesWholeIntoQuarantine() throws {
    let directory = try TemporaryDirectory("intake")
    var bytes = Array("START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION,ICD10_CODE\r\n".utf8)
    bytes += Array("2020-01-01,,p1,e1,1,Good,A1\r\n\r\n".utf8)
    bytes += Array("someday,,p2,e1,1,Bad date,A1\n".utf8)
    bytes += Array("2020-01-01,,p3,e1,1,caf".utf8) + [0xE9] + Array(",A1\n".utf8)
    bytes += Array("2020-01-01,,p4,e1,1,\"Quoted, text\",A1\n".utf8)
    bytes += Array("2020-01-02,2020-02-01,p5,e1,1,\"Half quote,\n".utf8)
    bytes += Array("2020-01-03,,p6,e1,1,No line end,".utf8)
    try directory.write(bytes, to: "in/conditions.csv")
    try directory.write("", to: "in/organizations.csv")
    try directory.write("a,b\n1,2\n", to: "in/something.csv")
    let report = try importer(directory).importFolder(directory.file("in"))
    let lake = directory.file("lake")
    #expect(report["synthea_conditions"]?.rows == 4)
    #expect(report["synthea_conditions"]?.rowsWithUnreadableDate == 1)
    #expect(report["synthea_conditions"]?.unknownColumns == ["ICD10_CODE"])
    #expect(try value("string_agg(patient, ' ' ORDER BY patient)", of: "synthea_conditions", in: lake) == "p1 p2 p5 p6")
    #expect(
      try value("max(extra)", of: "synthea_conditions", in: lake) == "{\"START\":\"someday\",\"ICD10_CODE\":\"A1\"}")
    #expect(
      try value("string_agg(line || ' ' || reason, '; ' ORDER BY line)", of: "synthea_quarantine", in: lake)
        == .string(
          "5 the line is not UTF-8 text or too long; 6 expected 7 fields, found 8"))
    #expect(
      try value("string_agg(raw, ';') FILTER (line = 6)", of: "synthea_quarantine", in: lake)
        == "2020-01-01,,p4,e1,1,\"Quoted, text\",A1")
    #expect(report.files.map(\.outcome) == [.imported, .empty, .unknownHeader])
  }

  @Test func aFolderWithoutSyntheaIsAClearError() throws {
    let directory = try TemporaryDirectory("intake")
    try directory.write("hello", to: "in/readme.txt")
    let importer = try importer(directory)
    let folder = directory.file("in")
    #expect(throws: IntakeError.nothingToImport(path: folder)) { try importer.importFolder(folder) }
    #expect(throws: IntakeError.notAFolder(path: folder + "/none")) { try importer.importFolder(folder + "/none") }
  }

  @Test func progressReachesTheEndOfEveryFile() throws {
    let directory = try TemporaryDirectory("intake")
    let line = "2020-01-01,,p1,e1,s,1,Something (disorder)\n"
    try directory.write(
      "START,STOP,PATIENT,ENCOUNTER,SYSTEM,CODE,DESCRIPTION\n" + String(repeating: line, count: 200),
      to: "in/conditions.csv")
    var positions: [Int64] = []
    let report = try importer(directory, pieceBytes: 2_000).importFolder(directory.file("in")) {
      positions.append($0.bytesRead)
    }
    #expect(report.rows == 200)
    #expect(positions == positions.sorted() && positions.count > 3)
    #expect(positions.last == Int64(53 + 200 * line.utf8.count))
  }
}
