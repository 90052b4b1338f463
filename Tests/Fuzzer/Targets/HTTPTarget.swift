import Foundation
import HTTP

/// Requests as bytes on connections: the server answers or closes each, and answers the next client.
final class HTTPTarget: FuzzTarget {
  let batch = 250
  let seeds = [
    "GET /hello?a=1&b=%C3%A9+x HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nConnection: close\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 13\r\nConnection: close\r\n\r\n{\"a\":[1,2,3]}",
    "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
    "GET /items/7/parts/%41 HTTP/1.0\r\nIf-None-Match: \"x\"\r\nRange: bytes=0-3\r\n\r\n",
  ].map { Array($0.utf8) }
  let words = [
    "\r\n", "\r\n\r\n", "%", "%0", "%00", "%ff", "..%2f", "?", "&=", "Content-Length: -1\r\n",
    "Content-Length: 99999999999999999999\r\n", "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n",
    "HTTP/9.9",
    "Host: y\r\n", "ffffffffffffffff\r\n",
  ]

  private struct Application: ServerApplication {
    let router: Router<@Sendable (ServerRequest) -> ServerResponse>

    func admit(_ head: RequestHead) -> Admission {
      _ = head.queryFields
      _ = head.mediaType
      switch router.match(head) {
      case .found(let endpoint, _): return .accept(Handling(bodyLimit: 1_000, isQuick: true) { endpoint($0) })
      default: return .refuse(Problem.notFound("there is nothing").response)
      }
    }
  }

  private let server: HTTPServer

  init() throws {
    var router = Router<@Sendable (ServerRequest) -> ServerResponse>()
    router.add(.get, "/hello") { _ in .text("hello") }
    router.add(.post, "/echo") { ServerResponse(200, "application/octet-stream", $0.body) }
    router.add(.get, "/items/{item}/parts/{part}") { .text($0.head.path) }
    var settings = ServerSettings(port: 0)
    // Half a request is given up soon, because the run waits for it.
    settings.headSeconds = 0.2
    settings.bodySeconds = 0.2
    settings.idleSeconds = 0.2
    server = try HTTPServer(settings, application: Application(router: router))
  }

  deinit { server.stop(graceSeconds: 1) }

  func read(_ inputs: [[UInt8]]) throws -> Int {
    let connections = try inputs.map(sent)
    defer { for connection in connections { close(connection) } }
    return try connections.reduce(0) { sum, connection in
      let answer = try answer(connection)
      guard answer.isEmpty || answer.starts(with: Array("HTTP/1.".utf8)) else {
        throw Violation("an answer is not HTTP")
      }
      return sum + (answer.dropFirst(9).starts(with: [0x32]) ? 0 : 1)
    }
  }

  /// A connection on which the bytes are sent, and nothing more.
  private func sent(_ input: [UInt8]) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = server.port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else { throw Violation("the server takes no connection any more") }
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    _ = input.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    shutdown(descriptor, Int32(SHUT_WR))
    return descriptor
  }

  /// What comes until the server closes.
  private func answer(_ descriptor: Int32) throws -> [UInt8] {
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 8_192)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count < 0, errno == EAGAIN { throw Violation("the server neither answers nor closes") }
      guard count > 0 else { return answer }
      answer += buffer[..<count]
    }
  }
}
