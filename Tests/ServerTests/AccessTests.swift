import Foundation
import HTTP
import JSON
import LakewardTesting
import Server
import Testing

@Suite("Who may do what") struct AccessTests {
  private static let calls: [(method: String, path: String, body: String?, needs: Permission)] = [
    ("GET", "/tables", nil, .catalog), ("GET", "/models", nil, .catalog), ("GET", "/metrics", nil, .catalog),
    ("GET", "/tables/silver_readings", nil, .catalog), ("POST", "/predict", #"{"glucose": 100}"#, .predict),
    ("POST", "/predict_batch?model=diabetes", #"[{"glucose": 100}]"#, .predict), ("GET", "/patients", nil, .patients),
    ("GET", "/alerts", nil, .patients), ("POST", "/query", #"{"sql": "SELECT 1"}"#, .query),
    ("POST", "/ingest/beds", "[{}]", .ingest), ("POST", "/alerts/none/acknowledge", "{}", .alerts),
  ]

  @Test func everyRoleMayDoItsOwnAndNothingElse() throws {
    let harness = try ServerHarness(hasTokens: true)
    let tokens = try #require(harness.tokens)
    for role in Role.allCases {
      let token = try tokens.create(name: role.rawValue, role: role)
      Thread.sleep(forTimeInterval: 0.3)
      for call in Self.calls {
        let answer = try harness.send(call.method, call.path, call.body, token: token)
        let mayDo = role.permissions.contains(call.needs)
        #expect((answer.status != 403) == mayDo, "\(role) \(call.path): \(answer.status)")
        #expect(answer.status != 401)
      }
    }
    for call in Self.calls {
      let nobody = try harness.send(call.method, call.path, call.body)
      #expect(nobody.status == 401 && nobody.headers["www-authenticate"]?.hasPrefix("Bearer") ?? false)
    }
    for path in ["/health", "/docs", "/openapi.json"] { #expect(try harness.send("GET", path).status == 200) }
    let preview = try harness.send("GET", "/tables/silver_readings", token: try tokens.create(name: "v", role: .viewer))
    #expect(preview.status == 401 || preview["preview"] == nil)
  }

  @Test func aRevokedTokenEnds() throws {
    let harness = try ServerHarness(hasTokens: true)
    let token = try #require(try harness.tokens?.create(name: "a", role: .admin))
    Thread.sleep(forTimeInterval: 0.3)
    #expect(try harness.send("GET", "/tables", token: token).status == 200)
    _ = try harness.tokens?.revoke("a")
    Thread.sleep(forTimeInterval: 0.3)
    #expect(try harness.send("GET", "/tables", token: token).status == 401)
  }

  @Test func tryingTokensIsSlowedDown() throws {
    let harness = try ServerHarness(hasTokens: true)
    let statuses = try (0..<30).map { try harness.send("GET", "/tables", token: "lkw_x_\($0)").status }
    #expect(statuses.contains(429) && statuses.first == 401)
  }

  @Test func theAuditLogKnowsWhoReadWhom() throws {
    let harness = try ServerHarness(hasTokens: true)
    let tokens = try #require(harness.tokens)
    let clinician = try tokens.create(name: "nurse", role: .clinician)
    let analyst = try tokens.create(name: "scientist", role: .analyst)
    let admin = try tokens.create(name: "chief", role: .admin)
    Thread.sleep(forTimeInterval: 0.3)
    #expect(try harness.send("GET", "/patients/p1", token: clinician).status == 404)
    #expect(try harness.query("SELECT count(*) FROM silver_readings", token: analyst).status == 200)
    for sql in ["FROM audit_log", "FROM delta('audit_log')"] {
      #expect(try harness.query(sql, token: analyst).status == 400)
    }
    #expect(try harness.send("GET", "/tables/audit_log", token: analyst).status == 404)
    let place = harness.directory.file("lake/_audit/audit_log")
    #expect(try harness.query("SELECT * FROM read_parquet('\(place)/*.parquet')", token: analyst).status == 400)
    let rows = try harness.query(
      "SELECT principal, role, action, patients, status, address, detail FROM audit_log ORDER BY time", token: admin)
    let entries = rows["rows"]?.array?.compactMap { $0.array } ?? []
    #expect(entries.contains { $0[0].string == "nurse" && $0[3] == .array([.string("p1")]) && $0[4].int == 404 })
    #expect(entries.contains { $0[0].string == "scientist" && $0[6].string?.contains("silver_readings") ?? false })
    #expect(entries.allSatisfy { $0[5].string == "127.0.0.1" })
  }

  /// Who listens to events is in the audit log with the patients of whom they heard, and hears nothing after their token's end.
  @Test func theAuditLogKnowsWhoHeardOfWhomAndStreamsEndWithTheirToken() throws {
    let harness = try ServerHarness(hasTokens: true)
    let tokens = try #require(harness.tokens)
    let nurse = try tokens.create(name: "nurse", role: .clinician)
    let viewer = try tokens.create(name: "viewer", role: .viewer)
    let admin = try tokens.create(name: "chief", role: .admin)
    Thread.sleep(forTimeInterval: 0.3)
    let port = try #require(UInt16(self.port(harness.server)))
    let listener = try Listener(port: port, path: "/events", token: nurse)
    let other = try Listener(port: port, path: "/events", token: viewer)
    #expect(listener.read(until: ": listening") && other.read(until: ": listening"))
    // The follower notes how the lake stands before it tells what is new.
    Thread.sleep(forTimeInterval: 1)
    try harness.addReadings("'heard-of'", glucose: 200)
    #expect(listener.read(until: "heard-of"))
    #expect(other.read(until: "silver_readings"))
    _ = try tokens.revoke("nurse")
    _ = try tokens.revoke("viewer")
    #expect(listener.ends() && other.ends())
    let sql = "SELECT principal, patients FROM audit_log WHERE action = 'hear events'"
    let end = ContinuousClock.now + .seconds(60)
    var rows: [JSONValue] = []
    while rows.isEmpty, ContinuousClock.now < end {
      rows = try harness.query(sql, token: admin)["rows"]?.array ?? []
      if rows.isEmpty { Thread.sleep(forTimeInterval: 0.2) }
    }
    #expect(rows == [.array([.string("nurse"), .array([.string("heard-of")])])])
  }

  @Test func pagesOfOthersCannotUseAReadersBrowser() throws {
    let harness = try ServerHarness()
    let body = #"{"sql": "SELECT 1"}"#
    func status(_ headers: [(name: String, value: String)]) throws -> Int {
      try harness.send("POST", "/query", body, headers: headers).status
    }
    #expect(try status([]) == 200)
    #expect(try status([("Host", "evil.example")]) == 421)
    #expect(try status([("Host", "127.0.0.1.evil.example")]) == 421)
    #expect(try status([("Origin", "http://evil.example")]) == 403)
    #expect(try status([("Origin", "null")]) == 403)
    #expect(try status([("Sec-Fetch-Site", "cross-site")]) == 403)
    #expect(try status([("Origin", harness.server.address), ("Sec-Fetch-Site", "same-origin")]) == 200)
    // What a form of another page can send without asking.
    for type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
      #expect(try harness.send("POST", "/query", body, type: type).status == 415)
    }
    let answer = try harness.send("GET", "/health", headers: [("Origin", "http://evil.example")])
    #expect(answer.headers["access-control-allow-origin"] == nil)
    #expect(answer.headers["content-security-policy"]?.contains("script-src 'self'") ?? false)
    for name in ["x-content-type-options", "x-frame-options", "referrer-policy", "cross-origin-resource-policy"] {
      #expect(answer.headers[name] != nil)
    }
  }

  @Test func anOpenAddressNeedsTokens() throws {
    #expect(throws: AccessError.self) {
      let harness = try ServerHarness()
      _ = try harness.second(ServerSettings(host: "0.0.0.0", port: 0))
    }
  }

  @Test func servesTLS() throws {
    let directory = try TemporaryDirectory("tls")
    let made = try ChildProcess.run(
      "/usr/bin/openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
        directory.file("key.pem"), "-out", directory.file("cert.pem"), "-days", "2", "-subj", "/CN=localhost",
      ], seconds: 30)
    #expect(made.succeeded)
    func text(_ name: String) throws -> String { try String(contentsOfFile: directory.file(name), encoding: .utf8) }
    let harness = try ServerHarness()
    let identity = ServerSettings.Identity(certificate: try text("cert.pem"), key: try text("key.pem"))
    let server = try harness.second(ServerSettings(port: 0, identity: identity))
    defer { server.stop() }
    let outcome = try ChildProcess.run(
      "/usr/bin/curl",
      [
        "-sSi", "--cacert", directory.file("cert.pem"), "--resolve", "localhost:\(port(server)):127.0.0.1",
        "https://localhost:\(port(server))/health",
      ], seconds: 30)
    #expect(outcome.output.contains("200") && outcome.output.lowercased().contains("strict-transport-security"))
    let old = try ChildProcess.run(
      "/usr/bin/curl", ["-sSk", "--tls-max", "1.1", "https://127.0.0.1:\(port(server))/health"], seconds: 30)
    #expect(!old.succeeded)
    #expect(throws: ServerError.self) {
      _ = try harness.second(ServerSettings(port: 0, identity: .init(certificate: "no", key: "no")))
    }
  }

  private func port(_ server: LakeServer) -> String { server.address.split(separator: ":").last.map(String.init) ?? "" }
}
