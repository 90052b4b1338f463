internal import Foundation
internal import Glibc
internal import HL7
internal import Synchronization

/// Listens for HL7 messages by the Minimal Lower Layer Protocol over TCP: a thread per connection, answers in order.
public final class MLLPListener: Sendable {
  /// Connections that are served at the same time; further ones are closed at once, and senders try again.
  public static let maximumConnections = 256
  /// How often a thread that waits for bytes looks whether it should end, in milliseconds.
  private static let pollMilliseconds: Int32 = 250

  /// The port that is listened on.
  public let port: Int
  private let socket: Int32
  private let answer: @Sendable ([UInt8]?) -> [UInt8]
  private let isStopped = Atomic<Bool>(false)
  private let connections = Atomic<Int>(0)
  private let threads = DispatchGroup()

  /// Listens and serves at once.
  ///
  /// - Parameters:
  ///   - host: An address of this machine, in numbers, or `localhost`.
  ///   - port: 0: any free one.
  ///   - answer: Gives the framed answer to a message, nil: to one that is too long. Called on the connection's thread.
  /// - Throws: `IngestError.refused` if the address cannot be listened on.
  public init(host: String, port: Int, answer: @escaping @Sendable ([UInt8]?) -> [UInt8]) throws(IngestError) {
    let place = "\(host):\(port)"
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(clamping: port)).bigEndian
    guard inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host, &address.sin_addr) == 1 else {
      throw .refused(reason: "hl7: \(host) is no IPv4 address to listen on; write one such as 127.0.0.1 or 0.0.0.0")
    }
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var yes: Int32 = 1
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
        bind(socket, general, length) == 0 && listen(socket, 64) == 0 && getsockname(socket, general, &length) == 0
      }
    }
    guard socket >= 0, isListening else {
      let reason = String(cString: strerror(errno))
      if socket >= 0 { Glibc.close(socket) }
      throw .refused(reason: "hl7: \(place) cannot be listened on: \(reason)")
    }
    self.socket = socket
    self.port = Int(UInt16(bigEndian: address.sin_port))
    self.answer = answer
    start("hl7") { listener in listener.accept() }
  }

  /// Takes no further bytes, answers what is in hand, and closes all connections.
  public func stop() {
    guard !isStopped.exchange(true, ordering: .relaxed) else { return }
    threads.wait()
    Glibc.close(socket)
  }

  private func start(_ name: String, _ body: @escaping @Sendable (MLLPListener) -> Void) {
    threads.enter()
    let thread = Thread { [self] in
      body(self)
      threads.leave()
    }
    thread.name = name
    thread.start()
  }

  /// Waits until the descriptor has something; false: it is time to end.
  private func waits(for descriptor: Int32) -> Bool {
    while !isStopped.load(ordering: .relaxed) {
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      if poll(&entry, 1, Self.pollMilliseconds) > 0 { return true }
    }
    return false
  }

  private func accept() {
    while waits(for: socket) {
      let connection = Glibc.accept(socket, nil, nil)
      guard connection >= 0 else { continue }
      guard connections.add(1, ordering: .relaxed).newValue <= Self.maximumConnections else {
        connections.subtract(1, ordering: .relaxed)
        Glibc.close(connection)
        continue
      }
      start("hl7 connection") { listener in
        listener.serve(connection)
        Glibc.close(connection)
        listener.connections.subtract(1, ordering: .relaxed)
      }
    }
  }

  private func serve(_ connection: Int32) {
    // A sender that takes no answers must not hold a thread for ever.
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var frames = MLLPFrames()
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while waits(for: connection) {
      let count = recv(connection, &buffer, buffer.count, 0)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      for event in frames.take(buffer[..<count]) {
        let reply: [UInt8] =
          switch event {
          case .message(let bytes): answer(bytes)
          case .tooLong: answer(nil)
          }
        guard send(reply, to: connection) else { return }
      }
    }
  }

  private func send(_ bytes: [UInt8], to connection: Int32) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }
}
