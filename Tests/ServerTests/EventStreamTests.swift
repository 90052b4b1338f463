import Foundation
import HTTP
import LakewardTesting
import Testing

/// Many clients listen while events are sent: all get them, and memory stays where it was.
@Suite("Many listeners") struct EventStreamTests {
  @Test func memoryStaysFlat() throws {
    struct Application: ServerApplication {
      let events: EventBroadcaster
      func admit(_ head: RequestHead) -> Admission {
        .accept(Handling(isQuick: true) { _ in events.response() })
      }
    }
    let events = EventBroadcaster()
    let server = try HTTPServer(ServerSettings(port: 0), application: Application(events: events))
    let clients = try (0..<100).map { _ in try Listener(port: server.port) }
    for client in clients { #expect(client.read(until: ": listening")) }
    let line = Array(String(repeating: "x", count: 1_000).utf8)
    func send(_ rounds: Int) {
      for round in 0..<rounds {
        for _ in 0..<20 { events.publish("n", line) }
        events.publish("round", Array("\(round)".utf8))
        // Every second client reads; the others are slow.
        for (index, client) in clients.enumerated() where index.isMultiple(of: 2) { client.drain() }
      }
    }
    send(20)
    let before = Self.residentBytes()
    send(60)
    let grown = Self.residentBytes() - before
    // More than a megabyte of events went to each of 100 clients.
    #expect(grown < 32 << 20, "\(grown) bytes")
    events.close()
    server.stop(graceSeconds: 1)
  }

  private static func residentBytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4_096
  }
}

/// One client of a stream.
private final class Listener {
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
    guard status == 0 else { throw POSIXError(.ECONNREFUSED) }
    let request = Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
    _ = request.withUnsafeBytes { Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  deinit { close(descriptor) }

  func read(until words: String) -> Bool {
    var text = ""
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while !text.contains(words) {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { return false }
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
