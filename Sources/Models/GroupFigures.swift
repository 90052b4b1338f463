/// How well a model does on one kind of patients: a line of the fairness table.
public struct GroupFigures: Sendable, Hashable, Codable {
  /// The column that tells them apart, such as "age_group".
  public var attribute: String
  /// Their value in it.
  public var value: String
  /// Rows of such patients.
  public var rows: Int
  /// Share of them that is positive; nil with more than two classes.
  public var prevalence: Double?
  /// Mean probability of being positive; equal to the prevalence if the model is calibrated for them.
  public var meanProbability: Double?
  /// Share predicted right.
  public var accuracy: Double
  /// Share of predicted positives that are positive; with more classes the mean over them.
  public var precision: Double
  /// Share of positives that are predicted; with more classes the mean over them.
  public var recall: Double
  /// Share of negatives that are called positive (false alarms).
  public var falsePositiveRate: Double?
  /// Area under the ROC curve; with more classes the mean over them.
  public var rocAUC: Double?
  /// Mean squared error of the probability.
  public var brier: Double

  /// The lines of every attribute of `dataset`, whose rows have `probabilities` (`outputs` each), kinds in
  /// the order of their names. An attribute that no row has gives none.
  static func table(_ dataset: Dataset, probabilities: [Double], threshold: Double?) -> [GroupFigures] {
    var lines: [GroupFigures] = []
    let outputs = dataset.rowCount == 0 ? 1 : probabilities.count / dataset.rowCount
    let width = dataset.attributes.count
    for (column, attribute) in dataset.attributes.enumerated() {
      let rows = Dictionary(grouping: 0..<dataset.rowCount) { dataset.attributeCodes[$0 * width + column] }
      let named = rows.compactMap { code, rows in
        code < 0 ? nil : (value: dataset.attributeValues[Int(code)], rows: rows)
      }
      guard named.contains(where: { $0.value != Dataset.unknownAttribute }) else { continue }
      for (value, rows) in named.sorted(by: { $0.value < $1.value }) {
        let targets = rows.map { dataset.targets[$0] }
        let own = rows.flatMap { probabilities[$0 * outputs..<($0 + 1) * outputs] }
        lines.append(
          outputs == 1
            ? GroupFigures(
              attribute, value,
              ClassificationMetrics(
                labels: targets.map { $0 == 1 }, probabilities: own, threshold: threshold ?? 0.5),
              mean: own.reduce(0, +) / Double(own.count))
            : GroupFigures(
              attribute, value, MulticlassMetrics(targets: targets, probabilities: own, classes: dataset.classes)))
      }
    }
    return lines
  }

  private init(_ attribute: String, _ value: String, _ metrics: ClassificationMetrics, mean: Double) {
    self.attribute = attribute
    self.value = value
    rows = metrics.confusion.total
    prevalence = metrics.prevalence
    meanProbability = mean
    accuracy = metrics.accuracy
    precision = metrics.precision
    recall = metrics.recall
    falsePositiveRate = metrics.prevalence < 1 ? 1 - metrics.specificity : nil
    rocAUC = metrics.rocAUC
    brier = metrics.brier
  }

  private init(_ attribute: String, _ value: String, _ metrics: MulticlassMetrics) {
    self.attribute = attribute
    self.value = value
    rows = metrics.classes.reduce(0) { $0 + $1.rows }
    accuracy = metrics.accuracy
    precision = metrics.macroPrecision
    recall = metrics.macroRecall
    rocAUC = metrics.macroROCAUC
    brier = metrics.brier
  }
}
