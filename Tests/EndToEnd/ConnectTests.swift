import Foundation
import LakewardTesting
import Testing

/// The program beside what is outside: BI tools by PostgreSQL's protocol, and BigQuery.
@Suite struct ConnectTests {
  /// A lake of a quick ward, with the pipelines that come with Lakeward.
  private static func ward() throws -> SampleLake {
    let lake = try SampleLake()
    try FileManager.default.copyItem(
      atPath: "\(Places.packageRoot())/pipelines", toPath: lake.directory.file("pipelines"))
    #expect(try lake.run("simulate", "vitals", "--count", "600", "--seed", "3").succeeded)
    return lake
  }

  @Test(.enabled(if: ConnectPeers.isReady)) func everyPanelOfGrafanasDashboardsHasAnAnswer() throws {
    let lake = try Self.ward()
    let outcome = try lake.run("run", "vitals", "--once")
    #expect(outcome.succeeded, "\(outcome.errors)")
    let portFile = lake.directory.file("port")
    let server = try ChildProcess(
      lake.program,
      ["serve", "--listen", "127.0.0.1:0", "--postgres", "127.0.0.1:0", "--postgres-port-file", portFile],
      directory: lake.directory.path)
    defer { server.signal(SIGTERM) }
    let end = Date(timeIntervalSinceNow: 120)
    while !FileManager.default.fileExists(atPath: portFile), server.isRunning, Date() < end {
      Thread.sleep(forTimeInterval: 0.05)
    }
    let port = try String(contentsOfFile: portFile, encoding: .utf8)
    var answered = 0
    for page in ["ward", "pipelines"] {
      for sql in try Self.queries(of: page) {
        let outcome = try ChildProcess.run(
          "psql", ["-X", "-A", "-t", "-h", "127.0.0.1", "-p", port, "-U", "grafana", "-d", "lakeward", "-c", sql],
          environment: ["PGCONNECT_TIMEOUT": "60"])
        #expect(outcome.succeeded && outcome.errors.isEmpty, "\(page): \(sql)\n\(outcome.errors)")
        if !outcome.output.isEmpty { answered += 1 }
      }
    }
    // Alerts and quarantine may have nothing to show.
    #expect(answered >= 9)
  }

  /// The SQL of a dashboard's panels and variables, with Grafana's macros written out.
  private static func queries(of page: String) throws -> [String] {
    let path = "\(Places.packageRoot())/integrations/grafana/dashboards/\(page).json"
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let panels = try #require(object["panels"] as? [[String: Any]])
    let variables = (object["templating"] as? [String: Any])?["list"] as? [[String: Any]] ?? []
    var texts = variables.compactMap { $0["query"] as? String }
    for panel in panels {
      texts += (panel["targets"] as? [[String: Any]] ?? []).compactMap { $0["rawSql"] as? String }
    }
    #expect(texts.count >= panels.count)
    return texts.map { text in
      text.replacing("${ward:sqlstring}", with: "'A1', 'B1', 'C1'")
        .replacing(#/\$__timeFilter\(([^)]*)\)/#) {
          "\($0.1) BETWEEN '2000-01-01T00:00:00Z' AND '2100-01-01T00:00:00Z'"
        }
    }
  }

  @Test(.enabled(if: ConnectPeers.isReady)) func aRunMirrorsWhatItsSinksName() throws {
    let lake = try Self.ward()
    let counterpart = try BigQueryCounterpart(folder: try lake.directory.folder("google"))
    try """
    bigquery:
      project: ward-project
      credentials: google/account.json
      endpoint: \(counterpart.address)
    """.write(toFile: lake.directory.file("lakeward.yml"), atomically: true, encoding: .utf8)
    let ran = try lake.run("run", "vitals", "--once")
    #expect(ran.succeeded, "\(ran.errors)")
    #expect(ran.errors.contains("bigquery: gold_patient_summary: whole"), "\(ran.errors)\(counterpart.complaints)")
    #expect(ran.errors.contains("bigquery: lake_patient_risk_scores: whole"))
    // Nothing is new; then a table that no sink names.
    let again = try lake.run("load", "bigquery")
    #expect(again.succeeded && again.output.contains("gold_patient_summary: nothing new"), "\(again.errors)")
    #expect(again.output.contains("gold_patient_data: not in the lake yet"))
    let one = try lake.run("load", "bigquery", "silver_patient_vitals", "--dataset", "research")
    #expect(one.succeeded && one.output.contains("silver_patient_vitals: whole, "), "\(one.errors)")
    #expect(
      try lake.failure("load", "bigquery", "silver_patient_vital").contains("did you mean silver_patient_vitals?"))
    #expect(try lake.failure("load", "snowflake", status: 2).contains("there is no word snowflake"))
  }
}
