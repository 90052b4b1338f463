internal import Foundation
internal import OpenSSL
internal import Synchronization

/// A client's socket, encrypted or not, used by its session's thread; `close` ends it from any thread.
final class PostgresChannel: @unchecked Sendable {
  // Safe to share: the stream belongs to the session's thread; the descriptor is closed once, under the lock.
  private let descriptor: Int32
  private let isOpen = Mutex(true)
  private var stream: TLSStream?

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    var yes: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &yes, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit {
    stream = nil
    Foundation.close(descriptor)
  }

  var isEncrypted: Bool { stream != nil }

  /// How long a read or a write may wait.
  func limit(readSeconds: Int, writeSeconds: Int) {
    for (option, seconds) in [(SO_RCVTIMEO, readSeconds), (SO_SNDTIMEO, writeSeconds)] {
      var time = timeval(tv_sec: seconds, tv_usec: 0)
      setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
    }
  }

  func encrypt(_ tls: ServerTLS) throws { stream = try TLSStream(tls, descriptor: descriptor) }

  /// What has come; empty at the end, after too long a wait, or after an error.
  func read() -> [UInt8] {
    if let stream { return stream.read(1 << 16) }
    while true {
      var count = 0
      let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, length in
        count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
        length = max(0, count)
      }
      if count >= 0 || errno != EINTR { return bytes }
    }
  }

  /// Writes everything; false: the client is gone.
  func write(_ bytes: [UInt8]) -> Bool {
    if let stream { return stream.write(bytes) }
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        send(descriptor, $0.baseAddress?.advanced(by: done), bytes.count - done, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }

  /// Wakes the session's thread: reads end and writes fail.
  func close() {
    isOpen.withLock { isOpen in
      if isOpen { shutdown(descriptor, Int32(SHUT_RDWR)) }
      isOpen = false
    }
  }
}
