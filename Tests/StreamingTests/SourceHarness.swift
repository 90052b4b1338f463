import DuckDB
import Foundation
import Kafka
import LakewardTesting
import Streaming
import Testing

/// Where a record is.
struct Coordinate: Hashable, Comparable, Sendable {
  var partition: Int32
  var offset: Int64

  static func < (a: Coordinate, b: Coordinate) -> Bool { (a.partition, a.offset) < (b.partition, b.offset) }
}

/// What the contract suite needs of a kind of source.
protocol SourceHarness: AnyObject {
  /// Adds records where the source finds them; a record holds no line break.
  func add(_ records: [[UInt8]]) throws
  /// A new source, as a process that starts anew makes it.
  func open(maxRecordBytes: Int) throws -> any RecordSource
}

extension SourceHarness {
  func open() throws -> any RecordSource { try open(maxRecordBytes: 1 << 20) }
  func add(_ records: [String]) throws { try add(records.map { Array($0.utf8) }) }
}

/// The sources that the contract suite is run against.
enum SourceKind: String, CaseIterable, CustomTestStringConvertible {
  case kafka, landing

  var testDescription: String { rawValue }

  func harness() throws -> any SourceHarness {
    switch self {
    case .kafka: try KafkaHarness()
    case .landing: try LandingHarness()
    }
  }
}

/// A topic of three partitions on librdkafka's mock brokers.
final class KafkaHarness: SourceHarness {
  let cluster: MockCluster
  let topic = "vitals"
  private let producer: KafkaProducer
  private var sent = 0

  init() throws {
    cluster = try MockCluster()
    try cluster.createTopic(topic, partitions: 3)
    producer = try KafkaProducer(KafkaConfiguration(brokers: cluster.brokers))
  }

  func add(_ records: [[UInt8]]) throws {
    for record in records {
      try producer.send(record, to: topic, partition: Int32(sent % 3))
      sent += 1
    }
    try producer.flush(timeout: .seconds(20))
  }

  func open(maxRecordBytes: Int) throws -> any RecordSource {
    var options = KafkaSource.Options()
    options.maxRecordBytes = maxRecordBytes
    return KafkaSource(
      topic: topic, configuration: KafkaConfiguration(brokers: cluster.brokers), group: "contract", options: options)
  }
}

/// A landing directory whose files grow, with splits of 100 bytes.
final class LandingHarness: SourceHarness {
  let folder: TemporaryDirectory
  private var added = 0

  init() throws { folder = try TemporaryDirectory("landing") }

  var landing: String { folder.file("landing") }

  func add(_ records: [[UInt8]]) throws {
    for record in records {
      try append(record + [UInt8(ascii: "\n")], to: ["a.ndjson", "sub/b.ndjson", "c"][added % 3])
      added += 1
    }
  }

  /// Adds bytes to the end of a file, which is made if it is not there.
  func append(_ bytes: [UInt8], to name: String) throws {
    let path = landing + "/" + name
    if !FileManager.default.fileExists(atPath: path) {
      try folder.write(bytes, to: "landing/" + name)
      return
    }
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(bytes))
    try handle.close()
  }

  func open(maxRecordBytes: Int) throws -> any RecordSource {
    try open(maxRecordBytes: maxRecordBytes, clock: LandingSource.systemClock)
  }

  func open(maxRecordBytes: Int = 1 << 20, clock: @escaping () -> Int64) throws -> LandingSource {
    var rules = SplitPlanner.Rules()
    rules.splitBytes = 100
    let options = LandingSource.Options(
      maxRecordBytes: maxRecordBytes, rules: rules, pollInterval: .milliseconds(5))
    return try LandingSource(directory: landing, splits: folder.file("splits"), options: options, clock: clock)
  }
}

/// Everything that was read from a source, in order, checked against what a source promises.
struct Reading {
  var records: [RecordBatch.Record] = []
  var batches: [[RecordBatch.Record]] = []
  /// Positions after each batch.
  var positions: [[Int32: Int64]] = []
  /// Promises that were broken.
  var broken: [String] = []

  var byCoordinate: [Coordinate: RecordBatch.Record] {
    Dictionary(
      records.map { (Coordinate(partition: $0.partition, offset: $0.offset), $0) }, uniquingKeysWith: { one, _ in one })
  }

  var texts: [String] { records.compactMap(\.raw) }

  /// Takes batches until `count` records have come or the source says that it is exhausted.
  static func read(
    _ source: any RecordSource, from start: [Int32: Int64], limit: BatchLimit = BatchLimit(), count: Int = .max
  ) throws -> Reading {
    try source.start(from: start)
    var reading = Reading()
    var position = start
    let deadline = ContinuousClock.now + .seconds(30)
    while reading.records.count < count {
      guard .now < deadline else {
        reading.broken.append("the source is never exhausted")
        break
      }
      guard let batch = try source.next(limit: limit, deadline: .now + .milliseconds(20)) else {
        if try source.isExhausted() { break }
        continue
      }
      reading.take(batch, after: &position)
    }
    return reading
  }

  private mutating func take(_ batch: SourceBatch, after position: inout [Int32: Int64]) {
    let taken = (0..<batch.records.count).map { batch.records[$0] }
    if taken.isEmpty { broken.append("an empty batch") }
    if Set(batch.first.keys) != Set(batch.next.keys) || Set(batch.next.keys) != Set(taken.map(\.partition)) {
      broken.append("first, next and the records name different partitions")
    }
    for (partition, first) in batch.first {
      if let known = position[partition], known != first { broken.append("\(partition): from \(first), not \(known)") }
      var last = first - 1
      for record in taken where record.partition == partition {
        if record.offset <= last { broken.append("\(partition): \(record.offset) after \(last)") }
        last = record.offset
      }
      if last >= batch.next[partition] ?? 0 { broken.append("\(partition): next is not after \(last)") }
    }
    position.merge(batch.next) { _, new in new }
    records += taken
    batches.append(taken)
    positions.append(position)
  }
}
