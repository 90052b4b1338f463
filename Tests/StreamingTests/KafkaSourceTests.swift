import DuckDB
import Kafka
import Streaming
import Testing

@Suite("Kafka as a source", .serialized)
struct KafkaSourceTests {
  /// A partition of the mock cluster keeps 5 MiB: these records push the first ones out.
  private func overfilled() throws -> (cluster: MockCluster, available: Range<Int64>) {
    let cluster = try MockCluster()
    try cluster.createTopic("vitals", partitions: 1)
    let producer = try KafkaProducer(KafkaConfiguration(brokers: cluster.brokers))
    for _ in 0..<80 { try producer.send([UInt8](repeating: 65, count: 100_000), to: "vitals", partition: 0) }
    try producer.flush(timeout: .seconds(30))
    let consumer = try KafkaConsumer(topic: "vitals", KafkaConfiguration(brokers: cluster.brokers))
    return (cluster, try consumer.watermarks(partition: 0))
  }

  private func source(_ cluster: MockCluster, acceptsGaps: Bool = false) -> KafkaSource {
    var options = KafkaSource.Options()
    options.acceptsGaps = acceptsGaps
    return KafkaSource(
      topic: "vitals", configuration: KafkaConfiguration(brokers: cluster.brokers), group: "ward", options: options)
  }

  @Test("records that retention deleted before they were read are a loud error at start")
  func lost() throws {
    let (cluster, available) = try overfilled()
    let error = try #require(throws: KafkaError.self) { try source(cluster).start(from: [0: 3]) }
    #expect(error.reason == .offsetOutOfRange(topic: "vitals", partition: 0, wanted: 3, available: available))
    #expect(!error.isRetriable)
  }

  @Test("an accepted gap is one record flagged missing, then the oldest that is left")
  func acceptedGap() throws {
    let (cluster, available) = try overfilled()
    let reading = try Reading.read(source(cluster, acceptsGaps: true), from: [0: 3])
    #expect(reading.broken == [])
    #expect(reading.records.first?.encoding == .missing)
    #expect(reading.records.map(\.offset) == [3] + Array(available))
    #expect(reading.positions.first == [0: available.lowerBound])
  }

  @Test("a partition that the topic does not have is told at start")
  func missingPartition() throws {
    let cluster = try MockCluster()
    try cluster.createTopic("vitals", partitions: 2)
    let error = try #require(throws: KafkaError.self) { try source(cluster).start(from: [5: 0]) }
    #expect(error.reason == .unknownPartition(topic: "vitals", partition: 5))
  }

  @Test("lag tools see what is durable, also after a close")
  func lag() throws {
    let harness = try KafkaHarness()
    try harness.add((0..<30).map { "record \($0)" })
    let source = try harness.open()
    let reading = try Reading.read(source, from: [:])
    let last = try #require(reading.positions.last)
    source.didCommit(last)
    source.close()
    let consumer = try KafkaConsumer(
      topic: harness.topic,
      KafkaConfiguration(brokers: harness.cluster.brokers, properties: ["group.id": "contract"]))
    #expect(try consumer.committed([0, 1, 2]) == last)
  }

  @Test("a tombstone is an empty record, not a hole")
  func tombstone() throws {
    let harness = try KafkaHarness()
    try harness.add(["one", "", "three"])
    let reading = try Reading.read(harness.open(), from: [:])
    #expect(reading.records.count == 3)
    #expect(Set(reading.texts) == ["one", "", "three"])
  }

  @Test("retry delays double up to the longest, and begin anew after a success")
  func retryDelay() {
    var delay = RetryDelay(first: .seconds(1), longest: .seconds(5))
    #expect((0..<5).map { _ in delay.next() } == [1, 2, 4, 5, 5].map { .seconds($0) })
    delay.reset()
    #expect(delay.next() == .seconds(1))
  }
}
