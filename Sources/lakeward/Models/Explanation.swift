internal import DuckDB
internal import Foundation
internal import Models

/// What each feature of one record adds to its score.
struct Explanation {
  private let card: ModelCard
  private let scale: ContributionScale
  private let base: Double
  /// The score of the output that is explained, before calibration on the model's own scale.
  private let sum: Double
  /// Calibrated, one per class or one in all.
  private let scores: [Double]
  /// The output that is explained: the most probable class.
  private let output: Int
  /// By size, largest first.
  private let parts: [(feature: String, value: Float, contribution: Double)]

  static let columns = TableFacts.columns([("feature", .varchar), ("value", .double), ("contribution", .double)])

  init(_ entry: ModelRegistry.Entry, _ record: FeatureRecord) throws {
    card = entry.card
    let scorer = try entry.scorer()
    // A model of sequences is shown the reading alone.
    let row = scorer.rows(ofReadings: record.values)
    let found = try scorer.predict(row)
    scores = found.map(Double.init)
    output = Scorer.classes(of: found, outputs: found.count).first ?? 0
    scale = scorer.model.contributionScale
    let contributions = try scorer.model.contributions(row, output: output)
    sum = contributions.reduce(0) { $0 + Double($1) }
    base = Double(contributions.last ?? 0)
    parts = zip(zip(card.features, record.values), contributions).map { ($0.0, $0.1, Double($1)) }
      .sorted { abs($0.contribution) > abs($1.contribution) }
  }

  /// One row per feature, and one for the base; what they add up to stands in `ending`.
  var rows: [[Value]] {
    [[.string("(base)"), .null, .double(base)]]
      + parts.map { part in
        [.string(part.feature), part.value.isNaN ? .null : .double(Double(part.value)), .double(part.contribution)]
      }
  }

  private var verdict: String {
    if let classes = card.classes {
      let all = zip(classes, scores).map { "\($0) \(decimal($1))" }.joined(separator: ", ")
      return "\(classes[output]) (\(all))"
    }
    let threshold = card.threshold ?? 0.5
    let side = scores[output] >= threshold ? "at or above" : "below"
    if scale == .score {
      return "anomaly score \(decimal(scores[output])), \(side) the threshold \(decimal(threshold))"
    }
    return "probability \(decimal(scores[output])), \(side) the threshold \(decimal(threshold))"
  }

  private var ending: String {
    let total = decimal(sum)
    let calibrated = card.calibration == nil ? "" : ", of which calibration makes \(decimal(scores[output]))"
    return switch scale {
    case .probability where card.calibration == nil: "The base and all contributions add up to the probability."
    case .probability:
      "The base and all contributions add up to the probability before calibration, \(total)\(calibrated)."
    case .margin where card.classes != nil:
      "The base and all contributions add up to the margin of \(card.classes?[output] ?? ""), \(total)."
    case .margin:
      "The base and all contributions add up to the log-odds \(total), a probability of "
        + "\(decimal(1 / (1 + exp(-sum))))\(calibrated)."
    case .score: "The base and all contributions add up to the score."
    }
  }

  /// Bars that go left for less and right for more.
  func chart(width: Int) -> String {
    var text = "\(card.name) version \(card.version): \(verdict)\n"
    let nameWidth = max(12, card.features.map(\.count).max() ?? 0)
    let values = parts.map { $0.value.isNaN ? "missing" : Self.plain($0.value) }
    let valueWidth = values.map(\.count).max() ?? 0
    let half = max(4, min(30, (width - nameWidth - valueWidth - 14) / 2))
    let largest = parts.map { abs($0.contribution) }.max() ?? 0
    text += "\n" + row("base", "", base, nil, nameWidth, valueWidth)
    for (part, value) in zip(parts, values) {
      let length = largest > 0 ? Int((abs(part.contribution) / largest * Double(half)).rounded()) : 0
      let bar = String(repeating: "█", count: length)
      let empty = String(repeating: " ", count: half - length)
      let drawn = part.contribution < 0 ? "\(empty)\(bar)│" : String(repeating: " ", count: half) + "│\(bar)"
      text += row(part.feature, value, part.contribution, drawn, nameWidth, valueWidth)
    }
    return text + "\n\(ending) Not a medical device.\n"
  }

  private func row(
    _ name: String, _ value: String, _ contribution: Double, _ bar: String?, _ nameWidth: Int, _ valueWidth: Int
  ) -> String {
    let left = name + String(repeating: " ", count: max(0, nameWidth - name.count))
    let middle = String(repeating: " ", count: max(0, valueWidth - value.count)) + value
    let sign = contribution < 0 || bar == nil ? "" : "+"
    let amount = sign + decimal(contribution)
    let right = String(repeating: " ", count: max(0, 8 - amount.count)) + amount
    return "\(left)  \(middle)  \(right)" + (bar.map { "  \($0)" } ?? "") + "\n"
  }

  private func decimal(_ value: Double) -> String { String(format: "%.4f", value) }

  private static func plain(_ value: Float) -> String {
    value == value.rounded() && abs(value) < 1e6 ? String(Int(value)) : String(value)
  }
}
