import DuckDB
import Streaming
import Testing

@Suite("What every source promises", .serialized)
struct SourceContractTests {
  private static let texts = (0..<120).map { #"{"n":\#($0)}"# }

  @Test(
    "every record once, with a coordinate that no batch limit changes", arguments: SourceKind.allCases,
    [
      BatchLimit(), BatchLimit(records: 1, bytes: 1 << 20), BatchLimit(records: 7, bytes: 70),
      BatchLimit(records: 50, bytes: 1),
    ])
  func limits(kind: SourceKind, limit: BatchLimit) throws {
    let harness = try kind.harness()
    try harness.add(Self.texts)
    let whole = try Reading.read(harness.open(), from: [:])
    #expect(whole.broken == [])
    #expect(whole.texts.sorted() == Self.texts.sorted())
    #expect(whole.byCoordinate.count == Self.texts.count)
    let cut = try Reading.read(harness.open(), from: [:], limit: limit)
    #expect(cut.broken == [])
    #expect(cut.byCoordinate == whole.byCoordinate)
  }

  @Test("a restart from any position gives the rest with the same coordinates", arguments: SourceKind.allCases)
  func restart(kind: SourceKind) throws {
    let harness = try kind.harness()
    try harness.add(Self.texts)
    let whole = try Reading.read(harness.open(), from: [:], limit: BatchLimit(records: 10, bytes: 200))
    let all = whole.byCoordinate
    for position in whole.positions {
      let rest = try Reading.read(harness.open(), from: position)
      #expect(rest.broken == [])
      #expect(rest.byCoordinate == all.filter { $0.key.offset >= position[$0.key.partition] ?? 0 })
    }
  }

  @Test("any record's offset is a position, not only the ends of batches", arguments: SourceKind.allCases)
  func anyOffset(kind: SourceKind) throws {
    let harness = try kind.harness()
    try harness.add(Array(Self.texts.prefix(40)))
    let all = try Reading.read(harness.open(), from: [:]).byCoordinate
    for (index, coordinate) in all.keys.sorted().enumerated() where index % 5 == 0 {
      let rest = try Reading.read(harness.open(), from: [coordinate.partition: coordinate.offset])
      #expect(
        rest.byCoordinate
          == all.filter { $0.key.partition != coordinate.partition || $0.key.offset >= coordinate.offset })
    }
  }

  @Test("start again on the same source goes back", arguments: SourceKind.allCases)
  func startAgain(kind: SourceKind) throws {
    let harness = try kind.harness()
    try harness.add(Self.texts)
    let source = try harness.open()
    let first = try Reading.read(source, from: [:], count: 60)
    let again = try Reading.read(source, from: [:])
    #expect(again.broken == [])
    #expect(again.byCoordinate.count == Self.texts.count)
    #expect(first.byCoordinate.allSatisfy { again.byCoordinate[$0.key] == $0.value })
  }

  @Test("nothing there: nil at the deadline, and exhausted", arguments: SourceKind.allCases)
  func nothing(kind: SourceKind) throws {
    let harness = try kind.harness()
    let source = try harness.open()
    #expect(try Reading.read(source, from: [:]).records == [])
    #expect(try source.next(limit: BatchLimit(), deadline: .now) == nil)
    try harness.add(["late"])
    #expect(try !source.isExhausted())
    let batch = try source.next(limit: BatchLimit(), deadline: .now + .seconds(20))
    #expect(batch?.records.count == 1)
    source.close()
  }

  @Test("records that come while it reads, commits and restarts: each exactly once", arguments: SourceKind.allCases)
  func growing(kind: SourceKind) throws {
    let harness = try kind.harness()
    var source = try harness.open()
    var committed: [Int32: Int64] = [:]
    var seen: [Coordinate: String?] = [:]
    for round in 0..<8 {
      try harness.add((0..<15).map { "round \(round) record \($0)" })
      let reading = try Reading.read(source, from: committed, limit: BatchLimit(records: 4, bytes: 100))
      #expect(reading.broken == [])
      // Only the first half of what was read becomes durable; the rest has to come again.
      let half = round == 7 ? reading.batches.count : reading.batches.count / 2
      for (batch, position) in zip(reading.batches, reading.positions).prefix(half) {
        for record in batch {
          let coordinate = Coordinate(partition: record.partition, offset: record.offset)
          #expect(seen.updateValue(record.raw, forKey: coordinate) == nil)
        }
        committed = position
        source.didCommit(position)
      }
      source.close()
      source = try harness.open()
    }
    #expect(seen.count == 8 * 15)
    #expect(Set(seen.values.compactMap { $0 }).count == 8 * 15)
  }

  @Test("long records are flagged and kept whole, bytes that are no text too", arguments: SourceKind.allCases)
  func encodings(kind: SourceKind) throws {
    let harness = try kind.harness()
    let long = String(repeating: "x", count: 5000)
    try harness.add([Array("fine".utf8), Array(long.utf8), [0xff, 0xfe, 0x80]])
    let records = try Reading.read(harness.open(maxRecordBytes: 1000), from: [:]).records
    let byEncoding = Dictionary(records.map { ($0.encoding, $0.raw) }, uniquingKeysWith: { one, _ in one })
    #expect(byEncoding == [.utf8: "fine", .oversize: long, .base64: "//6A"])
  }
}
