/// A laboratory result as text: a number, or a number that the true value lies below or above.
public struct LaboratoryResult: Sendable, Hashable {
  /// How the true value relates to the number.
  public enum Comparator: String, Sendable, Hashable {
    /// The value itself.
    case equal = "="
    /// Less than the number (`<5`, `LESS THAN 0.4`).
    case less = "<"
    /// The number or less.
    case lessOrEqual = "<="
    /// Greater than the number (`GREATER THAN 500`).
    case greater = ">"
    /// The number or more.
    case greaterOrEqual = ">="
  }

  /// How the true value relates to ``value``.
  public let comparator: Comparator
  /// The number.
  public let value: Double

  /// Reads a result; `nil` for a text without a number, such as `UNABLE TO REPORT`.
  public init?(_ text: String) {
    let prefixes: [(String, Comparator)] = [
      ("<=", .lessOrEqual), (">=", .greaterOrEqual), ("<", .less), (">", .greater),
      ("LESS THAN", .less), ("GREATER THAN", .greater),
    ]
    var rest = Self.trimmed(text[...])
    var comparator = Comparator.equal
    let upper = rest.uppercased()
    if let (prefix, meaning) = prefixes.first(where: { upper.hasPrefix($0.0) }) {
      comparator = meaning
      rest = Self.trimmed(rest.dropFirst(prefix.count))
    }
    guard rest.allSatisfy({ $0.isASCII && ($0.isNumber || "+-.eE".contains($0)) }),
      let value = Double(rest), value.isFinite
    else { return nil }
    self.comparator = comparator
    self.value = value
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
