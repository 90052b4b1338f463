import Clinical

/// Writes the reading stream of the `vitals` pipeline: wearable devices on hospital wards, one JSON object per line.
///
/// Patients have a daily rhythm, activity, vital signs that move together, medication, devices with noise and
/// drop-outs; they are admitted, transferred and discharged, and some deteriorate in a labelled way. The same seed,
/// arguments and sequence of calls give the same bytes; no two good readings share patient and timestamp.
public struct VitalsSimulator: Sendable {
  /// A reading as a producer needs it; the buffers are valid only inside the call that hands it over.
  public struct Record {
    /// The reading without a line end.
    public let bytes: UnsafeBufferPointer<UInt8>
    /// The patient's identifier (36 characters), for use as a message key.
    public let key: UnsafeBufferPointer<UInt8>
    /// Severity of the patient's deterioration at that moment; 0 for none.
    public let severity: Double
    /// What is wrong with the reading; `nil` for a good one.
    public let fault: VitalsFault?
  }

  static let wards: [StaticString] = ["A1", "A2", "B1", "B2", "C1", "C2", "ICU"]
  private static let intensiveCare = 6
  private static let microsecondsPerHour = 3_600_000_000.0

  /// Counts, deteriorations and movements so far.
  public private(set) var truth = VitalsTruth()
  /// How many hours of the body's time pass in one hour of event time.
  public let speed: Double

  private let seed: UInt64
  private var random: SeededRandom
  private var beds: [WardBed]
  private var lastReading: [Int64]
  private var turn = 0
  private var nextPerson = 0
  private var clock = RecordClock()
  private var startTime: Int64?
  private var injector: FaultInjector<VitalsFault>

  /// A stream from `beds` occupied beds (at least 1).
  ///
  /// - Parameters:
  ///   - seed: The same seed gives the same people as ``PopulationGenerator`` with it.
  ///   - beds: Beds take turns, so each reads once in so many readings.
  ///   - speed: How much faster than event time bodies live; a demonstration of minutes needs several hundred to show
  ///     days on a ward.
  ///   - faults: Which faults to inject; `nil` for none.
  public init(seed: UInt64, beds: Int, speed: Double = 1, faults: VitalsFaultRates? = nil) {
    let count = max(1, beds)
    self.seed = seed
    self.speed = max(0.001, speed)
    random = SeededRandom(seed: seed, stream: UInt64.max - 1)
    injector = FaultInjector(faults)
    var made: [WardBed] = []
    made.reserveCapacity(count)
    for number in 0..<count {
      made.append(
        WardBed(
          device: WardBed.Device(
            number: number, joinsPressure: random.chance(0.6), isCharted: random.chance(0.6),
            namesWard: random.chance(0.8))))
    }
    self.beds = made
    lastReading = Array(repeating: .min, count: count)
  }

  /// Hands over `count` readings one by one; see ``RecordSimulator``.
  public mutating func forEachRecord(
    count: Int, startingAt microseconds: Int64, step: Int64 = 1_000, _ body: (Record) throws -> Void
  ) rethrows {
    clock.begin(at: microseconds, step: step)
    try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1_024) { scratch in
      guard let start = scratch.baseAddress else { return }
      for _ in 0..<count {
        let time = clock.next()
        if startTime == nil { admitEverybody(at: time) }
        try emit(bed: nextBed(at: time), time: time, scratch: start, body)
      }
    }
  }

  private mutating func emit(
    bed: Int, time: Int64, scratch: UnsafeMutablePointer<UInt8>, _ body: (Record) throws -> Void
  ) rethrows {
    var fault = injector.fault(&random)
    if fault == .duplicate {
      if let copy = injector.earlier(&random) {
        try copy.bytes.withUnsafeBufferPointer { bytes in
          // The key stands behind `{"patient_id":"`.
          let key = UnsafeBufferPointer(rebasing: bytes[15..<51])
          try hand(Record(bytes: bytes, key: key, severity: copy.isIll ? 1 : 0, fault: .duplicate), body)
        }
        return
      }
      fault = nil
    }
    live(bed, until: time)
    let last = lastReading[bed]
    let passed = last == .min ? 24 : hours(from: last, to: time)
    lastReading[bed] = time
    let bodyHours = Double(time) / Self.microsecondsPerHour * speed
    let levels = beds[bed].read(
      time: time, hours: bodyHours.truncatingRemainder(dividingBy: 240), hoursPassed: passed, &random)
    var writer = VitalsRecordWriter(
      cursor: ByteCursor(scratch), bed: beds[bed], levels: levels, time: time, wardName: Self.wards[beds[bed].ward])
    let length = writer.write(fault: fault, random: &random)
    let bytes = UnsafeBufferPointer(start: scratch, count: length)
    let severity = beds[bed].episode?.severity(at: time) ?? 0
    if fault == nil, injector.isActive, truth.records % 16 == 0 {
      injector.remember(.init(bytes: Array(bytes), patient: bed, isIll: severity > 0), &random)
    }
    let key = beds[bed].key
    try key.withUnsafeBufferPointer { key in
      try hand(Record(bytes: bytes, key: key, severity: severity, fault: fault), body)
    }
  }

  private mutating func hand(_ record: Record, _ body: (Record) throws -> Void) rethrows {
    truth.records += 1
    truth.bytes += record.bytes.count + 1
    if record.severity > 0 { truth.duringDeterioration += 1 }
    if let fault = record.fault { truth[fault] += 1 }
    try body(record)
  }
}

extension VitalsSimulator {
  private func hours(from start: Int64, to end: Int64) -> Double {
    Double(end - start) / Self.microsecondsPerHour * speed
  }

  private func microseconds(hours: Double) -> Int64 {
    Int64(hours * Self.microsecondsPerHour / speed) & ~1
  }

  /// The next bed whose sensor is on; now and then a sensor comes off for some minutes.
  private mutating func nextBed(at time: Int64) -> Int {
    for _ in 0..<beds.count {
      turn += 1
      if turn == beds.count { turn = 0 }
      if beds[turn].dropoutEnd <= time { break }
    }
    if random.chance(1 / 4_000) {
      beds[turn].dropoutEnd = time + microseconds(hours: random.uniform(in: 0.02...0.5))
    }
    return turn
  }

  private mutating func admitEverybody(at time: Int64) {
    startTime = time
    for bed in beds.indices {
      admit(to: bed, at: time)
      // The first patients have been there for a while, so that they do not all leave together.
      beds[bed].discharge = time + Int64(Double(beds[bed].discharge - time) * random.uniform())
    }
  }

  private mutating func admit(to bed: Int, at time: Int64) {
    var person = Person(seed: seed, index: nextPerson)
    while person.death != nil || person.ageYears < 18 {
      nextPerson += 1
      person = Person(seed: seed, index: nextPerson)
    }
    nextPerson += 1
    beds[bed].admit(person, &random)
    beds[bed].ward = bed % Self.intensiveCare
    let stayHours = min(400, max(16, exponential(4.2 + 0.6 * random.normal())))
    beds[bed].discharge = time + microseconds(hours: stayHours)
    lastReading[bed] = .min
    note(.admission, bed, time)
  }

  /// What happens to the patient of a bed up to a moment: the end of the stay, a deterioration, its end.
  private mutating func live(_ bed: Int, until time: Int64) {
    if let episode = beds[bed].episode {
      guard time >= episode.end else {
        if episode.severity > 0.9, time >= episode.peak, beds[bed].ward != Self.intensiveCare {
          beds[bed].ward = Self.intensiveCare
          note(.transfer, bed, time)
        }
        return
      }
      beds[bed].episode = nil
      beds[bed].oxygenSince = nil
      if beds[bed].ward == Self.intensiveCare {
        beds[bed].ward = bed % Self.intensiveCare
        note(.transfer, bed, time)
      }
      beds[bed].discharge = max(beds[bed].discharge, time + microseconds(hours: 12))
    }
    if time >= beds[bed].discharge {
      note(.discharge, bed, time)
      admit(to: bed, at: time)
      return
    }
    let last = lastReading[bed]
    let passed = last == .min ? 0 : hours(from: last, to: time)
    // About one deterioration in seventy patient-hours.
    if passed > 0, random.chance(min(0.5, passed / 70)) { deteriorate(bed, at: time) }
  }

  private mutating func deteriorate(_ bed: Int, at time: Int64) {
    let kind = DeteriorationKind.random(&random)
    let span = kind.hours
    let peak = time + 2 + microseconds(hours: random.uniform(in: span.rise))
    let turn = peak + 2 + microseconds(hours: random.uniform(in: span.stay))
    let end = turn + 2 + microseconds(hours: random.uniform(in: span.fall))
    let episode = DeteriorationEpisode(
      patient: String(decoding: beds[bed].key, as: UTF8.self), ward: "\(Self.wards[beds[bed].ward])", kind: kind,
      onset: time, peak: peak, turn: turn, end: end,
      severity: min(1.5, max(0.35, exponential(0.35 * random.normal() - 0.1))),
      isVariant: random.chance(0.2))
    beds[bed].deteriorate(episode)
    truth.episodes.append(episode)
  }

  private mutating func note(_ kind: WardMovement.Kind, _ bed: Int, _ time: Int64) {
    truth.movements.append(
      WardMovement(
        patient: String(decoding: beds[bed].key, as: UTF8.self), kind: kind, ward: "\(Self.wards[beds[bed].ward])",
        time: time))
  }
}
