import DeltaLake
import DuckDB
import Foundation
import Kafka
import LakewardTesting
import Simulation
import Testing

/// kill -9 at random moments: the tables equal those of an undisturbed run, to the record.
@Suite(.serialized) struct KillChaosTests {
  /// How often a run is killed; `make chaos` asks for more.
  static let rounds = ReliabilityLog.rounds(5)

  static let tables = ["bronze_patient_data", "silver_patient_data", "quarantine_patient_data", "gold_patient_data"]

  /// Everything but the time at which a record arrived.
  private func columns(_ table: String) -> String {
    table == "gold_patient_data" ? "*" : "* EXCLUDE (ingest_time)"
  }

  private func killInALoop(_ lake: TestLake, seed: UInt64, words: [String]) throws -> Int64 {
    var random = SeededRandom(seed: seed)
    var killed = 0
    for _ in 0..<Self.rounds {
      let process = try lake.start(["run", "illness"] + words)
      let delay = 0.15 + Double(random.integer(below: 1_500)) / 1_000
      // Waiting for a random instant of the run is what this test is about.
      Thread.sleep(forTimeInterval: delay)
      if process.isRunning { killed += 1 }
      process.signal(SIGKILL)
      try process.wait()
    }
    return Int64(killed)
  }

  @Test func landingDirectory() throws {
    let began = Date()
    let models = try TestLake.trainedModels()
    let calm = try TestLake(models: models, maxRecords: 20_000)
    let disturbed = try TestLake(models: models, maxRecords: 1_000)
    var simulator = IllnessRecordSimulator(seed: 11, patients: 500, faults: FaultRates(total: 0.1))
    for file in 1...12 {
      var lines: [UInt8] = []
      simulator.append(count: 5_000, startingAt: 1_767_225_600_000_000, to: &lines)
      for lake in [calm, disturbed] {
        let path = "\(lake.landing)/file-\(100 + file).ndjson"
        try Data(lines).write(to: URL(fileURLWithPath: path))
        // Equal times, so that both lakes take the files in the order of their names.
        try FileManager.default.setAttributes(
          [.modificationDate: Date(timeIntervalSince1970: 1_767_225_600)], ofItemAtPath: path)
      }
    }
    let kills = try killInALoop(disturbed, seed: 3, words: [])
    try disturbed.run("run", "illness", "--once")
    try calm.run("run", "illness", "--once")
    #expect(try calm.count("SELECT count(*) FROM {bronze_patient_data}") == Int64(simulator.truth.records))
    #expect(try calm.count("SELECT count(*) FROM {silver_patient_data}") == Int64(simulator.truth.accepted))
    #expect(try calm.count("SELECT count(*) FROM {quarantine_patient_data}") == Int64(simulator.truth.quarantined))
    var wrong: Int64 = 0
    for table in Self.tables {
      // The files lie in two folders, so their names differ.
      let isRaw = table.hasPrefix("bronze") || table.hasPrefix("quarantine")
      let compared = isRaw ? "* EXCLUDE (ingest_time, source)" : columns(table)
      let differences = try TestLake.differences(calm, disturbed, select: compared, table: table)
      #expect(differences == 0, "\(table)")
      wrong += differences
    }
    try disturbed.run("verify", "illness")
    let lost = Int64(simulator.truth.records) - (try disturbed.count("SELECT count(*) FROM {bronze_patient_data}"))
    ReliabilityLog.add(
      "kill -9 at random, landing folder",
      ["records": Int64(simulator.truth.records), "faults": kills, "lost": lost, "wrong": wrong], since: began)
  }

  @Test func kafka() throws {
    let began = Date()
    let models = try TestLake.trainedModels()
    let cluster = try MockCluster()
    try cluster.createTopic("patient_data", partitions: 4)
    let producer = try KafkaProducer(KafkaConfiguration(brokers: cluster.brokers))
    var simulator = IllnessRecordSimulator(seed: 5, patients: 300, faults: FaultRates(total: 0.1))
    // A mock partition keeps 5 MB; 24,000 records in four partitions stay below that.
    try simulator.forEachRecord(count: 24_000, startingAt: 1_767_225_600_000_000) { record in
      try producer.send(
        UnsafeRawBufferPointer(record.bytes), key: UnsafeRawBufferPointer(record.key), to: "patient_data")
    }
    _ = try producer.flush(timeout: .seconds(30))
    let calm = try TestLake(models: models, maxRecords: 10_000)
    let disturbed = try TestLake(models: models, maxRecords: 500)
    // By hand, not as a group: a group waits for members that were killed. ExactlyOnceChaosTests have the group.
    let kills = try killInALoop(disturbed, seed: 4, words: ["--once", "--brokers", cluster.brokers])
    try disturbed.run("run", "illness", "--once", "--brokers", cluster.brokers)
    try calm.run("run", "illness", "--once", "--brokers", cluster.brokers)
    #expect(try calm.count("SELECT count(*) FROM {bronze_patient_data}") == Int64(simulator.truth.records))
    var wrong: Int64 = 0
    for table in Self.tables {
      let differences = try TestLake.differences(calm, disturbed, select: columns(table), table: table)
      #expect(differences == 0, "\(table)")
      wrong += differences
    }
    try disturbed.run("verify", "illness")
    let lost = Int64(simulator.truth.records) - (try disturbed.count("SELECT count(*) FROM {bronze_patient_data}"))
    ReliabilityLog.add(
      "kill -9 at random, Kafka",
      ["records": Int64(simulator.truth.records), "faults": kills, "lost": lost, "wrong": wrong], since: began)
  }

  /// kill -9 while small files are being joined: every row is there once, after each kill and at the end.
  @Test func compaction() throws {
    let began = Date()
    let lake = try SampleLake()
    let table = try lake.table("vitals", "SELECT -1::BIGINT AS id, 'x' AS text")
    let connection = try Database().connect()
    let writer = DeltaWriter(connection: connection, options: .init(compression: "uncompressed"))
    for file in 0..<60 {
      let rows = "SELECT \(file) * 3000 + i AS id, repeat(md5(i::VARCHAR), 4) AS text FROM range(3000) AS r(i)"
      _ = try table.append(writer.write(rows, into: table))
    }
    func sum() throws -> [[Value]] {
      let scan = try DeltaReader.scanSQL(table.snapshot())
      return try connection.query("SELECT count(*), sum(id)::BIGINT, count(DISTINCT id) FROM \(scan)").rows()
    }
    let expected = try sum()
    var random = SeededRandom(seed: 8)
    var killed = 0
    for round in 0..<(Self.rounds * 3) {
      let process = try ChildProcess(
        lake.program, ["table", "optimize", "vitals"] + (round % 2 == 0 ? ["--zorder", "id"] : []),
        directory: lake.directory.path)
      // Waiting for a random instant of the run is what this test is about.
      Thread.sleep(forTimeInterval: 0.02 + Double(random.integer(below: 300)) / 1_000)
      if process.isRunning { killed += 1 }
      process.signal(SIGKILL)
      try process.wait()
      #expect(try sum() == expected)
    }
    #expect(killed > 0)
    #expect(try lake.run("table", "optimize", "vitals", "--zorder", "id").succeeded)
    #expect(try lake.run("table", "vacuum", "vitals", "--retain", "0", "--force").succeeded)
    #expect(try sum() == expected)
    let data = try FileManager.default.contentsOfDirectory(atPath: lake.location("vitals")).filter {
      $0.hasSuffix(".parquet")
    }
    #expect(data.count == (try table.snapshot().files.count))
    let (rows, distinct) = (Int64(try sum()[0][0].intValue ?? 0), Int64(try sum()[0][2].intValue ?? 0))
    ReliabilityLog.add(
      "kill -9 at random, joining of small files",
      ["records": 180_001, "faults": Int64(killed), "lost": 180_001 - distinct, "wrong": rows - distinct], since: began)
    guard PeerPython.isReady else { return }
    let comparison = try DeltaPeer.compare(lake.location("vitals"))
    #expect(comparison.agree, "\(comparison.difference ?? "")")
  }
}
