import DuckDB
import Foundation
import LakewardTesting
import Testing

@testable import Streaming

@Suite("Landing directory as a source")
struct LandingSourceTests {
  let harness: LandingHarness

  init() throws { harness = try LandingHarness() }

  @Test("offset is split and line; blank lines count; carriage returns go; the source is the file's path")
  func coordinates() throws {
    try harness.append(Array("one\r\n\ntwo\n".utf8), to: "ward/7.ndjson")
    let records = try Reading.read(harness.open(), from: [:]).records
    #expect(records.map(\.raw) == ["one", "two"])
    #expect(records.map(\.offset) == [0, 2])
    #expect(records.map(\.source) == ["ward/7.ndjson", "ward/7.ndjson"])
    try harness.append(Array("three\n".utf8), to: "ward/7.ndjson")
    #expect(try Reading.read(harness.open(), from: [0: 1 << 32]).records.map(\.offset) == [1 << 32])
  }

  @Test("hidden, underscored and temporary names are not read; empty files are fine")
  func ignored() throws {
    for name in [".hidden", "_staging/a", "a.tmp", "sub/.x", "_b"] { try harness.append(Array("no\n".utf8), to: name) }
    try harness.append([], to: "empty.ndjson")
    try harness.append(Array("yes\n".utf8), to: "sub/deep/a.json")
    #expect(try Reading.read(harness.open(), from: [:]).texts == ["yes"])
  }

  @Test("an unfinished last line comes when it is finished, or when the file rests")
  func unfinished() throws {
    nonisolated(unsafe) var now = LandingSource.systemClock()
    try harness.append(Array("one\ntw".utf8), to: "a")
    let source = try harness.open { now }
    try source.start(from: [:])
    func next() throws -> [String?]? {
      try source.next(limit: BatchLimit(), deadline: .now + .milliseconds(20)).map { batch in
        (0..<batch.records.count).map { batch.records[$0].raw }
      }
    }
    #expect(try next() == ["one"])
    #expect(try next() == nil)
    #expect(try !source.isExhausted(), "half a line is still waiting")
    try harness.append(Array("o\nthr".utf8), to: "a")
    #expect(try next() == ["two"])
    now += 6_000_000
    #expect(try next() == ["thr"])
    #expect(try source.isExhausted())
  }

  @Test("bytes that vanish after they were registered: one record flagged missing, at the same coordinate each time")
  func vanished() throws {
    try harness.append(Array("one\n".utf8), to: "a")
    try harness.append(Array("two\n".utf8), to: "b")
    // Registered, then the process dies.
    let before = try Reading.read(harness.open(), from: [:]).records
    let lost = try #require(before.first { $0.source == "a" })
    try FileManager.default.removeItem(atPath: harness.landing + "/a")
    for _ in 0..<2 {
      let after = try Reading.read(harness.open(), from: [:]).records
      #expect(after.filter { $0.source == "b" } == before.filter { $0.source == "b" })
      let missing = try #require(after.first { $0.source == "a" })
      #expect(missing.encoding == .missing && missing.raw == nil)
      #expect(missing.offset == lost.offset)
    }
  }

  @Test("a file that shrinks after it was registered is missing, and what it holds now is read as new")
  func shrunk() throws {
    try harness.append(Array("one\ntwo\nthree\n".utf8), to: "a")
    _ = try Reading.read(harness.open(), from: [:])
    try harness.folder.write("new\n", to: "landing/a")
    let records = try Reading.read(harness.open(), from: [:]).records
    #expect(records.map(\.encoding) == [.missing, .utf8])
    #expect(records.map(\.raw) == [nil, "new"])
    #expect(records.map(\.offset) == [0, 1 << 32])
  }

  @Test("two processes over one directory give the same coordinates")
  func twoProcesses() throws {
    let one = try harness.open()
    let two = try harness.open()
    try one.start(from: [:])
    try two.start(from: [:])
    var seen: [[Coordinate: String?]] = [[:], [:]]
    for round in 0..<10 {
      try harness.add((0..<9).map { "round \(round) record \($0)" })
      for (index, source) in (round % 2 == 0 ? [(0, one), (1, two)] : [(1, two), (0, one)]) {
        // One process is often behind, so that both register.
        guard round % 3 != index else { continue }
        while let batch = try source.next(limit: BatchLimit(), deadline: .now) {
          for i in 0..<batch.records.count {
            let record = batch.records[i]
            seen[index][Coordinate(partition: record.partition, offset: record.offset)] = record.raw
          }
        }
      }
    }
    for (index, source) in [(0, one), (1, two)] {
      while let batch = try source.next(limit: BatchLimit(), deadline: .now) {
        for i in 0..<batch.records.count {
          let record = batch.records[i]
          seen[index][Coordinate(partition: record.partition, offset: record.offset)] = record.raw
        }
      }
    }
    #expect(seen[0].count == 90)
    #expect(seen[0] == seen[1])
  }

  @Test("a directory that is a file is one clear line")
  func notADirectory() throws {
    try harness.folder.write("x", to: "landing")
    let error = try #require(throws: LandingError.self) { try harness.open().start(from: [:]) }
    #expect(error.description.contains(harness.landing))
    #expect(!error.description.contains("\n"))
  }

  @Test("many small files come in one batch, a file larger than a split in several splits")
  func sizes() throws {
    for i in 0..<200 { try harness.append(Array("small \(i)\n".utf8), to: "small/\(i)") }
    let line = String(repeating: "y", count: 59)
    try harness.append(Array((0..<50).map { _ in line + "\n" }.joined().utf8), to: "z-large")
    let reading = try Reading.read(harness.open(), from: [:])
    #expect(reading.batches.count == 1)
    #expect(reading.records.count == 250)
    #expect(Set(reading.records.map { $0.offset >> 32 }).count == 250, "one line of 60 bytes fits into 100")
  }

  @Test("a file whose name is not UTF-8 is told, once all others were given")
  func unreadableName() throws {
    try harness.append(Array("fine\n".utf8), to: "a")
    let file = Array((harness.landing + "/").utf8CString.dropLast()) + [CChar(bitPattern: 0xff), 0]
    close(open(file, O_CREAT | O_WRONLY, 0o644))
    let source = try harness.open()
    try source.start(from: [:])
    #expect(try source.next(limit: BatchLimit(), deadline: .now)?.records.count == 1)
    let error = try #require(throws: LandingError.self) { try source.next(limit: BatchLimit(), deadline: .now) }
    #expect(error.description.contains(harness.landing))
    #expect(error.description.contains("UTF-8"))
  }
}
