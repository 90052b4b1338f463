internal import Query

/// One word of the command line: what it is called, what it does, and how it is used.
protocol Command: Sendable {
  /// The word that users type.
  static var name: String { get }
  /// One line for `lakeward --help`.
  static var summary: String { get }
  /// What `--help` prints below the summary: usage, options, examples.
  static var help: String { get }
  /// The options that it takes.
  static var options: [Option] { get }
  /// Runs it. Returns the exit code.
  static func run(_ arguments: Arguments) throws -> Int32
}

/// A named option.
struct Option: Sendable {
  /// Without the dashes.
  var name: String
  /// What stands for its value in the usage line; nil for a switch.
  var value: String?
  /// One line for people.
  var summary: String

  /// An option with a value, or a switch.
  init(_ name: String, _ value: String? = nil, _ summary: String) {
    self.name = name
    self.value = value
    self.summary = summary
  }
}

/// Wrong words on the command line: one clear line and exit code 2.
struct UsageError: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

/// Something that the user can mend, said in one line: exit code 1.
struct CommandFailure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

/// The words after the command's name, checked against its options.
struct Arguments {
  private(set) var positionals: [String] = []
  private var values: [String: String] = [:]
  private var switches: Set<String> = []

  /// Options that every command takes.
  static let common = [
    Option("config", "FILE", "configuration file (default lakeward.yml, which need not exist)"),
    Option("lake", "DIR", "the lake's folder (default lake)"),
    Option("help", nil, "print this help"),
  ]

  init(_ words: some Sequence<String>, command: any Command.Type) throws {
    let options = command.options + Self.common
    var iterator = words.makeIterator()
    var onlyPositionals = false
    while let word = iterator.next() {
      guard word.hasPrefix("--"), !onlyPositionals else {
        positionals.append(word)
        continue
      }
      if word == "--" {
        onlyPositionals = true
        continue
      }
      let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      guard let option = options.first(where: { $0.name == name }) else {
        let guess = nearest(to: name, among: options.map(\.name)).map { "; did you mean --\($0)?" } ?? ""
        throw UsageError("lakeward \(command.name): unknown option --\(name)\(guess)")
      }
      if let placeholder = option.value {
        guard let value = parts.count == 2 ? String(parts[1]) : iterator.next() else {
          throw UsageError("lakeward \(command.name): --\(name) needs a value: --\(name) \(placeholder)")
        }
        values[name] = value
      } else if parts.count == 2 {
        throw UsageError("lakeward \(command.name): --\(name) takes no value")
      } else {
        switches.insert(name)
      }
    }
  }

  /// Whether a switch was given.
  func has(_ name: String) -> Bool { switches.contains(name) }

  /// An option's text.
  func text(_ name: String) -> String? { values[name] }

  /// An option's whole number, at least `minimum`.
  func integer(_ name: String, minimum: Int = 0) throws -> Int? {
    guard let text = values[name] else { return nil }
    let plain = text.replacing("_", with: "").replacing(",", with: "")
    guard let number = Int(plain), number >= minimum else {
      throw UsageError("--\(name) \(text): give a whole number of at least \(minimum)")
    }
    return number
  }

  /// An option's number, at least `minimum`.
  func number(_ name: String, minimum: Double = 0) throws -> Double? {
    guard let text = values[name] else { return nil }
    guard let number = Double(text), number >= minimum, number.isFinite else {
      throw UsageError("--\(name) \(text): give a number of at least \(minimum)")
    }
    return number
  }
}

/// The candidate that differs least from a word, if it differs little or goes on where the word stops.
func nearest(to word: String, among candidates: [String]) -> String? { NearestWord.find(word, among: candidates) }
