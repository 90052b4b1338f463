/// Writes the record stream of a cohort: one JSON object per line with `patient_id`, `timestamp` and the cohort's fields,
/// and remembers what came of each.
///
/// The same seed, arguments and sequence of calls give the same bytes. No two good records share patient and timestamp,
/// so the only duplicates are the injected ones.
public struct CohortSimulator<Kind: Cohort>: Sendable {
  /// A record as a producer needs it; the buffers are valid only inside the call that hands it over.
  public struct Record: KeyedRecord {
    /// The record without a line end.
    public let bytes: UnsafeBufferPointer<UInt8>
    /// The patient's identifier (36 characters), for use as a message key.
    public let key: UnsafeBufferPointer<UInt8>
    /// What is wrong with the record; `nil` for a good one.
    public let fault: RecordFault?
  }

  /// Counts and outcomes of what was written so far.
  public private(set) var truth: OutcomeTruth
  private let keys: [UInt8]
  private var random: SeededRandom
  private var patients: [Kind.Patient]
  private var turns: TurnTaking
  private var clock = RecordClock()
  private var injector: FaultInjector<RecordFault>

  /// A stream about `patients` people (at least 1), who take turns.
  ///
  /// - Parameters:
  ///   - seed: The same seed gives the same people and records.
  ///   - faults: Which faults to inject; `nil` for none.
  public init(seed: UInt64, patients count: Int, faults: FaultRates? = nil) {
    random = SeededRandom(seed: seed, stream: UInt64.max - 2)
    injector = FaultInjector(faults)
    turns = TurnTaking(count: count, &random)
    var keys: [UInt8] = []
    var patients: [Kind.Patient] = []
    for _ in 0..<max(1, count) {
      keys += Array(SimulatedUUID(random: &random).text.utf8)
      patients.append(Kind.patient(&random))
    }
    self.keys = keys
    self.patients = patients
    truth = OutcomeTruth(names: Kind.outcomes)
    truth.keys = keys
  }

  private mutating func emit(
    patient: Int, time: Int64, scratch: UnsafeMutablePointer<UInt8>, _ body: (Record) throws -> Void
  ) rethrows {
    var fault = injector.fault(&random)
    if fault == .duplicate {
      if let copy = injector.earlier(&random) {
        try copy.bytes.withUnsafeBufferPointer { try hand($0, patient: copy.patient, fault: .duplicate, body) }
        return
      }
      fault = nil
    }
    let observation = Kind.observe(&patients[patient], &random)
    let claimed = ObservationWriter.claimedTime(time, fault: fault, &random)
    let length = keys.withUnsafeBufferPointer { keys in
      let key = UnsafeBufferPointer(rebasing: keys[patient * CohortKey.bytes..<(patient + 1) * CohortKey.bytes])
      var writer = ObservationWriter(
        cursor: ByteCursor(scratch), key: key, fields: Kind.fields, values: observation.values, time: claimed)
      return writer.write(fault: fault, random: &random)
    }
    let bytes = UnsafeBufferPointer(start: scratch, count: length)
    if fault == nil, injector.isActive, truth.records % 16 == 0 {
      injector.remember(.init(bytes: Array(bytes), patient: patient, isIll: false), &random)
    }
    if !(fault?.isQuarantined ?? false) {
      truth.byOutcome[observation.outcome] += 1
      let event = observation.eventAfterHours.map { claimed + Int64($0 * 3_600_000_000) }
      truth.outcomes.append(
        OutcomeTruth.Outcome(
          patient: Int32(patient), outcome: UInt8(observation.outcome), time: claimed, event: event ?? .min))
    }
    try hand(bytes, patient: patient, fault: fault, body)
  }

  private mutating func hand(
    _ bytes: UnsafeBufferPointer<UInt8>, patient: Int, fault: RecordFault?, _ body: (Record) throws -> Void
  ) rethrows {
    truth.records += 1
    truth.bytes += bytes.count + 1
    if let fault { truth[fault] += 1 }
    try keys.withUnsafeBufferPointer { keys in
      let key = UnsafeBufferPointer(rebasing: keys[patient * CohortKey.bytes..<(patient + 1) * CohortKey.bytes])
      try body(Record(bytes: bytes, key: key, fault: fault))
    }
  }
}

extension CohortSimulator: RecordSimulator {
  /// Hands over `count` records one by one; see ``RecordSimulator``.
  public mutating func forEachRecord(
    count: Int, startingAt microseconds: Int64, step: Int64 = 1_000, _ body: (Record) throws -> Void
  ) rethrows {
    clock.begin(at: microseconds, step: step)
    try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1_024) { scratch in
      guard let start = scratch.baseAddress else { return }
      for _ in 0..<count { try emit(patient: turns.next(), time: clock.next(), scratch: start, body) }
    }
  }
}

extension CohortSimulator {
  /// Labelled rows for training as CSV: `patient_id`, the fields, the outcome's name under the cohort's label, and
  /// the cohort's attributes. What was not measured stands as it does in records, except that `null` is empty.
  ///
  /// - Parameters:
  ///   - rows: How many; patients take turns.
  ///   - seed: The same seed gives the same rows, other people than a stream of that seed.
  public static func labelledRows(_ rows: Int, patients: Int, seed: UInt64) -> String {
    var random = SeededRandom(seed: seed, stream: UInt64.max - 3)
    var people = (0..<max(1, patients)).map { _ in (SimulatedUUID(random: &random).text, Kind.patient(&random)) }
    let header = ["patient_id"] + Kind.fields.map(\.name) + [Kind.label] + Kind.attributes
    var text = header.joined(separator: ",") + "\n"
    text.reserveCapacity(rows * (60 + 8 * Kind.fields.count))
    for row in 0..<rows {
      let observation = Kind.observe(&people[row % people.count].1, &random)
      text += people[row % people.count].0
      for (field, value) in zip(Kind.fields, observation.values) {
        text += ","
        text += value.isNaN ? (field.absent == .zero ? "0" : "") : Self.decimal(value, field.decimals)
      }
      let attributes = Kind.attributes(of: people[row % people.count].1)
      text += "," + ([Kind.outcomes[observation.outcome]] + attributes).joined(separator: ",") + "\n"
    }
    return text
  }

  private static func decimal(_ value: Double, _ decimals: Int) -> String {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { scratch in
      guard let start = scratch.baseAddress else { return "" }
      var cursor = ByteCursor(start)
      cursor.write(value, decimals: decimals)
      return String(decoding: UnsafeBufferPointer(start: start, count: cursor.count), as: UTF8.self)
    }
  }
}
