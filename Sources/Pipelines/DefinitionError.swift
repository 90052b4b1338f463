/// A place in a definition file.
public struct SourceLocation: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The file as the user can open it.
  public var file: String
  /// The line, from 1.
  public var line: Int
  /// The column in characters, from 1.
  public var column: Int

  /// A place from its parts.
  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  /// `file:line:column`, which editors and terminals understand.
  public var description: String { "\(file):\(line):\(column)" }

  /// Orders by file, then line, then column.
  public static func < (left: SourceLocation, right: SourceLocation) -> Bool {
    (left.file, left.line, left.column) < (right.file, right.line, right.column)
  }
}

/// One thing that is wrong in a definition, and what to do about it.
public struct DefinitionProblem: Sendable, Hashable, CustomStringConvertible {
  /// Where it is.
  public var location: SourceLocation
  /// What is wrong.
  public var message: String
  /// What to do.
  public var remedy: String

  /// A problem from its parts.
  public init(at location: SourceLocation, _ message: String, remedy: String) {
    self.location = location
    self.message = message
    self.remedy = remedy
  }

  /// `file:line:column: message; remedy`.
  public var description: String { "\(location): \(message); \(remedy)" }
}

/// Everything that is wrong in a definition, sorted by place.
public struct DefinitionError: Error, Sendable, Hashable, CustomStringConvertible {
  /// At least one problem, none twice.
  public var problems: [DefinitionProblem]

  /// Problems in any order.
  public init(_ problems: [DefinitionProblem]) {
    var seen: Set<DefinitionProblem> = []
    self.problems = problems.filter { seen.insert($0).inserted }.sorted { $0.location < $1.location }
  }

  /// One line per problem.
  public var description: String { problems.map(\.description).joined(separator: "\n") }
}
