internal import DeltaLake
internal import DuckDB
internal import Foundation
internal import Models
internal import Pipelines
internal import Query
internal import Streaming

/// What is known of the lake itself, as relations that a page's query can name beside the lake's tables:
///
/// - `lakeward_tables`: "table", version, row_count, files, bytes, last_commit, description, owner
/// - `lakeward_columns`: "table", "column", position, type, unit, phi, description, from_columns
/// - `lakeward_lineage`: source, source_kind, target, target_kind, pipeline — what each relation is made of
/// - `lakeward_commits`: pipeline, "table", role (bronze, quarantine, stream, view), version, time, operation, row_count,
///   duplicates
/// - `lakeward_samples`: time, metric, pipeline, value — gauges of this process every five seconds
/// - `lakeward_models`: model, version, stage, algorithm, created_at, card (JSON, as in `model.json`)
/// - `lakeward_quarantine`: pipeline, reason, records
///
/// Only what a query mentions is made.
struct LakeFacts {
  private static let names = [
    "lakeward_tables", "lakeward_commits", "lakeward_samples", "lakeward_models", "lakeward_columns",
    "lakeward_lineage",
  ]

  private let statements: [String]
  private let quarantine: String?

  init(_ context: ServerContext, mentionedIn sql: String) throws {
    let words = try QueryText(sql).mentioned
    statements = try Self.names.filter(words.contains).map { name in
      switch name {
      case "lakeward_tables": try Self.tables(context)
      case "lakeward_commits": try Self.commits(context)
      case "lakeward_samples": Self.samples(context)
      case "lakeward_columns": try Self.columns(context)
      case "lakeward_lineage": Self.lineage(context)
      default: try Self.models(context)
      }
    }
    quarantine = words.contains("lakeward_quarantine") ? try Self.quarantine(context) : nil
  }

  /// The query, with the relations in front that are made of the lake's tables.
  func completing(_ sql: String) -> String {
    guard let quarantine else { return sql }
    return "WITH lakeward_quarantine AS (\(quarantine))\nSELECT * FROM (\n\(sql)\n)"
  }

  /// Makes the relations on a connection, in place of those of an earlier query.
  func prepare(_ connection: Connection) throws {
    for statement in statements { try connection.execute(statement) }
  }

  /// `rows` of literals as a table; none of them still has its columns.
  static func relation(_ name: String, _ columns: [(name: String, type: String)], _ rows: [[String]]) -> String {
    let casts = columns.enumerated().map {
      "CAST(c\($0) AS \($1.type)) AS \(SQL.quote(identifier: $1.name))"
    }.joined(separator: ", ")
    let names = columns.indices.map { "c\($0)" }.joined(separator: ", ")
    let values =
      rows.isEmpty
      ? "(\(columns.map { _ in "NULL" }.joined(separator: ", ")))"
      : rows.map { "(\($0.joined(separator: ", ")))" }.joined(separator: ",\n")
    return """
      CREATE OR REPLACE TEMP TABLE \(name) AS
      SELECT \(casts) FROM (VALUES \(values)) AS facts(\(names)) \(rows.isEmpty ? "WHERE false" : "")
      """
  }

  static func text(_ value: String?) -> String { value.map { SQL.quote(literal: $0) } ?? "NULL" }
  static func number(_ value: (some BinaryInteger)?) -> String { value.map { "\($0)" } ?? "NULL" }
  private static func instant(milliseconds: Int64?) -> String {
    milliseconds.map { "make_timestamptz(\($0 * 1_000))" } ?? "NULL"
  }

  private static func tables(_ context: ServerContext) throws -> String {
    let rows = try context.lake.tableNames().map { name in
      let snapshot = try context.lake.table(named: name).snapshot()
      return [
        text(name), number(snapshot.version), number(try snapshot.rowCount()), number(snapshot.files.count),
        number(snapshot.sizeInBytes), instant(milliseconds: snapshot.timestamp),
        text(context.documentation(of: name, snapshot).summary), text(context.documentation(of: name, snapshot).owner),
      ]
    }
    return relation(
      "lakeward_tables",
      [
        ("table", "VARCHAR"), ("version", "BIGINT"), ("row_count", "BIGINT"), ("files", "BIGINT"), ("bytes", "BIGINT"),
        ("last_commit", "TIMESTAMPTZ"), ("description", "VARCHAR"), ("owner", "VARCHAR"),
      ], rows)
  }

  private static func commits(_ context: ServerContext) throws -> String {
    let rows = try context.history.commits().map { commit in
      [
        text(commit.pipeline), text(commit.table), text(commit.role), number(commit.version),
        instant(milliseconds: commit.milliseconds), text(commit.operation), number(commit.rows),
        number(commit.duplicates),
      ]
    }
    return relation(
      "lakeward_commits",
      [
        ("pipeline", "VARCHAR"), ("table", "VARCHAR"), ("role", "VARCHAR"), ("version", "BIGINT"),
        ("time", "TIMESTAMPTZ"), ("operation", "VARCHAR"), ("row_count", "BIGINT"), ("duplicates", "BIGINT"),
      ], rows)
  }

  private static func samples(_ context: ServerContext) -> String {
    let rows = context.history.samples().map {
      [instant(milliseconds: $0.milliseconds), text($0.metric), text($0.pipeline), "\($0.value)"]
    }
    return relation(
      "lakeward_samples",
      [("time", "TIMESTAMPTZ"), ("metric", "VARCHAR"), ("pipeline", "VARCHAR"), ("value", "DOUBLE")], rows)
  }

  private static func models(_ context: ServerContext) throws -> String {
    let rows = try context.surroundings.registry.list().map { entry in
      [
        text(entry.card.name), number(Int(entry.card.version)), text(entry.stage.rawValue),
        text(entry.card.algorithm.rawValue),
        text(entry.card.createdAt), text(String(decoding: try entry.card.json(), as: UTF8.self)),
      ]
    }
    return relation(
      "lakeward_models",
      [
        ("model", "VARCHAR"), ("version", "BIGINT"), ("stage", "VARCHAR"), ("algorithm", "VARCHAR"),
        ("created_at", "TIMESTAMPTZ"), ("card", "JSON"),
      ], rows)
  }

  private static func quarantine(_ context: ServerContext) throws -> String {
    let names = Set(try context.lake.tableNames())
    let parts = context.surroundings.pipelines.compactMap { pipeline -> String? in
      guard let table = pipeline.source?.quarantineTable, names.contains(table) else { return nil }
      // A reason may name the place in the record; its first words tell the kind.
      return """
        SELECT \(SQL.quote(literal: pipeline.name)) AS pipeline, reason, count(*) AS records
        FROM \(SQL.quote(identifier: table)) GROUP BY reason
        """
    }
    return parts.isEmpty
      ? "SELECT '' AS pipeline, '' AS reason, 0 AS records WHERE false" : parts.joined(separator: " UNION ALL ")
  }
}
