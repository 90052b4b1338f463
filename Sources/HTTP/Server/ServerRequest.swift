/// What a request says before its body.
public struct RequestHead: Sendable {
  /// The method's name as it was sent.
  public let method: String
  /// Path and query as they were sent.
  public let target: String
  /// The path as it was sent: not decoded, without the query.
  public let path: String
  /// The query as it was sent, without the question mark; empty if there is none.
  public let query: String
  /// The header fields.
  public let headers: HTTPHeaders
  /// The other side's address, without its port.
  public let remoteAddress: String
  /// Whether the request came over TLS.
  public let isSecure: Bool

  /// A request's head; `target` is in origin form (RFC 9112, section 3.2.1).
  public init(
    method: String, target: String, headers: HTTPHeaders = HTTPHeaders(), remoteAddress: String = "127.0.0.1",
    isSecure: Bool = false
  ) {
    self.method = method
    self.target = target
    self.headers = headers
    self.remoteAddress = remoteAddress
    self.isSecure = isSecure
    if let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) {
      path = String(target[..<mark])
      query = String(target[target.utf8.index(after: mark)...])
    } else {
      path = target
      query = ""
    }
  }

  /// The length that the request announces for its body; nil if it says none or nonsense.
  public var contentLength: Int? { headers["content-length"].flatMap { Int($0) } }

  /// Whether a body follows.
  var announcesBody: Bool { (contentLength ?? 0) > 0 || headers["transfer-encoding"] != nil }

  /// The body's media type in lower case, without parameters.
  public var mediaType: String? {
    headers["content-type"].map {
      String($0.prefix { $0 != ";" }).lowercased().replacing(" ", with: "")
    }
  }

  /// The query's fields in their order, decoded; nil if one is malformed.
  public var queryFields: [(name: String, value: String)]? {
    var fields: [(name: String, value: String)] = []
    for part in query.split(separator: "&") {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = PercentEncoding.decode(pair[0], plusIsSpace: true),
        let value = pair.count == 2 ? PercentEncoding.decode(pair[1], plusIsSpace: true) : ""
      else { return nil }
      fields.append((name, value))
    }
    return fields
  }
}

/// A whole request.
public struct ServerRequest: Sendable {
  /// Method, target, headers, origin.
  public let head: RequestHead
  /// The body.
  public let body: [UInt8]

  /// A request.
  public init(_ head: RequestHead, body: [UInt8] = []) {
    self.head = head
    self.body = body
  }
}
