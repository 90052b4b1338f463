import DuckDB
import Lineage
import Pipelines
import Testing

/// The graph over whole pipelines, and the catalogue that rests on it.
@Suite struct LakeLineageTests {
  static let yaml = """
    pipeline: ward
    owner: ward team
    source:
      stream: readings
      landing: { path: landing/readings }
      bronze: bronze_readings
      quarantine: quarantine_readings
      record:
        - { name: patient_id, type: string, required: true, description: "who" }
        - { name: event_time, type: timestamp, required: true }
        - { name: pulse, type: double, unit: /min, description: "heart rate" }
        - { name: bed, type: string }
    reads: [wards]
    columns: { patient_id: { phi: patient_id }, event_time: { phi: date }, pulse: { phi: none } }
    event_time: { allowed_lateness: 1 hour }
    recent:
      earlier: { table: silver_readings, key: patient_id, columns: [pulse], rows: 3, within: 1 h }
    tables:
      wards: { owner: building, columns: { bed: { description: "the bed's number", phi: none }, ward: { phi: none } } }
      silver_readings:
        columns: { bed: { description: "where the patient lies", phi: geography } }
    models:
      fever: { features: [pulse], training: training.sql, label: label, group: patient_id, optional: true }
    """
  static let sql = """
    CREATE STREAMING TABLE silver_readings COMMENT 'Readings' AS
    SELECT r.patient_id, r.event_time, r.pulse, r.bed, element_at(e.pulse, -1) AS last_pulse,
      r._partition AS "partition", r._offset AS "offset"
    FROM STREAM(readings) AS r LEFT JOIN earlier AS e ON e."partition" = r._partition AND e."offset" = r._offset;
    CREATE TEMPORARY VIEW placed AS SELECT s.*, w.ward FROM silver_readings AS s JOIN wards AS w ON w.bed = s.bed;
    CREATE MATERIALIZED VIEW pulse_by_ward AS
    SELECT ward, avg(pulse) AS pulse, count(*) AS readings, max(event_time) AS newest FROM placed GROUP BY ward;
    CREATE STREAMING TABLE gold_fever AS
    SELECT patient_id, CASE WHEN pulse > 90 THEN 1 ELSE 0 END AS fast, predict_fever(pulse) AS probability
    FROM STREAM(silver_readings);
    """

  static func pipeline() throws -> Pipeline {
    try Pipeline(
      folder: "ward",
      files: [
        .init(name: "pipeline.yml", text: yaml), .init(name: "a.sql", text: sql),
        .init(name: "training.sql", text: "SELECT patient_id, pulse, 1 AS label FROM gold_fever"),
      ])
  }

  static func lineage() throws -> LakeLineage {
    let connection = try Database().connect()
    return LakeLineage(
      [try pipeline()], storedColumns: { _ in nil }, syntax: { try? connection.syntaxTree(of: $0) })
  }

  @Test func everyRelationStandsAfterWhatItIsMadeOf() throws {
    let lineage = try Self.lineage()
    var seen: Set<String> = []
    for node in lineage.nodes {
      for input in node.inputs where input != "silver_readings" || node.kind != .recent {
        #expect(seen.contains(input))
      }
      seen.insert(node.id)
    }
    #expect(
      seen == [
        "ward/source", "bronze_readings", "quarantine_readings", "ward/readings", "ward/earlier", "silver_readings",
        "wards",
        "ward/placed", "pulse_by_ward", "gold_fever", "model/fever",
      ])
    #expect(lineage.node("gold_fever")?.models == ["model/fever"])
    #expect(lineage.node("model/fever")?.inputs == ["gold_fever"])
  }

  @Test func whatIsNotStoredIsLookedThrough() throws {
    let lineage = try Self.lineage()
    let view = try #require(lineage.stored("pulse_by_ward"))
    #expect(view.inputs == ["silver_readings", "wards"])
    #expect(view["pulse"]?.uses == [ColumnName("silver_readings", "pulse"): [.aggregation]])
    #expect(view["ward"]?.uses == [ColumnName("wards", "ward"): [.identity]])
    #expect(
      view.rows.keys.sorted() == [
        ColumnName("silver_readings", "bed"), ColumnName("wards", "bed"), ColumnName("wards", "ward"),
      ])
    let silver = try #require(lineage.stored("silver_readings"))
    #expect(silver.inputs == ["bronze_readings"])
    #expect(silver["pulse"]?.uses == [ColumnName("bronze_readings", "raw"): [.transformation]])
    #expect(silver["offset"]?.uses == [ColumnName("bronze_readings", "offset"): [.identity]])
    #expect(silver["last_pulse"]?.uses[ColumnName("silver_readings", "pulse")] == [.aggregation])
  }

  @Test func documentationFollowsColumnsThatAreTakenAsTheyAre() throws {
    let pipeline = try Self.pipeline()
    let catalogue = Catalogue([pipeline], lineage: try Self.lineage())
    let silver = catalogue["silver_readings"]
    #expect(silver.summary == "Readings" && silver.owner == "ward team")
    #expect(silver["pulse"]?.comment == "heart rate (/min)")
    #expect(silver["patient_id"]?.phi == .patient && silver["patient_id"]?.summary == "who")
    #expect(silver["bed"]?.phi == .geography && silver["bed"]?.summary == "where the patient lies")
    #expect(catalogue["gold_fever"]["patient_id"]?.summary == "who")
    // Computed from what is no identifier.
    #expect(catalogue["gold_fever"]["fast"]?.phi == PHIClass.none)
    #expect(catalogue["gold_fever"]["fast"]?.summary == nil)
    // Computed from an identifier: nobody has said.
    #expect(catalogue["pulse_by_ward"]["newest"]?.phi == nil)
    #expect(catalogue["wards"].owner == "building")
    #expect(catalogue["bronze_readings"]["raw"]?.phi == .freeText)
  }

  @Test func storedColumnsFillStars() throws {
    let connection = try Database().connect()
    let pipeline = try Pipeline(
      folder: "p",
      files: [
        .init(name: "pipeline.yml", text: "pipeline: p\nreads: [a, b]"),
        .init(
          name: "v.sql",
          text:
            "CREATE MATERIALIZED VIEW v AS SELECT * FROM a; CREATE MATERIALIZED VIEW w AS SELECT x, y FROM a JOIN b USING (k);"
        ),
      ])
    let known = LakeLineage([pipeline], storedColumns: { $0 == "a" ? ["k", "x"] : nil }) {
      try? connection.syntaxTree(of: $0)
    }
    #expect(known.node("v")?.columns.map(\.name) == ["k", "x"])
    #expect(known.node("w")?["y"]?.uses == [ColumnName("b", "y"): [.identity]])
    let unknown = LakeLineage([pipeline], storedColumns: { _ in nil }) { _ in nil }
    #expect(unknown.node("v")?.knowsColumns == false)
    #expect(unknown.node("w")?.columns.map(\.name) == ["x", "y"])
  }

  @Test func draws() throws {
    let pipeline = try Self.pipeline()
    let lineage = try Self.lineage()
    let catalogue = Catalogue([pipeline], lineage: lineage)
    let text = LineageText(lineage) { name in
      name.column.isEmpty ? nil : catalogue[name.table][name.column]?.unit
    }
    #expect(
      text.table("pulse_by_ward") == """
        pulse_by_ward  materialized view
        └─ placed  temporary view
           ├─ silver_readings  streaming table
           │  ├─ readings  stream
           │  │  └─ bronze_readings  bronze
           │  │     └─ folder landing/readings
           │  └─ earlier  recent
           │     └─ silver_readings  streaming table  (see above)
           └─ wards  external table

        """)
    #expect(
      text.column(ColumnName("gold_fever", "fast"))
        == """
        fast
        └─ silver_readings.pulse  decides which value, /min
           └─ readings.pulse  as it is, /min
              └─ bronze_readings.raw  computed

        """.replacing("fast\n", with: "gold_fever.fast\n"))
  }
}
