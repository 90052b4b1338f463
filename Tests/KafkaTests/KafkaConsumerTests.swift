import Kafka
import LakewardTesting
import Testing

@Suite("Kafka consumer against librdkafka's mock cluster over TCP")
struct KafkaConsumerTests {
  let cluster: MockCluster
  let topic = "vitals"

  init() throws {
    cluster = try MockCluster()
    try cluster.createTopic(topic, partitions: 3)
  }

  @Test("every record comes once, in order of offset, with its coordinate")
  func readsAll() throws {
    let sent = try cluster.produce(count: 300, to: topic, partitions: 3)
    let read = try cluster.consumer(topic).collect([0: .beginning, 1: .beginning, 2: .beginning], count: 300)
    #expect(read.map(\.coordinate).sorted() == sent.keys.sorted())
    #expect(Dictionary(uniqueKeysWithValues: read.map { ($0.coordinate, $0.text) }) == sent)
    for partition in Int32(0)..<3 {
      let offsets = read.filter { $0.coordinate.partition == partition }.map(\.coordinate.offset)
      #expect(offsets == offsets.sorted())
    }
  }

  @Test("an explicit offset is where reading begins", arguments: [0, 1, 57, 99] as [Int64])
  func explicitOffset(start: Int64) throws {
    let sent = try cluster.produce(count: 100, to: topic, partitions: 1)
    let read = try cluster.consumer(topic).collect([0: .offset(start)], count: 100 - Int(start))
    #expect(read.map(\.coordinate.offset) == Array(start..<100))
    #expect(read.allSatisfy { sent[$0.coordinate] == $0.text })
  }

  @Test("limits cut batches, and the span says where the next begins", arguments: [1, 7, 64])
  func limits(records: Int) throws {
    try cluster.produce(count: 150, to: topic, partitions: 1)
    let consumer = try cluster.consumer(topic)
    try consumer.assign([0: .beginning])
    var next: Int64 = 0
    while next < 150 {
      let span = try consumer.next(records: records)
      #expect(span.records > 0 && span.records <= records)
      guard span.records > 0 else { return }
      #expect(span.first == [0: next])
      next += Int64(span.records)
      #expect(span.next == [0: next])
    }
  }

  @Test("a byte limit cuts too, and a record larger than it comes alone")
  func byteLimit() throws {
    let producer = try cluster.producer()
    for size in [10, 10, 5000, 10, 10] {
      try producer.send([UInt8](repeating: 65, count: size), to: topic, partition: 0)
    }
    try producer.flush(timeout: .seconds(10))
    let consumer = try cluster.consumer(topic)
    try consumer.assign([0: .beginning])
    var sizes: [Int] = []
    for _ in 0..<5 where sizes.reduce(0, +) < 5040 {
      sizes.append(try consumer.next(records: 100, bytes: 20).bytes)
    }
    #expect(sizes.filter { $0 > 20 } == [5000])
    #expect(sizes.reduce(0, +) == 5040)
  }

  @Test("going back to an earlier position gives the same records again")
  func reassign() throws {
    try cluster.produce(count: 50, to: topic, partitions: 1)
    let consumer = try cluster.consumer(topic)
    let first = try consumer.collect([0: .beginning], count: 50)
    let second = try consumer.collect([0: .offset(20)], count: 30)
    #expect(second == Array(first[20...]))
  }

  @Test("nothing new: an empty span at the deadline, and the end is known")
  func atEnd() throws {
    try cluster.produce(count: 5, to: topic, partitions: 1)
    let consumer = try cluster.consumer(topic)
    _ = try consumer.collect([0: .beginning], count: 5)
    #expect(try consumer.reachesEnd())
    let span = try consumer.consume(maxRecords: 10, maxBytes: 1000, deadline: .now + .milliseconds(30)) { _ in }
    #expect(span == KafkaSpan())
    #expect(try consumer.watermarks(partition: 0) == 0..<5)
    try cluster.produce(count: 1, to: topic, partitions: 1)
    #expect(try !consumer.isAtEnd())
  }

  @Test("the same key goes to the same partition")
  func keys() throws {
    let producer = try cluster.producer()
    for i in 0..<60 { try producer.send(Array("r\(i)".utf8), key: Array("patient-\(i % 6)".utf8), to: topic) }
    try producer.flush(timeout: .seconds(10))
    let read = try cluster.consumer(topic).collect([0: .beginning, 1: .beginning, 2: .beginning], count: 60)
    let partitionsByKey = Dictionary(grouping: read, by: \.key).mapValues { Set($0.map(\.coordinate.partition)) }
    #expect(partitionsByKey.count == 6)
    #expect(partitionsByKey.values.allSatisfy { $0.count == 1 })
  }

  @Test("committed offsets can be seen by lag tools")
  func committing() throws {
    try cluster.produce(count: 10, to: topic, partitions: 2)
    let consumer = try cluster.consumer(topic)
    try consumer.assign([0: .beginning, 1: .beginning])
    #expect(consumer.commit([0: 3, 1: 4], timeout: .seconds(10)))
    #expect(try cluster.consumer(topic).committed([0, 1, 2]) == [0: 3, 1: 4])
  }

  @Test("a producer sends the lines of a buffer, blank ones aside")
  func lines() throws {
    let producer = try cluster.producer()
    let sent = try Array("one\n\ntwo\nthree".utf8).withUnsafeBytes {
      try producer.sendLines($0, to: topic, partition: 0)
    }
    #expect(sent == 3)
    let deliveries = try producer.flush(timeout: .seconds(10))
    #expect(deliveries.delivered == 3 && deliveries.failed == 0)
    let read = try cluster.consumer(topic).collect([0: .beginning], count: 3)
    #expect(read.map(\.text) == ["one", "two", "three"])
  }
}
