internal import DuckDB
internal import JSON
internal import Models
internal import Pipelines

/// What adds most to the newest score of one patient, by a model whose features stand in a table.
struct PatientReasons {
  /// How many features are named.
  private static let most = 8

  private let table: String
  private let model: ServedModel
  private let output: Int
  private let contributions: [(feature: String, value: Float)]

  /// Nil if no live model can be explained from the table's rows.
  /// - Parameter condition: SQL that the patient's rows meet.
  init?(_ table: PatientTables.Table, _ condition: String, _ context: ServerContext) throws {
    for definition in table.pipeline.models {
      let columns = definition.features.compactMap { Self.expression($0, table) }
      guard columns.count == definition.features.count, let model = try? context.models.model(definition.name),
        model.scorer.model.steps == 1
      else { continue }
      let row = try context.rows(
        """
        SELECT \(columns.joined(separator: ", ")) FROM \(SQL.quote(identifier: table.name)) WHERE \(condition)
        ORDER BY event_time DESC LIMIT 1
        """
      ).first
      guard let row else { continue }
      let values = model.scorer.rows(ofReadings: row.map { $0.doubleValue.map { Float($0) } ?? .nan })
      let scores = try model.scorer.predict(values)
      self.table = table.name
      self.model = model
      let output = scores.indices.max { scores[$0] < scores[$1] } ?? 0
      self.output = output
      let all = zip(definition.features, try model.scorer.model.contributions(values, output: output))
      contributions = all.sorted { abs($0.1) > abs($1.1) }.prefix(Self.most).map { ($0, $1) }
      return
    }
    return nil
  }

  /// SQL of a feature; nil if the table cannot tell it. An age group is a column of text in tables and a feature each for
  /// models: `age_18_34` is 1 where it says 18-34, `age_80_plus` where it says 80+.
  private static func expression(_ feature: String, _ table: PatientTables.Table) -> String? {
    if table.has(feature) { return "CAST(\(SQL.quote(identifier: feature)) AS DOUBLE)" }
    guard feature.hasPrefix("age_"), table.has("age_group") else { return nil }
    let group = feature.dropFirst(4).replacing("_plus", with: "+").replacing("_", with: "-")
    return "CASE WHEN age_group = \(SQL.quote(literal: String(group))) THEN 1e0 ELSE 0e0 END"
  }

  /// The members `contributions` and, where there are reasons, `explained`.
  static func write(_ reasons: PatientReasons?, to writer: inout JSONWriter) {
    writer.key("contributions")
    writer.beginArray()
    for contribution in reasons?.contributions ?? [] {
      writer.beginObject()
      writer.member("feature", contribution.feature)
      writer.key("contribution")
      writer.write(contribution.value)
      writer.endObject()
    }
    writer.endArray()
    guard let reasons else { return }
    writer.key("explained")
    writer.beginObject()
    writer.member("table", reasons.table)
    writer.member("model", reasons.model.card.name)
    writer.member("model_version", reasons.model.card.version)
    if let classes = reasons.model.card.classes, classes.indices.contains(reasons.output) {
      writer.member("class", classes[reasons.output])
    }
    writer.member("contribution_scale", reasons.model.scorer.model.contributionScale.rawValue)
    writer.endObject()
  }
}
