/// The methods that a route can have.
public enum HTTPMethod: String, Sendable, Hashable, CaseIterable, Comparable {
  /// Reads.
  case get = "GET"
  /// Reads, but answers with the head alone.
  case head = "HEAD"
  /// Does something, or reads with a body.
  case post = "POST"
  /// Replaces.
  case put = "PUT"
  /// Changes a part.
  case patch = "PATCH"
  /// Removes.
  case delete = "DELETE"
  /// Asks what is possible.
  case options = "OPTIONS"

  /// In alphabetical order, as an `Allow` header lists them.
  public static func < (left: HTTPMethod, right: HTTPMethod) -> Bool { left.rawValue < right.rawValue }
}
