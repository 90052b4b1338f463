import DuckDB

/// Reads FHIR files into the temporary table `fhir_incoming`: a row for each resource, or for what is none with the reason.
struct FHIRReader {
  /// A file with the name that reports and quarantine know it by.
  struct Source: Sendable, Hashable {
    let path: String
    let name: String
  }

  static let table = "fhir_incoming"
  /// How much of a file that is no JSON goes to quarantine, in characters: the file itself stays where it is.
  private static let quarantined = 65_536
  private let connection: Connection
  private let lines: LineScan

  init(connection: Connection, lines: LineScan) throws {
    self.connection = connection
    self.lines = lines
    try connection.execute(FHIRMapping.macros)
  }

  /// Empties the table.
  func begin() throws {
    try connection.execute(
      """
      CREATE OR REPLACE TEMP TABLE \(Self.table) (file VARCHAR, position BIGINT, part BIGINT, full_url VARCHAR, method VARCHAR, \
      request VARCHAR, sent_at TIMESTAMP WITH TIME ZONE, resource VARCHAR, fault VARCHAR)
      """)
  }

  /// Files that each hold one JSON value: a bundle of whatever type, or a single resource. The position is the entry's
  /// number in the bundle, from 1.
  func readDocuments(_ sources: [Source]) throws {
    let paths = sources.map { SQL.quote(literal: $0.path) }.joined(separator: ", ")
    let names = sources.map { "(\(SQL.quote(literal: $0.path)), \(SQL.quote(literal: $0.name)))" }
    try connection.execute(
      """
      INSERT INTO \(Self.table)
      WITH whole AS MATERIALIZED (
        SELECT names.name AS file, ltrim(TRY(decode(content)), chr(65279)) AS document
        FROM read_blob([\(paths)]) AS blobs
        JOIN (VALUES \(names.joined(separator: ", "))) AS names(path, name) ON names.path = blobs.filename),
      judged AS MATERIALIZED (
        SELECT file, document, CASE
          WHEN document IS NULL THEN 'the file is not UTF-8 text'
          WHEN NOT json_valid(document) THEN 'the file is not JSON'
          WHEN json_type(document) <> 'OBJECT' THEN 'the file is no FHIR resource'
          WHEN json_extract_string(document, '$.resourceType') = 'Bundle'
            AND coalesce(json_type(document, '$.entry'), 'ARRAY') <> 'ARRAY' THEN 'the entries of the bundle are no list'
          END AS fault,
        CASE WHEN json_valid(document) THEN json_extract_string(document, '$.resourceType') END = 'Bundle' AS is_bundle
        FROM whole),
      entries AS (
        SELECT file, unnest(parts) AS entry, generate_subscripts(parts, 1) AS position
        FROM (SELECT file, json_extract(document, '$.entry[*]') AS parts FROM judged WHERE fault IS NULL AND is_bundle)),
      parts AS (
        SELECT file, position,
          json_extract(entry, ['$.fullUrl', '$.request.method', '$.request.url', '$.resource']) AS part
        FROM entries)
      SELECT file, position, 0, part[1]->>'$', part[2]->>'$', part[3]->>'$', NULL, CAST(part[4] AS VARCHAR), NULL
      FROM parts
      UNION ALL
      SELECT file, 1, 0, NULL, NULL, NULL, NULL,
        CASE WHEN fault IS NULL THEN document ELSE left(document, \(Self.quarantined)) END, fault
      FROM judged WHERE fault IS NOT NULL OR is_bundle IS NOT TRUE
      """)
  }

  /// Newline-delimited JSON, a resource on each line (FHIR Bulk Data), in pieces; `body` is called after each of them and
  /// takes what is in the table. The position is the line's number, from 1.
  func readLines(_ source: Source, progress: (Int64, Int64) -> Void, _ body: () throws -> Void) throws {
    let file = try SourceFile(path: source.path)
    try lines.forEachPiece(of: file) { position, _ in
      try connection.execute(
        """
        INSERT INTO \(Self.table)
        SELECT \(SQL.quote(literal: source.name)), "offset" + 1, 0, NULL, NULL, NULL, NULL, raw, CASE
          WHEN raw_encoding <> 'utf-8' THEN 'the line is not UTF-8 text or too long'
          WHEN NOT json_valid(raw) THEN 'the line is not JSON' END
        FROM \(LineScan.function)()
        """)
      try body()
      progress(position, file.byteCount)
    }
  }
}
