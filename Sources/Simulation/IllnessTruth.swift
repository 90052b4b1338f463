/// What an illness record simulator knows about the records it has written: the counts that a pipeline's tables must
/// agree with.
public struct IllnessTruth: Sendable, Hashable {
  /// Records written, faulty ones included.
  public internal(set) var records = 0
  /// Records about a patient with an active disease, duplicates and faulty ones included.
  public internal(set) var ill = 0
  /// Bytes written, line ends included.
  public internal(set) var bytes = 0
  private var faults = FaultCounts<RecordFault>()

  /// The truth about nothing written yet.
  public init() {}

  /// Records with this fault.
  public internal(set) subscript(fault: RecordFault) -> Int {
    get { faults[fault] }
    set { faults[fault] = newValue }
  }

  /// Records that belong into quarantine.
  public var quarantined: Int {
    RecordFault.allCases.reduce(0) { $0 + ($1.isQuarantined ? self[$1] : 0) }
  }

  /// Records that belong into the silver table: everything but quarantine and duplicates.
  public var accepted: Int {
    records - quarantined - self[.duplicate]
  }

  /// The counts as one JSON object without a line end.
  public var json: String {
    "{\"records\":\(records),\"bytes\":\(bytes),\"ill\":\(ill),\"accepted\":\(accepted),"
      + "\"quarantined\":\(quarantined),\"faults\":\(faults.json)}"
  }
}
