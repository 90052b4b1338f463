/// A seeded source of a pipeline's records that knows what it wrote.
public protocol RecordSimulator: Sendable {
  /// A record as a producer needs it.
  associatedtype Record: KeyedRecord
  /// What is known about the records.
  associatedtype Truth: SimulationTruth

  /// What was written so far.
  var truth: Truth { get }

  /// Hands over `count` records one by one.
  ///
  /// - Parameters:
  ///   - microseconds: Event time of the first record in microseconds since 1970-01-01 UTC. Event times never go back
  ///     (apart from injected faults): a start before the last record continues after it.
  ///   - step: Microseconds between one record and the next, at least 2.
  mutating func forEachRecord(
    count: Int, startingAt microseconds: Int64, step: Int64, _ body: (Record) throws -> Void) rethrows
}

extension RecordSimulator {
  /// Appends `count` records, each followed by a line feed. Parameters as for `forEachRecord`.
  public mutating func append(
    count: Int, startingAt microseconds: Int64, step: Int64 = 1_000, to buffer: inout [UInt8]
  ) {
    buffer.reserveCapacity(buffer.count + count * 512)
    forEachRecord(count: count, startingAt: microseconds, step: step) { record in
      buffer.append(contentsOf: record.bytes)
      buffer.append(UInt8(ascii: "\n"))
    }
  }
}

/// A record with the key of its message; the buffers are valid only inside the call that hands it over.
public protocol KeyedRecord {
  /// The record without a line end.
  var bytes: UnsafeBufferPointer<UInt8> { get }
  /// The message key: the patient's identifier.
  var key: UnsafeBufferPointer<UInt8> { get }
}

/// What a simulator knows about what it has written: what a pipeline's tables must agree with.
public protocol SimulationTruth: Sendable {
  /// Records written, faulty ones included.
  var records: Int { get }
  /// Records that belong into quarantine.
  var quarantined: Int { get }
  /// Records that belong into the silver table.
  var accepted: Int { get }
  /// The counts as one JSON object without a line end.
  var json: String { get }
  /// Writes what counts cannot say as files into a folder, which is created if it is not there. Their names begin
  /// with an underscore, so that a landing directory may be the folder.
  func write(to folder: String) throws(SimulationError)
}

extension SimulationTruth {
  /// Writes nothing: the counts say it all.
  public func write(to folder: String) throws(SimulationError) {}
}

extension IllnessRecordSimulator: RecordSimulator {}
extension IllnessRecordSimulator.Record: KeyedRecord {}
extension IllnessTruth: SimulationTruth {}
extension VitalsSimulator: RecordSimulator {}
extension VitalsSimulator.Record: KeyedRecord {}
extension VitalsTruth: SimulationTruth {}
