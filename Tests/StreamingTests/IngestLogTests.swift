import DuckDB
import Foundation
import Kafka
import LakewardTesting
import Testing

@testable import Streaming

/// Records that clients push: durable when answered, whole or not there, bounded.
@Suite struct IngestLogTests {
  private final class Place {
    let folder: TemporaryDirectory
    var landing: String { folder.file("landing") }
    var log: IngestFolder { IngestFolder(landing: landing) }

    init() throws { folder = try TemporaryDirectory("ingest") }

    func open(_ change: (inout IngestLog.Options) -> Void = { _ in }) throws -> IngestLog {
      var options = IngestLog.Options()
      change(&options)
      return try IngestLog(landing: landing, channel: "test", options: options)
    }

    func source(clock: @escaping () -> Int64 = LandingSource.systemClock) throws -> LandingSource {
      try LandingSource(
        directory: landing, splits: folder.file("splits"),
        options: LandingSource.Options(pollInterval: .milliseconds(5)), clock: clock)
    }
  }

  @Test("callers on many threads: every record is there once and whole")
  func concurrentCallers() throws {
    let place = try Place()
    let log = try place.open { $0.fileBytes = 2_000 }
    DispatchQueue.concurrentPerform(iterations: 8) { caller in
      for number in 0..<25 {
        let lines = "{\"caller\":\(caller),\"number\":\(number)}\n{\"second\":\(caller * 100 + number)}\n"
        let receipt = try? log.append(lines: Array(lines.utf8))
        #expect(receipt == IngestReceipt(records: 2, bytes: lines.utf8.count))
      }
    }
    log.close()
    #expect(place.log.files().count > 1, "files are closed by size")
    let reading = try Reading.read(place.source(), from: [:])
    var expected: [String] = []
    for caller in 0..<8 {
      for number in 0..<25 {
        expected += ["{\"caller\":\(caller),\"number\":\(number)}", "{\"second\":\(caller * 100 + number)}"]
      }
    }
    #expect(reading.texts.sorted() == expected.sorted())
    #expect(reading.records.allSatisfy { $0.source.hasPrefix("ingest-log/test-") })
  }

  @Test("what becomes of blank lines, missing line ends and payloads of several lines")
  func records() {
    func texts(_ records: IngestRecords) -> [String] {
      #expect(records.bytes.isEmpty || records.bytes.last == UInt8(ascii: "\n"))
      let lines = String(decoding: records.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
      #expect(lines.count == records.count)
      return lines
    }
    #expect(texts(IngestRecords(lines: Array("{}\n{}".utf8))) == ["{}", "{}"])
    #expect(texts(IngestRecords(lines: Array("\n{}\n \r\n\n [1]\n".utf8))) == ["{}", " [1]"])
    #expect(texts(IngestRecords(lines: [])) == [])
    #expect(texts(IngestRecords(lines: Array("\n\n".utf8))) == [])
    let payloads = ["{\n\"a\": 1\n}\n", "", "{}", " \n"].map { Array($0.utf8) }
    #expect(texts(IngestRecords(payloads: payloads)) == ["{ \"a\": 1 } ", "null", "{}", "null"])
  }

  @Test("a crash in the middle of an append leaves a torn line that is never a record")
  func tornLine() throws {
    let place = try Place()
    let first = try place.open()
    _ = try first.append(lines: Array("{\"a\":1}\n".utf8))
    first.close()
    let name = try #require(place.log.files().first?.name)
    // As a crash leaves it: a whole line that nobody was told about, then half a line.
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(place.log.path)/\(name)"))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("{\"a\":2}\n{\"a\":".utf8))
    try handle.close()
    let later = { LandingSource.systemClock() + 3_600_000_000 }
    let before = try Reading.read(place.source(clock: later), from: [:])
    #expect(before.texts == ["{\"a\":1}", "{\"a\":2}"] && before.broken.isEmpty)

    let second = try place.open()
    #expect(second.tornFiles == [name])
    _ = try second.append(lines: Array("{\"a\":3}\n".utf8))
    second.close()
    let after = try Reading.read(place.source(), from: before.positions.last ?? [:])
    #expect(after.texts == ["{\"a\":3}"] && after.broken.isEmpty)
    #expect(try place.open().tornFiles.isEmpty)
  }

  @Test("a full backlog refuses with a time to wait, until the tables have it")
  func backlog() throws {
    let place = try Place()
    let log = try place.open { $0.backlogBytes = 1_000 }
    let record = Array(("{\"text\":\"" + String(repeating: "x", count: 180) + "\"}\n").utf8)
    for _ in 0..<5 { _ = try log.append(lines: record) }
    let error = #expect(throws: IngestError.self) { try log.append(lines: record) }
    guard case .backlog(let bytes, 1_000, let seconds) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(bytes == Int64(record.count * 5) && (1...60).contains(seconds))
    let source = try place.source()
    try source.start(from: [:])
    let batch = try #require(try source.next(limit: BatchLimit(), deadline: .now + .seconds(5)))
    #expect(batch.records.count == 5)
    #expect(log.backlogBytes() == Int64(record.count * 5), "what was read is not in the tables yet")
    source.didCommit(batch.next)
    source.close()
    #expect(log.backlogBytes() == 0)
    // The writer looks at most ten times a second.
    let limit = ContinuousClock.now + .seconds(5)
    var accepted = false
    while !accepted, .now < limit { accepted = (try? log.append(lines: record)) != nil }
    #expect(accepted)
  }

  @Test("a file is deleted when all of it is committed and its writer is done with it")
  func deletion() throws {
    let place = try Place()
    let log = try place.open()
    _ = try log.append(lines: Array("{}\n".utf8))
    func readAll(from positions: [Int32: Int64]) throws -> [Int32: Int64] {
      let source = try place.source()
      try source.start(from: positions)
      var positions = positions
      while let batch = try source.next(limit: BatchLimit(), deadline: .now) {
        positions = batch.next
        source.didCommit(batch.next)
      }
      source.close()
      return positions
    }
    let first = try readAll(from: [:])
    #expect(place.log.files().count == 1, "the writer has it in hand")
    _ = try log.append(lines: Array("{}\n".utf8))
    log.close()
    // Read, but not committed: it stays.
    let source = try place.source()
    try source.start(from: first)
    #expect(try source.next(limit: BatchLimit(), deadline: .now + .seconds(5))?.records.count == 1)
    source.close()
    #expect(place.log.files().count == 1)
    _ = try readAll(from: first)
    #expect(place.log.files().isEmpty)
    #expect(throws: IngestError.closed) { try log.append(lines: Array("{}\n".utf8)) }
  }

  @Test("the key of a record is found without parsing the rest")
  func recordKey() {
    func key(_ record: String) -> String? {
      Array(record.utf8).withUnsafeBytes { bytes in
        RecordKey(field: "id").value(in: bytes).map { String(decoding: $0, as: UTF8.self) }
      }
    }
    #expect(key(#"{"id":"p1","x":2}"#) == "p1")
    #expect(key(#" { "x" : [1,{"id":"no"},"]"] , "id" : 17 } "#) == "17 ")
    #expect(key(#"{"x":"\"id\":3","id":"a\"b"}"#) == #"a\"b"#)
    #expect(key(#"{"x":1}"#) == nil)
    for broken in ["", "[1]", "{", "{\"id\"", "{\"id\":", "{\"id\":\"a", "null"] { #expect(key(broken) == nil) }
  }

  @Test("into a topic: acknowledged records are there, equal keys in one partition")
  func topic() throws {
    let cluster = try MockCluster()
    try cluster.createTopic("pushed", partitions: 4)
    let ingest = try TopicIngest(
      topic: "pushed", configuration: KafkaConfiguration(brokers: cluster.brokers), keyField: "id")
    DispatchQueue.concurrentPerform(iterations: 4) { caller in
      for number in 0..<10 {
        let lines = "{\"id\":\"p\(number)\",\"caller\":\(caller)}\n"
        #expect((try? ingest.append(lines: Array(lines.utf8)))?.records == 1)
      }
    }
    let source = KafkaSource(
      topic: "pushed", configuration: KafkaConfiguration(brokers: cluster.brokers), group: "test")
    let reading = try Reading.read(source, from: [:])
    #expect(reading.records.count == 40)
    var partitions: [String: Set<Int32>] = [:]
    for record in reading.records {
      let id = (record.raw ?? "").split(separator: "\"")[3]
      partitions[String(id), default: []].insert(record.partition)
    }
    #expect(partitions.values.allSatisfy { $0.count == 1 })
    try cluster.setBrokersDown(true)
    let lost = try TopicIngest(
      topic: "pushed", configuration: KafkaConfiguration(brokers: cluster.brokers, connectTimeout: .seconds(1)),
      keyField: nil, timeout: .seconds(1))
    let error = #expect(throws: IngestError.self) { try lost.append(lines: Array("{}\n".utf8)) }
    #expect(error?.retryAfterSeconds != nil)
  }
}
