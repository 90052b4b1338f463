import DeltaLake
import Foundation
import JSON
import LakewardTesting
import Testing

@testable import BigQuery

/// Loads into a counterpart that checks tokens and keeps what it is sent.
@Suite struct MirrorTests {
  @Test(.enabled(if: ConnectPeers.isReady)) func addedRowsAreAppendedOnce() throws {
    let harness = try BigQueryHarness()
    let table = try harness.makeTable("gold_patient_data")
    try harness.append(table, 1...10)
    let mirror = try harness.mirror()
    #expect(try mirror.load(table, as: "gold_patient_data").kind == "whole")
    #expect(try mirror.load(table, as: "gold_patient_data").kind == "nothing")
    try harness.append(table, 11...15)
    try harness.append(table, 16...20)
    // Compaction moves rows and adds none.
    _ = try harness.editor.optimize(table)
    let second = try harness.mirror().load(table, as: "gold_patient_data")
    #expect(second.kind == "append" && second.rows == 10)
    #expect(try harness.mirror().load(table, as: "gold_patient_data").kind == "nothing")
    #expect(
      try harness.rows("SELECT count(*), count(DISTINCT value), sum(value) FROM gold_patient_data") == "[[20,20,210]]")
    let log = try harness.log()
    #expect(log.jobs.members.count == 2)
    #expect(try table.snapshot().transactions["bigquery/ward-project.patient_data.gold_patient_data"] != nil)
  }

  /// The load went through and its answer was lost; the table has grown before the next attempt.
  @Test(.enabled(if: ConnectPeers.isReady)) func aLoadWhoseAnswerWasLostIsNotRepeated() throws {
    let harness = try BigQueryHarness()
    let table = try harness.makeTable("events")
    try harness.append(table, 1...5)
    _ = try harness.mirror().load(table, as: "events")
    try harness.append(table, 6...9)
    try harness.fail("status_refusals", times: 1)
    #expect(throws: BigQueryError.self) { try harness.mirror(retries: false).load(table, as: "events") }
    try harness.append(table, 10...12)
    let again = try harness.mirror().load(table, as: "events")
    #expect(again.kind == "append" && again.rows == 4)
    #expect(try harness.mirror().load(table, as: "events").rows == 3)
    #expect(try harness.rows("SELECT count(*), count(DISTINCT value), max(value) FROM events") == "[[12,12,12]]")
  }

  @Test(.enabled(if: ConnectPeers.isReady)) func failedJobsAndBrokenUploadsAreTriedAgain() throws {
    let harness = try BigQueryHarness()
    let table = try harness.makeTable("events")
    try harness.append(table, 1...5_000)
    try harness.fail("job_fails", times: 1)
    let error = #expect(throws: BigQueryError.self) { try harness.mirror().load(table, as: "events") }
    #expect(error?.description.contains("made to fail") == true)
    try harness.fail("server_errors", times: 2)
    try harness.fail("upload_fails", times: 3)
    try harness.fail("lost_answers", times: 1)
    #expect(try harness.mirror().load(table, as: "events").rows == 5_000)
    #expect(try harness.rows("SELECT count(*), sum(value) FROM events") == "[[5000,12502500]]")
  }

  @Test(.enabled(if: ConnectPeers.isReady)) func replacedDaysAreReplacedThere() throws {
    let harness = try BigQueryHarness()
    let table = try harness.makeTable("summary", partitionedBy: ["day"])
    for day in 1...3 { try harness.append(table, 1...day, day: "2026-01-0\(day)") }
    #expect(try harness.mirror().load(table, as: "summary").kind == "whole")
    // The second day gets other rows, the third is emptied, a fourth comes.
    _ = try harness.editor.delete(from: table, where: "day >= DATE '2026-01-02'")
    try harness.append(table, 50...54, day: "2026-01-02")
    try harness.append(table, 7...7, day: "2026-01-04")
    let report = try harness.mirror().load(table, as: "summary")
    #expect(report.kind == "days" && report.rows == 6)
    let rows = try harness.rows("SELECT strftime(day, '%d'), count(*), sum(value) FROM summary GROUP BY 1 ORDER BY 1")
    #expect(rows == #"[["01",1,1],["02",5,260],["04",1,7]]"#)
    #expect(try harness.log().tables["summary"]?.object?["timePartitioning"]?.object?["field"] == .string("day"))
    // Without days the table is written anew.
    let plain = try harness.makeTable("plain")
    try harness.append(plain, 1...9)
    _ = try harness.mirror().load(plain, as: "plain")
    _ = try harness.editor.delete(from: plain, where: "value > 4")
    #expect(try harness.mirror().load(plain, as: "plain").kind == "whole")
    #expect(try harness.rows("SELECT count(*) FROM plain") == "[[4]]")
  }

  @Test(.enabled(if: ConnectPeers.isReady)) func newColumnsWriteTheTableAnew() throws {
    let harness = try BigQueryHarness()
    let table = try harness.makeTable("events")
    try harness.append(table, 1...3)
    _ = try harness.mirror().load(table, as: "events")
    _ = try table.addColumns([StructField("ward", .string)])
    try harness.write("SELECT DATE '2026-02-02' AS day, 'x' AS name, 4::BIGINT AS value, 'B1' AS ward", into: table)
    #expect(try harness.mirror().load(table, as: "events").kind == "whole")
    #expect(try harness.rows("SELECT count(*), max(ward) FROM events") == #"[[4,"B1"]]"#)
    #expect(try harness.mirror().load(table, as: "events", isWhole: true).kind == "whole")
    #expect(try harness.rows("SELECT count(*) FROM events") == "[[4]]")
  }

  @Test(.enabled(if: ConnectPeers.isReady)) func viewsStandOverTheirRows() throws {
    let harness = try BigQueryHarness()
    let table = try harness.makeTable("patient_risk_scores")
    try harness.append(table, 1...6)
    let mirrored = MirroredTable("patient_risk_scores", isView: true) { table }
    #expect(try mirrored.load(try harness.mirror())?.rows == 6)
    #expect(try mirrored.load(try harness.mirror())?.kind == "nothing")
    #expect(try harness.rows("SELECT count(*) FROM patient_risk_scores") == "[[6]]")
    #expect(try harness.log().tables["patient_risk_scores"]?.object?["view"] != nil)
  }

  @Test(.enabled(if: ConnectPeers.isReady)) func credentialsAreChecked() throws {
    let harness = try BigQueryHarness()
    let table = try harness.makeTable("events")
    try harness.append(table, 1...2)
    let host = harness.address.replacing("http://", with: "")
    #expect(try harness.mirror(.metadataServer(host: host)).load(table, as: "events").rows == 2)
    // A token that has ended is asked for once more.
    let mirror = try harness.mirror()
    _ = try mirror.load(table, as: "events")
    _ = try harness.post("/test/expire", [:])
    try harness.append(table, 3...3)
    #expect(try mirror.load(table, as: "events").rows == 1)
    #expect(throws: BigQueryError.self) { try harness.mirror(GoogleCredentials.Source.none).load(table, as: "events") }
    // Another key does not sign for this account.
    let other = harness.directory.file("other.pem")
    _ = try ChildProcess.run("openssl", ["genpkey", "-algorithm", "RSA", "-out", other])
    var account =
      JSONValue(parsing: try String(contentsOfFile: harness.keyFile, encoding: .utf8))?.object ?? [:]
    account["private_key"] = .string(try String(contentsOfFile: other, encoding: .utf8))
    try JSONValue.object(account).text.write(toFile: harness.keyFile, atomically: true, encoding: .utf8)
    let error = #expect(throws: BigQueryError.self) { try harness.mirror().load(table, as: "events") }
    #expect(error?.description.contains("Invalid JWT Signature") == true)
    #expect(error?.description.contains("PRIVATE") == false)
  }

  @Test func sourcesOfCredentials() {
    typealias Source = GoogleCredentials.Source
    #expect(Source(nil, environment: [:]) == .metadataServer(host: "metadata.google.internal"))
    #expect(Source(nil, environment: ["GOOGLE_APPLICATION_CREDENTIALS": "k.json"]) == .serviceAccount(file: "k.json"))
    #expect(Source("none", environment: ["GOOGLE_APPLICATION_CREDENTIALS": "k.json"]) == Source.none)
    #expect(Source("metadata", environment: ["GCE_METADATA_HOST": "h:1"]) == .metadataServer(host: "h:1"))
  }
}
