import Clinical

/// Somebody comes to, moves within or leaves the simulated wards.
public struct WardMovement: Sendable, Hashable {
  /// What happens.
  public enum Kind: String, Sendable, Hashable {
    /// A patient comes to a bed of a ward.
    case admission
    /// A patient moves to another ward.
    case transfer
    /// A patient leaves.
    case discharge
  }

  /// The patient's identifier.
  public let patient: String
  /// What happens.
  public let kind: Kind
  /// The ward; after a transfer the new one.
  public let ward: String
  /// Event time in microseconds since 1970-01-01 UTC.
  public let time: Int64
}

/// What a vitals simulator knows about what it has written.
public struct VitalsTruth: Sendable, Hashable {
  /// Readings written, faulty ones included.
  public internal(set) var records = 0
  /// Bytes written, line ends included.
  public internal(set) var bytes = 0
  /// Readings during a deterioration.
  public internal(set) var duringDeterioration = 0
  /// Deteriorations begun so far, in order of their onset.
  public internal(set) var episodes: [DeteriorationEpisode] = []
  /// Admissions, transfers and discharges so far, in order.
  public internal(set) var movements: [WardMovement] = []
  private var faults = FaultCounts<VitalsFault>()

  /// The truth about nothing written yet.
  public init() {}

  /// Readings with this fault.
  public internal(set) subscript(fault: VitalsFault) -> Int {
    get { faults[fault] }
    set { faults[fault] = newValue }
  }

  /// Readings that belong into quarantine.
  public var quarantined: Int {
    VitalsFault.allCases.reduce(0) { $0 + ($1.isQuarantined ? self[$1] : 0) }
  }

  /// Readings that belong into the silver table: everything but quarantine and duplicates.
  public var accepted: Int {
    records - quarantined - self[.duplicate]
  }

  /// The counts as one JSON object without a line end.
  public var json: String {
    "{\"records\":\(records),\"bytes\":\(bytes),\"accepted\":\(accepted),\"quarantined\":\(quarantined),"
      + "\"duringDeterioration\":\(duringDeterioration),\"episodes\":\(episodes.count),"
      + "\"movements\":\(movements.count),\"faults\":\(faults.json)}"
  }

  /// Writes `_episodes.csv` and `_movements.csv` into a folder, which is created if it is not there. The names begin
  /// with an underscore, so that a landing directory may be the folder.
  public func write(to folder: String) throws(SimulationError) {
    try createFolder(folder)
    let table = try OutputFile(path: folder + "/_episodes.csv")
    try table.row { $0.write("patient_id,ward,kind,variant,severity,onset,peak,turn,end\n") }
    for episode in episodes {
      try table.row { row in
        row.write(text: "\(episode.patient),\(episode.ward),\(episode.kind.rawValue),\(episode.isVariant),")
        row.write(episode.severity, decimals: 3)
        for time in [episode.onset, episode.peak, episode.turn, episode.end] {
          row.write(byte: UInt8(ascii: ","))
          row.write(timestampMicroseconds: time)
        }
        row.write(byte: UInt8(ascii: "\n"))
      }
    }
    try table.close()
    let moves = try OutputFile(path: folder + "/_movements.csv")
    try moves.row { $0.write("patient_id,kind,ward,time\n") }
    for movement in movements {
      try moves.row { row in
        row.write(text: "\(movement.patient),\(movement.kind.rawValue),\(movement.ward),")
        row.write(timestampMicroseconds: movement.time)
        row.write(byte: UInt8(ascii: "\n"))
      }
    }
    try moves.close()
  }
}
