/// Finds the endpoint of a method and a path.
///
/// A pattern is a path whose segments are literal (`/tables`) or named (`/tables/{name}`). A literal segment wins over a
/// named one. HEAD goes where GET goes.
public struct Router<Endpoint: Sendable>: Sendable {
  /// What was found.
  public enum Match: Sendable {
    /// An endpoint, and the decoded values of the pattern's named segments.
    case found(Endpoint, [String: String])
    /// The path is known with these methods alone.
    case otherMethods([HTTPMethod])
    /// Nothing has this path.
    case unknown
    /// The path is not well encoded.
    case malformed
  }

  private enum Segment: Sendable, Hashable {
    case literal(String)
    case named(String)
  }

  private struct Resource: Sendable {
    var segments: [Segment]
    var endpoints: [String: Endpoint] = [:]
  }

  private var literals: [String: Resource] = [:]
  private var patterns: [Resource] = []

  /// A router without endpoints.
  public init() {}

  /// Adds an endpoint; a second one of the same method and pattern takes the place of the first.
  public mutating func add(_ method: HTTPMethod, _ pattern: String, _ endpoint: Endpoint) {
    let segments = pattern.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { part in
      part.hasPrefix("{") && part.hasSuffix("}")
        ? Segment.named(String(part.dropFirst().dropLast())) : .literal(String(part))
    }
    if segments.allSatisfy({ if case .literal = $0 { true } else { false } }) {
      literals[pattern, default: Resource(segments: segments)].endpoints[method.rawValue] = endpoint
    } else if let index = patterns.firstIndex(where: { Self.isSame($0.segments, segments) }) {
      patterns[index].endpoints[method.rawValue] = endpoint
    } else {
      patterns.append(Resource(segments: segments, endpoints: [method.rawValue: endpoint]))
      // Literal segments first, so that /models/live comes before /models/{name}.
      patterns.sort { Self.rank($0.segments).lexicographicallyPrecedes(Self.rank($1.segments)) }
    }
  }

  /// The endpoint of a request.
  public func match(_ head: RequestHead) -> Match {
    if let resource = literals[head.path] { return Self.choose(resource, head.method, [:]) }
    guard head.path.hasPrefix("/") else { return .malformed }
    var parts: [String] = []
    for part in head.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
      guard let decoded = PercentEncoding.decode(part) else { return .malformed }
      parts.append(decoded)
    }
    for resource in patterns where resource.segments.count == parts.count {
      var values: [String: String] = [:]
      let fits = zip(resource.segments, parts).allSatisfy { segment, part in
        switch segment {
        case .literal(let text): return text == part
        case .named(let name):
          values[name] = part
          return !part.isEmpty
        }
      }
      if fits { return Self.choose(resource, head.method, values) }
    }
    return .unknown
  }

  private static func choose(_ resource: Resource, _ method: String, _ values: [String: String]) -> Match {
    if let endpoint = resource.endpoints[method] { return .found(endpoint, values) }
    if method == "HEAD", let endpoint = resource.endpoints["GET"] { return .found(endpoint, values) }
    var methods = resource.endpoints.keys.compactMap(HTTPMethod.init)
    if methods.contains(.get) { methods.append(.head) }
    return .otherMethods(methods.sorted())
  }

  private static func isSame(_ left: [Segment], _ right: [Segment]) -> Bool {
    left.elementsEqual(right) { first, second in
      if case .named = first, case .named = second { true } else { first == second }
    }
  }

  private static func rank(_ segments: [Segment]) -> [Int] {
    segments.map { if case .named = $0 { 1 } else { 0 } }
  }
}
