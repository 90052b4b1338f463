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
  static func rows(seed: UInt64, count: Int) -> [Row] {
    var random = SplitMix(state: seed)
    var rows: [Row] = []
    var clock = instant("2026-01-05T08:00:00Z")
    var next: [Int32: Int64] = [:]
    var level: [Int: Double] = [:]
    for index in 0..<count {
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
          ingest: clock / 30_000_000 * 30_000_000, partition: partition, offset: next[partition] ?? 0))
      next[partition, default: 0] += 1
      _ = index
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
    var newest: [String: Int64] = [:]
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
      let isHeard = !isHistory && heard[row.patient].map { row.time > $0 } ?? true
      lastTimes[row.partition] = Array(((lastTimes[row.partition] ?? []) + [row.time]).suffix(5))
      if let reached = lastTimes[row.partition], reached.count == 5 {
        watermark[row.partition] = max(watermark[row.partition] ?? .min, reached.min() ?? .min)
      }
      if isHeard {
        heard[row.patient] = row.time
        wards[row.patient] = row.ward
        parts[row.patient] = row.partition
        for policy in policies {
          guard case .missing = policy.trigger,
            isOn.remove(Key(policy: policy.name, patient: row.patient)) != nil
          else { continue }
          found.insert(note(policy, row.patient, row.ward, row.time, row.time, false))
        }
      }
      if let last = newest[row.patient], row.time <= last { continue }
      newest[row.patient] = row.time
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
        up[key] = met ? Runs(start: up[key]?.start ?? row.time, count: (up[key]?.count ?? 0) + 1) : nil
        down[key] = clear ? Runs(start: down[key]?.start ?? row.time, count: (down[key]?.count ?? 0) + 1) : nil
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

  @Test(arguments: [1, 2] as [UInt64])
  func theSQLFindsWhatALoopOverRowsFinds(seed: UInt64) throws {
    let directory = try TemporaryDirectory("evaluation")
    let rows = Self.sorted(Self.rows(seed: seed, count: 400))
    let policies = Self.policies()
    let expected = Self.reference(rows, policies)
    for policy in policies {
      #expect(expected.contains { $0.policy == policy.id && $0.begins }, "the sample must raise \(policy.name)")
    }
    let connection = try QueryEngine(lake: Lake(root: directory.file("lake")), threads: 1).connect(scratch: "test")
    try Self.fill(connection, rows)
    var random = SplitMix(state: seed + 100)
    for size in [400, 60, 9] {
      var cuts: [Range<Int>] = []
      var start = 0
      while start < rows.count {
        let end = min(rows.count, start + 1 + random.below(size * 2))
        cuts.append(start..<(size == 400 ? rows.count : end))
        start = cuts[cuts.count - 1].upperBound
      }
      let found = try Self.judge(connection, policies, cuts: cuts)
      #expect(found.count == expected.count, "batches of about \(size)")
      #expect(Set(found).subtracting(expected) == [], "too many in batches of about \(size)")
      #expect(expected.subtracting(found) == [], "missing in batches of about \(size)")
    }
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
  @Test(arguments: [0, 30 * 86_400_000_000] as [Int64]) func anAbsenceOfLongAgoTellsNobody(age: Int64) throws {
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
