/// How well probabilities tell several classes apart. The predicted class is the one with the highest probability.
///
/// Ratios whose denominator is zero are 0, as in scikit-learn; a class that is absent has no ranking measures and is
/// left out of their means.
public struct MulticlassMetrics: Sendable, Hashable, Codable {
  /// One class against the others.
  public struct ClassFigures: Sendable, Hashable, Codable {
    /// Its name.
    public var name: String
    /// Rows of the class.
    public var rows: Int
    /// Share of those predicted to be of the class that are.
    public var precision: Double
    /// Share of the class that is predicted to be.
    public var recall: Double
    /// Harmonic mean of precision and recall.
    public var f1: Double
    /// Area under the ROC curve of the class's probability against the rest.
    public var rocAUC: Double?
    /// Average precision of the class's probability against the rest.
    public var averagePrecision: Double?
  }

  /// Each class against the others, in order.
  public var classes: [ClassFigures]
  /// Rows by true class (outer) and predicted class (inner).
  public var confusion: [[Int]]
  /// Share of rows predicted right.
  public var accuracy: Double
  /// Sum over the classes of (probability − truth)², averaged over rows.
  public var brier: Double

  /// Mean over the classes.
  public var macroPrecision: Double { mean { $0.precision } ?? 0 }
  /// Mean over the classes.
  public var macroRecall: Double { mean { $0.recall } ?? 0 }
  /// Mean over the classes.
  public var macroF1: Double { mean { $0.f1 } ?? 0 }
  /// Mean over the classes that have both sides.
  public var macroROCAUC: Double? { mean { $0.rocAUC } }
  /// Mean over the classes that have both sides.
  public var macroAveragePrecision: Double? { mean { $0.averagePrecision } }

  /// Measures `probabilities` (one per class and row, row-major) against each row's class.
  public init(targets: [Int32], probabilities: [Double], classes names: [String]) {
    let count = names.count
    precondition(probabilities.count == targets.count * count && !targets.isEmpty)
    var confusion = [[Int]](repeating: [Int](repeating: 0, count: count), count: count)
    var squares = 0.0
    for (row, target) in targets.enumerated() {
      var best = 0
      for column in 0..<count {
        let probability = probabilities[row * count + column]
        if probability > probabilities[row * count + best] { best = column }
        let difference = probability - (Int(target) == column ? 1 : 0)
        squares += difference * difference
      }
      confusion[Int(target)][best] += 1
    }
    self.confusion = confusion
    brier = squares / Double(targets.count)
    accuracy = Double((0..<count).reduce(0) { $0 + confusion[$1][$1] }) / Double(targets.count)
    classes = names.indices.map { column in
      let one = ClassificationMetrics(
        labels: targets.map { $0 == Int32(column) },
        probabilities: stride(from: column, to: probabilities.count, by: count).map { probabilities[$0] },
        threshold: 0.5)
      let rows = confusion[column].reduce(0, +)
      let predicted = confusion.reduce(0) { $0 + $1[column] }
      let right = confusion[column][column]
      return ClassFigures(
        name: names[column], rows: rows, precision: predicted == 0 ? 0 : Double(right) / Double(predicted),
        recall: rows == 0 ? 0 : Double(right) / Double(rows),
        f1: rows + predicted == 0 ? 0 : 2 * Double(right) / Double(rows + predicted), rocAUC: one.rocAUC,
        averagePrecision: one.averagePrecision)
    }
  }

  private func mean(_ figure: (ClassFigures) -> Double?) -> Double? {
    let values = classes.compactMap(figure)
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }
}
