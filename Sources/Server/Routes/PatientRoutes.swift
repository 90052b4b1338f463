internal import Alerts
internal import DuckDB
internal import HTTP
internal import JSON
internal import Models
internal import Pipelines
internal import Query

/// Single patients: latest readings, histories, scores and alerts.
enum PatientRoutes {
  private static let group = "Patients"

  static func endpoints(_ context: ServerContext) -> [Endpoint] {
    let reading = Schema.map(of: .any, "A row of the table of vital signs")
    let patient = Schema.object(
      [
        "patient_id": .text(), "latest": reading, "history": .list(of: reading, "Oldest first"),
        "answer": .map(of: .any, "The newest answer of a model: anomaly, probability, what counted most"),
        "alerts": .list(of: .any, "Those that are not closed"),
      ], required: ["patient_id", "latest", "history", "alerts"])
    let detail = Schema.object(
      [
        "patient_id": .text(), "latest": reading, "history": .list(of: reading, "Vital signs, oldest first"),
        "scores": .list(of: .object(["table": .text(), "rows": .list(of: reading)], required: ["table", "rows"])),
        "contributions": .list(
          of: .object(["feature": .text(), "contribution": .number()], required: ["feature", "contribution"]),
          "What counted most in the newest score that can be explained"),
        "explained": .object(
          [
            "table": .text(), "model": .text(), "model_version": .text(), "class": .text(),
            "contribution_scale": .text(),
          ],
          required: ["table", "model", "model_version", "contribution_scale"]),
        "alerts": .list(of: .any, "All of them, open and closed"),
      ], required: ["patient_id", "latest", "history", "scores", "contributions", "alerts"])
    return [
      Endpoint(
        .get, "/patients", group: group, "Patients with their latest vital signs", needs: .patients,
        answers: [.init(200, "Patients", .object(["patients": .list(of: patient)], required: ["patients"]))]
      ) { call in try list(call, context) }
      .with {
        $0.details = "Those who were measured within hours of the newest measurement of all."
        $0.parameters = [
          .init("history", .integer(0...200), "How many readings of each", default: "20"),
          .init("hours", .integer(1...8_760), "Measured within so many hours", default: "24"),
          .init("ward", .text(longest: 200), "On this ward"),
          .init("limit", .integer(1...5_000), "At most so many patients", default: "500"),
        ]
        $0.audit = .read("list patients")
      },
      Endpoint(
        .get, "/patients/{id}", group: group, "One patient: vital signs, scores, reasons, alerts", needs: .patients,
        answers: [.init(200, "The patient", detail)]
      ) { call in try show(call, context) }
      .with {
        $0.parameters = [
          .init("id", .text(longest: 200), "The patient's id"),
          .init("history", .integer(1...5_000), "How many readings", default: "500"),
        ]
        $0.audit = .read("read patient")
      },
    ]
  }

  // MARK: All

  private static func list(_ call: Call, _ context: ServerContext) throws -> ServerResponse {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("patients")
    writer.beginArray()
    if let table = try PatientTables(context).ward { try write(call, table, context, to: &writer) }
    writer.endArray()
    writer.endObject()
    return .json(writer.bytes)
  }

  private static func write(
    _ call: Call, _ table: PatientTables.Table, _ context: ServerContext, to writer: inout JSONWriter
  ) throws {
    let hours = call.integer("hours") ?? 24
    let kept = call.integer("history") ?? 20
    let limit = call.integer("limit") ?? 500
    let name = SQL.quote(identifier: table.name)
    var condition = "event_time >= (SELECT max(event_time) FROM \(name)) - INTERVAL \(hours) HOUR"
    if let ward = call.query["ward"], table.has("ward") { condition += " AND ward = \(SQL.quote(literal: ward))" }
    let latest = try objects(
      """
      SELECT * FROM \(name) WHERE \(condition)
      QUALIFY row_number() OVER (PARTITION BY patient_id ORDER BY event_time DESC) = 1
      ORDER BY \(table.has("news2_total") ? "news2_total DESC NULLS LAST, " : "") patient_id LIMIT \(limit)
      """, context)
    let histories =
      kept == 0
      ? [:]
      : Dictionary(
        grouping: try objects(
          """
          SELECT \(table.select(PatientTables.vitals)) FROM \(name) WHERE \(condition)
          QUALIFY row_number() OVER (PARTITION BY patient_id ORDER BY event_time DESC) <= \(kept)
          ORDER BY patient_id, event_time
          """, context), by: \.patient)
    let answers = Dictionary(try self.answers(table, condition, context).map { ($0.patient, $0) }) { first, _ in first }
    let alerts = Dictionary(grouping: try patientAlerts(AlertFilter(), context), by: \.patient)
    call.trail.touched(latest.map(\.patient))
    for row in latest {
      writer.beginObject()
      writer.member("patient_id", row.patient)
      writer.key("latest")
      writer.raw(row.json)
      writer.key("history")
      write(histories[row.patient] ?? [], to: &writer)
      if let answer = answers[row.patient] {
        writer.key("answer")
        writer.raw(answer.json)
      }
      writer.key("alerts")
      writer.beginArray()
      for alert in alerts[row.patient] ?? [] { AlertJSON.write(alert, about: .patient, to: &writer) }
      writer.endArray()
      writer.endObject()
    }
  }

  /// Alerts about patients: a model or a ward that has an alert is none. Alerts that cannot be read are an error: nobody may
  /// take a patient for well because a table is damaged.
  private static func patientAlerts(_ filter: AlertFilter, _ context: ServerContext) throws -> [Alert] {
    guard let desk = context.desk else { return [] }
    return try desk.list(filter).filter { desk.subject(of: $0) == .patient }
  }

  /// The newest row with a model's answer of each patient, from the pipeline that the ward shows.
  private static func answers(
    _ ward: PatientTables.Table, _ condition: String, _ context: ServerContext
  ) throws -> [Row] {
    guard
      let table = try PatientTables(context).tables.first(where: {
        $0.pipeline.name == ward.pipeline.name && $0.has("anomaly_score")
      })
    else { return [] }
    return try objects(
      """
      SELECT \(table.select(PatientTables.scores)) FROM \(SQL.quote(identifier: table.name))
      WHERE \(condition) AND anomaly_score IS NOT NULL
      QUALIFY row_number() OVER (PARTITION BY patient_id ORDER BY event_time DESC) = 1
      """, context)
  }

  // MARK: One

  private static func show(_ call: Call, _ context: ServerContext) throws -> ServerResponse {
    let id = call.path["id"] ?? ""
    let tables = try PatientTables(context)
    let condition = "patient_id = \(SQL.quote(literal: id))"
    var writer = JSONWriter()
    var isKnown = false
    writer.beginObject()
    writer.member("patient_id", id)
    var history: [Row] = []
    if let table = tables.ward {
      history = try objects(
        """
        SELECT * FROM (SELECT * FROM \(SQL.quote(identifier: table.name)) WHERE \(condition)
        ORDER BY event_time DESC LIMIT \(call.integer("history") ?? 500)) ORDER BY event_time
        """, context)
    }
    writer.key("latest")
    writer.raw(history.last?.json ?? "{}")
    writer.key("history")
    write(history, to: &writer)
    isKnown = !history.isEmpty
    writer.key("scores")
    writer.beginArray()
    var reasons: PatientReasons?
    // What watches the ward's readings comes before models of other streams.
    let own = tables.ward?.pipeline.name
    let scored = tables.tables.filter { $0.has("model_version") || $0.name.hasPrefix("gold_") }
    for table in scored.filter({ $0.pipeline.name == own }) + scored.filter({ $0.pipeline.name != own }) {
      let rows = try objects(
        """
        SELECT * FROM \(SQL.quote(identifier: table.name)) WHERE \(condition) ORDER BY event_time DESC LIMIT 50
        """, context)
      guard !rows.isEmpty else { continue }
      isKnown = true
      writer.beginObject()
      writer.member("table", table.name)
      writer.key("rows")
      write(rows, to: &writer)
      writer.endObject()
      if reasons == nil { reasons = try PatientReasons(table, condition, context) }
    }
    writer.endArray()
    PatientReasons.write(reasons, to: &writer)
    var filter = AlertFilter()
    filter.states = []
    filter.patient = id
    filter.limit = 200
    let alerts = try patientAlerts(filter, context)
    writer.key("alerts")
    writer.beginArray()
    for alert in alerts { AlertJSON.write(alert, about: .patient, to: &writer) }
    writer.endArray()
    writer.endObject()
    guard isKnown || !alerts.isEmpty else { throw Problem.notFound("the lake knows no such patient") }
    return .json(writer.bytes)
  }

  // MARK: Rows

  private struct Row {
    var patient: String
    var json: String
  }

  /// Rows as JSON objects.
  private static func objects(_ sql: String, _ context: ServerContext) throws -> [Row] {
    try context.query(sql, for: .local, seconds: 20) { result in
      let columns = result.columns
      let place = columns.firstIndex { $0.name == "patient_id" }
      return try result.rows().map { row in
        var bytes: [UInt8] = []
        ValueText.appendJSON(.structure(zip(columns, row).map { .init($0.name, $1) }), to: &bytes)
        return Row(
          patient: place.flatMap { row[$0].stringValue } ?? "", json: String(decoding: bytes, as: UTF8.self))
      }
    }
  }

  private static func write(_ rows: [Row], to writer: inout JSONWriter) {
    writer.beginArray()
    for row in rows { writer.raw(row.json) }
    writer.endArray()
  }
}
