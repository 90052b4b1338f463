import Foundation
import HTTP
import LakewardTesting
import Testing

@Suite("Event streams") struct EventTests {
  private let application = TestApplication()

  @Test func clientsGetWhatIsPublishedAndWhatTheyMissed() throws {
    let server = try HTTPServer(ServerSettings(port: 0), application: application)
    let client = try RawClient(port: server.port)
    client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    let head = client.receive(until: ": listening")
    #expect(head.contains("text/event-stream"))
    application.events.publish("score", Array(#"{"a":1}"#.utf8))
    let text = client.receive(until: "\n\n")
    #expect(text.contains("event: score\ndata: {\"a\":1}\n\n"))
    let line = try #require(text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("id: ") })
    application.events.publish("score", Array(#"{"a":2}"#.utf8))
    application.events.publish("alert", Array("line\nbreak".utf8))
    let late = try RawClient(port: server.port)
    late.send("GET /events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: \(line.dropFirst(4))\r\n\r\n")
    let missed = late.receive(until: "line break")
    #expect(missed.contains(#"{"a":2}"#) && !missed.contains(#"{"a":1}"#))
    application.events.close()
    #expect(late.receive(until: "0\r\n\r\n").contains("0\r\n\r\n"))
    server.stop(graceSeconds: 1)
  }

  @Test func aSlowClientLosesEventsAndIsToldSo() throws {
    var settings = EventBroadcaster.Settings()
    settings.events = 10
    let events = EventBroadcaster(settings: settings)
    struct Application: ServerApplication {
      let events: EventBroadcaster
      func admit(_ head: RequestHead) -> Admission {
        .accept(
          Handling(isQuick: true) { request in events.response(lastEventID: request.head.headers["last-event-id"]) })
      }
    }
    let server = try HTTPServer(ServerSettings(port: 0), application: Application(events: events))
    let first = try RawClient(port: server.port)
    first.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    _ = first.receive(until: ": listening")
    events.publish("n", Array("0".utf8))
    let text = first.receive(until: "\n\n")
    let line = try #require(text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("id: ") })
    for number in 1...50 { events.publish("n", Array("\(number)".utf8)) }
    let client = try RawClient(port: server.port)
    client.send("GET / HTTP/1.1\r\nHost: x\r\nLast-Event-ID: \(line.split(separator: " ")[1])\r\n\r\n")
    let missed = client.receive(until: "data: 50")
    #expect(missed.contains("event: lost\ndata: {\"events\":40}"))
    #expect(missed.contains("data: 41") && !missed.contains("data: 40\n"))
    events.close()
    server.stop(graceSeconds: 1)
  }

  @Test func threeHundredClients() throws {
    let server = try HTTPServer(ServerSettings(port: 0), application: application)
    let clients = try (0..<300).map { _ in try RawClient(port: server.port) }
    for client in clients { client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n") }
    for client in clients { _ = client.receive(until: ": listening") }
    #expect(application.events.clientCount == 300)
    for number in 0..<100 { application.events.publish("n", Array("\(number)".utf8)) }
    for client in clients { #expect(client.receive(100, of: "event: n") == 100) }
    application.events.close()
    server.stop(graceSeconds: 1)
    #expect(application.events.clientCount == 0)
  }

  /// A listener that never reads, with more on its way than the sockets hold, does not use up the time for requests.
  @Test func aStopDoesNotWaitForListenersWhoDoNotRead() throws {
    let server = try HTTPServer(ServerSettings(port: 0), application: application)
    let client = try RawClient(port: server.port)
    client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    _ = client.receive(until: ": listening")
    let line = Array(String(repeating: "x", count: 100_000).utf8)
    for _ in 0..<78 { application.events.publish("n", line) }
    let begin = ContinuousClock.now
    application.events.close()
    server.stop(graceSeconds: 120)
    #expect(ContinuousClock.now - begin < .seconds(20))
  }
}
