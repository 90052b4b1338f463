import Foundation
import Kafka
import LakewardTesting
import Simulation
import Testing

/// `lakeward infer`: what it writes is checked, runs, and verifies.
@Suite struct InferTests {
  @Test("a CSV file, a folder of NDJSON and a topic become pipelines that run")
  func starters() throws {
    let lake = try SampleLake()
    let rows = (0..<300).map {
      "p\($0 % 7);2026-03-01T08:\(10 + $0 / 60):\(10 + $0 % 50)Z;\(60 + $0 % 40);36.\($0 % 10)"
    }
    try lake.directory.write("Patient ID;time;pulse;temp\n" + rows.joined(separator: "\n") + "\n", to: "wards.csv")
    var simulator = IllnessRecordSimulator(seed: 3, patients: 20, faults: FaultRates(total: 0))
    var lines: [UInt8] = []
    simulator.append(count: 200, startingAt: 1_767_225_600_000_000, to: &lines)
    try lake.directory.write(lines, to: "exports/a.ndjson")
    let cluster = try MockCluster()
    try cluster.createTopic("patient-vitals", partitions: 2)
    let producer = try KafkaProducer(KafkaConfiguration(brokers: cluster.brokers))
    _ = try lines.withUnsafeBytes { try producer.sendLines($0, to: "patient-vitals") }
    try producer.flush(timeout: .seconds(20))

    for (place, name, brokers) in [
      ("wards.csv", "wards", []), ("exports", "exports", []),
      ("kafka://\(cluster.brokers)/patient-vitals", "patient_vitals", ["--brokers", cluster.brokers]),
    ] as [(String, String, [String])] {
      let written = try lake.run(["infer", place])
      #expect(written.succeeded, "\(written.errors)")
      if name == "wards" {
        try FileManager.default.createDirectory(
          atPath: lake.directory.file("lake/landing/wards"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(
          atPath: lake.directory.file("wards.csv"), toPath: lake.directory.file("lake/landing/wards/wards.csv"))
      }
      for words in [["check", name], ["run", name, "--once"] + brokers, ["verify", name]] {
        let outcome = try lake.run(words)
        #expect(outcome.succeeded, "\(words): \(outcome.output)\(outcome.errors)")
      }
      let query = "SELECT count(*) AS n FROM quarantine_\(name)"
      #expect(try lake.query(query, "--format", "csv").split(separator: "\n").last == "0", "\(name)")
      #expect(try lake.run(["infer", place]).status == 1, "nothing is overwritten")
    }
    #expect(
      try lake.query("SELECT count(*) AS n, sum(pulse) AS s FROM silver_wards", "--format", "csv").contains("300,"))
    #expect(try lake.failure("infer", "nowhere").contains("no such folder or file"))
  }
}
