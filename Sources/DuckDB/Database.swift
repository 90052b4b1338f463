internal import CDuckDB

/// A DuckDB database, in memory or in a file, shared by its connections.
public final class Database: Sendable {
  // DuckDB guards a database by itself: connections may be made from any thread.
  private nonisolated(unsafe) let raw: duckdb_database

  /// DuckDB keeps parts of every Parquet file that it has read, 16 KB and more, until the memory limit is reached. Here
  /// files are read once or twice and then joined into others, and the system's page cache holds what is read again.
  private static let defaults = ["enable_external_file_cache": "false"]

  /// Opens a database.
  ///
  /// - Parameters:
  ///   - path: a database file, made if there is none; nil: in memory.
  ///   - settings: DuckDB settings by name, such as `threads`, `memory_limit`, `temp_directory`.
  /// - Throws: a setting that does not exist, a file that cannot be opened or is in use.
  public init(path: String? = nil, settings: [String: String] = [:]) throws(DuckDBError) {
    var config: duckdb_config?
    guard duckdb_create_config(&config) == DuckDBSuccess else {
      throw DuckDBError(.outOfMemory, "no configuration could be made")
    }
    defer { duckdb_destroy_config(&config) }
    for (name, value) in Self.defaults.merging(settings, uniquingKeysWith: { $1 }) {
      guard duckdb_set_config(config, name, value) == DuckDBSuccess else {
        throw DuckDBError(.settings, "there is no setting \(name), or it does not take its value")
      }
    }
    var database: duckdb_database?
    var message: UnsafeMutablePointer<CChar>?
    guard duckdb_open_ext(path, &database, config, &message) == DuckDBSuccess, let database else {
      let error = DuckDBError(message: takeString(message) ?? "IO Error: the database could not be opened")
      guard error.kind != .io, error.kind != .settings, !settings.isEmpty else { throw error }
      let names = settings.keys.sorted().joined(separator: ", ")
      throw DuckDBError(.settings, "one of these settings does not take its value: \(names)")
    }
    raw = database
  }

  deinit {
    var raw: duckdb_database? = raw
    duckdb_close(&raw)
  }

  /// A new connection; it keeps the database open.
  public func connect() throws(DuckDBError) -> Connection { try Connection(to: self) }

  /// DuckDB's version, such as `v1.5.5`.
  public static var libraryVersion: String { String(cString: duckdb_library_version()) }

  func open() throws(DuckDBError) -> duckdb_connection {
    var connection: duckdb_connection?
    guard duckdb_connect(raw, &connection) == DuckDBSuccess, let connection else {
      throw DuckDBError(.connection, "no connection could be made to the database")
    }
    return connection
  }
}
