/// What answers the requests of a server.
public protocol ServerApplication: Sendable {
  /// Decides from a request's head, before any of its body is read. Called on a network thread: it must not block.
  func admit(_ head: RequestHead) -> Admission
}

/// Whether a request may go on.
public enum Admission: Sendable {
  /// The answer is this one already.
  case refuse(ServerResponse)
  /// The body may come.
  case accept(Handling)
}

/// How an admitted request is answered.
public struct Handling: Sendable {
  /// The most bytes that its body may have.
  public var bodyLimit: Int
  /// Whether `respond` takes microseconds and never waits: then it runs on the network thread. Everything else runs on
  /// the server's own threads while the connection sleeps.
  public var isQuick: Bool
  /// Answers. Called once, with the whole body.
  public var respond: @Sendable (ServerRequest) -> ServerResponse

  /// How a request is answered.
  public init(
    bodyLimit: Int = 0, isQuick: Bool = false, respond: @escaping @Sendable (ServerRequest) -> ServerResponse
  ) {
    self.bodyLimit = bodyLimit
    self.isQuick = isQuick
    self.respond = respond
  }
}
