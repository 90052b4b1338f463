internal import DeltaLake
internal import DuckDB
internal import Models
internal import Pipelines

/// The part of a verification that is about materialized views: each holds what its SQL gives over the versions of its
/// inputs that it says it reflects.
struct ViewVerification {
  private let pipeline: Pipeline
  private let lake: Lake
  private let connection: Connection
  private let registry: ModelRegistry?

  init(pipeline: Pipeline, lake: Lake, connection: Connection, registry: ModelRegistry?) {
    self.pipeline = pipeline
    self.lake = lake
    self.connection = connection
    self.registry = registry
  }

  /// A check for each view that was computed.
  func run() throws -> [Verification.Check] {
    try pipeline.materializedViews.compactMap { view in
      guard DeltaTable.exists(at: lake.location(ofTable: view.name)) else { return nil }
      let snapshot = try lake.table(named: view.name).snapshot()
      guard ViewState(snapshot).owner == pipeline.name, ViewState(snapshot).definition != nil else { return nil }
      return try check(view, snapshot)
    }
  }

  private func check(_ view: TableDefinition, _ snapshot: Snapshot) throws -> Verification.Check {
    var check = Verification.Check(
      table: view.name, claim: "the rows are what the SQL gives over the versions that the view reflects", holds: false,
      figures: "")
    let state = ViewState(snapshot)
    var inputs: [String: Snapshot] = [:]
    var lags: [String] = []
    for name in try tables(of: view) {
      let table = try lake.table(named: name)
      let newest = try table.snapshot()
      guard let position = state.position(in: newest, named: name) else {
        check.figures = "\(name) was made anew since; run lakeward refresh \(view.name)"
        return check
      }
      if position != newest.version { lags.append("\(name) by \(newest.version - position)") }
      guard let snapshot = try? table.snapshot(version: position) else {
        check.figures = "version \(position) of \(name) is no longer there; run lakeward refresh \(view.name)"
        return check
      }
      inputs[name.lowercased()] = snapshot
    }
    let sql = try pipeline.select(view) { reference in
      guard let input = inputs[reference.name.lowercased()] else {
        throw StreamingError.unknownTable(name: reference.name, lake: lake.root)
      }
      return try DeltaReader.scanSQL(input)
    }
    let columns = try connection.columns(of: sql)
    guard try state.definition == fingerprint(view, columns) else {
      check.figures = "its SQL or a model has changed since; run lakeward refresh \(view.name)"
      return check
    }
    try connection.execute(
      """
      CREATE OR REPLACE TEMP TABLE verify_recomputed AS SELECT \(ViewRefresher.list(columns)) FROM (\(sql)
      ) AS v;
      CREATE OR REPLACE TEMP TABLE verify_stored AS
      SELECT \(columns.map { SQL.quote(identifier: $0.name) }.joined(separator: ", "))
      FROM \(try DeltaReader.scanSQL(snapshot))
      """)
    let differing = try RowDifference(connection: connection, columns: columns).count()
    let rows = try connection.query("SELECT count(*) FROM verify_stored").scalar().integer ?? 0
    check.holds = differing == 0
    check.figures =
      "\(rows) rows, \(differing) differ"
      + (lags.isEmpty ? "" : "; behind \(lags.joined(separator: ", ")) versions, the next refresh takes them")
    return check
  }

  private func tables(of view: TableDefinition) throws -> [String] {
    var names: [String] = []
    _ = try pipeline.select(view) { reference in
      if !names.contains(where: { $0.lowercased() == reference.name.lowercased() }) { names.append(reference.name) }
      return ""
    }
    return names
  }

  private func fingerprint(_ view: TableDefinition, _ columns: [Column]) throws -> String {
    let models = try ViewState.models(of: view, in: pipeline)
    let versions = try models.reduce(into: [String: String]()) { $0[$1] = try registry?.liveVersion(of: $1) }
    return try ViewState.fingerprint(of: view, in: pipeline, columns: columns, modelVersions: versions)
  }
}

/// Counts rows of `verify_stored` and `verify_recomputed` that are in one alone.
///
/// Sums of DOUBLE depend on the order of adding, which is another each time. So where everything else in two rows is equal,
/// floating-point numbers may differ by a billionth of their size.
struct RowDifference {
  let connection: Connection
  let columns: [Column]

  func count() throws -> Int64 {
    try connection.execute(
      """
      CREATE OR REPLACE TEMP TABLE verify_left AS (FROM verify_stored EXCEPT ALL FROM verify_recomputed);
      CREATE OR REPLACE TEMP TABLE verify_right AS (FROM verify_recomputed EXCEPT ALL FROM verify_stored)
      """)
    let exact = try number(
      "SELECT (SELECT count(*) FROM verify_left) + (SELECT count(*) FROM verify_right)")
    let floats = columns.filter { $0.type == .double || $0.type == .float }
    guard exact > 0, !floats.isEmpty else { return exact }
    let conditions = columns.map { column in
      let name = SQL.quote(identifier: column.name)
      guard floats.contains(column) else { return "a.\(name) IS NOT DISTINCT FROM b.\(name)" }
      return """
        (a.\(name) IS NOT DISTINCT FROM b.\(name)
        OR abs(a.\(name) - b.\(name)) <= 1e-9 * greatest(abs(a.\(name)), abs(b.\(name))))
        """
    }
    let near = conditions.joined(separator: " AND ")
    return try number(
      """
      SELECT (SELECT count(*) FROM verify_left AS a WHERE NOT EXISTS (SELECT 1 FROM verify_right AS b WHERE \(near)))
        + (SELECT count(*) FROM verify_right AS b WHERE NOT EXISTS (SELECT 1 FROM verify_left AS a WHERE \(near)))
        + abs((SELECT count(*) FROM verify_left) - (SELECT count(*) FROM verify_right))
      """)
  }

  private func number(_ sql: String) throws -> Int64 { try connection.query(sql).scalar().integer ?? 0 }
}
