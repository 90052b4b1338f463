/// How well probabilities and a decision threshold tell two classes apart.
///
/// A row counts as predicted positive when its probability is at least the threshold. Ratios whose denominator is
/// zero are 0, as in scikit-learn; measures of ranking are nil when only one class is present.
public struct ClassificationMetrics: Sendable, Hashable, Codable {
  /// Counts of rows by truth and prediction at the threshold.
  public struct ConfusionMatrix: Sendable, Hashable, Codable {
    /// Positive and predicted positive.
    public var truePositives = 0
    /// Negative but predicted positive.
    public var falsePositives = 0
    /// Negative and predicted negative.
    public var trueNegatives = 0
    /// Positive but predicted negative.
    public var falseNegatives = 0

    /// Number of rows counted.
    public var total: Int { truePositives + falsePositives + trueNegatives + falseNegatives }
  }

  /// Decision threshold on the probability.
  public var threshold: Double
  /// Rows by truth and prediction.
  public var confusion: ConfusionMatrix
  /// Share of rows predicted right.
  public var accuracy: Double
  /// Share of predicted positives that are positive.
  public var precision: Double
  /// Share of positives that are predicted (sensitivity).
  public var recall: Double
  /// Share of negatives that are predicted negative.
  public var specificity: Double
  /// Harmonic mean of precision and recall.
  public var f1: Double
  /// Area under the ROC curve: the chance that a positive ranks above a negative, ties counting half.
  public var rocAUC: Double?
  /// Average precision, Σ (Rₙ − Rₙ₋₁)·Pₙ over the distinct probabilities from high to low.
  public var averagePrecision: Double?
  /// Mean squared difference of probability and truth (Brier 1950).
  public var brier: Double
  /// Share of positive rows: what average precision is for a model that knows nothing.
  public var prevalence: Double

  /// Measures `probabilities` against `labels` (true is positive), which have the same non-zero count.
  public init(labels: [Bool], probabilities: [Double], threshold: Double) {
    precondition(labels.count == probabilities.count && !labels.isEmpty)
    var confusion = ConfusionMatrix()
    var squares = 0.0
    for (label, probability) in zip(labels, probabilities) {
      switch (label, probability >= threshold) {
      case (true, true): confusion.truePositives += 1
      case (false, true): confusion.falsePositives += 1
      case (false, false): confusion.trueNegatives += 1
      case (true, false): confusion.falseNegatives += 1
      }
      let difference = probability - (label ? 1 : 0)
      squares += difference * difference
    }
    let ranking = Ranking(labels: labels, probabilities: probabilities)
    self.threshold = threshold
    self.confusion = confusion
    accuracy = Self.ratio(confusion.truePositives + confusion.trueNegatives, confusion.total)
    precision = Self.ratio(confusion.truePositives, confusion.truePositives + confusion.falsePositives)
    recall = Self.ratio(confusion.truePositives, confusion.truePositives + confusion.falseNegatives)
    specificity = Self.ratio(confusion.trueNegatives, confusion.trueNegatives + confusion.falsePositives)
    f1 = Self.ratio(
      2 * confusion.truePositives,
      2 * confusion.truePositives + confusion.falsePositives + confusion.falseNegatives)
    rocAUC = ranking.rocAUC
    averagePrecision = ranking.averagePrecision
    brier = squares / Double(labels.count)
    prevalence = Self.ratio(confusion.truePositives + confusion.falseNegatives, confusion.total)
  }

  /// The threshold with the highest F1, halfway between two neighbouring probabilities so that it does not sit on a
  /// row; the lower recall wins a tie. 0.5 when only one class is present.
  public static func thresholdOfBestF1(labels: [Bool], probabilities: [Double]) -> Double {
    precondition(labels.count == probabilities.count)
    return Ranking(labels: labels, probabilities: probabilities).thresholdOfBestF1
  }

  /// The threshold with the highest mean of both classes' F1, which, unlike the F1 of the positives, does not call
  /// everybody positive when most are. Placed and tied like `thresholdOfBestF1`.
  public static func thresholdOfBestMacroF1(labels: [Bool], probabilities: [Double]) -> Double {
    precondition(labels.count == probabilities.count)
    return Ranking(labels: labels, probabilities: probabilities).thresholdOfBestMacroF1
  }

  private static func ratio(_ numerator: Int, _ denominator: Int) -> Double {
    denominator == 0 ? 0 : Double(numerator) / Double(denominator)
  }
}

/// Rows sorted by falling probability and walked once, equal probabilities together.
private struct Ranking {
  private(set) var rocAUC: Double?
  private(set) var averagePrecision: Double?
  private(set) var thresholdOfBestF1 = 0.5
  private(set) var thresholdOfBestMacroF1 = 0.5

  init(labels: [Bool], probabilities: [Double]) {
    let order = probabilities.indices.sorted { probabilities[$0] > probabilities[$1] }
    let positives = labels.count(where: \.self)
    let negatives = labels.count - positives
    guard positives > 0, negatives > 0 else { return }

    var truePositives = 0
    var falsePositives = 0
    var orderedPairs = 0.0
    var average = 0.0
    var best = -1.0
    var bestMacro = -1.0
    var start = 0
    while start < order.count {
      let probability = probabilities[order[start]]
      var end = start
      var tiedPositives = 0
      while end < order.count, probabilities[order[end]] == probability {
        tiedPositives += labels[order[end]] ? 1 : 0
        end += 1
      }
      let tiedNegatives = end - start - tiedPositives
      orderedPairs += Double(tiedNegatives) * (Double(truePositives) + 0.5 * Double(tiedPositives))
      truePositives += tiedPositives
      falsePositives += tiedNegatives
      average +=
        Double(tiedPositives) / Double(positives) * Double(truePositives) / Double(truePositives + falsePositives)
      let next = end < order.count ? probabilities[order[end]] : probability
      let f1 = 2 * Double(truePositives) / Double(truePositives + falsePositives + positives)
      if f1 > best {
        best = f1
        thresholdOfBestF1 = (probability + next) / 2
      }
      let trueNegatives = negatives - falsePositives
      let predictedNegatives = labels.count - truePositives - falsePositives
      let macro = f1 + 2 * Double(trueNegatives) / Double(predictedNegatives + negatives)
      if macro > bestMacro {
        bestMacro = macro
        thresholdOfBestMacroF1 = (probability + next) / 2
      }
      start = end
    }
    rocAUC = orderedPairs / (Double(positives) * Double(negatives))
    averagePrecision = average
  }
}
