import Foundation
import Kafka
import LakewardTesting
import Simulation
import Testing

/// What goes wrong in practice: each is a quarantine row or one clear line, and nothing is lost.
@Suite(.serialized) struct BadInputTests {
  private static let good =
    #"{"patient_id":"6f9619ff-8b86-4011-b42d-00c04fc964ff","timestamp":"2026-01-05T08:00:00Z","birthday":"1980-02-29","#
    + #""gender":1,"body_mass_index":24.5,"heart_rate":70"#

  private func lake(maxRecords: Int = 200_000) throws -> TestLake {
    try TestLake(models: TestLake.trainedModels(), maxRecords: maxRecords)
  }

  private func write(_ bytes: [UInt8], to lake: TestLake, name: String) throws {
    let path = "\(lake.landing)/\(name)"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    // At rest for long: an unfinished last line counts.
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1_767_225_600)], ofItemAtPath: path)
  }

  private func simulate(_ count: Int, to lake: TestLake) throws -> IllnessTruth {
    var simulator = IllnessRecordSimulator(seed: 21, patients: 100)
    var lines: [UInt8] = []
    simulator.append(count: count, startingAt: 1_767_225_600_000_000, to: &lines)
    try write(lines, to: lake, name: "good.ndjson")
    return simulator.truth
  }

  @Test func everyBrokenRecordGoesWholeToQuarantineWithItsReason() throws {
    let lake = try lake()
    let bad: [(record: String, reason: String)] = [
      ("this is not JSON", "not valid JSON"),
      ("[1, 2, 3]", "not a JSON object"),
      ("{}", "patient_id: missing; event_time: missing; birthday: missing; gender: missing"),
      (Self.good.replacing("70", with: "\"fast\"") + "}", "heart_rate: not a valid double"),
      (Self.good.replacing("70", with: "NaN") + "}", "heart_rate: not a valid double"),
      (Self.good.replacing("70", with: "7000") + "}", "silver_patient_data: heart_rate_plausible"),
      (Self.good.replacing("6f9619ff", with: "x") + "}", "patient_id: not a valid uuid"),
      (Self.good.replacing("2026-01-05", with: "2026-13-05") + "}", "event_time: not a valid timestamp"),
      (
        Self.good + #","note":""# + String(repeating: "x", count: 17 << 20) + "\"}",
        "longer than the largest record allowed"
      ),
    ]
    var bytes = Array((bad.map(\.record) + [Self.good + "}"]).joined(separator: "\n").utf8)
    bytes += Array("\n{\"patient_id\":\"".utf8) + [0xFF, 0xFE] + Array("\"}\n".utf8)
    let long =
      Self.good.replacing("08:00", with: "09:00") + #","note":""# + String(repeating: "y", count: 10 << 20) + "\"}"
    bytes += Array(long.utf8)
    try write(bytes, to: lake, name: "bad.ndjson")
    try write([], to: lake, name: "empty.ndjson")
    try write(Array("\n\n  \n".utf8), to: lake, name: "blank.ndjson")
    try lake.run("run", "illness", "--once")
    for (record, reason) in bad {
      let quoted = { (text: String) in "'" + text.replacing("'", with: "''") + "'" }
      let found = try lake.count(
        """
        SELECT count(*) FROM {quarantine_patient_data}
        WHERE reason = \(quoted(reason)) AND md5(record) = md5(\(quoted(record)))
        """)
      #expect(found == 1, "\(reason)")
    }
    #expect(
      try lake.count(
        "SELECT count(*) FROM {quarantine_patient_data} WHERE reason = 'not valid UTF-8' AND record_encoding = 'base64'"
      ) == 1)
    // The good record, and the one of 10 MB.
    #expect(try lake.count("SELECT count(*) FROM {silver_patient_data}") == 2)
    #expect(try lake.count("SELECT count(*) FROM {gold_patient_data}") == 2)
    try lake.run("verify", "illness")
  }

  @Test func aBrokerThatIsNotThereIsOneClearLine() throws {
    let lake = try lake()
    let port = try FreePort.next()
    let outcome = try lake.start("run", "illness", "--once", "--brokers", "127.0.0.1:\(port)").wait(seconds: 60)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("127.0.0.1:\(port)"), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count <= 2, "\(outcome.errors)")
  }

  @Test func aCorruptCommitFileIsNamedAndNothingIsWritten() throws {
    let lake = try lake()
    _ = try simulate(2_000, to: lake)
    try lake.run("run", "illness", "--once")
    let commit = lake.location("silver_patient_data") + "/_delta_log/00000000000000000001.json"
    let whole = try Data(contentsOf: URL(fileURLWithPath: commit))
    try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: commit))
    let outcome = try lake.start("run", "illness", "--once").wait()
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("00000000000000000001.json"), "\(outcome.errors)")
    try whole.write(to: URL(fileURLWithPath: commit))
    try lake.run("run", "illness", "--once")
    try lake.run("verify", "illness")
  }

  @Test func theLargestRecordIsTheSameForKafka() throws {
    let lake = try lake()
    let definition = lake.directory.file("pipelines/illness/pipeline.yml")
    let text = try String(contentsOfFile: definition, encoding: .utf8)
    try text.replacing("\n  stream: patient_data\n", with: "\n  stream: patient_data\n  max_record_size: 2 KiB\n")
      .write(toFile: definition, atomically: true, encoding: .utf8)
    let cluster = try MockCluster()
    try cluster.createTopic("patient_data", partitions: 1)
    let producer = try KafkaProducer(KafkaConfiguration(brokers: cluster.brokers))
    for note in [10, 3000] {
      let record = Self.good + #","note":""# + String(repeating: "z", count: note) + "\"}"
      try producer.send(Array(record.utf8), to: "patient_data")
    }
    _ = try producer.flush(timeout: .seconds(30))
    try lake.run("run", "illness", "--once", "--brokers", cluster.brokers)
    #expect(try lake.count("SELECT count(*) FROM {silver_patient_data}") == 1)
    #expect(
      try lake.count(
        """
        SELECT count(*) FROM {quarantine_patient_data}
        WHERE length(record) > 3000 AND reason = 'longer than the largest record allowed'
        """) == 1)
    try lake.run("verify", "illness")
  }
}
