import Foundation

extension ModelCard {
  /// The measures as a table for a terminal, one line each.
  public var summary: String {
    let isSupervised = !algorithm.findsAnomalies
    var lines = [
      "model            \(name)\(version.isEmpty ? "" : " version \(version)")",
      "algorithm        \(algorithm.rawValue), \(settingsText)" + (isSupervised ? ", balance \(balance)" : ""),
      "rows             \(data.rows) from \(data.groups) patients" + (isSupervised ? ", \(classShares)" : ""),
    ]
    if let source = data.source, source != "tables" { lines.append("data             \(source)") }
    lines += [
      "trained on       \(data.trainingRows) rows of \(data.trainingGroups) patients"
        + (isSupervised ? " + \(data.syntheticRows) synthetic" : ""),
      "evaluated on     \(data.testRows) rows of \(data.testGroups) patients never seen in training",
    ]
    if let trials {
      lines.append("chosen among     \(trials.count) combinations by cross-validation (lakeward models show)")
    }
    if let threshold { lines.append("threshold        \(decimal(threshold)) (\(thresholdRule))") }
    if let calibration {
      lines.append("calibration      \(calibration.method.rawValue)\(reliabilityText)")
    }
    if !heldOutMeasures.isEmpty { lines += [""] + measureLines }
    if let confusion = metrics?.confusion {
      lines += [
        "",
        "                 predicted 1   predicted 0",
        "actual 1         \(column(confusion.truePositives))   \(column(confusion.falseNegatives))",
        "actual 0         \(column(confusion.falsePositives))   \(column(confusion.trueNegatives))",
      ]
    }
    if let multiclass {
      lines += ["", "actual \\ predicted" + multiclass.classes.map { padded($0.name, 12) }.joined()]
      for (figures, counts) in zip(multiclass.classes, multiclass.confusion) {
        lines.append(
          figures.name.padding(toLength: 18, withPad: " ", startingAt: 0)
            + counts.map { padded(String($0), 12) }.joined())
      }
    }
    return lines.joined(separator: "\n")
  }

  private var measureLines: [String] {
    let spread = crossValidation.map { "  \($0.repetitions) × \($0.folds)-fold by patient" } ?? ""
    return ["measure          held out\(spread)"]
      + heldOutMeasures.map { name, value in
        let heldOut = value.map(decimal) ?? "–"
        let folds =
          crossValidation?.measures[name].map { "  \(decimal($0.mean)) ± \(decimal($0.standardDeviation))" } ?? ""
        return name.padding(toLength: 17, withPad: " ", startingAt: 0)
          + heldOut.padding(toLength: 8, withPad: " ", startingAt: 0) + folds
      }
  }

  /// "100 trees of depth ≤ 8", "penalty 1".
  var settingsText: String {
    if let trees = settings["trees"], let depth = settings["max_depth"] {
      return "\(Int(trees)) trees of depth ≤ \(Int(depth))"
    }
    return settings.sorted { $0.key < $1.key }.map { "\($0.key) \(plain($0.value))" }.joined(separator: ", ")
  }

  private var classShares: String {
    guard let classes, let rows = data.classRows else { return "\(percent(positiveShare)) positive" }
    return zip(classes, rows).map { "\(percent(Double($1) / Double(max(1, data.rows)))) \($0)" }.joined(separator: ", ")
  }

  private var reliabilityText: String {
    guard let after = reliability, let before = reliabilityBefore else { return "" }
    return ": Brier \(decimal(before.brier)) → \(decimal(after.brier)), "
      + "predicted off by \(decimal(before.expectedError)) → \(decimal(after.expectedError)) on average"
  }

  var positiveShare: Double {
    data.rows == 0 ? 0 : Double(data.positiveRows) / Double(data.rows)
  }
}

func decimal(_ value: Double) -> String {
  String(format: "%.4f", value)
}

func percent(_ share: Double) -> String {
  String(format: "%.1f %%", share * 100)
}

func plain(_ value: Double) -> String {
  value == value.rounded() && abs(value) < 1e9 ? String(Int(value)) : String(value)
}

private func column(_ count: Int) -> String {
  padded(String(count), 11)
}

private func padded(_ text: String, _ width: Int) -> String {
  String(repeating: " ", count: max(0, width - text.count)) + text
}
