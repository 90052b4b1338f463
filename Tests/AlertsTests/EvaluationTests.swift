import DuckDB
import LakewardTesting
import Streaming
import Testing

@testable import Alerts

/// The SQL against a plain loop over single rows, with batches cut anywhere.
@Suite struct EvaluationTests {
  struct Row {
    var patient: String
    var time: Int64
    var ward: String
    var value: Double?
    var doubt: Bool
    var ingest: Int64
    var partition: Int32
    var offset: Int64
  }

  static let minute: Int64 = 60_000_000

  /// Rows of a few patients over two partitions; some late, some without a value, some in doubt.
  /// - Parameter age: How long after it was made a row comes, microseconds.
  static func rows(seed: UInt64, count: Int, age: Int64 = 0) -> [Row] {
    var random = SplitMix(state: seed)
    var rows: [Row] = []
    var clock = instant("2026-01-05T08:00:00Z")
    var next: [Int32: Int64] = [:]
    var level: [Int: Double] = [:]
    for _ in 0..<count {
      clock += Int64(random.below(40)) * 1_000_000
      let patient = random.below(6)
      let partition = Int32(patient % 2)
      // Values wander, so that they stay beyond a limit for a while and flap around it.
      level[patient] = max(60, min(160, (level[patient] ?? 110) + Double(random.below(41)) - 20))
      var late = random.below(10) == 0 ? Int64(random.below(300)) * 1_000_000 : 0
      // A clock that is ahead by hours, and a reading from long ago.
      if random.below(25) == 0 { late = [-7_200_000_000, 3_600_000_000][random.below(2)] }
      rows.append(
        Row(
          patient: "p\(patient)", time: clock - late, ward: patient < 3 ? "A" : "B",
          value: random.below(8) == 0 ? nil : level[patient], doubt: random.below(12) == 0,
          ingest: (clock + age) / 30_000_000 * 30_000_000, partition: partition, offset: next[partition] ?? 0))
      next[partition, default: 0] += 1
    }
    return rows
  }

  static func policies() -> [AlertPolicy] {
    func policy(_ name: String, _ trigger: AlertPolicy.Trigger) -> AlertPolicy {
      var policy = AlertPolicy(
        name: name, pipeline: "test", table: "t", severity: .low, title: name, message: "", trigger: trigger)
      policy.ward = "ward"
      return policy
    }
    var plain = policy("plain", .condition("value > 130", threshold: nil))
    plain.show = ["value"]
    var delayed = policy("delayed", .condition("value > threshold", threshold: .init(120)))
    delayed.delay = .init(seconds: 60, readings: 3)
    delayed.clear = "value < 110"
    delayed.clearDelay = .init(seconds: 30, readings: 2)
    var doubtful = policy("doubtful", .condition("value < 90", threshold: nil))
    doubtful.ignore = "doubt"
    doubtful.clearDelay = .init(seconds: 0, readings: 3)
    doubtful.retrospectiveSeconds = 120
    return [plain, delayed, doubtful, policy("absent", .missing(seconds: 180))]
  }

  // MARK: The reference

  private static func isLive(_ row: Row) -> Bool { abs(row.ingest - row.time) <= 15 * minute }

  /// One row after the other, as section 8.2 of the clinical reference describes it.
  static func reference(_ rows: [Row], _ policies: [AlertPolicy]) -> Set<Transition> {
    struct Runs {
      var start: Int64 = 0
      var count = 0
    }
    struct Key: Hashable {
      var policy: String
      var patient: String
    }
    var found: Set<Transition> = []
    var lastRows: [String: [Int64]] = [:]
    var newestLive: [String: Int64] = [:]
    var up: [Key: Runs] = [:]
    var down: [Key: Runs] = [:]
    var isOn: Set<Key> = []
    var watermark: [Int32: Int64] = [:]
    var lastTimes: [Int32: [Int64]] = [:]
    var heard: [String: Int64] = [:]
    var wards: [String: String] = [:]
    let longest =
      policies.compactMap { policy -> Int64? in
        if case .missing(let seconds) = policy.trigger { Int64(seconds * 1e6) } else { nil }
      }.max() ?? 0
    var parts: [String: Int32] = [:]
    func note(_ policy: AlertPolicy, _ patient: String, _ ward: String, _ time: Int64, _ since: Int64, _ begins: Bool)
      -> Transition
    {
      Transition(
        begins: begins, policy: policy.id, patient: patient, ward: ward, eventTime: time, since: since)
    }
    func absences() {
      for policy in policies {
        guard case .missing(let seconds) = policy.trigger else { continue }
        for (patient, last) in heard
        where last + Int64(seconds * 1e6) <= parts[patient].flatMap({ watermark[$0] }) ?? .min {
          guard isOn.insert(Key(policy: policy.name, patient: patient)).inserted else { continue }
          found.insert(note(policy, patient, wards[patient] ?? "", last + Int64(seconds * 1e6), last, true))
        }
      }
    }
    for row in rows {
      absences()
      let isHistory = watermark[row.partition].map { row.time + longest <= $0 } ?? false
      // A clock that is ahead says no more than that somebody was there now.
      let isAhead = watermark[row.partition].map { row.time > $0 + longest && !isLive(row) } ?? false
      let presence = isAhead ? watermark[row.partition] ?? row.time : row.time
      let isHeard = !isHistory && heard[row.patient].map { presence > $0 } ?? true
      lastTimes[row.partition] = Array(((lastTimes[row.partition] ?? []) + [row.time]).suffix(5))
      if let reached = lastTimes[row.partition], reached.count == 5 {
        watermark[row.partition] = max(watermark[row.partition] ?? .min, reached.min() ?? .min)
      }
      if isHeard {
        heard[row.patient] = presence
        wards[row.patient] = row.ward
        parts[row.patient] = row.partition
        for policy in policies {
          guard case .missing = policy.trigger,
            isOn.remove(Key(policy: policy.name, patient: row.patient)) != nil
          else { continue }
          found.insert(note(policy, row.patient, row.ward, presence, presence, false))
        }
      }
      let isLate =
        row.time <= max(lastRows[row.patient]?.max() ?? .min, newestLive[row.patient] ?? .min)
      lastRows[row.patient] = Array(((lastRows[row.patient] ?? []) + [row.time]).suffix(5))
      if isLive(row) { newestLive[row.patient] = max(newestLive[row.patient] ?? .min, row.time) }
      if isLate { continue }
      for policy in policies {
        let key = Key(policy: policy.name, patient: row.patient)
        var met: Bool?
        var clear: Bool?
        switch policy.name {
        case "plain":
          met = row.value.map { $0 > 130 }
          clear = met.map { !$0 }
        case "delayed":
          met = row.value.map { $0 > 120 }
          clear = row.value.map { $0 < 110 }
        case "doubtful":
          if row.doubt { continue }
          met = row.value.map { $0 < 90 }
          clear = met.map { !$0 }
        default: continue
        }
        guard let met, let clear else { continue }
        up[key] = met ? Runs(start: min(up[key]?.start ?? .max, row.time), count: (up[key]?.count ?? 0) + 1) : nil
        down[key] =
          clear ? Runs(start: min(down[key]?.start ?? .max, row.time), count: (down[key]?.count ?? 0) + 1) : nil
        if let run = up[key], run.count >= policy.delay.readings,
          Double(row.time - run.start) >= policy.delay.seconds * 1e6, isOn.insert(key).inserted
        {
          var transition = note(policy, row.patient, row.ward, row.time, run.start, true)
          transition.isRetrospective =
            policy.retrospectiveSeconds.map { Double(row.ingest - row.time) > $0 * 1e6 } ?? false
          if policy.name == "plain", let value = row.value { transition.facts = "{\"value\":\(value)}" }
          found.insert(transition)
        }
        if let run = down[key], run.count >= policy.clearDelay.readings,
          Double(row.time - run.start) >= policy.clearDelay.seconds * 1e6, isOn.remove(key) != nil
        {
          var transition = note(policy, row.patient, row.ward, row.time, run.start, false)
          transition.isRetrospective =
            policy.retrospectiveSeconds.map { Double(row.ingest - row.time) > $0 * 1e6 } ?? false
          found.insert(transition)
        }
      }
    }
    absences()
    return found
  }

  // MARK: The SQL

  static func fill(_ connection: Connection, _ rows: [Row]) throws {
    try connection.execute(
      """
      CREATE OR REPLACE TABLE t (patient_id VARCHAR, event_time TIMESTAMPTZ, ward VARCHAR, value DOUBLE, doubt BOOLEAN,
        ingest_time TIMESTAMPTZ, "partition" INTEGER, "offset" BIGINT, number BIGINT)
      """)
    let values = rows.enumerated().map { number, row -> String in
      let value = row.value.map { "\($0)" } ?? "NULL"
      return """
        ('\(row.patient)', make_timestamptz(\(row.time)), '\(row.ward)', \(value), \
        \(row.doubt), make_timestamptz(\(row.ingest)), \(row.partition), \(row.offset), \(number))
        """
    }
    try connection.execute("INSERT INTO t VALUES \(values.joined(separator: ", "))")
  }

  static func judge(_ connection: Connection, _ policies: [AlertPolicy], cuts: [Range<Int>]) throws -> [Transition] {
    let run: PolicyEvaluator.Run = { try connection.query($0).rows() }
    let evaluator = PolicyEvaluator(policies, schema: "alerts_test", hasIngestTime: true)
    try evaluator.reset(run)
    var found: [Transition] = []
    for cut in cuts {
      found += try evaluator.evaluate(
        "(SELECT * FROM t WHERE number >= \(cut.lowerBound) AND number < \(cut.upperBound))", run)
      try evaluator.accept(run)
    }
    return found
  }

  /// The order in which the SQL takes rows, so that the loop takes them in the same.
  static func sorted(_ rows: [Row]) -> [Row] {
    rows.sorted { ($0.ingest, $0.partition, $0.offset) < ($1.ingest, $1.partition, $1.offset) }
  }

  /// Live, as an archive of a month ago, where no clock of arrival tells which readings are ahead, and one by one.
  @Test(arguments: [(1, 0, 400), (2, 0, 400), (1, archiveAge, 400), (1, archiveAge, 70)] as [(UInt64, Int64, Int)])
  func theSQLFindsWhatALoopOverRowsFinds(seed: UInt64, age: Int64, count: Int) throws {
    let directory = try TemporaryDirectory("evaluation")
    let rows = Self.sorted(Self.rows(seed: seed, count: count, age: age))
    let policies = Self.policies()
    let expected = Self.reference(rows, policies)
    for policy in policies where count > 100 {
      #expect(expected.contains { $0.policy == policy.id && $0.begins }, "the sample must raise \(policy.name)")
    }
    let connection = try QueryEngine(lake: Lake(root: directory.file("lake")), threads: 1).connect(scratch: "test")
    try Self.fill(connection, rows)
    var random = SplitMix(state: seed + 100)
    for size in count > 100 ? [count, 60, age == 0 ? 9 : 25] : [count, 1] {
      var cuts: [Range<Int>] = []
      var start = 0
      while start < rows.count {
        let length = size == count ? rows.count : size == 1 ? 1 : 1 + random.below(size * 2)
        cuts.append(start..<min(rows.count, start + length))
        start = cuts[cuts.count - 1].upperBound
      }
      let found = try Self.judge(connection, policies, cuts: cuts)
      #expect(found.count == expected.count, "batches of about \(size)")
      #expect(Set(found).subtracting(expected) == [], "too many in batches of about \(size)")
      #expect(expected.subtracting(found) == [], "missing in batches of about \(size)")
    }
  }

  private static let archiveAge: Int64 = 30 * 86_400_000_000
  private static let conditions = Array(policies().dropLast())

  private func judge(_ rows: [Row]) throws -> Set<Transition> {
    let directory = try TemporaryDirectory("counted")
    let connection = try QueryEngine(lake: Lake(root: directory.file("lake")), threads: 1).connect(scratch: "test")
    try Self.fill(connection, rows)
    return Set(try Self.judge(connection, Self.conditions, cuts: [0..<rows.count]))
  }

  /// An archive of each patient's rows in order.
  private static func archive(seed: UInt64) -> [Row] {
    Dictionary(grouping: rows(seed: seed, count: 500, age: archiveAge), by: \.patient)
      .values.flatMap { rows in
        var last = Int64.min
        return rows.filter { row in
          defer { last = max(last, row.time) }
          return last == .min || (row.time > last && row.time - last < 60 * minute)
        }
      }
      .sorted { $0.offset < $1.offset }
  }

  private static func numbered(_ rows: [Row]) -> [Row] {
    rows.enumerated().map { number, row in
      var row = row
      row.partition = 0
      row.offset = Int64(number)
      row.ingest = instant("2026-06-01T08:00:00Z")
      return row
    }
  }

  /// However patients' rows are mixed, and wherever each patient's late rows lie among them, the alerts are the same.
  @Test(arguments: [3, 4] as [UInt64]) func theOrderAcrossPatientsAndLateRowsChangeNothing(seed: UInt64) throws {
    let clean = Self.archive(seed: seed)
    let expected = try judge(Self.numbered(clean))
    #expect(expected.count > 20)
    var random = SplitMix(state: seed)
    for _ in 0..<3 {
      var queues = Dictionary(grouping: clean, by: \.patient)
      var mixed: [Row] = []
      var before: [String: Row] = [:]
      while !queues.isEmpty {
        let patient = queues.keys.sorted()[random.below(queues.count)]
        guard let row = queues[patient]?.removeFirst() else { continue }
        if queues[patient]?.isEmpty == true { queues[patient] = nil }
        mixed.append(row)
        // A row from before the last one, with a value of its own.
        if let earlier = before[patient], random.below(6) == 0 {
          var late = earlier
          late.time -= Int64(random.below(3_000)) * 1_000_000
          late.value = Double(60 + random.below(100))
          mixed.append(late)
        }
        before[patient] = row
      }
      #expect(try judge(Self.numbered(mixed)) == expected)
    }
  }

  /// One device clock that is two days ahead costs its patient a few readings, not two days.
  @Test(arguments: [0, archiveAge]) func aClockThatIsAheadSilencesNobody(age: Int64) throws {
    let start = instant("2026-01-05T08:00:00Z")
    func reading(_ number: Int, _ time: Int64, _ value: Double) -> Row {
      Row(
        patient: "p0", time: time, ward: "A", value: value, doubt: false,
        ingest: start + Int64(number) * Self.minute + age,
        partition: 0, offset: Int64(number))
    }
    let rows = (0..<60).map { number in
      let time = start + Int64(number) * Self.minute
      // Well for 20 minutes, then ill, then well; at minute 10 the clock is wrong.
      return reading(number, number == 10 ? time + 172_800_000_000 : time, (20..<40).contains(number) ? 150 : 100)
    }
    let found = try judge(rows).filter { $0.policy.policy == "plain" }.sorted { $0.eventTime < $1.eventTime }
    #expect(found.map(\.begins) == [true, false])
    #expect(found.map(\.eventTime) == [start + 20 * Self.minute, start + 40 * Self.minute])
    // Ill while the clock is wrong: that is seen at once.
    let ill = (0..<60).map { number in
      let time = start + Int64(number) * Self.minute
      return reading(number, number == 10 ? time + 172_800_000_000 : time, number == 10 ? 150 : 100)
    }
    #expect(try judge(ill).contains { $0.policy.policy == "plain" && $0.begins })
  }

  /// A device that was out of reach sends what it kept, after newer readings came live: that neither raises nor ends.
  @Test func readingsThatADeviceKeptCountForNothingAfterNewerOnesCameLive() throws {
    let start = instant("2026-01-05T08:00:00Z")
    let kept = (0..<40).map { start + Int64($0) * Self.minute }
    let now = start + 60 * Self.minute
    let rows = ([now] + kept + [now + Self.minute]).enumerated().map { number, time in
      Row(
        patient: "p0", time: time, ward: "A", value: time < now ? 100 : 150, doubt: false, ingest: now, partition: 0,
        offset: Int64(number))
    }
    let found = try judge(rows).filter { $0.policy.policy == "plain" }
    #expect(found.map(\.begins) == [true] && found.map(\.eventTime) == [now])
  }

  /// Absences by one policy of half an hour, in rows that come in this order.
  private func absences(_ rows: [Row]) throws -> [Transition] {
    let directory = try TemporaryDirectory("absences")
    let connection = try QueryEngine(lake: Lake(root: directory.file("lake")), threads: 1).connect(scratch: "test")
    var policy = Self.policies()[3]
    policy.trigger = .missing(seconds: 1_800)
    policy.retrospectiveSeconds = 900
    try Self.fill(connection, rows)
    return try Self.judge(connection, [policy], cuts: [0..<rows.count / 2, rows.count / 2..<rows.count])
  }

  private func row(_ patient: Int, _ time: Int64, ingest: Int64, _ offset: Int) -> Row {
    Row(
      patient: "p\(patient)", time: time, ward: "A", value: 100, doubt: false, ingest: ingest, partition: 0,
      offset: Int64(offset))
  }

  /// Devices whose clocks are ahead by hours raise nothing about the others: each used to make everybody absent.
  @Test func clocksThatAreAheadMakeNobodyAbsent() throws {
    let start = instant("2026-01-05T08:00:00Z")
    let rows = (0..<4_000).map { number in
      let time = start + Int64(number) * 500_000
      return row(number % 50, number % 37 == 0 ? time + 7_200_000_000 : time, ingest: time, number)
    }
    #expect(try absences(rows).isEmpty)
  }

  /// An archive that comes patient by patient is history: it says nothing about who is here now.
  @Test func anArchivePatientByPatientMakesNobodyAbsentAgainAndAgain() throws {
    let start = instant("2026-01-05T08:00:00Z")
    let now = instant("2026-06-01T08:00:00Z")
    let rows = (0..<40).flatMap { patient in
      (0..<100).map { number in
        row(patient, start + Int64(number) * Self.minute, ingest: now, patient * 100 + number)
      }
    }
    #expect(try absences(rows).isEmpty)
  }

  /// Somebody falls silent for an hour and comes back: live that is told, in an archive it is for the record.
  @Test(arguments: [0, archiveAge]) func anAbsenceOfLongAgoTellsNobody(age: Int64) throws {
    let start = instant("2026-01-05T08:00:00Z")
    var rows: [Row] = []
    for minute in 0..<180 {
      let time = start + Int64(minute) * Self.minute
      for patient in 0..<8 where patient > 0 || !(40..<100).contains(minute) {
        rows.append(row(patient, time, ingest: time + age, rows.count))
      }
    }
    let found = try absences(rows)
    #expect(found.map(\.patient) == ["p0", "p0"])
    #expect(found.map(\.begins) == [true, false])
    #expect(found.map(\.eventTime) == [start + 69 * Self.minute, start + 100 * Self.minute])
    #expect(found.first?.isRetrospective == (age > 0))
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014), for tests that must repeat.
struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
