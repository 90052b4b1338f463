internal import CMicroHTTPD
internal import Synchronization

/// One request and its answer, from the request line to the last byte.
///
/// The library calls on one of its threads at a time for one connection; a worker's answer comes from another thread
/// and wakes the connection. The connection's pointer is valid from the first call to `completed`; a sleeping connection
/// is never freed.
final class Exchange: @unchecked Sendable {
  // Safe to share: `stage`, `body`, `discarded` and `stream` belong to the network thread; the rest is behind `answer`'s lock.
  private enum Stage {
    case head
    case body(RequestHead, Handling)
    case refused(ServerResponse)
    case waiting
    case answered
  }

  private struct Answer {
    var response: ServerResponse?
    var isAsleep = false
    nonisolated(unsafe) var connection: OpaquePointer?
  }

  /// A body that nobody wants is still taken in up to this size, so that the other side gets to read the answer.
  private static let discardLimit = 8 << 20

  private let core: ServerCore
  private let socket: ServerConnection?
  private let target: String
  private var stage = Stage.head
  private var body: [UInt8] = []
  private var discarded = 0
  private var stream: EventSubscription?
  private let answer: Mutex<Answer>

  init(_ core: ServerCore, _ socket: ServerConnection?, target: String, connection: OpaquePointer) {
    self.core = core
    self.socket = socket
    self.target = target
    answer = Mutex(Answer(connection: connection))
  }

  // MARK: Called by the library

  /// The head is in, more of the body is in, or the request is whole.
  func proceed(
    _ connection: OpaquePointer, method: UnsafePointer<CChar>?, data: UnsafePointer<CChar>?, size: inout Int
  ) -> MHD_Result {
    switch stage {
    case .head:
      let head = RequestHead(
        method: method.map { String(cString: $0) } ?? "", target: target, headers: Self.headers(connection),
        remoteAddress: socket?.remoteAddress ?? "unknown", isSecure: core.isSecure)
      return admit(head, connection)
    case .body(let head, let handling):
      if size > 0 {
        if body.count + size > handling.bodyLimit {
          body = []
          stage = .refused(Problem.tooLarge(limit: handling.bodyLimit).response)
        } else {
          body.append(contentsOf: UnsafeRawBufferPointer(start: data, count: size))
        }
        size = 0
        return .YES
      }
      return run(head, handling, connection)
    case .refused(let response):
      guard size > 0 else { return finish(response, connection) }
      discarded += size
      size = 0
      return discarded > Self.discardLimit ? .NO : .YES
    case .waiting:
      // Woken up: the worker's answer is here.
      let response = answer.withLock { $0.response.take() }
      guard let response else { return .NO }
      return finish(response, connection)
    case .answered:
      return .NO
    }
  }

  /// The library is done with the request. No call of it comes any more.
  func completed() {
    let unsent = answer.withLock { answer in
      answer.connection = nil
      return answer.response.take()
    }
    if case .events(let subscription)? = unsent?.body { subscription.detach() }
    if let stream { core.closed(stream) }
    core.ended(self)
    socket?.allow(seconds: core.settings.idleSeconds + core.settings.headSeconds)
  }

  // MARK: Called by workers

  /// Gives the answer of a worker and wakes the connection.
  func give(_ response: ServerResponse) {
    let isTaken = answer.withLock { answer in
      guard let connection = answer.connection, answer.isAsleep else { return false }
      answer.response = response
      answer.isAsleep = false
      MHD_resume_connection(connection)
      return true
    }
    if !isTaken, case .events(let subscription) = response.body { subscription.detach() }
  }

  // MARK: Steps

  private func admit(_ head: RequestHead, _ connection: OpaquePointer) -> MHD_Result {
    switch core.admit(head) {
    case .accept(let handling):
      if let length = head.contentLength, length > handling.bodyLimit {
        return refuse(Problem.tooLarge(limit: handling.bodyLimit).response, head, connection)
      }
      stage = .body(head, handling)
      if head.announcesBody {
        body.reserveCapacity(min(head.contentLength ?? 4_096, handling.bodyLimit))
        socket?.allow(seconds: core.settings.bodySeconds)
      }
      return .YES
    case .refuse(let response):
      return refuse(response, head, connection)
    }
  }

  private func refuse(_ response: ServerResponse, _ head: RequestHead, _ connection: OpaquePointer) -> MHD_Result {
    // Answered now, the library would close the connection, even while the other side still sends. Only a client that
    // asks before it sends, or has far too much, is answered at once.
    guard head.announcesBody, head.headers["expect"] != nil || head.contentLength ?? 0 > Self.discardLimit else {
      stage = .refused(response)
      return .YES
    }
    return finish(response, connection)
  }

  private func run(_ head: RequestHead, _ handling: Handling, _ connection: OpaquePointer) -> MHD_Result {
    let request = ServerRequest(head, body: body)
    body = []
    if handling.isQuick { return finish(handling.respond(request), connection) }
    stage = .waiting
    socket?.allow(seconds: nil)
    answer.withLock { answer in
      answer.isAsleep = true
      MHD_suspend_connection(connection)
    }
    if !core.submit(self, { [self] in give(handling.respond(request)) }) {
      give(Problem.busy("too many requests wait").response)
    }
    return .YES
  }

  private func finish(_ response: ServerResponse, _ connection: OpaquePointer) -> MHD_Result {
    stage = .answered
    if case .events(let subscription) = response.body {
      stream = subscription
      core.opened(subscription)
      socket?.allow(seconds: nil)
    } else {
      socket?.allow(seconds: core.settings.answerSeconds)
    }
    return ResponseWriter.queue(response, settings: core.settings, isClosing: core.isStopping, on: connection)
  }

  private static func headers(_ connection: OpaquePointer) -> HTTPHeaders {
    var headers = HTTPHeaders()
    withUnsafeMutablePointer(to: &headers) { pointer in
      _ = MHD_get_connection_values(
        connection, .HEADER_KIND,
        { context, _, name, value in
          if let name {
            context?.assumingMemoryBound(to: HTTPHeaders.self).pointee.add(
              String(cString: name), value.map { String(cString: $0) } ?? "")
          }
          return .YES
        }, pointer)
    }
    return headers
  }
}

extension Optional {
  /// The value, leaving nil.
  fileprivate mutating func take() -> Wrapped? {
    defer { self = nil }
    return self
  }
}
