/// An answer.
public struct ServerResponse: Sendable {
  /// What follows the head.
  public enum Body: Sendable {
    /// Bytes in memory.
    case bytes([UInt8])
    /// A file that is sent from where it lies.
    case file(ServedFile)
    /// Events until either side ends it.
    case events(EventSubscription)
  }

  /// Status code.
  public var status: Int
  /// Header fields; those of the configuration are added to them.
  public var headers: HTTPHeaders
  /// The body.
  public var body: Body

  /// An answer.
  public init(_ status: Int, headers: HTTPHeaders = HTTPHeaders(), body: Body = .bytes([])) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// An answer with bytes of a media type.
  public init(_ status: Int = 200, _ mediaType: String, _ bytes: [UInt8]) {
    self.init(status, headers: ["content-type": mediaType], body: .bytes(bytes))
  }

  /// An answer with JSON text.
  public static func json(_ bytes: [UInt8], status: Int = 200) -> ServerResponse {
    ServerResponse(status, "application/json", bytes)
  }

  /// An answer with plain text.
  public static func text(_ text: String, status: Int = 200) -> ServerResponse {
    ServerResponse(status, "text/plain; charset=utf-8", Array(text.utf8))
  }

  /// An answer with a page.
  public static func html(_ text: String, status: Int = 200) -> ServerResponse {
    ServerResponse(status, "text/html; charset=utf-8", Array(text.utf8))
  }
}
