public import DeltaLake
public import DuckDB

/// What another engine is to compute: SQL texts as they stand in the pipeline's files, and the tables they speak of.
public struct ViewComputation {
  /// One SELECT.
  public let sql: String
  /// The temporary views that it reads, each after those that it reads itself.
  public let views: [(name: String, sql: String)]
  /// The tables that any of these reads, in the versions to read.
  public let inputs: [(name: String, snapshot: Snapshot)]
}

/// An engine beside the embedded one that computes a view's rows by the same SQL text.
public protocol ViewEngine: AnyObject {
  /// What it is, for people.
  var name: String { get }

  /// Computes the rows.
  /// - Parameter table: The temporary table of `connection` to make of them.
  func compute(_ work: ViewComputation, into table: String, on connection: Connection) throws
}
