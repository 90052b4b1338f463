import Foundation

extension ModelCard {
  /// The measures as a table for a terminal, one line each.
  public var summary: String {
    var lines = [
      "model            \(name)\(version.isEmpty ? "" : " version \(version)")",
      "algorithm        \(algorithm), \(settings.trees) trees of depth ≤ \(settings.maxDepth), balance \(balance)",
      "rows             \(data.rows) from \(data.groups) patients, \(percent(positiveShare)) positive",
      "trained on       \(data.trainingRows) rows of \(data.trainingGroups) patients"
        + " + \(data.syntheticRows) synthetic",
      "evaluated on     \(data.testRows) rows of \(data.testGroups) patients never seen in training",
      "threshold        \(decimal(threshold)) (\(thresholdRule))",
      "",
    ]
    lines += measureLines
    let confusion = metrics.confusion
    lines += [
      "",
      "                 predicted 1   predicted 0",
      "actual 1         \(column(confusion.truePositives))   \(column(confusion.falseNegatives))",
      "actual 0         \(column(confusion.falsePositives))   \(column(confusion.trueNegatives))",
    ]
    return lines.joined(separator: "\n")
  }

  private var measureLines: [String] {
    let spread = crossValidation.map { "  \($0.repetitions) × \($0.folds)-fold by patient" } ?? ""
    return ["measure          held out\(spread)"]
      + Self.measures.map { name, value in
        let heldOut = value(metrics).map(decimal) ?? "–"
        let folds =
          crossValidation?.measures[name].map { "  \(decimal($0.mean)) ± \(decimal($0.standardDeviation))" } ?? ""
        return name.padding(toLength: 17, withPad: " ", startingAt: 0)
          + heldOut.padding(toLength: 8, withPad: " ", startingAt: 0) + folds
      }
  }

  /// The measures that are printed and cross-validated, in order.
  static var measures: [(name: String, value: (ClassificationMetrics) -> Double?)] {
    [
      ("accuracy", { $0.accuracy }), ("precision", { $0.precision }), ("recall", { $0.recall }), ("F1", { $0.f1 }),
      ("ROC-AUC", { $0.rocAUC }), ("PR-AUC", { $0.averagePrecision }), ("Brier", { $0.brier }),
    ]
  }

  /// The card for people, `card.md`.
  public var markdown: String {
    var text = """
      # \(name), version \(version)

      A \(algorithm) that gives the probability of `\(label)`. For research and demonstration; not a medical device.

      | | |
      |---|---|
      | registered | \(createdAt) |
      | library | \(library) |
      | seed | \(seed) |
      | trees | \(settings.trees), depth ≤ \(settings.maxDepth) |
      | balance | \(balance), on training parts only |
      | rows | \(data.rows) of \(data.groups) groups (`\(group)`), \(percent(positiveShare)) positive; \
      \(data.unlabelledRows) without a label left out |
      | trained on | \(data.trainingRows) rows of \(data.trainingGroups) groups, \(data.syntheticRows) synthetic |
      | evaluated on | \(data.testRows) rows of \(data.testGroups) groups, none of them trained on |
      | data fingerprint | `\(data.fingerprint)` |
      | decision threshold | \(decimal(threshold)), \(thresholdRule) |

      ## Measures

      | measure | held out |\(crossValidation.map { " \($0.repetitions) × \($0.folds)-fold |" } ?? "")
      |---|---|\(crossValidation == nil ? "" : "---|")

      """
    for (name, value) in Self.measures {
      text += "| \(name) | \(value(metrics).map(decimal) ?? "–") |"
      if let crossValidation {
        let spread = crossValidation.measures[name]
        text += " \(spread.map { "\(decimal($0.mean)) ± \(decimal($0.standardDeviation))" } ?? "–") |"
      }
      text += "\n"
    }
    let confusion = metrics.confusion
    text += """

      | | predicted 1 | predicted 0 |
      |---|---|---|
      | actual 1 | \(confusion.truePositives) | \(confusion.falseNegatives) |
      | actual 0 | \(confusion.falsePositives) | \(confusion.trueNegatives) |

      ## Features

      | feature | share of gain | missing |
      |---|---|---|

      """
    for feature in features {
      text += "| `\(feature)` | \(percent(importance[feature] ?? 0)) | \(percent(data.missingShare[feature] ?? 0)) |\n"
    }
    return text
  }

  private var positiveShare: Double {
    data.rows == 0 ? 0 : Double(data.positiveRows) / Double(data.rows)
  }
}

private func decimal(_ value: Double) -> String {
  String(format: "%.4f", value)
}

private func percent(_ share: Double) -> String {
  String(format: "%.1f %%", share * 100)
}

private func column(_ count: Int) -> String {
  let digits = String(count)
  return String(repeating: " ", count: max(0, 11 - digits.count)) + digits
}
