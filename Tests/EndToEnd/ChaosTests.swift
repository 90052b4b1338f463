import DeltaLake
import DuckDB
import Foundation
import Kafka
import LakewardTesting
import Simulation
import Testing

/// kill -9 at random moments: the tables equal those of an undisturbed run, to the record.
@Suite(.serialized) struct ChaosTests {
  /// How often a run is killed; `make chaos` asks for more.
  static let rounds = ProcessInfo.processInfo.environment["LAKEWARD_CHAOS_ROUNDS"].flatMap { Int($0) } ?? 5

  static let tables = ["bronze_patient_data", "silver_patient_data", "quarantine_patient_data", "gold_patient_data"]

  /// Everything but the time at which a record arrived.
  private func columns(_ table: String) -> String {
    table == "gold_patient_data" ? "*" : "* EXCLUDE (ingest_time)"
  }

  private func killInALoop(_ lake: TestLake, seed: UInt64, words: [String]) throws {
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
    Places.note("chaos: killed \(killed) of \(Self.rounds) runs")
  }

  @Test func landingDirectory() throws {
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
    try killInALoop(disturbed, seed: 3, words: [])
    try disturbed.run("run", "illness", "--once")
    try calm.run("run", "illness", "--once")
    #expect(try calm.count("SELECT count(*) FROM {bronze_patient_data}") == Int64(simulator.truth.records))
    #expect(try calm.count("SELECT count(*) FROM {silver_patient_data}") == Int64(simulator.truth.accepted))
    #expect(try calm.count("SELECT count(*) FROM {quarantine_patient_data}") == Int64(simulator.truth.quarantined))
    for table in Self.tables {
      // The files lie in two folders, so their names differ.
      let isRaw = table.hasPrefix("bronze") || table.hasPrefix("quarantine")
      let compared = isRaw ? "* EXCLUDE (ingest_time, source)" : columns(table)
      #expect(try TestLake.differences(calm, disturbed, select: compared, table: table) == 0, "\(table)")
    }
    try disturbed.run("verify", "illness")
  }

  @Test func kafka() throws {
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
    try killInALoop(disturbed, seed: 4, words: ["--once", "--brokers", cluster.brokers])
    try disturbed.run("run", "illness", "--once", "--brokers", cluster.brokers)
    try calm.run("run", "illness", "--once", "--brokers", cluster.brokers)
    #expect(try calm.count("SELECT count(*) FROM {bronze_patient_data}") == Int64(simulator.truth.records))
    for table in Self.tables {
      #expect(try TestLake.differences(calm, disturbed, select: columns(table), table: table) == 0, "\(table)")
    }
    try disturbed.run("verify", "illness")
  }

  /// kill -9 while small files are being joined: every row is there once, after each kill and at the end.
  @Test func compaction() throws {
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
    Places.note("chaos: killed \(killed) of \(Self.rounds * 3) compactions")
    #expect(killed > 0)
    #expect(try lake.run("table", "optimize", "vitals", "--zorder", "id").succeeded)
    #expect(try lake.run("table", "vacuum", "vitals", "--retain", "0", "--force").succeeded)
    #expect(try sum() == expected)
    let data = try FileManager.default.contentsOfDirectory(atPath: lake.location("vitals")).filter {
      $0.hasSuffix(".parquet")
    }
    #expect(data.count == (try table.snapshot().files.count))
    guard PeerPython.isReady else { return }
    let comparison = try DeltaPeer.compare(lake.location("vitals"))
    #expect(comparison.agree, "\(comparison.difference ?? "")")
  }
}
