internal import DuckDB
internal import Foundation
internal import Models

/// What each feature of one record adds to its probability.
struct Explanation {
  private let card: ModelCard
  private let base: Double
  private let probability: Double
  /// By size, largest first.
  private let parts: [(feature: String, value: Float, contribution: Double)]

  static let columns = TableFacts.columns([("feature", .varchar), ("value", .double), ("contribution", .double)])

  init(_ entry: ModelRegistry.Entry, _ record: FeatureRecord) throws {
    card = entry.card
    let forest = try entry.forest()
    let contributions = try forest.contributions(record.values)
    probability = Double(try forest.predict(record.values).first ?? .nan)
    base = Double(contributions.last ?? 0)
    parts = zip(zip(card.features, record.values), contributions).map { ($0.0, $0.1, Double($1)) }
      .sorted { abs($0.contribution) > abs($1.contribution) }
  }

  /// One row per feature, and one for the base; contributions add up to the probability.
  var rows: [[Value]] {
    [[.string("(base)"), .null, .double(base)]]
      + parts.map { part in
        [.string(part.feature), part.value.isNaN ? .null : .double(Double(part.value)), .double(part.contribution)]
      }
  }

  /// Bars that go left for less and right for more.
  func chart(width: Int) -> String {
    let verdict = probability >= card.threshold ? "at or above" : "below"
    var text = """
      \(card.name) version \(card.version): probability \(decimal(probability)), \(verdict) the threshold \(decimal(card.threshold))

      """
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
    return text + "\nThe base and all contributions add up to the probability. Not a medical device.\n"
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
