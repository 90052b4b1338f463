import DuckDB
import Foundation
import HTTP
import JSON
import LakewardTesting
import Lineage
import OpenLineage
import Pipelines
import Synchronization
import Testing

/// Takes events as a lineage server does.
private final class Receiver: ServerApplication {
  private let requests = Mutex<[(path: String, token: String?, body: String)]>([])

  var received: [(path: String, token: String?, body: String)] { requests.withLock { $0 } }

  func admit(_ head: RequestHead) -> Admission {
    .accept(
      Handling(bodyLimit: 1 << 20) { [self] request in
        requests.withLock {
          $0.append(
            (request.head.path, request.head.headers["authorization"], String(decoding: request.body, as: UTF8.self)))
        }
        return ServerResponse(201, "application/json", [])
      })
  }
}

/// Events by the specification, and their way out.
@Suite struct LineageEventTests {
  static func book() throws -> LineageBook {
    let pipeline = try Pipeline(
      folder: "ward",
      files: [
        .init(
          name: "pipeline.yml",
          text: """
            pipeline: ward
            owner: ward team
            source:
              stream: readings
              kafka: { topic: readings }
              bronze: bronze_readings
              quarantine: quarantine_readings
              record: [{ name: patient_id, type: string }, { name: pulse, type: double, unit: /min }]
            columns: { patient_id: { description: who, phi: patient_id }, pulse: { phi: none } }
            """),
        .init(
          name: "a.sql",
          text: """
            CREATE STREAMING TABLE silver COMMENT 'Readings' AS
            SELECT patient_id, pulse, _partition AS "partition", _offset AS "offset" FROM STREAM(readings) WHERE pulse > 0;
            CREATE MATERIALIZED VIEW mean_pulse AS SELECT patient_id, avg(pulse) AS pulse FROM silver GROUP BY patient_id;
            """),
      ])
    let connection = try Database().connect()
    let lineage = LakeLineage([pipeline], storedColumns: { _ in nil }) { try? connection.syntaxTree(of: $0) }
    return LineageBook(
      Catalogue([pipeline], lineage: lineage), [pipeline], location: { "s3://bucket/lake/tables/\($0)" },
      source: { _ in DatasetPlace(topic: "readings", brokers: "b1:9092,b2:9092") },
      stored: { $0 == "silver" ? .init(version: 7, columns: [("patient_id", "string"), ("pulse", "double")]) : nil })
  }

  static func events() throws -> [LineageEvent] {
    let flow = try #require(try book().flow("silver"))
    var run = FlowRun(flow.job, id: RunIdentifier.make(), parent: (RunIdentifier.make(), "ward"))
    var events = [run.event(.start, at: "2026-01-02T03:04:05Z", flow: flow)]
    var figures = LineageFigures()
    figures.rowsRead = 5
    figures.rowsWritten = 3
    figures.bytesWritten = 900
    figures.filesWritten = 1
    figures.assertions = [
      LineageAssertion(
        name: "pulse_plausible", condition: "pulse < 300", summary: "/min", isStrict: true, checked: 5, failed: 2)
    ]
    run.add(figures)
    run.add(figures)
    #expect(run.hasNews)
    events.append(run.event(.running, at: "2026-01-02T03:05:05.123456Z", flow: flow))
    #expect(!run.hasNews)
    let view = try #require(try book().flow("mean_pulse"))
    var refresh = FlowRun(view.job, id: RunIdentifier.make())
    events.append(refresh.event(.fail, at: "2026-01-02T03:06:05Z", flow: view, error: "mean_pulse: no memory"))
    events.append(run.event(.complete, at: "2026-01-02T03:07:05Z", flow: flow))
    return events
  }

  @Test func columnsFiguresAndNames() throws {
    let events = try Self.events().map {
      try #require(JSONValue(parsing: $0.json(namespace: "test", version: "1"))?.object)
    }
    let running = events[1]
    let output = try #require(running["outputs"]?.array?.first?.object)
    #expect(output["namespace"]?.string == "s3://bucket" && output["name"]?.string == "lake/tables/silver")
    #expect(output["outputFacets"]?.object?["outputStatistics"]?.object?["rowCount"]?.int == 6)
    let columns = output["facets"]?.object?["columnLineage"]?.object?["fields"]?.object
    let pulse = columns?["pulse"]?.object?["inputFields"]?.array?.first?.object
    #expect(pulse?["field"]?.string == "raw" && pulse?["name"]?.string == "lake/tables/bronze_readings")
    let assertion = running["inputs"]?.array?.first?.object?["inputFacets"]?.object?["dataQualityAssertions"]?
      .object?["assertions"]?.array?.first?.object
    #expect(assertion?["success"]?.bool == false && assertion?["actual"]?.string == "4 of 10 rows")
    let tags = output["facets"]?.object?["tags"]?.object?["tags"]?.array?.compactMap { $0.object?["field"]?.string }
    #expect(tags == ["patient_id", "pulse"])
    #expect(events[3]["outputs"]?.array?.first?.object?["outputFacets"]?.object?["outputStatistics"] == nil)
    #expect(events[0]["run"]?.object?["facets"]?.object?["parent"]?.object?["job"]?.object?["name"]?.string == "ward")
  }

  @Test func placesFollowTheRulesOfNaming() {
    #expect(DatasetPlace(location: "/lake/tables/a") == DatasetPlace(namespace: "file", name: "/lake/tables/a"))
    #expect(
      DatasetPlace(location: "hdfs://h:8020/lake/a") == DatasetPlace(namespace: "hdfs://h:8020", name: "lake/a"))
    #expect(DatasetPlace(location: "s3://bucket") == DatasetPlace(namespace: "s3://bucket", name: "/"))
    #expect(DatasetPlace(topic: "t", brokers: "a:1,b:2") == DatasetPlace(namespace: "kafka://a:1", name: "t"))
  }

  @Test(.enabled(if: LineagePeer.isReady)) func theOfficialClientTakesEveryEvent() throws {
    let directory = try TemporaryDirectory("lineage")
    let sender = LineageSender(OpenLineageSettings(file: directory.file("out/events.ndjson")), version: "1") { _ in }
    sender.send(try Self.events())
    sender.close()
    let read = try LineagePeer.read(directory.file("out/events.ndjson"))
    #expect(read.map(\.kind) == ["START", "RUNNING", "FAIL", "COMPLETE"])
    #expect(read[1].rows == 6)
    #expect(
      Set(read[1].facets).isSuperset(of: ["columnLineage", "schema", "documentation", "ownership", "version", "tags"]))
  }

  /// A receiver that is away at first gets every event once, in order, with the token.
  @Test func eventsWaitForTheReceiver() throws {
    let port = try FreePort.next()
    let warnings = Mutex<[String]>([])
    let sender = LineageSender(
      OpenLineageSettings(url: "http://127.0.0.1:\(port)/api/v1/lineage", token: "secret"), version: "1"
    ) { line in warnings.withLock { $0.append(line) } }
    let events = try Self.events()
    sender.send(events)
    // Nobody waits for the receiver.
    while warnings.withLock({ $0.isEmpty }) { Thread.sleep(forTimeInterval: 0.02) }
    let receiver = Receiver()
    let server = try HTTPServer(ServerSettings(host: "127.0.0.1", port: port), application: receiver)
    sender.close(withinSeconds: 60)
    server.stop()
    let received = receiver.received
    #expect(received.map(\.body) == events.map { $0.json(namespace: "lakeward", version: "1") })
    #expect(received.allSatisfy { $0.path == "/api/v1/lineage" && $0.token == "Bearer secret" })
    #expect(warnings.withLock { $0.allSatisfy { !$0.contains("secret") } })
  }

  @Test func settingsAreChecked() throws {
    let good = try LakeConfiguration(
      yaml: "openlineage: { url: 'http://localhost:5000/', namespace: ward, interval: 10 s, token: t }", file: "l.yml")
    #expect(good.openLineage?.url == "http://localhost:5000/api/v1/lineage")
    #expect(good.openLineage?.namespace == "ward" && good.openLineage?.intervalSeconds == 10)
    for bad in [
      "openlineage: { namespace: x }", "openlineage: { url: localhost }", "openlineage: { file: a, colour: b }",
    ] {
      #expect(throws: DefinitionError.self) { try LakeConfiguration(yaml: bad, file: "l.yml") }
    }
  }
}
