import Kafka
import LakewardTesting
import Testing

/// How the tests against a broker can run: the broker needs a newer librdkafka than Debian's, so where that is loaded
/// they run in a second process of this same test program, which is given the newer one.
private enum BrokerRun {
  static let isLibraryNew = KafkaLibrary.isAtLeast(2, 1, 0)
  static let isPossible = TansuBroker.program != nil && (isLibraryNew || TansuBroker.clientLibraryFolder != nil)
}

@Suite("Kafka against a real broker process, in a process with a newer librdkafka")
struct KafkaNewerLibraryTests {
  @Test("the broker tests pass there", .enabled(if: BrokerRun.isPossible && !BrokerRun.isLibraryNew))
  func secondProcess() throws {
    let folder = try #require(TansuBroker.clientLibraryFolder)
    let outcome = try ChildProcess.run(
      CommandLine.arguments[0], ["--filter", "KafkaBrokerTests", "--testing-library", "swift-testing"],
      environment: ["LD_LIBRARY_PATH": folder], seconds: 180)
    #expect(outcome.succeeded, "\(outcome.output)\(outcome.errors)")
    #expect((outcome.output + outcome.errors).contains("create a topic, produce, consume, go back, commit\" passed"))
  }
}

@Suite(
  "Kafka against a real broker process", .enabled(if: BrokerRun.isPossible && BrokerRun.isLibraryNew), .serialized)
struct KafkaBrokerTests {
  let broker: TansuBroker
  let configuration: KafkaConfiguration

  init() throws {
    broker = try TansuBroker(program: #require(TansuBroker.program))
    configuration = KafkaConfiguration(brokers: broker.address, connectTimeout: .seconds(20))
  }

  @Test("create a topic, produce, consume, go back, commit")
  func roundTrip() throws {
    let admin = try KafkaAdmin(configuration)
    try admin.createTopic("vitals", partitions: 3, replicationFactor: 1)
    #expect(try admin.topic("vitals").partitions.map(\.id) == [0, 1, 2])

    let producer = try KafkaProducer(configuration)
    for i in 0..<3000 { try producer.send(Array("record \(i)".utf8), to: "vitals", partition: Int32(i % 3)) }
    #expect(try producer.flush(timeout: .seconds(60)).delivered == 3000)

    let consumer = try KafkaConsumer(topic: "vitals", configuration)
    let all = try consumer.collect([0: .beginning, 1: .beginning, 2: .beginning], count: 3000)
    #expect(all.count == 3000)
    #expect(all.allSatisfy { $0.text == "record \($0.coordinate.offset * 3 + Int64($0.coordinate.partition))" })
    #expect(try consumer.reachesEnd())
    // This broker's newest offset is that of the last batch's first record, so only the oldest can be compared.
    #expect(try consumer.watermarks(partition: 1).lowerBound == 0)

    let again = try KafkaConsumer(topic: "vitals", configuration).collect([1: .offset(990)], count: 10)
    #expect(again == all.filter { $0.coordinate.partition == 1 && $0.coordinate.offset >= 990 })
    #expect(consumer.commit([0: 1000, 1: 990], timeout: .seconds(60)))
    #expect(try consumer.committed([0, 1]) == [0: 1000, 1: 990])
  }

  @Test("what is not there is told apart")
  func errors() throws {
    let admin = try KafkaAdmin(configuration)
    try admin.createTopic("vitals", partitions: 1, replicationFactor: 1)
    let exists = try #require(throws: KafkaError.self) {
      try admin.createTopic("vitals", partitions: 1, replicationFactor: 1)
    }
    #expect(exists.reason == .topicExists("vitals"))
    let absent = try #require(throws: KafkaError.self) {
      try KafkaConsumer(
        topic: "absent", KafkaConfiguration(brokers: broker.address, connectTimeout: .seconds(3))
      ).partitions()
    }
    #expect(absent.reason == .unknownTopic("absent"))
  }
}
