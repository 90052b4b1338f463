extension ModelCard {
  /// The card for people, `card.md`.
  public var markdown: String {
    let sections = [
      head, measureSection, thresholdSection, reliabilitySection, fairnessSection, trialSection, featureSection, limits,
    ]
    return sections.filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private var head: String {
    let rows = facts.map { "| \($0.0) | \($0.1) |" }.joined(separator: "\n")
    return """
      # \(name), version \(version)

      A \(algorithm.rawValue) that gives \(gives). For research and demonstration; not a medical device.

      | | |
      |---|---|
      \(rows)

      """
  }

  private var gives: String {
    if algorithm.findsAnomalies { return "a score of how unusual a reading is" }
    return classes.map { "the probabilities of `\(label)` being \($0.joined(separator: ", "))" }
      ?? "the probability of `\(label)`"
  }

  private var facts: [(String, String)] {
    var facts = [("registered", createdAt), ("library", library), ("seed", String(seed)), ("settings", settingsText)]
    if algorithm.findsAnomalies {
      facts += [
        ("rows", "\(data.rows) of \(data.groups) groups (`\(group)`), none labelled for training"),
        ("trained on", "\(data.trainingRows) rows of \(data.trainingGroups) groups"),
      ]
    } else {
      facts += [
        ("balance", "\(balance), on training parts only"),
        (
          "rows",
          "\(data.rows) of \(data.groups) groups (`\(group)`), \(percent(positiveShare)) positive; "
            + "\(data.unlabelledRows) without a label left out"
        ),
        (
          "trained on",
          "\(data.trainingRows) rows of \(data.trainingGroups) groups, \(data.syntheticRows) synthetic"
        ),
        ("calibration", calibration?.method.rawValue ?? "none: scores rank, they are no frequencies"),
      ]
    }
    facts += [
      ("evaluated on", "\(data.testRows) rows of \(data.testGroups) groups, none of them trained on"),
      ("data", data.source ?? "tables"), ("data fingerprint", "`\(data.fingerprint)`"),
    ]
    if let threshold { facts.append(("threshold", "\(decimal(threshold)), \(thresholdRule)")) }
    if let temporal {
      facts.append(
        (
          "over time",
          "a model of the \(temporal.trainingRows) earliest rows reaches ROC-AUC "
            + "\(temporal.rocAUC.map(decimal) ?? "–") on \(temporal.testRows) later rows of other patients"
        ))
    }
    return facts
  }

  private var measureSection: String {
    guard !heldOutMeasures.isEmpty else { return "" }
    var text = """
      ## Measures

      | measure | held out |\(crossValidation.map { " \($0.repetitions) × \($0.folds)-fold |" } ?? "")
      |---|---|\(crossValidation == nil ? "" : "---|")

      """
    for (name, value) in heldOutMeasures {
      text += "| \(name) | \(value.map(decimal) ?? "–") |"
      if let crossValidation {
        let spread = crossValidation.measures[name]
        text += " \(spread.map { "\(decimal($0.mean)) ± \(decimal($0.standardDeviation))" } ?? "–") |"
      }
      text += "\n"
    }
    if let multiclass {
      text +=
        "\n| actual | \(multiclass.classes.map { "predicted \($0.name)" }.joined(separator: " | ")) | recall | ROC-AUC |\n"
      text += "|---|" + multiclass.classes.map { _ in "---|" }.joined() + "---|---|\n"
      for (figures, counts) in zip(multiclass.classes, multiclass.confusion) {
        text +=
          "| \(figures.name) | \(counts.map(String.init).joined(separator: " | ")) | \(decimal(figures.recall)) | "
          + "\(figures.rocAUC.map(decimal) ?? "–") |\n"
      }
    }
    return text
  }

  private var thresholdSection: String {
    guard let metrics, let thresholds else { return "" }
    let lines = ([metrics] + thresholds).enumerated().map { index, figures in
      let confusion = figures.confusion
      return "| \(decimal(figures.threshold))\(index == 0 ? " (chosen)" : "") | \(decimal(figures.precision)) | "
        + "\(decimal(figures.recall)) | \(decimal(figures.specificity)) | \(decimal(figures.f1)) | "
        + "\(confusion.truePositives) | \(confusion.falsePositives) | \(confusion.falseNegatives) | "
        + "\(confusion.trueNegatives) |"
    }
    return """
      ## Thresholds

      | threshold | precision | recall | specificity | F1 | true positive | false positive | false negative | true negative |
      |---|---|---|---|---|---|---|---|---|
      \(lines.joined(separator: "\n"))

      """
  }

  private var reliabilitySection: String {
    guard let reliability else { return "" }
    var text = """
      ## Reliability

      Rows kept back, by their probability: what was predicted beside what happened. On average the two differ by \
      \(decimal(reliability.expectedError))\(reliabilityBefore.map { " (before calibration \(decimal($0.expectedError)))" } ?? "").

      | rows | predicted | observed |
      |---|---|---|

      """
    for bin in reliability.bins {
      text += "| \(bin.rows) | \(decimal(bin.predicted)) | \(decimal(bin.observed)) |\n"
    }
    return text
  }

  private var fairnessSection: String {
    guard let fairness, !fairness.isEmpty else {
      return """
        ## By kinds of patients

        No figures: the rows that it learned from do not tell age, sex or other kinds of patients apart (`fairness` in the
        pipeline's YAML names such columns). Whom it serves worse is not known.

        """
    }
    var text = """
      ## By kinds of patients

      Rows scored by a model that had not seen their patient. Few rows say little.

      | kind | rows | positive | mean probability | precision | recall | false alarms | ROC-AUC | Brier |
      |---|---|---|---|---|---|---|---|---|

      """
    for line in fairness {
      let figures = [
        line.prevalence, line.meanProbability, line.precision, line.recall, line.falsePositiveRate, line.rocAUC,
        line.brier,
      ]
      text += "| \(line.attribute) \(line.value) | \(line.rows) | "
      text += figures.map { $0.map(decimal) ?? "–" }.joined(separator: " | ") + " |\n"
    }
    return text
  }

  private var trialSection: String {
    guard let trials else { return "" }
    var text = """
      ## What was tried

      | algorithm | settings | ROC-AUC over folds |
      |---|---|---|

      """
    for trial in trials {
      let settings = trial.parameters.sorted { $0.key < $1.key }.map { "\($0.key) \(plain($0.value))" }
      text +=
        "| \(trial.algorithm.rawValue) | \(settings.joined(separator: ", ")) | "
        + "\(decimal(trial.rocAUC))\(trial.isChosen ? " (chosen)" : "") |\n"
    }
    return text
  }

  private var featureSection: String {
    let scale = contributionScale.map { " of \($0.rawValue)" } ?? ""
    var text = """
      ## Features

      | feature | importance | mean contribution\(scale) | missing |
      |---|---|---|---|

      """
    for feature in features {
      text +=
        "| `\(feature)` | \(percent(importance[feature] ?? 0)) | "
        + "\(meanContribution?[feature].map(decimal) ?? "–") | \(percent(data.missingShare[feature] ?? 0)) |\n"
    }
    return text
  }

  private var limits: String {
    """
    ## Limits

    It says what patients like these had in common with others, and why it scored so; it names no cause. What is missing
    counts as information. Other hospitals, devices and years differ from the rows it learned from.

    """
  }
}
