extension TrainedModel {
  /// A model that somebody trained with XGBoost elsewhere, to be used as `use` says.
  ///
  /// `bytes` are an XGBoost model file, UBJSON or JSON. The features must be those of the use, in order; a model without
  /// names must have as many. Objectives are those of `ForestModel.objectives`, boosters gbtree, dart and gblinear. Its
  /// figures are not known. Throws `corruptModel`, `unsupported`, or `features` with what differs.
  public init(importing bytes: [UInt8], for use: ModelUse, group: String, threshold: Double?) throws(ModelError) {
    guard !use.findsAnomalies else {
      throw ModelError(
        .unsupported, "the model \(use.name) finds anomalies, which no XGBoost model does",
        hint: "import it under the name of a model that predicts")
    }
    if let threshold, !(0...1).contains(threshold) {
      throw ModelError(.invalidSpecification, "a threshold of \(threshold) is no probability", hint: "use 0 to 1")
    }
    let model = try ForestModel(serialized: bytes, kind: .imported)
    let anonymous = model.features == model.features.indices.map { "f\($0)" }
    guard model.features == use.features || anonymous && model.features.count == use.features.count else {
      throw ModelError(.features, Self.difference(model.features, use.features, use.name), hint: Self.remedy)
    }
    guard model.outputs == max(1, use.classes.count) else {
      throw ModelError(
        .features,
        "the model answers with \(model.outputs == 1 ? "one probability" : "\(model.outputs) classes"), the pipeline's "
          + "\(use.name) with \(use.classes.isEmpty ? "one probability" : use.classes.joined(separator: ", "))",
        hint: "train it for the pipeline's question, or list its classes in pipeline.yml")
    }
    let named = anonymous ? try ForestModel(serialized: bytes, features: use.features, kind: .imported) : model
    var card = ModelCard(
      name: use.name, algorithm: .imported, settings: [:], features: use.features, label: model.objective, group: group,
      threshold: use.classes.isEmpty ? threshold ?? 0.5 : nil, seed: 0, library: ForestModel.libraryVersion)
    card.classes = use.classes.isEmpty ? nil : use.classes
    card.thresholdRule = threshold == nil ? "0.5, because nobody gave another" : "given at the import"
    card.contributionScale = named.contributionScale
    for (feature, share) in try named.importance() { card.importance[feature] = share }
    self.init(model: named, card: card)
  }

  private static let remedy = "train it on the pipeline's features in the pipeline's order, with feature_names"

  private static func difference(_ found: [String], _ wanted: [String], _ name: String) -> String {
    let absent = wanted.filter { !found.contains($0) }
    let strange = found.filter { !wanted.contains($0) }
    if absent.isEmpty, strange.isEmpty {
      return "the model was trained on the features of \(name) in another order (\(found.joined(separator: ", ")))"
    }
    var parts: [String] = []
    if !absent.isEmpty { parts.append("lacks \(absent.joined(separator: ", "))") }
    if !strange.isEmpty { parts.append("has \(strange.joined(separator: ", ")) instead") }
    return
      "the model \(parts.joined(separator: " and ")) of the \(wanted.count) features that the pipeline gives to \(name)"
  }
}
