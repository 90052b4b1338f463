/// What a cohort simulator knows about the records that it has written: how many belong where, and what came of each.
public struct OutcomeTruth: Sendable, Hashable {
  /// What came of one good record.
  struct Outcome: Sendable, Hashable {
    var patient: Int32
    var outcome: UInt8
    var time: Int64
    /// When the adverse event came, in microseconds; `.min` for none.
    var event: Int64
  }

  /// Records written, faulty ones included.
  public internal(set) var records = 0
  /// Bytes written, line ends included.
  public internal(set) var bytes = 0
  /// Good records, late ones and those with unknown fields included, by outcome.
  public internal(set) var byOutcome: [Int]
  /// Names of the outcomes.
  public let names: [String]
  var outcomes: [Outcome] = []
  var keys: [UInt8] = []
  private var faults = FaultCounts<RecordFault>()

  /// The truth about nothing written yet.
  init(names: [String]) {
    self.names = names
    byOutcome = Array(repeating: 0, count: names.count)
  }

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
  public var accepted: Int { records - quarantined - self[.duplicate] }

  /// The counts as one JSON object without a line end.
  public var json: String {
    let counts = zip(names, byOutcome).map { "\"\($0)\":\($1)" }.joined(separator: ",")
    return "{\"records\":\(records),\"bytes\":\(bytes),\"accepted\":\(accepted),\"quarantined\":\(quarantined),"
      + "\"outcomes\":{\(counts)},\"faults\":\(faults.json)}"
  }

  /// Writes `_outcomes.csv` into a folder, which is created if it is not there: for every good record the patient, the
  /// record's time, what came of it, and when the adverse event came, if one did.
  public func write(to folder: String) throws(SimulationError) {
    try createFolder(folder)
    let table = try OutputFile(path: folder + "/_outcomes.csv")
    try table.row { $0.write("patient_id,time,outcome,event_at\n") }
    for outcome in outcomes {
      try table.row { row in
        keys.withUnsafeBufferPointer { keys in
          let start = Int(outcome.patient) * CohortKey.bytes
          row.write(UnsafeBufferPointer(rebasing: keys[start..<start + CohortKey.bytes]))
        }
        row.write(byte: UInt8(ascii: ","))
        row.write(timestampMicroseconds: outcome.time)
        row.write(byte: UInt8(ascii: ","))
        row.write(text: names[Int(outcome.outcome)])
        row.write(byte: UInt8(ascii: ","))
        if outcome.event != .min { row.write(timestampMicroseconds: outcome.event) }
        row.write(byte: UInt8(ascii: "\n"))
      }
    }
    try table.close()
  }
}

/// Identifiers are UUIDs of 36 characters.
enum CohortKey { static let bytes = 36 }

extension OutcomeTruth: SimulationTruth {}
