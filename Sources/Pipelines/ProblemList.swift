/// Collects what is wrong, so that a reader sees everything at once.
public final class ProblemList {
  /// What was found so far, in the order of finding.
  public private(set) var problems: [DefinitionProblem] = []

  /// An empty list.
  public init() {}

  /// Notes a problem.
  public func add(at location: SourceLocation, _ message: String, remedy: String) {
    problems.append(DefinitionProblem(at: location, message, remedy: remedy))
  }

  /// Notes everything that an error holds.
  public func add(_ error: DefinitionError) { problems += error.problems }

  /// Throws everything that was noted, or nothing.
  public func throwIfAny() throws(DefinitionError) {
    if !problems.isEmpty { throw DefinitionError(problems) }
  }
}
