import Foundation
import LakewardTesting
import Simulation
import Testing

/// The main job as a user does it, with the built program.
@Suite(.serialized) struct MainJobTests {
  @Test func terminationFinishesTheMicroBatchInHand() throws {
    let lake = try TestLake(models: TestLake.trainedModels(), maxRecords: 500)
    var simulator = IllnessRecordSimulator(seed: 31, patients: 100, faults: .mixed)
    for number in 1...20 {
      var lines: [UInt8] = []
      simulator.append(count: 1_000, startingAt: 1_767_225_600_000_000, to: &lines)
      try Data(lines).write(to: URL(fileURLWithPath: "\(lake.landing)/records-\(number).ndjson"))
    }
    let process = try lake.start("run", "illness")
    let table = lake.location("gold_patient_data") + "/_delta_log/00000000000000000003.json"
    let deadline = Date(timeIntervalSinceNow: 60)
    while !FileManager.default.fileExists(atPath: table), Date() < deadline { usleep(10_000) }
    process.signal(SIGTERM)
    let outcome = try process.wait(seconds: 30)
    #expect(outcome.succeeded, "\(outcome.errors)")
    #expect(outcome.output.contains("illness: "))
    try lake.run("verify", "illness")
    try lake.run("run", "illness", "--once")
    #expect(try lake.count("SELECT count(*) FROM {bronze_patient_data}") == Int64(simulator.truth.records))
    try lake.run("verify", "illness")
  }

  @Test func aGrowingFileIsReadToItsEnd() throws {
    let lake = try TestLake(models: TestLake.trainedModels())
    var simulator = IllnessRecordSimulator(seed: 32, patients: 100)
    var lines: [UInt8] = []
    simulator.append(count: 3_000, startingAt: 1_767_225_600_000_000, to: &lines)
    let path = "\(lake.landing)/growing.ndjson"
    let cut = lines.count / 2 + 17
    try Data(lines[..<cut]).write(to: URL(fileURLWithPath: path))
    let process = try lake.start("run", "illness")
    let table = lake.location("gold_patient_data") + "/_delta_log/00000000000000000001.json"
    let deadline = Date(timeIntervalSinceNow: 60)
    while !FileManager.default.fileExists(atPath: table), Date() < deadline { usleep(10_000) }
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.seekToEnd()
    try file.write(contentsOf: Data(lines[cut...]))
    try file.close()
    process.signal(SIGTERM)
    try process.wait(seconds: 30)
    try lake.run("run", "illness", "--once")
    #expect(try lake.count("SELECT count(*) FROM {gold_patient_data}") == 3_000)
    #expect(try lake.count("SELECT count(*) FROM {quarantine_patient_data}") == 0)
    try lake.run("verify", "illness")
  }

  @Test func theSameDataAndSeedGiveTheSameModel() throws {
    let lake = try TestLake()
    let folder: String
    if let real = Places.shared("data/synthea-a") {
      folder = real
    } else {
      folder = lake.directory.file("synthea")
      _ = try PopulationGenerator(seed: 3, patients: 150).write(to: folder)
    }
    try lake.run("import", folder)
    let first = try lake.run("train", "illness", "--seed", "7")
    try lake.run("train", "illness", "--seed", "7")
    #expect(first.output.contains("ROC-AUC"))
    let models = try (1...2).map {
      try Data(contentsOf: URL(fileURLWithPath: "\(lake.lake)/models/illness/\($0)/model.ubj"))
    }
    #expect(models[0] == models[1])
  }

  @Test func aRealBrokerProcessFeedsThePipeline() throws {
    guard let broker = TansuBroker.program, let client = TansuBroker.clientLibraryFolder else { return }
    let tansu = try TansuBroker(program: broker)
    let lake = try TestLake(models: TestLake.trainedModels(), maxRecords: 1_000)
    lake.environment = ["LD_LIBRARY_PATH": client]
    try lake.run("simulate", "illness", "--count", "5000", "--faults", "--to", "kafka://\(tansu.address)/patient_data")
    try lake.run("run", "illness", "--once", "--brokers", tansu.address)
    #expect(try lake.count("SELECT count(*) FROM {bronze_patient_data}") == 5_000)
    #expect(try lake.count("SELECT count(DISTINCT \"partition\") FROM {bronze_patient_data}") > 1)
    try lake.run("verify", "illness")
  }

  @Test func otherReadersSeeTheSameRowsInEveryTable() throws {
    guard PeerPython.isReady else { return }
    let lake = try TestLake(maxRecords: 700)
    let folder = lake.directory.file("synthea")
    _ = try PopulationGenerator(seed: 4, patients: 120).write(to: folder)
    try lake.run("import", folder)
    try lake.run("train", "illness")
    var simulator = IllnessRecordSimulator(seed: 33, patients: 100, faults: FaultRates(total: 0.2))
    for number in 1...12 {
      var lines: [UInt8] = []
      simulator.append(count: 700, startingAt: 1_767_225_600_000_000, to: &lines)
      try Data(lines).write(to: URL(fileURLWithPath: "\(lake.landing)/records-\(number).ndjson"))
    }
    try lake.run("run", "illness", "--once")
    try lake.run("table", "checkpoint", lake.location("gold_patient_data"))
    let tables = try FileManager.default.contentsOfDirectory(atPath: lake.lake + "/tables").sorted()
    #expect(tables.count > 8)
    for table in tables.map({ lake.location($0) }) + [lake.lake + "/_splits/illness"] {
      let comparison = try DeltaPeer.compare(table)
      #expect(comparison.agree, "\(table): \(comparison.difference ?? "")")
      let mine = try lake.count("SELECT count(*) FROM \(scan(table))")
      #expect(comparison.rows == mine, "\(table)")
    }
    #expect(FileManager.default.fileExists(atPath: lake.location("gold_patient_data") + "/_delta_log/_last_checkpoint"))
  }
}

import DeltaLake

private func scan(_ location: String) throws -> String {
  try DeltaReader.scanSQL(DeltaTable(at: location).snapshot())
}
