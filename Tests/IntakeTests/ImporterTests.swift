import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Testing

@testable import Intake

@Suite struct ImporterTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory("importer") }

  private func importer(_ lake: String = "lake", pieceBytes: Int = 64 << 20) throws -> Importer {
    var options = Importer.Options()
    options.settings = ["threads": "2", "temp_directory": directory.file("temporary")]
    options.pieceBytes = pieceBytes
    return try Importer(lake: directory.file(lake), options: options)
  }

  /// The rows of a query over a table, which the query calls `t`, as text.
  private func rows(_ select: String, of table: String, in lake: String = "lake") throws -> [String] {
    let connection = try Database().connect()
    let scan = try DeltaReader.scanSQL(try DeltaTable(at: directory.file("\(lake)/\(table)")).snapshot())
    let parts = select.components(separatedBy: " ORDER BY ")
    let order = parts.count > 1 ? " ORDER BY \(parts[1])" : ""
    let text = try connection.query(
      "SET TimeZone = 'UTC'; SELECT concat_ws(' ', *COLUMNS(*)) FROM (SELECT \(parts[0]) FROM \(scan) AS t\(order))")
    return try text.rows().map { $0[0].stringValue ?? "" }
  }

  private func observation(
    _ value: String, status: String = "final", version: Int? = nil, updated: String? = nil, id: String = "o1"
  ) -> String {
    var meta: [String] = []
    if let version { meta.append("\"versionId\":\"\(version)\"") }
    if let updated { meta.append("\"lastUpdated\":\"\(updated)\"") }
    return """
      {"resourceType":"Observation","id":"\(id)","meta":{\(meta.joined(separator: ","))},"status":"\(status)",\
      "code":{"coding":[{"system":"urn:own","code":"HR"},{"system":"http://loinc.org","code":"8867-4"}]},\
      "subject":{"reference":"https://hospital.example/fhir/Patient/p1/_history/3"},\
      "effectiveDateTime":"2026-01-05T09:30:00+01:00","valueQuantity":{"value":\(value),"code":"/min"}}
      """
  }

  @Test func bundlesBecomeTheTablesOfFacts() throws {
    guard let folder = Places.shared("data/fhir") else { return }
    let report = try importer().run([folder])
    let expected = [
      "patients": 10, "encounters": 462, "conditions": 562, "medications": 137, "procedures": 1101,
      "immunizations": 491, "allergies": 13, "careplans": 38, "devices": 43, "claims": 462, "organizations": 16,
      // Of 5873: 5142 with one value and 251 with two; the others are panels that name their members.
      "observations": 5142 + 2 * 251,
    ]
    for (name, count) in expected {
      #expect(report["synthea_\(name)"]?.rows == count, "\(name)")
      #expect(try rows("count(*)", of: "synthea_\(name)") == ["\(count)"], "\(name)")
    }
    #expect(report.quarantined == 0)
    #expect(
      try rows("gender, race, ethnicity, city, deathdate, zip IS NULL", of: "synthea_patients").contains(
        "M other nonhispanic Boston 1989-07-17 true"))
    #expect(try rows("count(reasoncode)", of: "synthea_medications") == ["85"], "reasons by reference")
    let again = try importer().run([folder])
    #expect(again.rows == 0 && again.files.allSatisfy { $0.outcome == .alreadyImported })
  }

  @Test func aLaterVersionTakesThePlaceOfTheEarlier() throws {
    func take(_ text: String, _ name: String) throws -> [String] {
      try directory.write(text + "\n", to: "in/\(name)")
      _ = try importer().run([directory.file("in/\(name)")])
      return try rows("value ORDER BY value", of: "synthea_observations")
    }
    let other = observation("60", id: "o2")
    #expect(
      try take(observation("70", version: 1, updated: "2026-01-05T10:00:00Z") + "\n" + other, "a.ndjson") == [
        "60", "70",
      ])
    #expect(
      try take(observation("72", status: "amended", version: 3, updated: "2026-01-05T12:00:00Z"), "b.ndjson") == [
        "60", "72",
      ])
    #expect(
      try take(observation("71", version: 2, updated: "2026-01-05T11:00:00Z"), "c.ndjson") == ["60", "72"], "late")
    #expect(
      try take(
        observation("72", version: 4, updated: "2026-01-05T13:00:00Z").replacing(
          "2026-01-05T09:30:00+01:00", with: "soon"),
        "d.ndjson") == ["60", "72"], "what cannot be read does not remove what can")
    #expect(try rows("reason", of: "synthea_quarantine") == ["Observation: date is missing or cannot be read"])
    #expect(
      try take(observation("72", status: "entered-in-error", version: 5, updated: "2026-01-05T14:00:00Z"), "e.ndjson")
        == ["60"])
    let deletion = """
      {"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Observation/o2"}}]}
      """
    #expect(try take(deletion, "f.json") == [])
    #expect(try rows("count(*)", of: "fhir_resources") == ["7"], "every version is kept as it came")
    #expect(try take(observation("73", version: 6, updated: "2026-01-05T15:00:00Z"), "g.ndjson") == ["73"])
    #expect(try rows("patient, code, date", of: "synthea_observations") == ["p1 8867-4 2026-01-05 08:30:00+00"])
  }

  @Test func whatIsNoResourceGoesToQuarantineWithItsPlace() throws {
    let good = observation("70")
    try directory.write(
      [good, "{\"resourceType\":\"Observation\"", "[1]", "{\"id\":\"x\"}", "", good.replacing("o1", with: "o9")].joined(
        separator: "\n"), to: "in/lines.ndjson")
    try directory.write(
      "{\"resourceType\":\"Bundle\",\"entry\":[{},{\"resource\":{\"resourceType\":\"Patient\"}}]}", to: "in/bundle.json"
    )
    try directory.write("{\"resourceType\":\"Bundle\",\"entry\":[", to: "in/torn.json")
    try directory.write([0x7B, 0xFF, 0xFE], to: "in/bytes.json")
    try directory.write("MSH|^~\\&|A|B|||20260101||ORU^R01||P|2.5\rPID|1||7\r", to: "in/m.hl7")
    let report = try importer().run([directory.file("in")])
    #expect(
      try rows("file, line, reason ORDER BY ALL", of: "synthea_quarantine") == [
        "bundle.json 1 the entry holds no resource", "bundle.json 2 Patient without a usable id",
        "bytes.json 1 the file is not UTF-8 text", "lines.ndjson 2 the line is not JSON",
        "lines.ndjson 3 resourceType is missing", "lines.ndjson 4 resourceType is missing",
        "m.hl7 1 HL7 MSH-10: the message control id is missing", "torn.json 1 the file is not JSON",
      ])
    #expect(report.quarantined == 8)
    #expect(try rows("count(*)", of: "synthea_observations") == ["2"])
    #expect(try importer().run([directory.file("in")]).quarantined == 0)
    #expect(try rows("count(*)", of: "synthea_quarantine") == ["8"])
  }

  @Test func gzipAndParquetAreTheSameFiles() throws {
    guard let folder = Places.shared("data/synthea-b") else { return }
    _ = try importer("csv").run([folder])
    let connection = try Database().connect()
    for name in ["patients", "encounters", "observations"] {
      let source = "read_csv('\(folder)/\(name).csv', quote = '', escape = '')"
      try FileManager.default.createDirectory(atPath: directory.file("p"), withIntermediateDirectories: true)
      try connection.execute("COPY (FROM \(source)) TO '\(directory.file("p/\(name).parquet"))' (FORMAT parquet)")
    }
    _ = try importer("parquet").run([directory.file("p")])
    // Numbers lose zeros at their ends on the way through a number's type.
    let columns = [
      "patients": "id, birthdate, gender, race, county, round(lat::DOUBLE, 9)",
      "encounters": "id, start, stop, patient, code, reasoncode, total_claim_cost::DOUBLE",
      "observations": "date, patient, encounter, code, description, units, type",
    ]
    for (name, list) in columns {
      let select = "\(list) ORDER BY ALL"
      #expect(
        try rows(select, of: "synthea_\(name)", in: "csv") == rows(select, of: "synthea_\(name)", in: "parquet"),
        "\(name)")
    }
    let outcome = try ChildProcess.run(
      "sh", ["-c", "gzip -c '\(folder)/patients.csv' > '\(directory.file("patients.csv.gz"))'"])
    #expect(outcome.succeeded)
    #expect(try importer("csv").run([directory.file("patients.csv.gz")]).files.map(\.outcome) == [.alreadyImported])
    #expect(try importer("packed").run([directory.file("patients.csv.gz")]).rows == 27)
    try directory.write(
      Array(try Data(contentsOf: URL(fileURLWithPath: directory.file("patients.csv.gz"))).dropLast(40)),
      to: "cut.csv.gz")
    #expect(try importer("cut").run([directory.file("cut.csv.gz")]).files.map(\.outcome) == [.damaged])
  }

  @Test func hl7MessagesBecomeTheSameTables() throws {
    guard let folder = Places.shared("data/hl7") else { return }
    let report = try importer().run([folder])
    #expect(report.quarantined == 0)
    #expect(try rows("count(*)", of: "hl7_messages") == ["3"])
    let found = try rows(
      "date, code, value, coalesce(units, '-'), type ORDER BY date, code, value", of: "synthea_observations")
    #expect(found.count == 21)
    for row in [
      "2026-01-05 08:15:00+00 8867-4 118 /min numeric", "2026-01-05 08:14:30+00 8480-6 98 mm[Hg] numeric",
      "2026-01-05 07:55:00+00 8480-6 132 mm[Hg] numeric", "2026-01-05 08:00:00+00 8310-5 36.8 Cel numeric",
      "2026-01-05 08:30:00+00 2160-0 >25 mg/dL text", "2026-01-05 08:10:00+00 8310-5 101.3 [degF] numeric",
      "2026-01-05 08:15:00+00 ACVPU Alert - text",
    ] {
      #expect(found.contains(row), "\(row)")
    }
    // The heart rate of 300 was deleted by the same message; the second probe's −99.9 is no value.
    #expect(!found.contains { $0.contains(" 300 ") || $0.contains("-99.9") })
    #expect(try rows("last, birthdate, gender, ssn", of: "synthea_patients") == ["O'NEIL-DOE 1958-03-01 F 999-11-2222"])
  }

  /// Whatever is done to a bundle: no error ends the import, and every file is in a table or in quarantine.
  @Test func mutatedBundlesNeverEndAnImport() throws {
    let text = """
      {"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:p1","resource":{"resourceType":"Patient",\
      "id":"p1","gender":"female","birthDate":"1960-01-02","name":[{"family":"X","given":["Y"]}]}},\
      {"fullUrl":"urn:uuid:o1","resource":\(observation("70"))},{"resource":{"resourceType":"Condition","id":"c1",\
      "onsetDateTime":"2020","code":{"coding":[{"system":"http://snomed.info/sct","code":"1"}]},\
      "subject":{"reference":"urn:uuid:p1"}}},{"resource":{"resourceType":"MedicationRequest","id":"m1","status":"active",\
      "intent":"order","authoredOn":"2020-05","subject":{"reference":"Patient/p1"},"reasonReference":[{"reference":"Condition/c1"}],\
      "medicationCodeableConcept":{"coding":[{"code":"9"}]},"dispenseRequest":{"numberOfRepeatsAllowed":2,\
      "expectedSupplyDuration":{"value":30,"code":"d"}}}}]}
      """
    var random = SplitMix(state: 7)
    let pieces = [
      "null", "[]", "{}", "7", "\"\"", "\"2026-13-45T99:99\"", "true", "{\"a\":[[[]]]}", "1e400", "\"\\u0000\"",
    ]
    for number in 0..<240 {
      var bytes = Array(text.utf8)
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...60, using: &random)))
        default:
          // A value of another type in the place of one.
          let colons = bytes.indices.filter {
            bytes[$0] == UInt8(ascii: ":") && $0 + 1 < bytes.count && bytes[$0 + 1] == UInt8(ascii: "\"")
          }
          guard let colon = colons.randomElement(using: &random),
            let end = bytes[(colon + 2)...].firstIndex(of: UInt8(ascii: "\""))
          else { continue }
          bytes.replaceSubrange((colon + 1)...end, with: Array((pieces.randomElement(using: &random) ?? "null").utf8))
        }
      }
      try directory.write(bytes, to: "in/\(number).json")
    }
    let report = try importer().run([directory.file("in")])
    let accounted = Set(try rows("file", of: "fhir_resources")).union(try rows("file", of: "synthea_quarantine"))
    // What is left is a bundle that says of itself that it is empty, or the same bytes as another one.
    let repeated = Set(report.files.filter { $0.outcome == .alreadyImported }.map(\.file))
    for number in 0..<240 where !accounted.contains("\(number).json") && !repeated.contains("\(number).json") {
      let data = try Data(contentsOf: URL(fileURLWithPath: directory.file("in/\(number).json")))
      let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      #expect(object["resourceType"] as? String == "Bundle" && object["entry"] == nil, "\(number).json")
    }
    #expect(accounted.count > 230)
    #expect(report.quarantined > 20)
    #expect(try importer().run([directory.file("in")]).rows == 0)
  }
}

/// SplitMix64: the same numbers on every machine.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
