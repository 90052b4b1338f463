import DeltaLake
import DuckDB
import LakewardTesting
import Pipelines
import Testing

@testable import Streaming

/// A lake with a table `stays` that something else fills, and views over it.
final class ViewLake {
  static let definition = "pipeline: places\nreads: [stays, wards]\n"
  static let sql = """
    CREATE MATERIALIZED VIEW stays_by_day PARTITIONED BY (date) CLUSTER BY (ward) AS
    SELECT CAST(started AS DATE) AS date, ward, count(*) AS stays, sum(days) AS days, max(started) AS latest
    FROM stays GROUP BY CAST(started AS DATE), ward;
    CREATE MATERIALIZED VIEW gaps PARTITIONED BY (date) AS
    WITH placed AS (
      SELECT date, ward, lead(started) OVER (PARTITION BY ward, date ORDER BY started, id) AS next, started
      FROM dated)
    SELECT date, ward, sum(unix_timestamp(next) - unix_timestamp(started)) AS seconds FROM placed GROUP BY date, ward;
    CREATE TEMPORARY VIEW dated AS SELECT *, CAST(started AS DATE) AS date FROM stays;
    CREATE MATERIALIZED VIEW busiest AS
    SELECT date, max(stays) AS most FROM stays_by_day GROUP BY date;
    CREATE MATERIALIZED VIEW shares PARTITIONED BY (date) AS
    SELECT d.date, d.ward, d.stays, g.seconds FROM stays_by_day AS d
    JOIN gaps AS g ON d.date = g.date AND d.ward IS NOT DISTINCT FROM g.ward;
    """

  let directory: TemporaryDirectory
  let lake: Lake
  var pipeline: Pipeline
  let connection: Connection
  let stays: DeltaTable

  init(sql: String = ViewLake.sql) throws {
    directory = try TemporaryDirectory("views")
    lake = Lake(root: directory.file("lake"))
    try lake.prepare()
    pipeline = try Self.pipeline(sql)
    connection = try QueryEngine(lake: lake).connect()
    stays = try DeltaTable.create(
      at: lake.location(ofTable: "stays"),
      schema: Schema(columns: [
        ("id", "BIGINT"), ("ward", "VARCHAR"), ("started", "TIMESTAMP WITH TIME ZONE"), ("days", "BIGINT"),
      ]))
  }

  static func pipeline(_ sql: String) throws -> Pipeline {
    try Pipeline(
      folder: "places",
      files: [.init(name: Pipeline.definitionFile, text: definition), .init(name: "views.sql", text: sql)])
  }

  /// Adds a row of `stays` per id: `at` is the instant as text.
  func add(_ rows: [(id: Int, ward: String?, at: String)]) throws {
    let values = rows.map {
      "(\($0.id), \($0.ward.map { "'\($0)'" } ?? "CAST(NULL AS VARCHAR)"), TIMESTAMPTZ '\($0.at)', \($0.id % 7))"
    }
    let select = "SELECT * FROM (VALUES \(values.joined(separator: ", "))) AS t(id, ward, started, days)"
    _ = try stays.append(DeltaWriter(connection: connection).write(select, into: stays))
  }

  func refresher() throws -> ViewRefresher { try ViewRefresher(pipeline: pipeline, lake: lake, registry: nil) }

  /// Refreshes all views in order.
  @discardableResult
  func refresh(_ mode: ViewRefresher.Mode = .incremental, by refresher: ViewRefresher? = nil) throws -> [String:
    ViewReport]
  {
    let refresher = try refresher ?? self.refresher()
    var reports: [String: ViewReport] = [:]
    for view in pipeline.materializedViews { reports[view.name] = try refresher.refresh(view, mode) }
    return reports
  }

  /// The stored rows of a view.
  func rows(_ view: String) throws -> [[Value]] {
    let scan = try DeltaReader.scanSQL(lake.table(named: view).snapshot())
    return try connection.query("SELECT * FROM \(scan) ORDER BY ALL").rows()
  }

  /// The rows that a view's SQL gives over the stored rows of what it reads.
  func computed(_ name: String) throws -> [[Value]] {
    let view = try #require(pipeline.table(named: name))
    let sql = try pipeline.select(view) { try DeltaReader.scanSQL(lake.table(named: $0.name).snapshot()) }
    let columns = try connection.columns(of: sql)
    return try connection.query("SELECT \(ViewRefresher.list(columns)) FROM (\(sql)) AS v ORDER BY ALL").rows()
  }

  /// Every view holds what its SQL gives.
  func expectFresh(_ comment: Comment = "") throws {
    for view in pipeline.materializedViews {
      #expect(try rows(view.name) == computed(view.name), "\(view.name) \(comment.rawValue)")
    }
  }
}
