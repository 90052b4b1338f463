internal import DuckDB
import Synchronization

/// DuckDB as the reader and writer of checkpoints: one small database for all tables, opened when first needed.
enum Engine {
  private static let shared = Mutex<Database?>(nil)

  static func connect() throws(DeltaError) -> Connection {
    do {
      let database = try shared.withLock { database in
        if let database { return database }
        let opened = try Database()
        database = opened
        return opened
      }
      let connection = try database.connect()
      try connection.execute("SET TimeZone = 'UTC'")
      return connection
    } catch {
      throw DeltaError(engine: error, "opening DuckDB")
    }
  }

  /// `['a', 'b']` for `read_parquet`.
  static func list(_ paths: [String]) -> String {
    "[" + paths.map { quoted(literal: $0) }.joined(separator: ", ") + "]"
  }
}

extension DeltaError {
  /// An error of DuckDB, without the values that its text may quote.
  init(engine error: any Error, _ doing: String) {
    if let error = error as? DeltaError {
      self = error
      return
    }
    let text = (error as? DuckDBError)?.description ?? "unexpected error"
    let detail = (error as? DuckDBError)?.detail ?? ""
    if detail.contains("No space left on device") {
      self.init(.diskFull, "\(doing): \(text)", hint: "make room on the disk and try again")
    } else if let kind = (error as? DuckDBError)?.kind, kind == .io || kind == .outOfMemory {
      self.init(.storage, "\(doing): \(text)")
    } else {
      self.init(.engine, "\(doing): \(text)")
    }
  }
}
