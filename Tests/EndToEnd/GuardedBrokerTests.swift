import DeltaLake
import Foundation
import Kafka
import LakewardTesting
import Testing

/// The program against a broker that wants TLS and a login: a gate in front of a real broker process.
@Suite struct GuardedBrokerTests {
  private struct Place {
    let lake: BedsLake
    let gate: ChildProcess
    let broker: TansuBroker
    let address: String
    let client: String
    private let certificate: String

    /// - Parameter isLenient: Whether SCRAM is as in Kafka 3.9, else as in Kafka 4 and the RFC.
    init(isLenient: Bool = false) throws {
      let port = try FreePort.next()
      address = "127.0.0.1:\(port)"
      broker = try TansuBroker(program: #require(TansuBroker.program), advertised: address)
      client = try #require(TansuBroker.clientLibraryFolder)
      lake = try BedsLake(maxRecords: 1_000)
      // The simulator asks for its pipeline's definition.
      try FileManager.default.copyItem(
        atPath: Places.packageRoot() + "/pipelines/vitals", toPath: lake.directory.file("pipelines/vitals"))
      certificate = lake.directory.file("broker.pem")
      let key = lake.directory.file("broker.key")
      let made = try ChildProcess.run(
        "/usr/bin/openssl",
        [
          "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
          "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
        ])
      #expect(made.succeeded, "\(made.errors)")
      gate = try ChildProcess(
        #require(PeerPython.interpreter),
        [
          "\(Places.packageRoot())/Tests/LakewardTesting/peers/kafka_gate.py", "\(port)",
          String(broker.address.split(separator: ":").last ?? ""), certificate, key, "ward", "open-sesame-9",
        ] + (isLenient ? ["lenient"] : []), environment: ["PYTHONDONTWRITEBYTECODE": "1"])
      try gate.waitFor("ready", seconds: 60)
    }

    /// Writes lakeward.yml.
    func configure(mechanism: String = "PLAIN", password: String = "open-sesame-9", trusts: Bool = true) throws {
      try lake.directory.write(
        """
        engine: { threads: 1 }
        kafka:
          brokers: \(address)
          properties:
            security.protocol: SASL_SSL
            sasl.mechanism: \(mechanism)
            sasl.username: ward
            sasl.password: \(password)
            \(trusts ? "ssl.ca.location: \(certificate)" : "client.id: lakeward")

        """, to: "lakeward.yml")
    }

    func run(_ words: String...) throws -> ProcessOutcome {
      try lake.start(words, environment: ["LD_LIBRARY_PATH": client]).wait(seconds: 180)
    }
  }

  /// Records go in and out, and a wrong password is refused, by each mechanism in which the password is not sent.
  @Test(.enabled(if: isPossible), arguments: ["SCRAM-SHA-256", "SCRAM-SHA-512"])
  func scram(_ mechanism: String) throws {
    let place = try Place()
    try place.configure(mechanism: mechanism)
    let sent = try place.run(
      "simulate", "vitals", "--count", "300", "--patients", "20", "--to", "kafka://\(place.address)/beds")
    #expect(sent.succeeded, "\(sent.errors) \(place.gate.outputSoFar)")
    let taken = try place.run("run", "beds", "--once")
    #expect(taken.succeeded, "\(taken.errors) \(place.gate.outputSoFar)")
    #expect(place.lake.rows("bronze_beds") == 300)
    let logins = place.gate.outputSoFar.split(separator: "\n").filter { $0.hasPrefix("login ") }
    #expect(!logins.isEmpty && logins.allSatisfy { $0.hasSuffix(" " + mechanism) }, "\(logins)")

    try place.configure(mechanism: mechanism, password: "wrong-secret-7")
    let refused = try place.run("run", "beds", "--once")
    #expect(refused.status == 1 && refused.errors.contains("refused the login"), "\(refused.errors)")
    #expect(!(refused.output + refused.errors).contains("wrong-secret-7"))
    #expect(place.gate.outputSoFar.contains("login refused"))
  }

  /// Debian's librdkafka, which the program has unless told otherwise: brokers up to Kafka 3.9 take its SCRAM, and where one does not, the error says
  /// what is needed. The broker behind the gate is too new for more than the login.
  @Test(.enabled(if: isPossible && !KafkaLibrary.isAtLeast(2, 6, 1))) func scramOfDebiansLibrary() throws {
    let (older, newer) = (try Place(isLenient: true), try Place())
    for place in [older, newer] { try place.configure(mechanism: "SCRAM-SHA-512") }
    let taken = try older.lake.start(["run", "beds", "--once"])
    defer { taken.signal(SIGKILL) }
    try older.gate.waitFor("SCRAM-SHA-512", seconds: 90)
    let refused = try newer.lake.start(["run", "beds", "--once"]).wait(seconds: 120)
    #expect(refused.status == 1 && refused.errors.contains("librdkafka 2.6.1"), "\(refused.errors)")
  }

  static let isPossible =
    TansuBroker.program != nil && TansuBroker.clientLibraryFolder != nil && PeerPython.isReady
    && FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")

  /// Records go in and out through TLS and the login, and no other way; what refuses says so without the secret.
  @Test(.enabled(if: isPossible)) func settingsReachTheBroker() throws {
    let place = try Place()
    try place.configure()
    let sent = try place.run(
      "simulate", "vitals", "--count", "500", "--patients", "20", "--to", "kafka://\(place.address)/beds")
    #expect(sent.succeeded, "\(sent.errors) \(place.gate.outputSoFar)")
    let taken = try place.run("run", "beds", "--once")
    #expect(taken.succeeded, "\(taken.errors) \(place.gate.outputSoFar)")
    #expect(place.lake.rows("bronze_beds") == 500)
    #expect(place.gate.outputSoFar.contains("login TLSv1."))

    try place.configure(password: "wrong-secret-7")
    let refused = try place.run("run", "beds", "--once")
    #expect(refused.status == 1)
    #expect(refused.errors.contains("refused the login"), "\(refused.errors)")
    #expect(!(refused.output + refused.errors).contains("wrong-secret-7"))

    try place.configure(trusts: false)
    let untrusted = try place.run("run", "beds", "--once")
    #expect(untrusted.status == 1)
    #expect(untrusted.errors.contains("TLS") && !untrusted.errors.contains("open-sesame-9"), "\(untrusted.errors)")
    #expect(place.lake.rows("bronze_beds") == 500)
  }
}
