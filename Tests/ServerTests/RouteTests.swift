import Foundation
import JSON
import LakewardTesting
import Testing

@Suite("Routes") struct RouteTests {
  private let harness: ServerHarness

  // One server for all tests: they only read, or write what no other looks at.
  nonisolated(unsafe) private static let shared = Result { try ServerHarness() }

  init() throws { harness = try Self.shared.get() }

  @Test func everyPageAnswers() throws {
    for path in [
      "/health", "/ready", "/metrics", "/docs", "/openapi.json", "/tables", "/models", "/patients", "/alerts",
    ] {
      #expect(try harness.send("GET", path).status == 200, "\(path)")
    }
    #expect(try harness.send("GET", "/nothing").status == 404)
    let wrong = try harness.send("DELETE", "/tables")
    #expect(wrong.status == 405 && wrong.headers["allow"] == "GET, HEAD")
  }

  @Test func predictsWithReasonsThatAddUp() throws {
    let answer = try harness.send("POST", "/predict", #"{"glucose": 150, "bmi": 31.5, "age": 50}"#)
    #expect(answer.status == 200)
    let probability = try #require(answer["probability"]?.number)
    let base = try #require(answer["base_value"]?.number)
    let values = try #require(answer["shap_values"]?.object)
    #expect(values.members.map(\.key) == ["glucose", "bmi", "age"])
    #expect(answer["contribution_scale"]?.string == "probability")
    let sum = values.members.reduce(base) { $0 + ($1.value.number ?? 0) }
    #expect(abs(sum - probability) < 1e-4)
    #expect(answer["model_version"]?.string == "1")
    #expect(["High", "Medium", "Low"].contains(answer["risk"]?.string))
    #expect(try harness.send("POST", "/predict/diabetes?shap=false", #"{"glucose": 150}"#)["shap_values"] == nil)
    #expect(try harness.send("POST", "/predict/nothing", #"{"glucose": 150}"#).status == 404)
  }

  @Test(arguments: [
    (#"{"glucose": 5}"#, "/glucose", "minimum"), (#"{"glucose": 3000}"#, "/glucose", "maximum"),
    (#"{"glucose": "high"}"#, "/glucose", "type"), (#"{"glucose": true}"#, "/glucose", "type"),
    (#"{"sugar": 5}"#, "/sugar", "unknown"), (#"{}"#, "", "required"), (#"{"glucose": null}"#, "", "required"),
    (#"{"bmi": 0}"#, "", "required"), (#"[1]"#, "", "type"), (#"{"age": 1e300}"#, "/age", "range"),
    (#"{"age": 1, "age": 2}"#, "/age", "once"),
  ]) func namesFieldAndRule(body: String, field: String, rule: String) throws {
    let answer = try harness.send("POST", "/predict", body)
    #expect(answer.status == 422)
    #expect(answer.headers["content-type"] == "application/problem+json")
    let error = try #require(answer["errors"]?.array?.first?.object)
    #expect(error["field"]?.string == field && error["rule"]?.string == rule)
  }

  @Test(arguments: ["", "{", "nonsense", "{\"glucose\": 1} x", "\u{0}"]) func whatIsNoJSONIsRefused(body: String) throws
  {
    #expect(try harness.send("POST", "/predict", body).status == 400)
  }

  @Test func batchesInBothFormats() throws {
    let records = (0..<1_000).map { "{\"glucose\": \(20 + $0), \"bmi\": 30, \"age\": 40}" }
    let json = try harness.send("POST", "/predict_batch?model=diabetes", "[\(records.joined(separator: ","))]")
    #expect(json["count"]?.int == 1_000 && json["results"]?.array?.count == 1_000)
    let lines = try harness.send(
      "POST", "/predict_batch?model=diabetes", records.joined(separator: "\n"), type: "application/x-ndjson")
    #expect(lines.text.split(separator: "\n").count == 1_000)
    let wrong = try harness.send("POST", "/predict_batch?model=diabetes", #"[{"glucose": 100}, {"glucose": "x"}]"#)
    #expect(wrong.status == 422 && wrong["errors"]?.array?.first?.object?["field"]?.string == "/1/glucose")
    #expect(try harness.send("POST", "/predict_batch", "[]").status == 404)
    #expect(try harness.send("POST", "/predict_batch?model=diabetes", "[]").status == 422)
  }

  @Test func ingestIsDurableBeforeItAnswers() throws {
    let first = try harness.send(
      "POST", "/ingest/beds", "{\"patient_id\":\"a\"}\n{\"patient_id\":\"b\"}\n", type: "application/x-ndjson")
    #expect(first.status == 200 && first["records"]?.int == 2)
    #expect(try harness.send("POST", "/ingest/beds", #"[{"patient_id":"c"}, 5]"#)["records"]?.int == 2)
    let folder = harness.directory.file("lake/landing/readings/ingest-log")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".ndjson") }
    let text = try files.map { try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8) }.joined()
    #expect(text.split(separator: "\n").count == 4)
    #expect(try harness.send("POST", "/ingest/nothing", "{}", type: "application/x-ndjson").status == 404)
    #expect(try harness.send("POST", "/ingest/beds", "{}").status == 422)
    #expect(try harness.send("POST", "/ingest/beds", "x", type: "text/plain").status == 415)
  }

  @Test func tablesAndQueries() throws {
    let table = try harness.send("GET", "/tables/silver_readings?preview=3")
    #expect(table["schema"]?.array?.count == 5 && table["history"]?.array?.count == 2)
    #expect(table["preview"]?.object?["rows"]?.array?.count == 3)
    #expect(try harness.send("GET", "/tables/nothing").status == 404)
    #expect(try harness.send("GET", "/tables/..%2Fx").status == 404)
    #expect(try harness.send("GET", "/tables/silver_readings?preview=9999").status == 400)
    #expect(try harness.send("GET", "/tables?limit=3").status == 400)
    let rows = try harness.query("SELECT count(*) AS n, max(glucose) AS m FROM silver_readings")
    #expect(rows["rows"] == .array([.array([.int(50), .double(149)])]))
    let earlier = try harness.query("SELECT count(*) FROM delta('silver_readings', version => 0)")
    #expect(earlier["rows"] == .array([.array([.int(0)])]))
    let scored = try harness.query("SELECT predict_diabetes(120, 30, 50) > 0, model_version('diabetes')")
    #expect(scored["rows"] == .array([.array([.bool(true), .string("1")])]))
    let csv = try harness.send(
      "POST", "/query", #"{"sql": "SELECT 1 AS a, 'x,y' AS b"}"#, headers: [("Accept", "text/csv")])
    #expect(csv.text == "a,b\n1,\"x,y\"\n")
    let cut = try harness.send("POST", "/query", #"{"sql": "FROM silver_readings", "rows": 7}"#)
    #expect(cut["rows"]?.array?.count == 7 && cut["truncated"]?.bool == true)
    #expect(try harness.query("SELECT nothing FROM silver_readings").status == 400)
  }

  @Test(arguments: [
    "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM read_blob('/proc/self/environ')", "FROM '/etc/passwd'", "FROM '/etc/passwd.csv'",
    "SELECT * FROM parquet_scan('/etc/passwd')", "SELECT * FROM read_json_auto('/etc/hostname')",
    "SELECT * FROM delta('/tmp')", "SELECT * FROM delta('../lake/tables/silver_readings')",
    "COPY (SELECT 1) TO '/tmp/x'",
    "ATTACH '/tmp/x.db'", "INSTALL httpfs", "LOAD httpfs", "SET threads = 8", "PRAGMA version", "CREATE TABLE t(a INT)",
    "SELECT * FROM read_parquet('http://127.0.0.1:1/x')", "SELECT * FROM query('SELECT 1')", "SELECT 1; SELECT 2",
    "DROP VIEW silver_readings", "INSERT INTO silver_readings SELECT 1", "SELECT getenv('HOME')", "",
    "SELECT * FROM sniff_csv('/etc/passwd')", "SELECT * FROM duckdb_secrets(redact => false), read_text('/etc/passwd')",
    "EXPLAIN ANALYZE SELECT * FROM read_text('/etc/passwd')",
  ]) func queriesReachNothingButTables(sql: String) throws {
    let answer = try harness.query(sql)
    #expect(answer.status == 400, "\(sql): \(answer.text.prefix(200))")
    #expect(!answer.text.contains("root:"))
  }

  @Test func queriesAreStopped() throws {
    let long = try harness.query("SELECT count(*) FROM range(100000000000) a, range(1000) b")
    #expect(long.status == 408)
    let wide = try harness.query("SELECT list(i) FROM range(10000000000) r(i)")
    #expect([400, 408].contains(wide.status))
    #expect(try harness.query("SELECT 1").status == 200)
  }

  @Test func theDocumentDescribesWhatIsThere() throws {
    let paths = try #require(try harness.send("GET", "/openapi.json")["paths"]?.object)
    for path in [
      "/health", "/ready", "/predict", "/predict/{model}", "/predict_batch", "/ingest/{pipeline}", "/tables",
      "/tables/{name}", "/query", "/patients", "/patients/{id}", "/alerts", "/alerts/{id}/acknowledge",
      "/alerts/{id}/snooze", "/alerts/{id}/escalate", "/alerts/{id}/comment", "/alerts/{id}/dismiss", "/models",
      "/metrics", "/events", "/openapi.json", "/docs",
    ] {
      #expect(paths[path] != nil, "\(path)")
    }
    #expect(try harness.send("GET", "/docs").text.contains("/alerts/{id}/snooze"))
  }
}
