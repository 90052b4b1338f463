import Pipelines
import Testing

@testable import Streaming

/// What becomes of an MQTT message, and where its broker is.
@Suite struct MQTTFeedTests {
  @Test(
    "the topic becomes a field of the object",
    arguments: [
      (#"{"a":1}"#, #"{"topic":"ward/7","a":1}"#), (" {}", #"{"topic":"ward/7"}"#),
      ("{ }", #"{"topic":"ward/7" }"#), ("[1]", "[1]"), ("", ""), ("{", #"{"topic":"ward/7","#),
    ])
  func topicField(payload: String, expected: String) {
    let text = Array(payload.utf8).withUnsafeBytes { MQTTFeed.payload($0, topic: "ward/7", field: "topic") }
    #expect(String(decoding: text, as: UTF8.self) == expected)
  }

  @Test func quoting() {
    let text = Array("{}".utf8).withUnsafeBytes { MQTTFeed.payload($0, topic: "a\"b\\c\u{1}", field: "t") }
    #expect(String(decoding: text, as: UTF8.self) == #"{"t":"a\"b\\c\u0001"}"#)
  }

  @Test(
    "addresses of brokers",
    arguments: [
      ("broker", "broker", 1883, false), ("broker:1900", "broker", 1900, false),
      ("mqtt://10.0.0.1", "10.0.0.1", 1883, false), ("mqtts://b.example", "b.example", 8883, true),
      ("mqtts://b.example:443/", "b.example", 443, true), ("[::1]:1884", "::1", 1884, false),
      ("[::1]", "::1", 1883, false),
    ] as [(String, String, Int, Bool)])
  func addresses(text: String, host: String, port: Int, usesTLS: Bool) throws {
    let broker = try #require(MQTTBroker(address: text))
    #expect(broker.host == host && broker.port == port && broker.usesTLS == usesTLS)
  }

  @Test("what is no address", arguments: ["", "mqtt://", "host:0", "host:x", "user@host", "host/topic", ":1883"])
  func noAddress(text: String) { #expect(MQTTBroker(address: text) == nil) }
}
