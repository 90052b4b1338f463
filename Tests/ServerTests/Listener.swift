import Foundation

/// One client of a stream.
final class Listener {
  private let descriptor: Int32

  init(port: UInt16, path: String = "/", token: String? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else { throw POSIXError(.ECONNREFUSED) }
    let authorization = token.map { "Authorization: Bearer \($0)\r\n" } ?? ""
    let request = Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\(authorization)\r\n".utf8)
    _ = request.withUnsafeBytes { Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  deinit { close(descriptor) }

  func read(until words: String) -> Bool {
    var text = ""
    var buffer = [UInt8](repeating: 0, count: 4_096)
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    while !text.contains(words) {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { return false }
      text += String(decoding: buffer[..<count], as: UTF8.self)
    }
    return true
  }

  /// Whether the other side ends the stream within a minute: its last chunk has come, or the connection was closed.
  func ends() -> Bool {
    var text = ""
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while !text.hasSuffix("0\r\n\r\n") {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count <= 0 { return count == 0 }
      text += String(decoding: buffer[..<count], as: UTF8.self)
    }
    return true
  }

  /// Takes what is there.
  func drain() {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT)) > 0 {}
  }
}
