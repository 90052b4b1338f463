/// What went wrong while a model was trained, stored, loaded or asked for a score.
///
/// The message names files, columns and counts, never a patient's value.
public struct ModelError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The stable kind of failure, for callers that act on it.
  public enum Code: String, Sendable {
    /// The training specification contradicts itself.
    case invalidSpecification
    /// The training query gave rows that cannot be trained on.
    case trainingData
    /// All labelled rows belong to one class, so there is nothing to tell apart.
    case oneClass
    /// There is no such model or version, or none is live.
    case notFound
    /// A model file does not say what its card says, or cannot be read as a model.
    case corruptModel
    /// The features that a caller names are not those that the model was trained on.
    case features
    /// A model of a kind that this program does not score with.
    case unsupported
    /// A file or folder of the registry could not be read or written.
    case fileSystem
    /// XGBoost itself reported an error.
    case library
  }

  /// The kind of failure.
  public let code: Code
  /// What happened and to what.
  public let message: String
  /// What the reader can do about it.
  public let hint: String?

  /// Makes an error; `hint` is a remedy in the imperative.
  public init(_ code: Code, _ message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  /// The message and the remedy on one line.
  public var description: String {
    hint.map { "\(message); \($0)" } ?? message
  }
}
