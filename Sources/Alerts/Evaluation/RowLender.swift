internal import DuckDB
internal import Pipelines

/// Lends the rows of a streaming table the coordinates (partition and offset) that it does not carry.
///
/// A table that people read may hold its own columns alone. The table that it is made of has the coordinates, and one row
/// for each patient and event time: the two are joined by these.
struct RowLender: Hashable {
  /// The table that lends.
  let table: String
  /// What it lends: columns that the borrower does not have.
  let columns: [String]
  private let keys: [String]

  /// Nil if the policy's table has coordinates of its own, or nobody can lend them.
  init?(to policy: AlertPolicy, in pipeline: Pipeline) {
    func names(_ table: TableDefinition) -> Set<String>? { table.columns.map { Set($0.map { $0.lowercased() }) } }
    guard let borrower = pipeline.table(named: policy.table), borrower.kind == .streaming,
      let own = names(borrower), !own.isSuperset(of: Self.coordinates), borrower.streamInputs.count == 1,
      let lender = pipeline.table(named: borrower.streamInputs[0]), lender.kind == .streaming,
      let lent = names(lender)
    else { return nil }
    keys = [policy.patient, policy.time]
    guard lent.isSuperset(of: Self.coordinates + keys.map { $0.lowercased() }) else { return nil }
    table = lender.name
    columns = (Self.coordinates + ["ingest_time"]).filter { lent.contains($0) && !own.contains($0) }
  }

  private static let coordinates = ["partition", "offset"]

  /// The borrower's rows with what is lent; both are relations for FROM.
  func relation(_ borrower: String, _ lender: String) -> String {
    let lent = columns.map { "l.\(SQL.quote(identifier: $0))" }.joined(separator: ", ")
    let condition = keys.map { SQL.quote(identifier: $0) }.map { "l.\($0) = b.\($0)" }.joined(separator: " AND ")
    return "(SELECT b.*, \(lent) FROM \(borrower) AS b JOIN \(lender) AS l ON \(condition))"
  }
}
