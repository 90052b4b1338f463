internal import Foundation
internal import Synchronization

/// One open connection: where it comes from and until when it must have got on.
final class ServerConnection: Sendable {
  let remoteAddress: String
  let descriptor: Int32
  /// Monotonic milliseconds after which the connection is closed; `.max` for never.
  let deadline: Atomic<Int64>

  init(remoteAddress: String, descriptor: Int32, deadline: Int64) {
    self.remoteAddress = remoteAddress
    self.descriptor = descriptor
    self.deadline = Atomic(deadline)
  }

  /// Gives the connection so many seconds from now; nil: as long as it likes.
  func allow(seconds: Double?) {
    deadline.store(seconds.map { ConnectionWatch.now() + Int64($0 * 1_000) } ?? .max, ordering: .relaxed)
  }
}

/// Closes connections that do not get on. libmicrohttpd's own timeout starts again with every byte, so that a client that
/// sends a byte a second would hold a connection for ever.
final class ConnectionWatch: Sendable {
  private let connections = Mutex<[ObjectIdentifier: ServerConnection]>([:])
  private let stopped = Atomic(false)

  init() {
    let thread = Thread { [self] in
      while !stopped.load(ordering: .relaxed) {
        Thread.sleep(forTimeInterval: 0.25)
        closeLate()
      }
    }
    thread.name = "http connections"
    thread.start()
  }

  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
    return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
  }

  var count: Int { connections.withLock { $0.count } }

  func add(_ connection: ServerConnection) {
    connections.withLock { $0[ObjectIdentifier(connection)] = connection }
  }

  /// Called before the descriptor is closed, so that `closeLate` never meets another connection's descriptor.
  func remove(_ connection: ServerConnection) {
    connections.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(connection)) }
  }

  func stop() { stopped.store(true, ordering: .relaxed) }

  private func closeLate() {
    let now = Self.now()
    connections.withLock { connections in
      for connection in connections.values where connection.deadline.load(ordering: .relaxed) < now {
        connection.deadline.store(.max, ordering: .relaxed)
        // The library sees the end of the stream and closes the descriptor itself.
        shutdown(connection.descriptor, Int32(SHUT_RDWR))
      }
    }
  }
}
