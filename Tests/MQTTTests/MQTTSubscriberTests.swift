import Foundation
import LakewardTesting
import MQTT
import Testing

/// A subscription against a real Mosquitto: nothing is acknowledged before it is durable.
@Suite(.enabled(if: MosquittoBroker.program() != nil), .serialized) struct MQTTSubscriberTests {
  private struct Failure: Error {}

  /// What a subscriber took.
  private final class Inbox {
    var pending: [String] = []
    var durable: [String] = []
    var topics: Set<String> = []
    var groups = 0
    var isConnected = false
    var failures = 0

    /// A receiver that stops after `count` durable messages or ten seconds.
    func receiver(until count: Int) -> MQTTSubscriber.Receiver {
      let limit = ContinuousClock.now + .seconds(10)
      return MQTTSubscriber.Receiver(
        connected: { self.isConnected = true },
        take: { message in
          self.pending.append(String(decoding: message.payload, as: UTF8.self))
          self.topics.insert(message.topic)
        },
        makeDurable: {
          if self.failures > 0 {
            self.failures -= 1
            self.pending = []
            throw Failure()
          }
          self.groups += 1
          self.durable += self.pending
          self.pending = []
        },
        goesOn: { (self.durable.count < count || !self.isConnected) && .now < limit })
    }
  }

  private func publish(_ texts: [String], to topic: String = "ward/7/vitals", _ configuration: MQTTConfiguration) throws
  {
    let publisher = try MQTTPublisher(configuration, clientId: "device")
    for text in texts { try Array(text.utf8).withUnsafeBytes { try publisher.publish($0, to: topic) } }
    try publisher.flush()
    publisher.close()
  }

  @Test("messages come in groups; what was not made durable comes again, also after a restart")
  func durability() throws {
    let broker = try MosquittoBroker()
    let configuration = MQTTConfiguration(host: "127.0.0.1", port: Int(broker.port))
    let subscriber = MQTTSubscriber(configuration, clientId: "lakeward-test", topics: ["ward/+/vitals"])
    let first = Inbox()
    try subscriber.run(first.receiver(until: 0))
    #expect(first.isConnected, "the session exists from now on")

    let texts = (0..<2_000).map { "message \($0)" }
    try publish(texts, configuration)
    // The disk fails: nothing may be acknowledged.
    let second = Inbox()
    second.failures = 1
    #expect(throws: Failure.self) { try subscriber.run(second.receiver(until: 2_000)) }
    #expect(second.durable.isEmpty)

    let third = Inbox()
    try subscriber.run(third.receiver(until: 2_000))
    #expect(Set(third.durable) == Set(texts))
    #expect(third.groups < 1_000, "\(third.groups) syncs for 2,000 messages")
    // All of them were acknowledged: nothing is left.
    let fourth = Inbox()
    try publish(["last"], to: "ward/8/vitals", configuration)
    try publish(["other"], to: "ward/8/else", configuration)
    try subscriber.run(fourth.receiver(until: 1))
    #expect(fourth.durable.count == 1 && fourth.durable.first == "last")
    #expect(fourth.topics == ["ward/8/vitals"])
  }

  @Test("a broker that is killed and comes back has the messages that it had acknowledged and written")
  func brokerRestart() throws {
    let broker = try MosquittoBroker()
    let configuration = MQTTConfiguration(host: "127.0.0.1", port: Int(broker.port))
    let subscriber = MQTTSubscriber(configuration, clientId: "lakeward-test", topics: ["#"])
    try subscriber.run(Inbox().receiver(until: 0))
    try publish((0..<50).map { "m\($0)" }, configuration)
    broker.stop()
    let lost = #expect(throws: MQTTError.self) { try subscriber.run(Inbox().receiver(until: 1)) }
    #expect(lost?.reason == .brokerUnavailable && lost?.isRetriable == true)
    try broker.start()
    let inbox = Inbox()
    try subscriber.run(inbox.receiver(until: 50))
    #expect(Set(inbox.durable) == Set((0..<50).map { "m\($0)" }))
  }

  @Test("a login that is refused is one clear line without the password")
  func login() throws {
    let folder = try TemporaryDirectory("mqtt-login")
    let passwords = try folder.write("", to: "passwords")
    let broker = try MosquittoBroker(settings: ["allow_anonymous false", "password_file \(passwords)"])
    let configuration = MQTTConfiguration(
      host: "127.0.0.1", port: Int(broker.port), username: "nurse", password: "not-the-password")
    let subscriber = MQTTSubscriber(configuration, clientId: "lakeward-test", topics: ["#"])
    let error = #expect(throws: MQTTError.self) { try subscriber.run(Inbox().receiver(until: 1)) }
    #expect(error?.reason == .authenticationFailed && error?.isRetriable == false)
    #expect(error.map { !"\($0)".contains("not-the-password") } == true)
    #expect(!"\(configuration)".contains("nurse"))
  }

  @Test("TLS: the broker's certificate is checked", .enabled(if: OpenSSL.program != nil))
  func tls() throws {
    let folder = try TemporaryDirectory("mqtt-tls")
    let certificates = try OpenSSL.certificates(in: folder, host: "localhost")
    let broker = try MosquittoBroker(
      settings: ["allow_anonymous true", "certfile \(certificates.server)", "keyfile \(certificates.key)"])
    var configuration = MQTTConfiguration(
      host: "localhost", port: Int(broker.port), usesTLS: true, caFile: certificates.authority)
    try publish(["first"], configuration)
    let subscriber = MQTTSubscriber(configuration, clientId: "lakeward-test", topics: ["#"])
    try subscriber.run(Inbox().receiver(until: 0))
    try publish((0..<500).map { "m\($0)" }, configuration)
    let inbox = Inbox()
    try subscriber.run(inbox.receiver(until: 500))
    #expect(Set(inbox.durable).count == 500)
    configuration.caFile = nil
    let stranger = MQTTSubscriber(configuration, clientId: "lakeward-test", topics: ["#"])
    let error = #expect(throws: MQTTError.self) { try stranger.run(Inbox().receiver(until: 1)) }
    #expect(error?.reason == .secureConnectionFailed || error?.reason == .brokerUnavailable)
  }
}

/// Certificates for a test, made by Debian's openssl.
enum OpenSSL {
  static let program = ["/usr/bin/openssl"].first { FileManager.default.isExecutableFile(atPath: $0) }

  static func certificates(
    in folder: TemporaryDirectory, host: String
  ) throws -> (authority: String, server: String, key: String) {
    let program = try #require(Self.program)
    let steps = [
      "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem",
      "req -newkey rsa:2048 -nodes -subj /CN=\(host) -keyout server.key -out server.csr",
      "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem",
    ]
    for step in steps {
      let words = step.split(separator: " ").map(String.init)
      let outcome = try ChildProcess.run(program, words, directory: folder.path)
      #expect(outcome.succeeded, "openssl \(step): \(outcome.errors)")
    }
    return (folder.file("ca.pem"), folder.file("server.pem"), folder.file("server.key"))
  }
}
