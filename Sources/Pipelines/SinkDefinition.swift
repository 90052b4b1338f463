/// What a pipeline's tables are mirrored to: `sinks:` in `pipeline.yml`.
public struct SinkDefinition: Sendable, Hashable {
  /// Tables of BigQuery's dataset that hold what tables of the lake hold, under the same names.
  public var tables: [String] = []
  /// Tables that are shown as views there, so that charts stand on names that stay while the rows behind are replaced.
  public var views: [String] = []
  /// Seconds between two loads of a running pipeline.
  public var everySeconds = 300.0

  /// Reads `{ bigquery: { tables: […], views: […], every: SPAN } }`.
  init?(_ node: YAMLNode, _ problems: ProblemList) {
    guard var sinks = MappingReader(node, what: "sinks", problems: problems) else { return nil }
    let part = sinks.requiredNode("bigquery")
    sinks.finish()
    guard let part, var reader = MappingReader(part, what: "bigquery", problems: problems) else { return nil }
    tables = reader.names("tables")
    views = reader.names("views")
    everySeconds = reader.seconds("every", in: 1...86_400) ?? everySeconds
    reader.finish()
    if tables.isEmpty, views.isEmpty {
      problems.add(at: part.location, "bigquery names no table", remedy: "add 'tables: [ … ]' or 'views: [ … ]'")
    }
  }
}
