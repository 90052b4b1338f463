import Foundation
import LakewardTesting
import Simulation
import Testing

/// The policy that takes the model's answer beside the laboratory's limit, from the record to the message.
@Suite struct CriticalAndIllTests {
  @Test func aCriticalResultThatTheModelCallsIllTellsThePhysicianWhatCounted() throws {
    let lake = try TestLake(models: TestLake.trainedModels(), maxRecords: 2_000)
    // Nobody listens there: what is to be told stays in the outbox.
    let file = lake.directory.file("lakeward.yml")
    let address = "http://127.0.0.1:\(try FreePort.next())/"
    let settings = """
      notifiers:
        laboratory: { type: webhook, url: "\(address)" }
        physician: { type: webhook, url: "\(address)" }
      """
    try (String(contentsOfFile: file, encoding: .utf8) + settings).write(
      toFile: file, atomically: true, encoding: .utf8)
    // Results that are old when they come tell nobody.
    try lake.run("simulate", "illness", "--count", "12000", "--patients", "9000", "--seed", "3", "--start", "now")
    try lake.run("run", "illness", "--once")

    let critical = """
      glucose < 40 OR glucose > 450 OR hemoglobin <= 7 OR hemoglobin >= 20 OR creatinine >= 6 OR leukocytes <= 1
        OR leukocytes >= 50 OR oxygen_saturation < 85
      """
    let meant = "SELECT DISTINCT patient_id FROM {gold_patient_data} WHERE probability >= 0.8 AND (\(critical))"
    let raised = "SELECT * FROM {alerts} WHERE policy = 'critical_and_ill'"
    let count = try lake.count("SELECT count(*) FROM (\(raised))")
    #expect(count > 3)
    #expect(try lake.count("SELECT count(*) FROM (\(meant))") == count)
    // Each alert is of its row: the probability, the reasons and the version that stand there.
    #expect(
      try lake.count(
        """
        SELECT count(*) FROM (\(raised)) AS a JOIN {gold_patient_data} AS g
          ON g.patient_id = a.patient_id AND g.event_time = a.event_time
        WHERE a.severity = 'advisory' AND (\(critical)) AND g.explanation IS NOT NULL
          AND CAST((a.facts->'probability') AS DOUBLE) = g.probability AND (a.facts->'explanation') IS NOT NULL
          AND (a.facts->>'model_version') = CAST(g.model_version AS VARCHAR)
        """) == count)
    // The model's opinion goes to the physician alone; the laboratory hears of the limits themselves.
    let told = "SELECT DISTINCT notifier, policy FROM {alert_deliveries} JOIN {alerts} USING (alert_id)"
    #expect(try lake.count("SELECT count(*) FROM (\(told)) WHERE policy = 'critical_and_ill'") == 1)
    #expect(
      try lake.count("SELECT count(*) FROM (\(told)) WHERE policy = 'critical_and_ill' AND notifier = 'physician'") == 1
    )
    #expect(
      try lake.count("SELECT count(*) FROM (\(told)) WHERE policy <> 'critical_and_ill' AND notifier = 'laboratory'")
        > 0)
  }
}
