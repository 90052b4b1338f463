/// A word behind a command's word, such as `history` in `lakeward table history`.
struct Subcommand: Sendable {
  /// The word.
  var name: String
  /// What the usage line shows behind it.
  var usage: String
  /// Runs it with the words behind it. Returns the exit code.
  var run: @Sendable (Arguments, [String]) throws -> Int32

  /// A word with what it does.
  init(_ name: String, _ usage: String, run: @escaping @Sendable (Arguments, [String]) throws -> Int32) {
    self.name = name
    self.usage = usage
    self.run = run
  }

  /// Runs the word that the user gave.
  static func dispatch(_ arguments: Arguments, command: String, among words: [Subcommand]) throws -> Int32 {
    let names = words.map(\.name)
    guard let word = arguments.positionals.first else {
      throw UsageError("lakeward \(command): say what: \(names.joined(separator: ", "))")
    }
    guard let subcommand = words.first(where: { $0.name == word }) else {
      let guess = nearest(to: word, among: names).map { "; did you mean \($0)?" } ?? ""
      throw UsageError(
        "lakeward \(command): there is no word \(word)\(guess) (there are: \(names.joined(separator: ", ")))")
    }
    return try subcommand.run(arguments, Array(arguments.positionals.dropFirst()))
  }

  /// The words that must follow, by what they stand for.
  static func require(_ words: [String], _ names: [String], command: String) throws -> [String] {
    guard words.count == names.count else {
      let missing = names.dropFirst(words.count).joined(separator: " ")
      throw UsageError(
        words.count < names.count
          ? "lakeward \(command): \(missing) is missing: lakeward \(command) \(names.joined(separator: " "))"
          : "lakeward \(command): \(words[names.count]) is too much: lakeward \(command) \(names.joined(separator: " "))"
      )
    }
    return words
  }
}
