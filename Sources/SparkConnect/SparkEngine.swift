internal import DeltaLake
public import DuckDB
internal import Foundation
public import Streaming

/// Computes materialized views on a Spark Connect server that sees the lake's files under the same paths.
///
/// Each input is a temporary view over one version of its Delta table. A server without a source for Delta tables reads
/// their Parquet files, as long as no deletion vector hides rows in them.
public final class SparkEngine: ViewEngine {
  /// The server's address.
  public var name: String { session.address }
  private let session: SparkSession
  private var hasDelta = true
  /// The versions of tables that the server knows.
  private var presented: [String: String] = [:]

  /// Opens a session with the settings that the pipelines' dialect rests on.
  /// - Throws: `SparkError`.
  public init(_ uri: String) throws {
    session = try SparkSession(uri)
    // Sail takes no settings by SQL, and its defaults are these.
    for setting in ["spark.sql.session.timeZone=UTC", "spark.sql.parser.escapedStringLiterals=true"] {
      try? session.execute("SET \(setting)")
    }
  }

  /// Makes the inputs and temporary views known to the server and fetches the rows.
  /// - Throws: `SparkError`, `DuckDBError`.
  public func compute(_ work: ViewComputation, into table: String, on connection: Connection) throws {
    for input in work.inputs { try present(input.snapshot, as: input.name) }
    for view in work.views {
      try session.execute("CREATE OR REPLACE TEMPORARY VIEW \(view.name) AS \(view.sql)")
    }
    try session.query(work.sql, into: table, on: connection)
  }

  /// Makes a version of a table known to the server; it stays until another version of it is needed.
  private func present(_ snapshot: Snapshot, as name: String) throws {
    let version = "\(snapshot.metadata.id) \(snapshot.version)"
    guard presented[name] != version else { return }
    presented[name] = version
    if hasDelta {
      do {
        try session.execute(
          """
          CREATE OR REPLACE TEMPORARY VIEW \(name) USING delta
          OPTIONS (path \(SQL.quote(literal: Self.absolute(snapshot.location))), versionAsOf '\(snapshot.version)')
          """)
        return
      } catch SparkError.refused(_, let message) where message.contains("DATA_SOURCE_NOT_FOUND") {
        hasDelta = false
      }
    }
    try session.execute(try ParquetListing(snapshot).view(named: name))
  }

  static func absolute(_ location: String) -> String {
    location.contains("://") ? location : URL(fileURLWithPath: location).path
  }
}
