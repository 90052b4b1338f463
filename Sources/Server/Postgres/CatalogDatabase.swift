internal import DeltaLake
internal import DuckDB
internal import Foundation
internal import PostgresWire
internal import Query
internal import Synchronization

/// A small database that plays PostgreSQL's catalog: it knows the lake's tables and columns and holds no row of them.
final class CatalogDatabase: Sendable {
  private struct Known {
    var tables: [String: DeltaTable] = [:]
    /// The schema of each table as it stands in the catalog.
    var schemas: [String: String] = [:]
  }

  private let known = Mutex(Known())
  private let connection: Mutex<Connection>
  private let open: @Sendable (String) throws -> DeltaTable
  private let names: @Sendable () throws -> [String]

  /// A catalog of these tables.
  init(
    version: String, names: @escaping @Sendable () throws -> [String],
    open: @escaping @Sendable (String) throws -> DeltaTable
  ) throws {
    let connection = try Database(settings: ["threads": "1", "memory_limit": "256MB"]).connect()
    try connection.execute("SET TimeZone = 'UTC'")
    for statement in CatalogSchema.statements(version: version) { try connection.execute(statement) }
    try connection.execute("SET enable_external_access = false; SET lock_configuration = true")
    self.connection = Mutex(connection)
    self.names = names
    self.open = open
  }

  /// Lends the connection, with every table of the lake in the catalog.
  func withConnection<R>(_ body: (Connection) throws -> R) throws -> R {
    try connection.withLock { connection in
      try refresh(connection)
      return try body(connection)
    }
  }

  private func refresh(_ connection: Connection) throws {
    try known.withLock { known in
      let names = try names()
      for gone in Set(known.schemas.keys).subtracting(names) {
        try forget(gone, connection)
        known.schemas[gone] = nil
        known.tables[gone] = nil
      }
      for name in names {
        // A table that cannot be read is not in the catalog; queries of it say why.
        guard let table = try? known.tables[name] ?? open(name), let snapshot = try? table.snapshot() else { continue }
        known.tables[name] = table
        let schema = (snapshot.metadata.description ?? "") + snapshot.schema.json
        guard known.schemas[name] != schema else { continue }
        try forget(name, connection)
        try describe(name, snapshot, connection)
        known.schemas[name] = schema
      }
    }
  }

  private func forget(_ name: String, _ connection: Connection) throws {
    let oid = Self.oid(of: name)
    try connection.execute(
      """
      DELETE FROM pg_class WHERE oid = \(oid); DELETE FROM pg_attribute WHERE attrelid = \(oid);
      DELETE FROM pg_description WHERE objoid = \(oid)
      """)
  }

  private func describe(_ name: String, _ snapshot: Snapshot, _ connection: Connection) throws {
    let oid = Self.oid(of: name)
    let types = try connection.columns(of: "SELECT * FROM \(try Self.emptyScan(snapshot))")
    try connection.execute(
      """
      INSERT INTO pg_class VALUES (\(oid), \(SQL.quote(literal: name)), \(CatalogSchema.publicNamespace), 0, 0,
        \(CatalogSchema.owner), 2, \(oid), 0, 0, -1, 0, 0, false, false, 'p', 'r', \(types.count), 0, false, false, false,
        false, false, true, 'd', false, 0, NULL, NULL, NULL, false)
      """)
    var attributes: [String] = []
    var comments: [String] = []
    if let text = snapshot.metadata.description { comments.append("(\(oid), 1259, 0, \(SQL.quote(literal: text)))") }
    for (index, column) in types.enumerated() {
      let type = ResultTypes.wireType(column.type)
      let field = snapshot.schema.fields[index]
      attributes.append(
        "(\(oid), \(SQL.quote(literal: column.name)), \(type.oid), -1, \(type.size), \(index + 1), 0, \(type.modifier), "
          + "\(!field.nullable), false, false, '', '', false, true, 0, 0, 'p', '', 'i', NULL, NULL, NULL)")
      if let text = field.comment {
        comments.append("(\(oid), 1259, \(index + 1), \(SQL.quote(literal: text)))")
      }
    }
    if !attributes.isEmpty {
      try connection.execute("INSERT INTO pg_attribute VALUES \(attributes.joined(separator: ", "))")
    }
    if !comments.isEmpty {
      try connection.execute("INSERT INTO pg_description VALUES \(comments.joined(separator: ", "))")
    }
  }

  /// The table's columns without its files.
  private static func emptyScan(_ snapshot: Snapshot) throws -> String {
    try DeltaReader.scanSQL(snapshot, files: [])
  }

  /// The object id of a table: the same in every process, because clients remember it.
  static func oid(of name: String) -> UInt32 {
    // FNV-1a; ids below 16,384 are the system's.
    let hash = name.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
    return hash % 2_000_000_000 + 16_384
  }
}
