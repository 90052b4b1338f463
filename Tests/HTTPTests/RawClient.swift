import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// A TCP connection on which a test sends bytes as they are, well formed or not.
final class RawClient {
  private let descriptor: Int32

  init(port: UInt16) throws {
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
    guard status == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    setTimeout(seconds: 10)
  }

  deinit { close(descriptor) }

  func setTimeout(seconds: Int) {
    var time = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  /// Sends as much as the other side takes; false if it has closed.
  @discardableResult
  func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  /// The next bytes; nil when the other side has closed or nothing comes in time.
  func receive() -> String? {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }

  /// Everything up to the end of the stream.
  func receiveAll() -> String {
    var text = ""
    while let part = receive() { text += part }
    return text
  }

  /// Reads until the text holds `words`; what was read.
  func receive(until words: String) -> String {
    var text = ""
    while !text.contains(words), let part = receive() { text += part }
    return text
  }

  /// How often `words` has come once `count` of them are there, or the other side closes.
  func receive(_ count: Int, of words: String) -> Int {
    var found = 0
    var text = ""
    while found < count, let part = receive() {
      text += part
      let pieces = text.components(separatedBy: words)
      found += pieces.count - 1
      text = pieces.last ?? ""
    }
    return found
  }
}
