import Clinical
import DuckDB

/// The SQL that turns the raw lines of one file into rows of its table, and its malformed lines into quarantine rows.
///
/// Synthea never quotes: a line has exactly as many commas as the header, so a line is split at commas and every line
/// with another number of fields is malformed.
struct SyntheaSelect {
  let layout: SyntheaLayout
  let header: [String]
  let mapping: SyntheaLayout.Mapping
  /// Name of the table function that gives the raw lines.
  let lines: String
  /// Number of the header's line, from 0; data comes after it.
  let headerLine: Int64

  init(layout: SyntheaLayout, header: [String], lines: String, headerLine: Int64) {
    self.layout = layout
    self.header = header
    self.lines = lines
    self.headerLine = headerLine
    mapping = layout.map(header: header)
  }

  /// Rows of the table, well-formed lines only.
  var rows: String {
    var columns = zip(layout.columns, mapping.positions).map { column, position in
      let name = SQL.quote(identifier: column.name)
      guard let position else { return "CAST(NULL AS \(column.kind.sqlType)) AS \(name)" }
      return "\(column.kind.expression(Self.field(position))) AS \(name)"
    }
    columns.append("\(extra) AS extra")
    return "SELECT \(columns.joined(separator: ", ")) FROM \(source) WHERE \(fault) IS NULL"
  }

  /// Malformed lines with the reason, for the quarantine table.
  func quarantine(file: String) -> String {
    """
    SELECT \(SQL.quote(literal: layout.tableName)) AS "table", \(SQL.quote(literal: file)) AS file, \
    "offset" + 1 AS line, \(fault) AS reason, raw, raw_encoding FROM \(source) WHERE \(fault) IS NOT NULL
    """
  }

  /// Columns of every table that the layout does not name: what unknown fields held, as a JSON object.
  private var extra: String {
    guard !mapping.unknown.isEmpty else { return "CAST(NULL AS VARCHAR)" }
    let pairs = mapping.unknown.map { position in
      "\(SQL.quote(literal: header[position])), nullif(\(Self.field(position)), '')"
    }
    return "CAST(json_object(\(pairs.joined(separator: ", "))) AS VARCHAR)"
  }

  private var source: String {
    """
    (SELECT raw, raw_encoding, "offset", \
    CASE WHEN raw_encoding = 'utf-8' THEN string_split(raw, ',') END AS fields \
    FROM \(lines)() WHERE "offset" > \(headerLine))
    """
  }

  /// What is wrong with a line, NULL for a good one. Names the field and the count, never a value.
  private var fault: String {
    var cases = [
      "WHEN raw_encoding <> 'utf-8' THEN 'the line is not UTF-8 text or too long'",
      """
      WHEN len(fields) <> \(header.count) THEN \
      'expected \(header.count) fields, found ' || len(fields)
      """,
    ]
    for (column, position) in zip(layout.columns, mapping.positions) {
      guard let position, let isReadable = column.kind.isReadable(Self.field(position)) else { continue }
      let name = SQL.quote(literal: "\(header[position]) is not a \(column.kind.word)")
      cases.append("WHEN NOT (\(Self.field(position)) = '' OR \(isReadable)) THEN \(name)")
    }
    return "CASE \(cases.joined(separator: " ")) END"
  }

  private static func field(_ position: Int) -> String {
    "fields[\(position + 1)]"
  }
}

extension SyntheaLayout {
  /// Name of the Delta table.
  var tableName: String { "synthea_\(name)" }

  /// Names and DuckDB types of the table's columns.
  var tableColumns: [(name: String, sqlType: String)] {
    columns.map { ($0.name, $0.kind.sqlType) } + [("extra", "VARCHAR")]
  }
}

extension SyntheaLayout.Kind {
  var sqlType: String {
    switch self {
    case .text: "VARCHAR"
    case .date: "DATE"
    case .timestamp, .openTimestamp: "TIMESTAMP WITH TIME ZONE"
    }
  }

  var word: String {
    switch self {
    case .text: "text"
    case .date: "date"
    case .timestamp, .openTimestamp: "timestamp"
    }
  }

  /// The typed value of a field; an empty one is NULL. Needs the time zone UTC.
  func expression(_ field: String) -> String {
    switch self {
    case .text:
      "nullif(\(field), '')"
    case .date:
      "TRY_CAST(left(\(field), 10) AS DATE)"
    case .timestamp:
      "CAST(TRY_CAST(\(field) AS TIMESTAMP) AS TIMESTAMP WITH TIME ZONE)"
    case .openTimestamp:
      """
      CAST(TRY_CAST(CASE WHEN length(\(field)) = 4 THEN \(field) || '-01-01' ELSE \(field) END AS TIMESTAMP) \
      AS TIMESTAMP WITH TIME ZONE)
      """
    }
  }

  /// Whether a field that is not empty can be read; `nil` if every text can.
  func isReadable(_ field: String) -> String? {
    switch self {
    case .text: nil
    case .date: "TRY_CAST(left(\(field), 10) AS DATE) IS NOT NULL"
    case .timestamp: "TRY_CAST(\(field) AS TIMESTAMP) IS NOT NULL"
    case .openTimestamp:
      "regexp_full_match(\(field), '[0-9]{4}|[0-9]{5,}-.*') OR TRY_CAST(\(field) AS TIMESTAMP) IS NOT NULL"
    }
  }
}
