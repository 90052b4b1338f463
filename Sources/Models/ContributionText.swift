/// The largest contributions of one record in words, for a column of a table.
enum ContributionText {
  /// How many are named.
  static let count = 3

  /// "heart_rate +0.213, creatinine +0.105, gender -0.020"; what adds nothing is left out.
  static func largest(_ contributions: ArraySlice<Float>, of features: [String]) -> String {
    var text = ""
    var named: [Int] = []
    while named.count < count {
      var best: Int?
      for index in features.indices where !named.contains(index) {
        let size = abs(contributions[contributions.startIndex + index])
        if size > (best.map { abs(contributions[contributions.startIndex + $0]) } ?? 0) { best = index }
      }
      guard let best else { break }
      if !text.isEmpty { text += ", " }
      text += "\(features[best]) \(signed(contributions[contributions.startIndex + best]))"
      named.append(best)
    }
    return text
  }

  /// Three decimals and a sign, without Foundation's formatter.
  static func signed(_ value: Float) -> String {
    guard value.isFinite, abs(value) < 1e9 else { return "\(value)" }
    let thousandths = Int((abs(Double(value)) * 1_000).rounded())
    let decimals = String(thousandths % 1_000)
    return (value < 0 ? "-" : "+") + "\(thousandths / 1_000)." + String(repeating: "0", count: 3 - decimals.count)
      + decimals
  }
}
