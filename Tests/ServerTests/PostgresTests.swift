import DeltaLake
import DuckDB
import Foundation
import JSON
import LakewardTesting
import Server
import Streaming
import Testing

/// The PostgreSQL endpoint as real clients use it.
@Suite struct PostgresTests {
  private static func harness(
    hasTokens: Bool = false, _ change: @escaping (inout PostgresSettings) throws -> Void = { _ in }
  ) throws -> ServerHarness {
    try ServerHarness(
      hasTokens: hasTokens,
      change: {
        $0.querySeconds = 60
        $0.queryRows = 100
        try makeTypes(at: $0.lake.location(ofTable: "wire_types"))
      }, postgres: change)
  }

  /// A table with a column of every type that tables have, and a row of NULLs.
  private static func makeTypes(at location: String) throws {
    let table = try DeltaTable.create(
      at: location,
      schema: DeltaLake.Schema([
        StructField("a_byte", .byte), StructField("a_short", .short), StructField("an_integer", .integer),
        StructField("a_long", .long, metadata: ["comment": .string("orders the rows")]), StructField("a_float", .float),
        StructField("a_double", .double), StructField("a_boolean", .boolean), StructField("a_string", .string),
        StructField("a_binary", .binary), StructField("a_date", .date), StructField("an_instant", .timestamp),
        StructField("a_local_time", .timestampNTZ), StructField("a_decimal", .decimal(precision: 12, scale: 2)),
        StructField("a_list", .array(.string, containsNull: true)),
        StructField("a_structure", .structure([StructField("x", .integer), StructField("y", .string)])),
      ]), name: "wire_types", description: "One column per type")
    let connection = try Database().connect()
    try connection.execute("SET TimeZone = 'UTC'")
    let files = try DeltaWriter(connection: connection).write(
      """
      SELECT 1::TINYINT AS a_byte, 2::SMALLINT AS a_short, 3 AS an_integer, 4::BIGINT AS a_long, 1.5::FLOAT AS a_float,
        2.25::DOUBLE AS a_double, true AS a_boolean, 'héllo' AS a_string, '\\x00\\xFF'::BLOB AS a_binary,
        DATE '2024-02-29' AS a_date, TIMESTAMPTZ '2024-02-29 12:30:15.123456+00' AS an_instant,
        TIMESTAMP '1999-12-31 23:59:59' AS a_local_time, -12345.67::DECIMAL(12,2) AS a_decimal,
        ['a', NULL, 'b "c"'] AS a_list, {x: 1, y: 'z'} AS a_structure
      UNION ALL SELECT NULL, NULL, NULL, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
      """, into: table)
    _ = try table.append(files)
  }

  private static func psql(
    _ harness: ServerHarness, _ command: String, user: String = "reader", password: String? = nil,
    settings: [String: String] = [:]
  ) throws -> ProcessOutcome {
    let port = try #require(harness.server.postgresPort)
    var environment = ["PGCONNECT_TIMEOUT": "60", "LC_ALL": "C.UTF-8", "PGPASSFILE": "/dev/null"]
    environment["PGPASSWORD"] = password
    return try ChildProcess.run(
      "psql", ["-X", "-A", "-t", "-h", "127.0.0.1", "-p", "\(port)", "-U", user, "-d", "lakeward", "-c", command],
      environment: environment.merging(settings) { _, new in new }, seconds: 120)
  }

  @Test(.enabled(if: ConnectPeers.isReady)) func psqlListsAndQueries() throws {
    let harness = try Self.harness()
    let tables = try Self.psql(harness, #"\dt"#)
    #expect(tables.output.contains("public|silver_readings|table|lakeward"), "\(tables.errors)")
    let columns = try Self.psql(harness, #"\d wire_types"#)
    #expect(columns.output.contains("a_decimal|numeric(12,2)|"), "\(columns.output)\(columns.errors)")
    #expect(columns.output.contains("a_list|text[]|"))
    #expect(try Self.psql(harness, #"\d+ wire_types"#).output.contains("orders the rows"))
    #expect(try Self.psql(harness, #"\dn"#).output == "public|lakeward\n")
    #expect(try Self.psql(harness, #"\l"#).output.hasPrefix("lakeward|lakeward|UTF8"))
    #expect(try Self.psql(harness, #"\dt pub*.wire*"#).output == "public|wire_types|table|lakeward\n")
    for word in [#"\d"#, #"\dv"#, #"\du"#, #"\df"#, #"\dT"#, #"\di"#, #"\dx"#, #"\z"#, #"\dt+"#, #"\l+"#, #"\dp"#] {
      let outcome = try Self.psql(harness, word)
      #expect(outcome.succeeded && !outcome.errors.contains("ERROR"), "\(word): \(outcome.errors)")
    }
    let two = try Self.psql(harness, "SELECT 1; SELECT count(*) FROM public.silver_readings")
    #expect(two.output == "1\n50\n")
    let wrong = try Self.psql(harness, "SELECT * FROM silver_reading")
    #expect(wrong.errors.contains("did you mean silver_readings?"))
    // Who asked what is in the audit log.
    let audit = try Self.psql(
      harness, "SELECT principal, action, method, status FROM audit_log WHERE detail LIKE '%public.silver%'")
    #expect(audit.output == "local|query|POSTGRES|200\n")
  }

  @Test(.enabled(if: ConnectPeers.isReady)) func grafanasQueriesAreAnswered() throws {
    let harness = try Self.harness()
    let version = try Self.psql(harness, "SELECT current_setting('server_version_num')::int/100 as version")
    #expect(version.output.hasPrefix("1400"))
    // How its query editor lists tables, and a table's columns.
    let path = "string_to_array(current_setting('search_path'),',')"
    let tables = try Self.psql(
      harness,
      """
      SELECT CASE WHEN quote_ident(table_schema) IN (SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
        FROM generate_series(array_lower(\(path),1), array_upper(\(path),1)) as i, \(path) s)
        THEN quote_ident(table_name) ELSE quote_ident(table_schema) || '.' || quote_ident(table_name) END AS "table"
      FROM information_schema.tables WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog')
      ORDER BY 1
      """)
    #expect(tables.output.contains("silver_readings\n"), "\(tables.errors)")
    let columns = try Self.psql(
      harness,
      """
      SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns
      WHERE quote_ident(table_name) = 'silver_readings' AND table_schema = 'public' ORDER BY ordinal_position
      """)
    #expect(columns.output.hasPrefix("patient_id|text\nevent_time|timestamp with time zone\n"), "\(columns.errors)")
    // A panel's query with its macros written out.
    let series = try Self.psql(
      harness,
      """
      SELECT floor(extract(epoch from "event_time")/10)*10 AS "time", avg("glucose") AS "glucose" FROM silver_readings
      WHERE "event_time" BETWEEN '2023-11-14T22:13:20Z' AND '2023-11-14T22:13:39.5Z' GROUP BY 1 ORDER BY 1
      """)
    #expect(series.output == "1700000000|104.5\n1700000010|114.5\n", "\(series.errors)")
  }

  @Test(.enabled(if: ConnectPeers.isReady)) func psycopgAndSQLAlchemyAreContent() throws {
    let harness = try Self.harness()
    let port = try #require(harness.server.postgresPort)
    try ConnectPeers.run("postgres_psycopg.py", ["postgresql://reader@127.0.0.1:\(port)/lakeward"])
  }

  @Test(.enabled(if: ConnectPeers.isReady)) func theJDBCDriverIsContent() throws {
    let harness = try Self.harness()
    let port = try #require(harness.server.postgresPort)
    try ConnectPeers.run("postgres_jdbc.py", ["jdbc:postgresql://127.0.0.1:\(port)/lakeward?user=reader"])
  }

  @Test(.enabled(if: ConnectPeers.isReady)) func tokensAndRolesAreThoseOfTheAPI() throws {
    let harness = try Self.harness(hasTokens: true)
    let tokens = try #require(harness.tokens)
    let analyst = try tokens.create(name: "an analyst", role: .analyst)
    let clinician = try tokens.create(name: "a clinician", role: .clinician)
    let admin = try tokens.create(name: "an admin", role: .admin)
    let question = "SELECT current_user"
    #expect(try Self.psql(harness, question).errors.contains("password"))
    #expect(try Self.psql(harness, question, password: "lkw_x_y").errors.contains("the token is not known"))
    #expect(try Self.psql(harness, question, password: analyst).output == "an analyst\n")
    let refused = try Self.psql(harness, question, password: clinician)
    #expect(refused.errors.contains("the token's role is clinician"))
    // Only admins see the audit log, in the catalog too.
    #expect(try !Self.psql(harness, #"\dt"#, password: analyst).output.contains("audit_log"))
    #expect(try Self.psql(harness, "SELECT count(*) FROM audit_log", password: analyst).errors.contains("audit_log"))
    #expect(try Self.psql(harness, "SELECT count(*) FROM audit_log", password: admin).succeeded)
    _ = try tokens.revoke("an analyst")
    Thread.sleep(forTimeInterval: 0.5)
    #expect(try Self.psql(harness, question, password: analyst).errors.contains("the token is not known"))
  }

  @Test(.enabled(if: ConnectPeers.isReady)) func connectionsAreEncryptedWithTheServersCertificate() throws {
    let folder = try TemporaryDirectory("postgres-tls")
    let (certificate, key) = (folder.file("cert.pem"), folder.file("key.pem"))
    let made = try ChildProcess.run(
      "openssl",
      [
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out",
        certificate,
      ])
    #expect(made.succeeded)
    let harness = try Self.harness { try $0.useTLS(certificateFile: certificate, keyFile: key) }
    let required = ["PGSSLMODE": "require"]
    let inTLS = try Self.psql(harness, "SELECT count(*) FROM silver_readings", settings: required)
    #expect(inTLS.output == "50\n", "\(inTLS.errors)")
    #expect(try Self.psql(harness, #"\conninfo"#, settings: required).output.contains("TLSv1.3"))
    #expect(try Self.psql(harness, "SELECT 1", settings: ["PGSSLMODE": "disable"]).output == "1\n")
    let plain = try Self.harness()
    #expect(try Self.psql(plain, "SELECT 1", settings: required).errors.contains("does not support SSL"))
  }

  @Test func tokensNeverCrossTheNetworkInTheClear() throws {
    let error = #expect(throws: (any Error).self) {
      try Self.harness(hasTokens: true) { $0.host = "0.0.0.0" }
    }
    #expect("\(try #require(error))".contains("needs tokens and TLS"))
  }

  @Test(.enabled(if: ConnectPeers.isReady)) func sessionsAreCounted() throws {
    let harness = try Self.harness { $0.maximumSessions = 0 }
    let outcome = try Self.psql(harness, "SELECT 1")
    #expect(outcome.errors.contains("there are 0 sessions"), "\(outcome.errors)")
  }
}
