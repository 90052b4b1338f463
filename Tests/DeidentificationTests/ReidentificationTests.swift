import Deidentification
import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Pipelines
import Testing

/// Somebody who has the lake's own tables, or an outside list of names, tries to find people in an export.
@Suite("Attacks on an export") struct ReidentificationTests {
  /// An export of a small lake of invented people, and both sides to query.
  private final class Attack {
    let directory: TemporaryDirectory
    let connection: Connection
    private var sources: [DeidentifiedExport.Source] = []

    init() throws {
      directory = try TemporaryDirectory("attack")
      connection = try Database().connect()
      try connection.execute("SET TimeZone = 'UTC'")
    }

    /// Adds a table to the lake; it stays in the connection under its name for comparison.
    func table(_ name: String, dates: DateRule, _ classes: [String: PHIClass], _ select: String) throws {
      try connection.execute("CREATE TABLE \(name) AS \(select)")
      let columns = try connection.columns(of: "SELECT * FROM \(name)")
      let delta = try DeltaTable.create(
        at: directory.file("lake/\(name)"),
        schema: try Schema(columns: columns.map { ($0.name, $0.type.description) }))
      _ = try delta.append(try DeltaWriter(connection: connection).write("SELECT * FROM \(name)", into: delta))
      sources.append(
        DeidentifiedExport.Source(name: name, snapshot: try delta.snapshot(), dates: dates) { classes[$0] })
    }

    /// Exports all tables and loads them as `export.NAME`; the manifest.
    @discardableResult
    func export(
      _ name: String = "export", dates: DateRule = .year, format: DeidentifiedExport.Format = .parquet
    ) throws -> ExportManifest {
      let settings = DeidentifiedExport.Settings(format: format, dates: dates, year: 2026)
      let own = try Database().connect()
      try own.execute("SET TimeZone = 'UTC'")
      let manifest = try DeidentifiedExport(settings, connection: own).write(
        sources, knowing: sources, leftOut: [], to: directory.file(name))
      try connection.execute("CREATE SCHEMA \(name)")
      for source in sources where format == .parquet {
        try connection.execute(
          "CREATE TABLE \(name).\(source.name) AS FROM '\(directory.file("\(name)/\(source.name).parquet"))'")
      }
      return manifest
    }

    func number(_ sql: String) throws -> Int { Int(try connection.query(sql).scalar().intValue ?? -1) }
    func texts(_ sql: String) throws -> [String] { try connection.query(sql).column().map { $0.stringValue ?? "NULL" } }
  }

  private static let people: [String: PHIClass] = [
    "patient_id": .patient, "name": .name, "ssn": .socialSecurity, "birth_date": .birthDate, "death_date": .deathDate,
    "sex": .demographic, "race": .demographic, "zip": .postalCode, "city": .geography, "note": .freeText,
  ]
  private static let visits: [String: PHIClass] = [
    "encounter_id": .record, "patient_id": .patient, "started_at": .date, "code": .none, "age": .age,
  ]

  private func lake(_ dates: DateRule) throws -> Attack {
    let attack = try Attack()
    try attack.table(
      "people", dates: dates, Self.people,
      """
      SELECT uuid()::VARCHAR AS patient_id, 'Name' || i AS name, printf('%03d-%02d-%04d', i % 900, i % 90, i) AS ssn,
        DATE '1925-03-01' + (i * 97 % 36000)::INTEGER AS birth_date,
        CASE WHEN i % 23 = 0 THEN DATE '2024-01-01' + (i % 300)::INTEGER END AS death_date,
        CASE WHEN i % 2 = 0 THEN 'female' ELSE 'male' END AS sex, ['white', 'black', 'asian'][1 + i % 3] AS race,
        ['02155', '2155', '03601', '82190', '02118', 'x', NULL][1 + i % 7] AS zip, 'Boston' AS city,
        'seen 12/03/2024 call 555-768-4103' AS note, i AS unclassified
      FROM range(600) r(i)
      """)
    try attack.table(
      "visits", dates: dates, Self.visits,
      """
      SELECT uuid()::VARCHAR AS encounter_id, patient_id,
        TIMESTAMPTZ '2019-01-01 08:00:00+00' + to_days((hash(patient_id, k) % 2000)::INTEGER) AS started_at,
        'C' || k AS code, date_diff('year', birth_date, DATE '2019-06-01') AS age
      FROM people, range(5) r(k)
      """)
    return attack
  }

  @Test func nothingOfTheLakeIsFoundInTheFiles() throws {
    let attack = try lake(.year)
    for format in DeidentifiedExport.Format.allCases { try attack.export("out_\(format.rawValue)", format: format) }
    let secrets =
      try attack.texts("SELECT patient_id FROM people") + attack.texts("SELECT encounter_id FROM visits")
      + attack.texts("SELECT ssn FROM people") + ["Boston", "555-768", "unclassified", "Name599"]
    for format in DeidentifiedExport.Format.allCases {
      let folder = URL(fileURLWithPath: attack.directory.file("out_\(format.rawValue)"))
      let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL }
      var bytes = Data()
      for file in files ?? [] where file.lastPathComponent != "manifest.json" {
        bytes += (try? Data(contentsOf: file)) ?? Data()
      }
      #expect(bytes.count > 1_000)
      for secret in secrets.prefix(40) + secrets.suffix(40) {
        #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(format.rawValue) holds an identifier")
      }
    }
  }

  @Test func theRuleIsKeptToTheLetter() throws {
    let attack = try lake(.year)
    let manifest = try attack.export()
    #expect(
      try attack.texts("SELECT DISTINCT zip FROM export.people ORDER BY zip NULLS LAST") == ["000", "021", "NULL"])
    #expect(
      try attack.number(
        "SELECT count(*) FROM (SELECT * FROM export.people WHERE birth_date_year <= 2026 - 90 AND death_date_year IS NULL)"
      ) == 0)
    // Those who are over 89 have no year of birth, and one age in every row, also of earlier years.
    let old = try attack.number(
      "SELECT count(*) FROM people WHERE coalesce(year(death_date), 2026) - year(birth_date) >= 90")
    #expect(old > 20)
    #expect(try attack.number("SELECT count(*) FROM export.people WHERE birth_date_year IS NULL") == old)
    #expect(try attack.number("SELECT max(age) FROM export.visits") == 90)
    let ages =
      "SELECT count(*) FROM export.visits JOIN export.people USING (patient_id) WHERE birth_date_year IS NULL AND age <> 90"
    #expect(try attack.number(ages) == 0)
    // Every patient and visit is there, and they still belong together.
    #expect(try attack.number("SELECT count(*) FROM export.visits JOIN export.people USING (patient_id)") == 3_000)
    #expect(try attack.number("SELECT count(DISTINCT encounter_id) FROM export.visits") == 3_000)
    let types = try attack.texts(
      "SELECT data_type FROM duckdb_columns() WHERE schema_name = 'export' AND data_type IN ('DATE', 'TIMESTAMP WITH TIME ZONE')"
    )
    #expect(types.isEmpty)
    let people = try #require(manifest.tables.first { $0.name == "people" })
    #expect(people.columns["note"] == "dropped: free text" && people.columns["birth_date"] == "year")
    #expect(people.columns["unclassified"] == "dropped: nobody has said what it holds")
    #expect(people.patientsInSmallGroups == 600, "the manifest says that all are in small groups")
  }

  @Test func whatHappenedNinetyYearsAgoTellsNoAge() throws {
    for dates in DateRule.allCases {
      let attack = try Attack()
      try attack.table(
        "visits", dates: dates, Self.visits,
        """
        SELECT 'e' || y AS encounter_id, 'p' AS patient_id, make_timestamptz(y, 5, 6, 7, 8, 9.0) AS started_at, 'C' AS code,
          NULL::INTEGER AS age FROM (VALUES (1935::BIGINT), (1936), (1938), (2001)) AS years(y)
        """)
      try attack.export(dates: dates)
      let column = dates == .year ? "started_at_year" : "started_at"
      #expect(try attack.number("SELECT count(\(column)) FROM export.visits") == 2)
    }
  }

  @Test func identifiersCannotBeReversedAndTwoExportsCannotBeJoined() throws {
    let attack = try lake(.year)
    try attack.export("first")
    try attack.export("second")
    // The attacker knows every identifier and the order of the lake's rows.
    let byOrder = """
      WITH known AS (SELECT row_number() OVER () AS number, row_number() OVER (ORDER BY patient_id) AS sorted,
          row_number() OVER (ORDER BY sha256(patient_id)) AS hashed, zip, sex, race FROM people)
      """
    for guess in ["number", "sorted", "hashed"] {
      let hits = try attack.number(
        "\(byOrder) SELECT count(*) FROM known JOIN first.people AS p ON p.patient_id = known.\(guess) WHERE known.race = p.race"
      )
      // By chance a third of the guesses has the right race.
      #expect((120...280).contains(hits), "\(guess): \(hits) of 600")
    }
    let same = try attack.number(
      "SELECT count(*) FROM first.people AS a JOIN second.people AS b USING (patient_id) WHERE a.race = b.race")
    #expect((120...280).contains(same))
  }

  @Test func outsideListsFindNobodyByDates() throws {
    let attack = try lake(.year)
    try attack.export()
    // A list of voters: name, sex, full date of birth and postal code, one of them the attacker's neighbour.
    let unique = try attack.number(
      """
      SELECT count(*) FROM (
        SELECT v.name, count(*) AS candidates FROM people AS v JOIN export.people AS e
          ON e.sex = v.sex AND e.birth_date_year = year(v.birth_date) AND e.zip IS NOT DISTINCT FROM left(v.zip, 3)
        GROUP BY v.name HAVING candidates = 1)
      """)
    let before = try attack.number(
      """
      SELECT count(*) FROM (
        SELECT v.name FROM people AS v JOIN people AS e
          ON e.sex = v.sex AND e.birth_date = v.birth_date AND e.zip IS NOT DISTINCT FROM v.zip
        GROUP BY v.name HAVING count(*) = 1)
      """)
    // In the lake nearly everybody is unique; what remains is what Safe Harbor leaves, and the manifest counts it.
    #expect(before > 500)
    #expect(unique < before / 3, "\(unique) of \(before)")
  }

  @Test func shiftedDaysKeepIntervalsAndHideDays() throws {
    let attack = try lake(.shifted)
    let manifest = try attack.export(dates: .shifted)
    #expect(manifest.rule.contains("not Safe Harbor"))
    // The attacker looks for the real days: no more hits than chance gives.
    let hits = try attack.number(
      """
      SELECT count(*) FROM (SELECT list(CAST(started_at AS DATE) ORDER BY started_at) AS days FROM visits GROUP BY patient_id) AS a
      JOIN (SELECT list(CAST(started_at AS DATE) ORDER BY started_at) AS days FROM export.visits GROUP BY patient_id) AS b
        ON a.days = b.days
      """)
    #expect(hits == 0)
    // Intervals are those of the lake, as a multiset over patients: the price of shifting, and why it is not Safe Harbor.
    let spans = """
      SELECT count(DISTINCT span) FROM (
        SELECT list(date_diff('day', first, started_at) ORDER BY started_at) AS span FROM (
          SELECT *, min(started_at) OVER (PARTITION BY patient_id) AS first FROM TABLE) GROUP BY patient_id)
      """
    let kept = try attack.number(
      """
      WITH a AS (\(spans.replacing("TABLE", with: "visits").replacing("count(DISTINCT span)", with: "span"))),
      b AS (\(spans.replacing("TABLE", with: "export.visits").replacing("count(DISTINCT span)", with: "span")))
      SELECT count(*) FROM a WHERE EXISTS (SELECT 1 FROM b WHERE a.span = b.span)
      """)
    #expect(kept == 600)
    let shifts = try attack.number(
      "SELECT count(*) FROM export.visits WHERE started_at > (SELECT max(started_at) FROM visits) - INTERVAL 1 DAY")
    #expect(shifts == 0, "nobody's days stay where they are or move forward")
  }

  @Test func whatLooksLikeAnIdentifierStopsTheExport() throws {
    for (value, kind) in [
      ("123-45-6789", "social security"), ("call (617) 555-0100", "telephone"), ("a.b@example.org", "e-mail"),
      ("https://example.org/x", "web address"), ("10.0.0.12", "IP address"), ("on 2024-03-09", "a date"),
      ("3edac2e3-d223-6fae-d515-daf96ef6bc76", "UUID"),
    ] {
      let attack = try Attack()
      try attack.table("t", dates: .year, ["label": .none], "SELECT '\(value)' AS label")
      let error = #expect(throws: ExportError.self) { try attack.export() }
      #expect(error?.description.contains(kind) == true && error?.description.contains(value) == false)
      #expect(!FileManager.default.fileExists(atPath: attack.directory.file("export")))
    }
    let attack = try Attack()
    try attack.table(
      "t", dates: .year, ["label": .none],
      "SELECT unnest(['2339-0', '44054006', 'lisinopril 10 MG Oral Tablet', 'http://snomed.info/sct', '10*3/uL', '120/80']) AS label"
    )
    #expect(try attack.export().tables.first?.rows == 6)
  }
}
