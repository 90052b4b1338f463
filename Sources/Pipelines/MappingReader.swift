/// Takes the keys of one YAML mapping one after the other; whatever is left at the end is an unknown key.
///
/// A wrong value is noted in the problem list and read as missing, so that one run reports everything.
public struct MappingReader {
  /// Where the mapping begins.
  public let location: SourceLocation
  /// Where problems go.
  public let problems: ProblemList
  private let what: String
  private let entries: [YAMLEntry]
  private var known: [String] = []

  /// A reader of `node`, or nil (and a problem) if it is not a mapping.
  /// - Parameter what: What the mapping describes, for messages, such as "source".
  public init?(_ node: YAMLNode, what: String, problems: ProblemList) {
    guard case .mapping(let entries) = node.content else {
      problems.add(
        at: node.location, "\(what) is \(node.kindInWords)", remedy: "write keys and values: 'key: value'")
      return nil
    }
    self.location = node.location
    self.problems = problems
    self.what = what
    self.entries = entries
  }

  /// Every pair, for mappings whose keys are names that the author chooses.
  public var pairs: [YAMLEntry] { entries }

  /// The value of `key` if it is there and not null.
  public mutating func node(_ key: String) -> YAMLNode? {
    known.append(key)
    return entries.first { $0.key == key }.flatMap { $0.value.isNull ? nil : $0.value }
  }

  /// The value of `key`; its absence is a problem.
  public mutating func requiredNode(_ key: String) -> YAMLNode? {
    if let node = node(key) { return node }
    let place = entries.first { $0.key == key }?.location ?? location
    problems.add(at: place, "\(what) has no '\(key)'", remedy: "add '\(key): …'")
    return nil
  }

  /// The text of `key`, or nil.
  public mutating func text(_ key: String) -> String? {
    node(key).flatMap { Scalars.text($0, of: key, problems) }
  }

  /// The text of `key`; its absence is a problem.
  public mutating func requiredText(_ key: String) -> String? {
    requiredNode(key).flatMap { Scalars.text($0, of: key, problems) }
  }

  /// A name that SQL takes without quotes.
  public mutating func name(_ key: String) -> String? {
    node(key).flatMap { Scalars.name($0, of: key, problems) }
  }

  /// A name that SQL takes without quotes; its absence is a problem.
  public mutating func requiredName(_ key: String) -> String? {
    requiredNode(key).flatMap { Scalars.name($0, of: key, problems) }
  }

  /// `true` or `false`.
  public mutating func boolean(_ key: String) -> Bool? {
    node(key).flatMap { Scalars.boolean($0, of: key, problems) }
  }

  /// A whole number in a range.
  public mutating func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
    node(key).flatMap { Scalars.integer($0, of: key, in: range, problems) }
  }

  /// A finite number in a range.
  public mutating func number(_ key: String, in range: ClosedRange<Double>) -> Double? {
    node(key).flatMap { Scalars.number($0, of: key, in: range, problems) }
  }

  /// A span of time with its unit, in seconds.
  public mutating func seconds(_ key: String, in range: ClosedRange<Double>) -> Double? {
    node(key).flatMap { Scalars.seconds($0, of: key, in: range, problems) }
  }

  /// A size with its unit, in bytes.
  public mutating func bytes(_ key: String, in range: ClosedRange<Int>) -> Int? {
    node(key).flatMap { Scalars.bytes($0, of: key, in: range, problems) }
  }

  /// A SQL condition on one row of a table.
  public mutating func condition(_ key: String) -> String? {
    guard let node = node(key), let text = Scalars.text(node, of: key, problems),
      SQLExpression.check(text, at: node.location, problems)
    else { return nil }
    return text
  }

  /// One of the words of an enumeration.
  public mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ key: String, of type: Choice.Type
  ) -> Choice? {
    guard let node = node(key), let text = Scalars.text(node, of: key, problems) else { return nil }
    if let choice = Choice(rawValue: text) { return choice }
    problems.add(
      at: node.location, "\(key) cannot be '\(text)'",
      remedy: Suggestion.remedy(for: text, among: Choice.allCases.map(\.rawValue)))
    return nil
  }

  /// A list of texts; a single text counts as a list of one.
  public mutating func texts(_ key: String) -> [YAMLNode] {
    guard let node = node(key) else { return [] }
    switch node.content {
    case .scalar: return [node]
    case .sequence(let nodes): return nodes.filter { Scalars.text($0, of: key, problems) != nil }
    case .mapping:
      problems.add(at: node.location, "\(key) is \(node.kindInWords)", remedy: "write a list: [a, b]")
      return []
    }
  }

  /// A list of different names that SQL takes without quotes.
  public mutating func names(_ key: String) -> [String] {
    var seen: Set<String> = []
    return texts(key).compactMap { node in
      guard let name = Scalars.name(node, of: key, problems) else { return nil }
      if seen.insert(name.lowercased()).inserted { return name }
      problems.add(at: node.location, "\(key) lists '\(name)' twice", remedy: "keep one of the two")
      return nil
    }
  }

  /// Texts by names that the author chooses.
  public mutating func dictionary(_ key: String) -> [String: String] {
    guard let node = node(key), let reader = MappingReader(node, what: key, problems: problems) else { return [:] }
    var result: [String: String] = [:]
    for pair in reader.pairs {
      result[pair.key] = Scalars.text(pair.value, of: pair.key, problems)
    }
    return result
  }

  /// Notes every key that nobody asked for.
  public func finish() {
    for entry in entries where !known.contains(entry.key) {
      let unused = known.filter { name in !entries.contains { $0.key == name } }
      let nearest = Suggestion.nearest(to: entry.key, among: known)
      let remedy =
        nearest.map { "did you mean '\($0)'?" }
        ?? (unused.isEmpty ? "remove it" : "also known here: \(unused.joined(separator: ", "))")
      problems.add(at: entry.location, "\(what) has no key '\(entry.key)'", remedy: remedy)
    }
  }
}
