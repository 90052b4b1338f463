internal import DuckDB
public import Pipelines

/// A pipeline to begin with, written from what sampled records hold: the files of its folder.
public struct StarterPipeline: Sendable {
  /// Where the records come from.
  public enum Input: Sendable {
    /// A folder, as it stands in `landing.path`.
    case landing(path: String)
    /// A topic.
    case kafka(topic: String)
  }

  /// The files of the pipeline's folder.
  public let files: [Pipeline.File]
  /// What a person should look at, a line each.
  public let remarks: [String]

  /// - Parameters:
  ///   - name: The pipeline's name, a plain name for SQL.
  ///   - reserved: Words that SQL takes for its own, in lower case.
  /// - Throws: `DefinitionError` if the result is no sound pipeline, which is a defect.
  public init(
    name: String, input: Input, sample: RecordSampler, reserved: Set<String>
  ) throws(DefinitionError) {
    let fields = sample.fields()
    var remarks = sample.nested().map { "\($0): objects and lists stay in bronze; only the top level has columns" }
    for (field, others) in fields where others > 0 {
      remarks.append(
        "\(field.field): \(others) of \(sample.records) records hold something else than \(field.type.rawValue); "
          + "such records go to quarantine")
    }
    if sample.others > 0 {
      remarks.append("\(sample.others) sampled records are no JSON objects; such records go to quarantine")
    }
    let rule = Self.deduplication(fields.map(\.field), sample)
    if rule == nil {
      remarks.append(
        "no key and time were found that name a record, so repeats stay: see deduplicate in docs/pipelines.md")
    }
    files = [
      Pipeline.File(
        name: Pipeline.definitionFile, text: Self.yaml(name, input, fields.map(\.field), rule, records: sample.records)),
      Pipeline.File(name: "silver.sql", text: Self.sql(name, fields.map(\.field), reserved)),
    ]
    self.remarks = remarks
    _ = try Pipeline(folder: name, files: files)
  }

  /// The field that says when a record was measured.
  private static func eventTime(_ fields: [RecordField]) -> RecordField? {
    let times = fields.filter { $0.type == .timestamp && $0.isRequired }
    let usual = ["event_time", "timestamp", "time", "measured_at", "observed_at", "recorded_at", "ts", "date_time"]
    return usual.lazy.compactMap { name in times.first { $0.name == name } }.first ?? times.first
  }

  /// The keys that together name a record: whom or what it is about, and when. Nil if nothing looks like that.
  private static func deduplication(_ fields: [RecordField], _ sample: RecordSampler) -> [String]? {
    guard let time = eventTime(fields) else { return nil }
    let names = fields.filter { $0.isRequired && FieldSample.isIdentifier($0.field) && sample.distinct($0.field) > 1 }
    let patient = names.first { $0.name.contains("patient") || $0.name.contains("subject") }
    let device = names.first { $0.name.contains("device") || $0.name.contains("sensor") }
    let keys = [patient, device].compactMap { $0?.name }
    let chosen = keys.isEmpty ? names.prefix(1).map(\.name) : keys
    return chosen.isEmpty ? nil : chosen + [time.name]
  }

  private static func yaml(
    _ name: String, _ input: Input, _ fields: [RecordField], _ rule: [String]?, records: Int
  ) -> String {
    let source =
      switch input {
      case .landing(let path): "landing: { path: \(quoted(path)) }"
      case .kafka(let topic): "kafka: { topic: \(quoted(topic)) }"
      }
    let lines = fields.map { field -> String in
      var parts = ["name: \(field.name)"]
      if field.field != field.name { parts.append("field: \(quoted(field.field))") }
      parts.append("type: \(field.type.rawValue)")
      if field.isRequired { parts.append("required: true") }
      return "    - { \(parts.joined(separator: ", ")) }"
    }
    let time = rule.flatMap(\.last)
    let deduplicate =
      rule.map { keys in
        """
            deduplicate: { keys: [\(keys.joined(separator: ", "))]\
        \(time == "event_time" ? "" : ", event_time: \(time ?? "")"), within: 1 day }

        """
      } ?? ""
    let tables =
      deduplicate.isEmpty
      ? ""
      : """
      tables:
        silver_\(name):
      \(deduplicate)
      """
    return """
      # Written by lakeward infer from \(records) records. Look at it before you trust it:
      # - required: every sampled record had the field. A record without it goes to quarantine.
      # - unit: nobody can see it in the data. Add the UCUM code of each measurement: unit: "/min".
      # - expectations: what is impossible, for example { expect: "pulse BETWEEN 10 AND 300" }.
      pipeline: \(name)

      source:
        stream: \(name)
        \(source)
        bronze: bronze_\(name)
        quarantine: quarantine_\(name)
        record:
      \(lines.joined(separator: "\n"))

      \(tables)trigger: { interval: 1 s }

      """
  }

  private static func sql(_ name: String, _ fields: [RecordField], _ reserved: Set<String>) -> String {
    let columns = fields.map { reserved.contains($0.name) ? "  \"\($0.name)\"" : "  \($0.name)" }
    let taken = Set(fields.map(\.name))
    let own = [("_ingest_time", "ingest_time"), ("_partition", "\"partition\""), ("_offset", "\"offset\"")]
      .filter { !taken.contains($0.1.replacing("\"", with: "")) }.map { "  \($0.0) AS \($0.1)" }
    return """
      -- One row per good record. What is computed from it comes here, or into tables that read STREAM(silver_\(name)).
      CREATE STREAMING TABLE silver_\(name)
      COMMENT 'Records of \(name), parsed and without repeats'
      AS
      SELECT
      \((columns + own).joined(separator: ",\n"))
      FROM STREAM(\(name));

      """
  }

  /// A YAML text in double quotes, unless it is plain.
  private static func quoted(_ text: String) -> String {
    if text.wholeMatch(of: /[A-Za-z_\/.][A-Za-z0-9_\/.-]*/) != nil,
      !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(text.lowercased())
    {
      return text
    }
    return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}
