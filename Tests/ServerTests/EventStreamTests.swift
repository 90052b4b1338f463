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
