import DuckDB
import Foundation
import Kafka
import LakewardTesting
import MQTT
import Simulation
import Testing

/// The exactly-once matrix: every source × killed at every named instant and at random × started again. The tables equal
/// those of an undisturbed run, to the record. `make chaos` asks for more rounds and prints the same table of figures.
@Suite(.serialized) struct ExactlyOnceChaosTests {
  static let rounds = ReliabilityLog.rounds(1)
  static let isLong = rounds > 1
  static let points = [
    "splits-registered", "files-written", "bronze-committed", "quarantine-committed", "streaming-committed",
    "all-committed",
  ]

  /// One line of the table of figures. Lost are rows that only the undisturbed lake has in silver.
  private func report(
    _ source: String, kills: Int, records: Int, _ lake: BedsLake, calm: BedsLake, differences: Int64, since: Date
  ) {
    ReliabilityLog.add(
      "kill -9 at crash points and at random: \(source)",
      [
        "records": Int64(records), "faults": Int64(kills),
        "lost": max(0, calm.rows("silver_beds") - lake.rows("silver_beds")), "wrong": differences,
        "bronze": lake.rows("bronze_beds"), "silver": lake.rows("silver_beds"),
        "quarantine": lake.rows("quarantine_beds"),
      ], since: since)
  }

  /// Kills the program at each instant and at random, each time with a fresh start.
  private func disturb(_ lake: BedsLake, _ words: [String], points: [String], seed: UInt64) throws -> Int {
    var random = SeededRandom(seed: seed)
    var kills = 0
    for round in 0..<Self.rounds {
      for point in points {
        let count = 1 + (round == 0 ? 0 : random.integer(below: 4))
        let outcome = try lake.start(words, crash: "\(point):\(count)").wait(seconds: 120)
        if outcome.status == 128 + SIGKILL { kills += 1 }
        if round == 0 { #expect(outcome.status == 128 + SIGKILL, "\(point): \(outcome.output)\(outcome.errors)") }
      }
      for _ in 0..<(Self.isLong ? 3 : 1) {
        let process = try lake.start(words)
        // Waiting for a random instant of the run is what this test is about.
        Thread.sleep(forTimeInterval: 0.1 + Double(random.integer(below: 900)) / 1_000)
        if process.isRunning { kills += 1 }
        process.signal(SIGKILL)
        try process.wait()
      }
    }
    return kills
  }

  private func compare(_ calm: BedsLake, _ disturbed: BedsLake, excluding columns: [String]) throws -> Int64 {
    var sum: Int64 = 0
    for table in BedsLake.tables {
      let differences = try BedsLake.differences(calm, disturbed, table, excluding: columns)
      #expect(differences == 0, "\(table)")
      sum += differences
    }
    try disturbed.run("verify", "beds")
    return sum
  }

  @Test func landing() throws {
    let began = Date()
    let count = Self.isLong ? 20_000 : 4_000
    let records = BedRecords(seed: 1, count: count)
    let (calm, disturbed) = (try BedsLake(maxRecords: 20_000), try BedsLake(maxRecords: count / 20))
    for lake in [calm, disturbed] {
      for file in 0..<4 {
        let path = "lake/landing/beds/\(file).ndjson"
        try lake.directory.write(records.text((count / 4 * file)..<(count / 4 * (file + 1))), to: path)
        // Equal times, so that both lakes take the files in the order of their names.
        try FileManager.default.setAttributes(
          [.modificationDate: Date(timeIntervalSince1970: 1_767_225_600)], ofItemAtPath: lake.directory.file(path))
      }
      try otherFormats(lake, rows: count / 8)
    }
    let kills = try disturb(disturbed, ["run", "beds", "--once"], points: Self.points, seed: 1)
    for lake in [calm, disturbed] { try lake.run("run", "beds", "--once") }
    let differences = try compare(calm, disturbed, excluding: ["ingest_time"])
    #expect(disturbed.rows("bronze_beds") == Int64(count + count / 8 * 3))
    report(
      "landing (NDJSON, CSV, Parquet, gzip)", kills: kills, records: count, disturbed, calm: calm,
      differences: differences,
      since: began)
  }

  /// The same kind of records as CSV, as Parquet and compressed, 5 % of the CSV rows broken.
  private func otherFormats(_ lake: BedsLake, rows: Int) throws {
    let landing = lake.directory.file("lake/landing/beds")
    func csv(day: Int) -> String {
      (0..<rows).map { row in
        let time = "2026-04-0\(day)T\(10 + row / 3_600 % 10):\(10 + row / 60 % 50):\(10 + row % 50)Z"
        return "p\(row % 90),\(time),\(50 + row % 80)\(day == 1 && row % 20 == 0 ? ",more" : "")\n"
      }.joined()
    }
    let header = "patient_id,event_time,pulse\n"
    try lake.directory.write(header + csv(day: 1), to: "lake/landing/beds/a.csv")
    try lake.directory.write(header + csv(day: 2), to: "day2.csv")
    try Database().connect().execute(
      """
      COPY (FROM read_csv('\(lake.directory.file("day2.csv"))', all_varchar = true))
      TO '\(landing)/b.parquet' (FORMAT parquet, ROW_GROUP_SIZE 2048)
      """)
    try lake.directory.write(header + csv(day: 3), to: "lake/landing/beds/c.csv")
    #expect(try ChildProcess.run("/usr/bin/gzip", ["-n", landing + "/c.csv"]).succeeded)
    for name in ["a.csv", "b.parquet", "c.csv.gz"] {
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1_767_225_700)], ofItemAtPath: landing + "/" + name)
    }
  }

  @Test func kafka() throws {
    let began = Date()
    let count = Self.isLong ? 20_000 : 4_000
    let cluster = try MockCluster()
    try cluster.createTopic("beds", partitions: 4)
    try produce(BedRecords(seed: 2, count: count).lines[...], cluster, partitions: 4)
    let (calm, disturbed) = (try BedsLake(maxRecords: 20_000), try BedsLake(maxRecords: count / 20))
    let words = ["run", "beds", "--once", "--brokers", cluster.brokers]
    let kills = try disturb(disturbed, words, points: Array(Self.points.dropFirst()), seed: 2)
    for lake in [calm, disturbed] { try lake.run("run", "beds", "--once", "--brokers", cluster.brokers) }
    let differences = try compare(calm, disturbed, excluding: ["ingest_time"])
    #expect(disturbed.rows("bronze_beds") == Int64(count))
    report("kafka", kills: kills, records: count, disturbed, calm: calm, differences: differences, since: began)
  }

  /// A patient's records are in one partition, as deduplication by several processes needs it.
  private func produce(_ lines: ArraySlice<(patient: String, text: String)>, _ cluster: MockCluster, partitions: Int)
    throws
  {
    let producer = try KafkaProducer(KafkaConfiguration(brokers: cluster.brokers))
    for line in lines {
      try producer.send(
        Array(line.text.utf8), to: "beds", partition: Int32(Int(line.patient.dropFirst()).map { $0 % partitions } ?? 0))
    }
    try producer.flush(timeout: .seconds(30))
  }

  @Test(.enabled(if: MosquittoBroker.program() != nil)) func mqtt() throws {
    let began = Date()
    let count = Self.isLong ? 12_000 : 3_000
    let records = BedRecords(seed: 3, count: count)
    let broker = try MosquittoBroker()
    let calm = try BedsLake(maxRecords: 20_000)
    try calm.directory.write(records.text(0..<count), to: "lake/landing/beds/all.ndjson")
    try calm.run("run", "beds", "--once")
    let disturbed = try BedsLake(maxRecords: 200, settings: "mqtt: { broker: \"127.0.0.1:\(broker.port)\" }\n")
    let words = ["run", "beds"]
    // The session exists from the first connection on.
    let first = try disturbed.start(words)
    try first.waitFor("subscription is granted", seconds: 60)
    first.signal(SIGKILL)
    try first.wait()

    var random = SeededRandom(seed: 3)
    var kills = 1
    let points = ["ingest-written", "ingest-synced", "bronze-committed", "files-written", "all-committed"]
    let pieces = points.count * Self.rounds
    for piece in 0..<pieces {
      // Named instants in every second round, random ones in the others.
      let isNamed = piece / points.count % 2 == 0
      let process = try disturbed.start(words, crash: isNamed ? points[piece % points.count] : nil)
      let end = count * (piece + 1) / pieces
      try publish(records.lines[(count * piece / pieces)..<end], broker)
      if piece % 2 == 1 {
        // The broker is killed, too. It may have lost what it had not written, so the devices send that again.
        try broker.kill()
        try broker.start()
        try publish(records.lines[(count * (piece - 1) / pieces)..<end], broker)
      }
      if !isNamed {
        Thread.sleep(forTimeInterval: 0.3 + Double(random.integer(below: 1_200)) / 1_000)
        process.signal(SIGKILL)
      }
      let outcome = try process.wait(seconds: 60)
      #expect(outcome.status == 128 + SIGKILL, "\(outcome.output)\(outcome.errors)")
      kills += 1
    }
    let last = try disturbed.start(words)
    let wanted = calm.rows("silver_beds")
    let limit = Date(timeIntervalSinceNow: 60)
    while disturbed.rows("gold_beds") < wanted, Date() < limit { Thread.sleep(forTimeInterval: 0.1) }
    last.signal(SIGTERM)
    #expect(try last.wait(seconds: 60).succeeded)
    // What came twice and is no JSON is twice in quarantine: nothing says that it is a repeat.
    try disturbed.run("run", "beds", "--once")
    var differences: Int64 = 0
    let coordinates = ["source", "partition", "offset", "ingest_time"]
    for table in BedsLake.tables {
      let isRaw = table.hasPrefix("bronze") || table.hasPrefix("quarantine")
      let found = try BedsLake.differences(calm, disturbed, table, excluding: coordinates, distinct: isRaw)
      #expect(found == 0, "\(table)")
      differences += found
    }
    try disturbed.run("verify", "beds")
    report(
      "mqtt + deduplication", kills: kills, records: count, disturbed, calm: calm, differences: differences,
      since: began)
  }

  private func publish(_ lines: ArraySlice<(patient: String, text: String)>, _ broker: MosquittoBroker) throws {
    let publisher = try MQTTPublisher(
      MQTTConfiguration(host: "127.0.0.1", port: Int(broker.port)), clientId: "device")
    for line in lines {
      try Array(line.text.utf8).withUnsafeBytes { try publisher.publish($0, to: "ward/\(line.patient)/beds") }
    }
    try publisher.flush()
    publisher.close()
  }

  /// One process, then three, then two, one of them killed and one taken for dead: partitions move, every record is there
  /// once.
  @Test func rebalance() throws {
    let began = Date()
    let count = Self.isLong ? 40_000 : 6_000
    let records = BedRecords(seed: 4, count: count)
    let cluster = try MockCluster()
    try cluster.createTopic("beds", partitions: 12)
    let settings = """
      kafka:
        brokers: \(cluster.brokers)
        properties: { session.timeout.ms: "3000", heartbeat.interval.ms: "300" }

      """
    let (calm, shared) = (
      try BedsLake(maxRecords: 20_000, settings: settings), try BedsLake(maxRecords: 150, settings: settings)
    )
    func wait(for rows: Int) {
      let limit = Date(timeIntervalSinceNow: 90)
      while shared.rows("gold_beds") < rows, Date() < limit { Thread.sleep(forTimeInterval: 0.05) }
    }
    let third = count / 3
    try produce(records.lines[..<third], cluster, partitions: 12)
    var processes = [try shared.start(["run", "beds"])]
    wait(for: third / 4)
    processes += [try shared.start(["run", "beds"]), try shared.start(["run", "beds"])]
    try produce(records.lines[third..<(2 * third)], cluster, partitions: 12)
    wait(for: third)
    processes[1].signal(SIGKILL)
    try processes[1].wait()
    // The first is stopped until the group takes it for dead; what it has in hand then is stale and is dropped.
    processes[0].signal(SIGSTOP)
    try produce(records.lines[(2 * third)...], cluster, partitions: 12)
    Thread.sleep(forTimeInterval: 4.5)
    processes[0].signal(SIGCONT)
    try calm.run("run", "beds", "--once")
    wait(for: Int(calm.rows("gold_beds")))
    for process in [processes[0], processes[2]] {
      process.signal(SIGTERM)
      let outcome = try process.wait(seconds: 60)
      #expect(outcome.succeeded, "\(outcome.errors)")
      #expect(outcome.output.contains(" records in "), "every process worked: \(outcome.output)")
    }
    #expect(shared.rows("gold_beds") == calm.rows("gold_beds"), "the two that were left finished it")
    try shared.run("run", "beds", "--once")
    let differences = try compare(calm, shared, excluding: ["ingest_time"])
    #expect(shared.rows("bronze_beds") == Int64(count))
    report(
      "kafka, 1 → 3 → 2 processes", kills: 1, records: count, shared, calm: calm, differences: differences, since: began
    )
  }
}
