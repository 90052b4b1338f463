internal import Foundation

/// A password, key or address that must not be seen. Where it lies is known; it is read when it is used, so that it may
/// be exchanged while the program runs.
public struct Secret: Sendable, Hashable, CustomStringConvertible {
  private enum Place: Hashable {
    case literal(String)
    case file(String)
    case environment(String)
  }

  private let place: Place

  /// A secret that stands in the configuration.
  public init(literal: String) { place = .literal(literal) }

  /// A secret that is a file's text without its last line end.
  public init(file: String) { place = .file(file) }

  /// A secret that is a variable of the environment.
  public init(environment: String) { place = .environment(environment) }

  /// The secret.
  /// - Throws: ``SecretError`` naming the file or variable.
  func read() throws(SecretError) -> String {
    switch place {
    case .literal(let text): return text
    case .environment(let name):
      guard let text = ProcessInfo.processInfo.environment[name], !text.isEmpty else {
        throw SecretError(description: "the environment has no variable \(name)")
      }
      return text
    case .file(let path):
      guard let data = FileManager.default.contents(atPath: path) else {
        throw SecretError(description: "\(path): the file of a secret cannot be read")
      }
      var text = String(decoding: data, as: UTF8.self)
      while text.last?.isNewline == true { text.removeLast() }
      guard !text.isEmpty else { throw SecretError(description: "\(path): the file of a secret is empty") }
      return text
    }
  }

  /// Never the secret itself.
  public var description: String {
    switch place {
    case .literal: "(secret)"
    case .file(let path): "(secret in \(path))"
    case .environment(let name): "(secret in $\(name))"
    }
  }
}

/// A secret that is not there.
public struct SecretError: Error, Sendable, Hashable, CustomStringConvertible {
  /// One line naming the file or the variable.
  public let description: String
}
