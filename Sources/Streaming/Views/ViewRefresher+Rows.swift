internal import DeltaLake
internal import DuckDB
internal import Pipelines

extension ViewRefresher {
  /// The most rows of a view that are compared with its new ones before these are written.
  private static let comparedRows: Int64 = 200_000
  private static let newRows = "lakeward_new_rows"
  private static let comparedTable = "lakeward_compared_rows"
  /// Why a view is computed whole when nothing but a person's wish asks for it; its rows are then written in any case.
  static let askedFor = "asked for"
  /// The property that, set to `z`, lays the rows along the Z curve of the CLUSTER BY columns instead of sorting them.
  private static let orderProperty = "lakeward.order"

  /// A SELECT in the order in which the view's rows are stored.
  static func ordered(_ select: String, _ view: TableDefinition) -> String {
    guard !view.clusteredBy.isEmpty else { return select }
    if view.properties[orderProperty]?.lowercased() == "z" {
      return Snapshot.clustered("(\(select))", by: view.clusteredBy)
    }
    return
      "SELECT * FROM (\(select)\n) ORDER BY \(view.clusteredBy.map { SQL.quote(identifier: $0) }.joined(separator: ", "))"
  }

  /// Has another engine compute the view's rows and gives the SELECT that reads them, in the types of the embedded one.
  func computed(_ work: Work, on engine: any ViewEngine) throws -> String {
    let views = pipeline.temporaryViews(neededBy: work.view)
    let computation = ViewComputation(
      sql: work.view.sql, views: views.map { ($0.name, $0.sql) },
      inputs: try work.lineage.tables.map { ($0, try work.input($0)) })
    try engine.compute(computation, into: Self.newRows, on: connection)
    let list = work.lineage.columns.map { column in
      let name = SQL.quote(identifier: column.name)
      return "CAST(v.\(name) AS \(Self.stored(column.type).description)) AS \(name)"
    }
    return Self.ordered("SELECT \(list.joined(separator: ", ")) FROM \(Self.newRows) AS v", work.view)
  }

  /// What a comparison of a view's new rows with its stored ones says.
  enum Comparison {
    /// Nobody compared: the view is large, or its rows are to be written in any case.
    case none
    case same
    /// The new rows are in this SELECT already computed.
    case different(String)
  }

  /// Compares the rows of a small view that was computed whole by the same definition, so that views that read this one
  /// have nothing to do where they came out as they are.
  func comparison(_ work: Work, _ select: String, _ outcome: ViewReport.Outcome) throws -> Comparison {
    let state = ViewState(work.base)
    guard case .whole(let reason) = outcome, reason != Self.askedFor, state.definition == work.fingerprint else {
      return .none
    }
    let known = work.base.files.reduce(Int64(0)) { $0 + ($1.rowCount ?? Self.comparedRows) }
    guard known < Self.comparedRows else { return .none }
    try connection.execute("CREATE OR REPLACE TEMP TABLE \(Self.comparedTable) AS \(select)")
    let differences = try connection.query(
      """
      WITH old_rows AS MATERIALIZED (SELECT * FROM \(try DeltaReader.scanSQL(work.base)))
      SELECT 1 FROM (FROM \(Self.comparedTable) EXCEPT ALL FROM old_rows) UNION ALL
      SELECT 1 FROM (FROM old_rows EXCEPT ALL FROM \(Self.comparedTable)) LIMIT 1
      """
    ).rows()
    return differences.isEmpty
      ? .same : .different(Self.ordered("SELECT * FROM \(Self.comparedTable)", work.view))
  }
}
