import DuckDB
import Foundation
import Kafka
import Testing

@testable import Streaming

/// Several processes share a topic's partitions; here their sources take turns on one thread.
@Suite("Kafka as a source shared by a group", .serialized)
struct KafkaGroupSourceTests {
  /// What the tables hold: each record's coordinate, and the next offset of each partition.
  private final class Tables {
    var positions: [Int32: Int64] = [:]
    var rows: [Coordinate: String] = [:]
    var twice = 0
    var stale = 0

    /// As the tables' `txn` rule: a batch that overlaps what is there is dropped.
    func commit(_ batch: SourceBatch) -> Bool {
      guard batch.next.allSatisfy({ $0.value > positions[$0.key] ?? 0 }) else {
        stale += 1
        return false
      }
      for index in 0..<batch.records.count {
        let record = batch.records[index]
        let coordinate = Coordinate(partition: record.partition, offset: record.offset)
        if rows.updateValue(record.raw ?? "", forKey: coordinate) != nil { twice += 1 }
      }
      positions.merge(batch.next) { _, new in new }
      return true
    }
  }

  /// A process: its source, driven as the runner drives it.
  private final class Member {
    let source: KafkaGroupSource
    let tables: Tables
    var batches = 0
    var owned: Set<Int32> { source.ownedPartitions ?? [] }

    init(_ cluster: MockCluster, _ tables: Tables) throws {
      let properties = ["session.timeout.ms": "3000", "heartbeat.interval.ms": "200"]
      source = KafkaGroupSource(
        topic: "vitals", configuration: KafkaConfiguration(brokers: cluster.brokers, properties: properties),
        group: "ward")
      self.tables = tables
      try source.start(from: tables.positions)
    }

    func step(limit: Int = 10) throws {
      do {
        guard let batch = try source.next(limit: BatchLimit(records: limit), deadline: .now + .milliseconds(20)) else {
          return
        }
        batches += 1
        // The group's lag in seconds: records without a gap come with the time at which the broker took them.
        let now = LandingSource.systemClock()
        #expect(batch.oldestArrival.map { now - $0 < 600_000_000 && now - $0 > -60_000_000 } ?? false)
        if tables.commit(batch) { source.didCommit(batch.next) } else { try source.start(from: tables.positions) }
      } catch is PartitionsMoved {
        try source.start(from: tables.positions)
      }
    }
  }

  private func drive(_ members: [Member], seconds: Double = 20, limit: Int = 10, until isDone: () -> Bool) throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while !isDone(), .now < end {
      for member in members { try member.step(limit: limit) }
    }
    #expect(isDone())
  }

  @Test("one, then three, then two members: every record once, partitions move without a gap")
  func rebalance() throws {
    let cluster = try MockCluster()
    try cluster.createTopic("vitals", partitions: 12)
    let producer = try KafkaProducer(KafkaConfiguration(brokers: cluster.brokers))
    var sent = 0
    func produce(_ count: Int) throws {
      for _ in 0..<count {
        try producer.send(Array("record \(sent)".utf8), to: "vitals", partition: Int32(sent % 12))
        sent += 1
      }
      try producer.flush(timeout: .seconds(20))
    }
    try produce(1_200)
    let tables = Tables()
    let first = try Member(cluster, tables)
    try drive([first]) { first.owned.count == 12 && first.batches > 5 }
    let second = try Member(cluster, tables)
    let third = try Member(cluster, tables)
    try drive([first, second, third]) { [first, second, third].allSatisfy { $0.owned.count == 4 } }
    #expect(first.owned.union(second.owned).union(third.owned).count == 12)
    try produce(600)
    try drive([first, second, third]) { second.batches > 3 && third.batches > 3 }
    second.source.close()
    try drive([first, third]) { first.owned.count == 6 && third.owned.count == 6 }
    try produce(600)
    try drive([first, third], limit: 1_000) { tables.rows.count == sent }
    #expect(tables.twice == 0 && tables.stale == 0)
    #expect(Set(tables.rows.values) == Set((0..<sent).map { "record \($0)" }))
    #expect(try first.source.isExhausted() || first.source.waitingRecords() == 0)
    first.source.close()
    third.source.close()
    let consumer = try KafkaConsumer(
      topic: "vitals", KafkaConfiguration(brokers: cluster.brokers, properties: ["group.id": "ward"]))
    // For lag tools: a commit that meets a rebalance is refused, so some may be old, but none is ahead of the tables.
    let told = try consumer.committed(Array(0..<12))
    #expect(!told.isEmpty && told.allSatisfy { $0.value <= tables.positions[$0.key] ?? 0 })
  }

  @Test("a member goes back to the tables' positions when its commit was stale")
  func rewind() throws {
    let cluster = try MockCluster()
    try cluster.createTopic("vitals", partitions: 2)
    let producer = try KafkaProducer(KafkaConfiguration(brokers: cluster.brokers))
    for number in 0..<200 {
      try producer.send(Array("record \(number)".utf8), to: "vitals", partition: Int32(number % 2))
    }
    try producer.flush(timeout: .seconds(20))
    let tables = Tables()
    let member = try Member(cluster, tables)
    try drive([member]) { tables.rows.count >= 50 }
    // As if the batches were not committed: everything from there on is given again, with the same coordinates.
    let (rows, positions) = (tables.rows, tables.positions)
    try drive([member]) { tables.rows.count >= 120 }
    tables.rows = rows
    tables.positions = positions
    try member.source.start(from: positions)
    try drive([member]) { tables.rows.count == 200 }
    #expect(tables.twice == 0 && tables.stale == 0)
    member.source.close()
  }

  @Test("a topic that is not there and a broker that does not answer are told at start")
  func unknown() throws {
    let cluster = try MockCluster()
    try cluster.setBrokersDown(true)
    let source = KafkaGroupSource(
      topic: "vitals", configuration: KafkaConfiguration(brokers: cluster.brokers, connectTimeout: .seconds(1)),
      group: "ward")
    let error = #expect(throws: KafkaError.self) { try source.start(from: [:]) }
    #expect(error?.isRetriable == true)
    #expect(source.ownedPartitions == [])
    source.close()
  }
}
