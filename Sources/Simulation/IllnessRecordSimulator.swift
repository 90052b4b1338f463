import Clinical

/// Writes the record stream of the `illness` pipeline: one JSON object per line with the field list of the pipeline,
/// drawn from the people of the ``PopulationGenerator`` with the same seed, some of whom are ill without the record
/// saying so.
///
/// The same seed, arguments and sequence of calls give the same bytes. No two good records share patient and
/// timestamp, so the only duplicates are the injected ones.
public struct IllnessRecordSimulator: Sendable {
  /// A record as a producer needs it; the buffers are valid only inside the call that hands it over.
  public struct Record {
    /// The record without a line end.
    public let bytes: UnsafeBufferPointer<UInt8>
    /// The patient's identifier (36 characters), for use as a message key.
    public let key: UnsafeBufferPointer<UInt8>
    /// Whether the patient has an active disease.
    public let isIll: Bool
    /// What is wrong with the record; `nil` for a good one.
    public let fault: RecordFault?
  }

  /// No record is longer than this many bytes.
  public static let maximumRecordBytes = 2_048
  private static let keyBytes = 36

  struct Patient: Sendable {
    let birth: CivilDate
    let sex: Sex
    let isChronicallyIll: Bool
    /// Levels without an acute disease.
    let settled: Levels
    var levels: Levels
    var isAcutelyIll: Bool
  }

  /// Counts of what was written so far.
  public private(set) var truth = IllnessTruth()
  /// The share (0 ... 1) of laboratory values that were not measured and are `null`.
  public let missingLaboratoryShare: Double

  private var random: SeededRandom
  private var patients: [Patient]
  private let keys: [UInt8]
  private var turns: TurnTaking
  private var clock = RecordClock()
  private var injector: FaultInjector<RecordFault>

  /// A stream about `patients` people (at least 1).
  ///
  /// - Parameters:
  ///   - seed: The same seed gives the same people as ``PopulationGenerator`` with it.
  ///   - patients: How many people take turns; each comes once in so many records.
  ///   - faults: Which faults to inject; `nil` for none.
  ///   - missingLaboratoryShare: The share (0 ... 1) of laboratory values that were not measured and are `null`.
  public init(seed: UInt64, patients: Int, faults: FaultRates? = nil, missingLaboratoryShare: Double = 0.02) {
    let count = max(1, patients)
    self.missingLaboratoryShare = missingLaboratoryShare
    random = SeededRandom(seed: seed, stream: UInt64.max)
    injector = FaultInjector(faults)
    var people: [Patient] = []
    people.reserveCapacity(count)
    var keys: [UInt8] = []
    keys.reserveCapacity(count * Self.keyBytes)
    var index = 0
    while people.count < count {
      let person = Person(seed: seed, index: index)
      index += 1
      if person.death != nil { continue }
      keys.append(contentsOf: person.identifier.text.utf8)
      people.append(Patient(person, &random))
    }
    self.patients = people
    self.keys = keys
    turns = TurnTaking(count: count, &random)
  }

  /// Hands over `count` records one by one; see ``RecordSimulator``.
  public mutating func forEachRecord(
    count: Int, startingAt microseconds: Int64, step: Int64 = 1_000, _ body: (Record) throws -> Void
  ) rethrows {
    clock.begin(at: microseconds, step: step)
    try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.maximumRecordBytes) { scratch in
      guard let start = scratch.baseAddress else { return }
      for _ in 0..<count {
        try emit(patient: turns.next(), time: clock.next(), scratch: start, body)
      }
    }
  }

  private mutating func emit(
    patient: Int, time: Int64, scratch: UnsafeMutablePointer<UInt8>, _ body: (Record) throws -> Void
  ) rethrows {
    var fault = injector.fault(&random)
    if fault == .duplicate {
      if let copy = injector.earlier(&random) {
        try copy.bytes.withUnsafeBufferPointer { bytes in
          try hand(bytes, patient: copy.patient, isIll: copy.isIll, fault: .duplicate, body)
        }
        return
      }
      fault = nil
    }
    advance(patient)
    let isIll = patients[patient].isChronicallyIll || patients[patient].isAcutelyIll
    let measured = Physiology.measure(
      patients[patient].levels, count: Analyte.inRecord, random: &random)
    let length = keys.withUnsafeBufferPointer { keys in
      let key = UnsafeBufferPointer(rebasing: keys[patient * Self.keyBytes..<(patient + 1) * Self.keyBytes])
      var writer = IllnessRecordWriter(
        cursor: ByteCursor(scratch), key: key, patient: patients[patient], measured: measured, time: time)
      return writer.write(fault: fault, missingShare: missingLaboratoryShare, random: &random)
    }
    if fault == nil, injector.isActive, truth.records % 16 == 0 {
      let bytes = Array(UnsafeBufferPointer(start: scratch, count: length))
      injector.remember(.init(bytes: bytes, patient: patient, isIll: isIll), &random)
    }
    try hand(
      UnsafeBufferPointer(start: scratch, count: length), patient: patient, isIll: isIll, fault: fault, body)
  }

  private mutating func hand(
    _ bytes: UnsafeBufferPointer<UInt8>, patient: Int, isIll: Bool, fault: RecordFault?,
    _ body: (Record) throws -> Void
  ) rethrows {
    truth.records += 1
    truth.bytes += bytes.count + 1
    if isIll { truth.ill += 1 }
    if let fault { truth[fault] += 1 }
    try keys.withUnsafeBufferPointer { keys in
      let key = UnsafeBufferPointer(rebasing: keys[patient * Self.keyBytes..<(patient + 1) * Self.keyBytes])
      try body(Record(bytes: bytes, key: key, isIll: isIll, fault: fault))
    }
  }

  /// From one record of a patient to the next an acute disease may begin or pass; about one patient in seven has one.
  private mutating func advance(_ patient: Int) {
    let place = random.uniform()
    if patients[patient].isAcutelyIll {
      if place < 1 / 40 {
        patients[patient].isAcutelyIll = false
        patients[patient].levels = patients[patient].settled
      }
    } else if place < 1 / 240 {
      patients[patient].fallIll(&random)
    }
  }
}

extension IllnessRecordSimulator.Patient {
  init(_ person: Person, _ random: inout SeededRandom) {
    birth = person.birth
    sex = person.sex
    var levels = person.healthy(ageYears: person.ageYears)
    for illness in person.chronic {
      let disease = Disease.chronic[illness.disease]
      let remains = illness.takesTreatment ? disease.remainsUnderTreatment : 1
      levels += disease.effect * (illness.severity * remains)
    }
    isChronicallyIll = !person.chronic.isEmpty
    settled = levels
    self.levels = levels
    isAcutelyIll = false
    if random.chance(1.0 / 7) { fallIll(&random) }
  }

  mutating func fallIll(_ random: inout SeededRandom) {
    let disease = Disease.acute[Disease.randomAcute(&random)]
    levels = settled + disease.effect * Disease.randomSeverity(&random)
    isAcutelyIll = true
  }
}
