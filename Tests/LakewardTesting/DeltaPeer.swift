import Foundation

/// What the real Delta readers say about a table: delta-rs and DuckDB's Delta extension.
public enum DeltaPeer {
  /// Both readers' answers about one version of a table.
  public struct Comparison: Sendable, Decodable {
    /// Both opened the table and gave the same version, the same number of files and the same rows.
    public var agree: Bool
    /// The first difference or error in words; nil when they agree.
    public var difference: String?
    /// The version that delta-rs read.
    public var version: Int64
    /// Number of rows that delta-rs read.
    public var rows: Int64
    /// Number of data files in the snapshot.
    public var files: Int64
    /// Column names and Delta types, in order, as `name type`.
    public var columns: [String]
    /// The table's `txn` actions: application id to version.
    public var transactions: [String: Int64]
  }

  /// The engine that answers a query.
  public enum Engine: String, Sendable, CaseIterable {
    /// delta-rs, through DataFusion.
    case deltaRS = "delta-rs"
    /// DuckDB's `delta_scan`.
    case duckDB = "duckdb"
  }

  /// Opens a table with both readers and compares every row.
  ///
  /// - Parameters:
  ///   - table: the table's folder.
  ///   - version: an earlier version; the newest when nil.
  ///   - transactions: application ids whose `txn` versions are wanted.
  /// - Throws: ``PeerError``; a table that a reader refuses is no error but a ``Comparison/difference``.
  public static func compare(
    _ table: String, version: Int64? = nil, transactions: [String] = []
  ) throws -> Comparison {
    var arguments = ["compare", table]
    if let version { arguments += ["--version", "\(version)"] }
    for name in transactions { arguments += ["--transaction", name] }
    return try decode(Comparison.self, PeerPython.run("delta_peer.py", arguments).output)
  }

  /// Runs a query with one reader; the table is called `t` in it.
  ///
  /// - Returns: the rows in the query's order, each value as the text that Python gives it, nil for NULL.
  /// - Throws: ``PeerError``.
  public static func query(
    _ table: String, _ sql: String, engine: Engine = .duckDB, version: Int64? = nil
  ) throws -> [[String?]] {
    var arguments = ["query", table, sql, "--engine", engine.rawValue]
    if let version { arguments += ["--version", "\(version)"] }
    return try decode([[String?]].self, PeerPython.run("delta_peer.py", arguments).output)
  }

  private static func decode<Answer: Decodable>(_ type: Answer.Type, _ text: String) throws -> Answer {
    do {
      return try JSONDecoder().decode(type, from: Data(text.utf8))
    } catch {
      throw PeerError.answer("\(error): \(text.prefix(400))")
    }
  }
}
