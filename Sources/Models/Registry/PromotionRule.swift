/// A condition on a version's figures, such as `roc_auc >= 0.8 and brier <= live.brier + 0.01`.
///
/// Names stand for figures; a figure that is not there makes its comparison false. Numbers, `+`, `-`, `*`, the
/// comparisons `>= > <= < = !=`, `and`, `or`, `not` and parentheses.
public struct PromotionRule: Sendable, Hashable {
  /// The text.
  public let text: String
  private let condition: Condition

  /// What a rule found.
  public struct Outcome: Sendable, Hashable {
    /// Whether the rule holds.
    public var holds: Bool
    /// Each comparison with its numbers, such as `roc_auc 0.8123 >= 0.8: yes`.
    public var comparisons: [String]
  }

  /// Reads a rule. Throws `invalidSpecification` with the place where it cannot be understood.
  public init(_ text: String) throws(ModelError) {
    self.text = text
    var parser = Parser(text)
    condition = try parser.rule()
  }

  /// Names of the figures that the rule asks for, in order.
  public var names: [String] {
    var names: [String] = []
    condition.forEachComparison { names += $0.left.names + $0.right.names }
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  /// Holds the rule against figures.
  public func evaluate(_ figures: [String: Double]) -> Outcome {
    var comparisons: [String] = []
    condition.forEachComparison { comparisons.append($0.description(figures)) }
    return Outcome(holds: condition.holds(figures), comparisons: comparisons)
  }
}

extension PromotionRule {
  struct Comparison: Sendable, Hashable {
    var left: Term
    var sign: String
    var right: Term

    func holds(_ figures: [String: Double]) -> Bool {
      guard let left = left.value(figures), let right = right.value(figures) else { return false }
      return switch sign {
      case ">=": left >= right
      case ">": left > right
      case "<=": left <= right
      case "<": left < right
      case "!=": left != right
      default: left == right
      }
    }

    func description(_ figures: [String: Double]) -> String {
      let missing = (left.names + right.names).filter { figures[$0] == nil }
      let verdict =
        missing.isEmpty ? (holds(figures) ? "yes" : "no") : "no, there is no \(missing.joined(separator: ", "))"
      return "\(left.text(figures)) \(sign) \(right.text(figures)): \(verdict)"
    }
  }

  indirect enum Condition: Sendable, Hashable {
    case comparison(Comparison)
    case all(Condition, Condition)
    case any(Condition, Condition)
    case not(Condition)

    func holds(_ figures: [String: Double]) -> Bool {
      switch self {
      case .comparison(let comparison): comparison.holds(figures)
      case .all(let left, let right): left.holds(figures) && right.holds(figures)
      case .any(let left, let right): left.holds(figures) || right.holds(figures)
      case .not(let inner): !inner.holds(figures)
      }
    }

    func forEachComparison(_ body: (Comparison) -> Void) {
      switch self {
      case .comparison(let comparison): body(comparison)
      case .all(let left, let right), .any(let left, let right):
        left.forEachComparison(body)
        right.forEachComparison(body)
      case .not(let inner): inner.forEachComparison(body)
      }
    }
  }

  indirect enum Term: Sendable, Hashable {
    case number(Double)
    case name(String)
    case sum(Term, Term)
    case difference(Term, Term)
    case product(Term, Term)

    func value(_ figures: [String: Double]) -> Double? {
      func both(_ left: Term, _ right: Term, _ body: (Double, Double) -> Double) -> Double? {
        guard let left = left.value(figures), let right = right.value(figures) else { return nil }
        return body(left, right)
      }
      return switch self {
      case .number(let number): number
      case .name(let name): figures[name]
      case .sum(let left, let right): both(left, right, +)
      case .difference(let left, let right): both(left, right, -)
      case .product(let left, let right): both(left, right, *)
      }
    }

    var names: [String] {
      switch self {
      case .number: []
      case .name(let name): [name]
      case .sum(let left, let right), .difference(let left, let right), .product(let left, let right):
        left.names + right.names
      }
    }

    func text(_ figures: [String: Double]) -> String {
      switch self {
      case .number(let number): Self.short(number)
      case .name(let name): name + (figures[name].map { " \(Self.short($0))" } ?? "")
      case .sum(let left, let right): "\(left.text(figures)) + \(right.text(figures))"
      case .difference(let left, let right): "\(left.text(figures)) - \(right.text(figures))"
      case .product(let left, let right): "\(left.text(figures)) * \(right.text(figures))"
      }
    }

    /// Four digits behind the point say all that such a figure can.
    private static func short(_ value: Double) -> String {
      let rounded = (value * 10_000).rounded() / 10_000
      return rounded == rounded.rounded() && abs(rounded) < 1e15 ? String(Int(rounded)) : String(rounded)
    }
  }

  private struct Parser {
    private var tokens: [String] = []
    private var position = 0
    private let text: String

    init(_ text: String) {
      self.text = text
      var word = ""
      func isWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || "_.".contains(character)
      }
      var characters = Array(text)[...]
      while let character = characters.popFirst() {
        if isWord(character) {
          word.append(character)
          continue
        }
        if !word.isEmpty { tokens.append(word) }
        word = ""
        if character.isWhitespace { continue }
        if "<>!=".contains(character), characters.first == "=" {
          characters.removeFirst()
          tokens.append("\(character)=")
        } else {
          tokens.append(String(character))
        }
      }
      if !word.isEmpty { tokens.append(word) }
    }

    private var next: String? { position < tokens.count ? tokens[position] : nil }

    private mutating func take(_ wanted: String) -> Bool {
      guard next?.lowercased() == wanted else { return false }
      position += 1
      return true
    }

    private func wrong(_ expected: String) -> ModelError {
      ModelError(
        .invalidSpecification,
        "the condition '\(text)' cannot be read: \(expected) is missing before \(next.map { "'\($0)'" } ?? "its end")",
        hint: "write it like: roc_auc >= 0.8 and brier <= 0.2")
    }

    mutating func rule() throws(ModelError) -> Condition {
      let condition = try disjunction()
      guard next == nil else { throw wrong("and, or or the end") }
      return condition
    }

    private mutating func disjunction() throws(ModelError) -> Condition {
      var left = try conjunction()
      while take("or") { left = .any(left, try conjunction()) }
      return left
    }

    private mutating func conjunction() throws(ModelError) -> Condition {
      var left = try negation()
      while take("and") { left = .all(left, try negation()) }
      return left
    }

    private mutating func negation() throws(ModelError) -> Condition {
      if take("not") { return .not(try negation()) }
      if take("(") {
        let inner = try disjunction()
        guard take(")") else { throw wrong("')'") }
        return inner
      }
      let left = try sum()
      guard let sign = next, ["=", "==", "!=", "<", "<=", ">", ">="].contains(sign) else { throw wrong("a comparison") }
      position += 1
      return .comparison(Comparison(left: left, sign: sign == "==" ? "=" : sign, right: try sum()))
    }

    private mutating func sum() throws(ModelError) -> Term {
      var left = try product()
      while true {
        if take("+") {
          left = .sum(left, try product())
        } else if take("-") {
          left = .difference(left, try product())
        } else {
          return left
        }
      }
    }

    private mutating func product() throws(ModelError) -> Term {
      var left = try value()
      while take("*") { left = .product(left, try value()) }
      return left
    }

    private mutating func value() throws(ModelError) -> Term {
      if take("-") { return .difference(.number(0), try value()) }
      guard let word = next, let first = word.first, first.isLetter || first.isNumber || first == "." else {
        throw wrong("a number or a figure's name")
      }
      guard !["and", "or", "not"].contains(word.lowercased()) else { throw wrong("a number or a figure's name") }
      position += 1
      if let number = Double(word) { return .number(number) }
      guard first.isLetter else { throw wrong("a number or a figure's name") }
      return .name(word.lowercased())
    }
  }
}

extension ModelCard {
  /// The figures that a promotion rule may ask for, by name: the hold-out's, and `cv_…` where there is a
  /// cross-validation (its means).
  public var figures: [String: Double] {
    var figures: [String: Double] = ["rows": Double(data.rows), "test_rows": Double(data.testRows)]
    for (name, value) in heldOutMeasures { figures[Self.figureName(name)] = value }
    figures["specificity"] = metrics?.specificity
    figures["threshold"] = threshold
    figures["calibration_error"] = reliability?.expectedError
    for (name, spread) in crossValidation?.measures ?? [:] { figures["cv_" + Self.figureName(name)] = spread.mean }
    return figures
  }

  private static func figureName(_ measure: String) -> String {
    measure.lowercased().replacing("-", with: "_")
  }
}
