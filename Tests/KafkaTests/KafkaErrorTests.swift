import Kafka
import LakewardTesting
import Testing

@Suite("Kafka errors: one clear line, told apart by type")
struct KafkaErrorTests {
  @Test("nobody at the address: bounded time, address and remedy")
  func nobodyThere() throws {
    let address = "127.0.0.1:\(try FreePort.next())"
    let consumer = try KafkaConsumer(
      topic: "vitals", KafkaConfiguration(brokers: address, connectTimeout: .milliseconds(700)))
    let begin = ContinuousClock.now
    let error = try #require(throws: KafkaError.self) { try consumer.partitions() }
    #expect(ContinuousClock.now - begin < .seconds(10))
    #expect(error.reason == .brokerUnavailable(addresses: address))
    #expect(error.isRetriable)
    #expect(error.description.contains(address))
    #expect(error.description.contains("lakeward.yml"))
    #expect(!error.description.contains("\n"))
  }

  @Test("a host name that does not resolve is the same kind of failure")
  func unresolvable() throws {
    let configuration = KafkaConfiguration(brokers: "broker.invalid:9092", connectTimeout: .milliseconds(700))
    let error = try #require(throws: KafkaError.self) { try KafkaAdmin(configuration).topics() }
    #expect(error.reason == .brokerUnavailable(addresses: "broker.invalid:9092"))
  }

  @Test("a topic that is not there and a topic that is forbidden are told apart")
  func topics() throws {
    let cluster = try MockCluster()
    cluster.setTopicError("absent", 3)
    let absent = try #require(throws: KafkaError.self) { try cluster.consumer("absent").partitions() }
    #expect(absent.reason == .unknownTopic("absent"))
    cluster.setTopicError("secret", 29)
    let forbidden = try #require(throws: KafkaError.self) { try cluster.consumer("secret").partitions() }
    #expect(forbidden.reason == .notAuthorized(resource: "topic secret"))
    #expect(!forbidden.isRetriable)
  }

  @Test("a refused login is told apart from a broker that is not there")
  func login() throws {
    let broker = try RefusingBroker()
    let configuration = KafkaConfiguration(
      brokers: broker.address,
      properties: [
        "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "nurse",
        "sasl.password": "opensesame",
      ], connectTimeout: .seconds(5))
    let error = try #require(throws: KafkaError.self) { try KafkaConsumer(topic: "vitals", configuration).partitions() }
    #expect(error.reason == .authenticationFailed(addresses: broker.address))
    #expect(!error.isRetriable)
    #expect(!error.description.contains("opensesame"))
    #expect(!configuration.description.contains("opensesame"))
    #expect(!String(reflecting: configuration).contains("opensesame"))
  }

  @Test("an offset past the end: a typed error with the wanted and the available offsets")
  func pastTheEnd() throws {
    let cluster = try MockCluster()
    try cluster.createTopic("vitals", partitions: 1)
    try cluster.produce(count: 10, to: "vitals", partitions: 1)
    let consumer = try cluster.consumer("vitals")
    let error = try #require(throws: KafkaError.self) { try consumer.collect([0: .offset(1000)], count: 1) }
    #expect(
      error.reason == .offsetOutOfRange(topic: "vitals", partition: 0, wanted: 1000, available: 0..<10))
    #expect(error.description.contains("partition 0: offset 1000"))
    #expect(throws: KafkaError.self, "it is thrown again, or the partition would stand still silently") {
      try consumer.next(records: 1)
    }
    #expect(try consumer.collect([0: .offset(4)], count: 6).count == 6, "another position heals it")
  }

  @Test("records that retention has dropped: never a silent skip")
  func retention() throws {
    let cluster = try MockCluster()
    try cluster.createTopic("vitals", partitions: 1)
    let producer = try cluster.producer()
    // The mock brokers keep 5 MiB per partition.
    for _ in 0..<80 {
      try producer.send([UInt8](repeating: 66, count: 100_000), to: "vitals", partition: 0)
    }
    try producer.flush(timeout: .seconds(20))
    let consumer = try cluster.consumer("vitals")
    let available = try consumer.watermarks(partition: 0)
    #expect(available.lowerBound > 0 && available.upperBound == 80)
    let error = try #require(throws: KafkaError.self) { try consumer.collect([0: .offset(0)], count: 1) }
    #expect(error.reason == .offsetOutOfRange(topic: "vitals", partition: 0, wanted: 0, available: available))
    #expect(error.description.contains("\(available.lowerBound) offsets were deleted before they were read"))
  }

  @Test("an outage is reported after the connect timeout, and reading goes on when the broker is back")
  func outage() throws {
    let cluster = try MockCluster()
    try cluster.createTopic("vitals", partitions: 1)
    try cluster.produce(count: 5, to: "vitals", partitions: 1)
    let consumer = try KafkaConsumer(
      topic: "vitals", KafkaConfiguration(brokers: cluster.brokers, connectTimeout: .milliseconds(300)))
    _ = try consumer.collect([0: .beginning], count: 5)
    try cluster.setBrokersDown(true)
    let error = try #require(throws: KafkaError.self) {
      for _ in 0..<600 { _ = try consumer.next(records: 10, waiting: .milliseconds(50)) }
    }
    #expect(error.reason == .brokerUnavailable(addresses: cluster.brokers))
    try cluster.setBrokersDown(false)
    try cluster.produce(count: 1, to: "vitals", partitions: 1)
    var read = 0
    for _ in 0..<600 where read == 0 {
      // A call may still report the outage that is just ending.
      read = (try? consumer.next(records: 10, waiting: .milliseconds(50)).records) ?? 0
    }
    #expect(read == 1)
  }

  @Test("properties: unknown ones and those that would break exactly-once are refused by name")
  func properties() throws {
    for (name, value) in [("no.such.property", "1"), ("enable.auto.commit", "true"), ("auto.offset.reset", "latest")] {
      let error = try #require(throws: KafkaError.self) {
        try KafkaConsumer(topic: "vitals", KafkaConfiguration(brokers: "127.0.0.1:9092", properties: [name: value]))
      }
      #expect(error.reason == .invalidConfiguration(property: name))
      #expect(error.description.contains(name))
    }
    _ = try KafkaConsumer(
      topic: "vitals",
      KafkaConfiguration(
        brokers: "127.0.0.1:9092",
        properties: ["security.protocol": "ssl", "ssl.endpoint.identification.algorithm": "none", "group.id": "ward"]))
  }

  @Test("a record that no broker takes is reported by flush")
  func undeliverable() throws {
    let cluster = try MockCluster()
    try cluster.createTopic("vitals", partitions: 1)
    let producer = try KafkaProducer(
      KafkaConfiguration(brokers: cluster.brokers, properties: ["message.max.bytes": "2000"]))
    let error = try #require(throws: KafkaError.self) {
      try producer.send([UInt8](repeating: 65, count: 5000), to: "vitals")
    }
    #expect(error.reason == .recordTooLarge(topic: "vitals"))
    cluster.fail(.produce, with: Array(repeating: 29, count: 20))
    try producer.send([65], to: "vitals")
    #expect(throws: KafkaError.self) { try producer.flush(timeout: .seconds(10)) }
    #expect(producer.deliveries.failed == 1)
  }

  @Test("the cluster's topics are listed")
  func listing() throws {
    let cluster = try MockCluster(brokerCount: 2)
    try cluster.createTopic("vitals", partitions: 4)
    let admin = try KafkaAdmin(KafkaConfiguration(brokers: cluster.brokers))
    #expect(try admin.topics().map(\.name) == ["vitals"])
    #expect(try admin.topic("vitals").partitions.map(\.id) == [0, 1, 2, 3])
  }
}
