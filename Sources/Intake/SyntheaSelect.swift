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
  /// Number of the header's line, from 0; data comes after it.
  let headerLine: Int64
  /// Rows of `raw`, `raw_encoding`, `offset` and the list `fields`.
  private let source: String

  /// - Parameter lines: Name of the table function that gives the raw lines.
  init(layout: SyntheaLayout, header: [String], lines: String, headerLine: Int64) {
    self.layout = layout
    self.header = header
    self.headerLine = headerLine
    mapping = layout.map(header: header)
    source = """
      (SELECT raw, raw_encoding, "offset", \
      CASE WHEN raw_encoding = 'utf-8' THEN string_split(raw, ',') END AS fields \
      FROM \(lines)() WHERE "offset" > \(headerLine))
      """
  }

  /// The rows of a Parquet file, every value as text. A number that is whole loses its `.0`: writers make codes with gaps
  /// into floating-point numbers.
  init(layout: SyntheaLayout, parquet: String, columns: [Column]) {
    self.layout = layout
    header = columns.map(\.name)
    headerLine = -1
    mapping = layout.map(header: header)
    let fields = columns.map { column in
      let name = SQL.quote(identifier: column.name)
      let text = "CAST(\(name) AS VARCHAR)"
      return ["FLOAT", "DOUBLE"].contains(column.type.description) ? "regexp_replace(\(text), '[.]0$', '')" : text
    }
    source = """
      (SELECT '' AS raw, 'utf-8' AS raw_encoding, file_row_number AS "offset", \
      [\(fields.joined(separator: ", "))] AS fields FROM \(parquet))
      """
  }

  /// Rows of the table, well-formed lines only.
  var rows: String {
    var columns = zip(layout.columns, mapping.positions).map { column, position in
      let name = SQL.quote(identifier: column.name)
      guard let position else { return "CAST(NULL AS \(column.kind.sqlType)) AS \(name)" }
      return "\(column.kind.expression(Self.field(position))) AS \(name)"
    }
    columns.append("\(extra) AS extra")
    columns.append("CAST(NULL AS VARCHAR) AS record")
    return "SELECT \(columns.joined(separator: ", ")) FROM \(source) WHERE \(fault) IS NULL"
  }

  /// Malformed lines with the reason, for the quarantine table.
  func quarantine(file: String) -> String {
    """
    SELECT \(SQL.quote(literal: layout.tableName)) AS "table", \(SQL.quote(literal: file)) AS file, \
    "offset" + 1 AS line, \(fault) AS reason, raw, raw_encoding FROM \(source) WHERE \(fault) IS NOT NULL
    """
  }

  /// One row of two numbers: malformed lines, and well-formed ones with a date or timestamp that cannot be read.
  var counts: String {
    let unreadable = unreadableFields.map(\.condition).joined(separator: " OR ")
    return """
      SELECT count(*) FILTER (\(fault) IS NOT NULL), \
      count(*) FILTER (\(fault) IS NULL AND (\(unreadable.isEmpty ? "false" : unreadable))) FROM \(source)
      """
  }

  /// The column that no layout names: a JSON object of what unknown fields held and of dates that cannot be read, so
  /// that nothing is lost; NULL for most rows.
  private var extra: String {
    let unknown = mapping.unknown.map { (position: $0, condition: "\(Self.field($0)) <> ''") }
    let pairs = (unreadableFields + unknown).map { position, condition in
      let name = SQL.quote(literal: JSONText.string(header[position]) + ":")
      return "CASE WHEN \(condition) THEN \(name) || CAST(to_json(\(Self.field(position))) AS VARCHAR) END"
    }
    guard !pairs.isEmpty else { return "CAST(NULL AS VARCHAR)" }
    return "nullif('{' || concat_ws(',', \(pairs.joined(separator: ", "))) || '}', '{}')"
  }

  /// Typed fields, with the condition that there is something that cannot be read.
  private var unreadableFields: [(position: Int, condition: String)] {
    zip(layout.columns, mapping.positions).compactMap { column, position in
      guard let position, column.kind != .text else { return nil }
      let field = Self.field(position)
      return (position, "(\(field) <> '' AND \(column.kind.expression(field)) IS NULL)")
    }
  }

  /// What is wrong with a line, NULL for a good one. Names counts, never a value.
  private var fault: String {
    """
    CASE WHEN raw_encoding <> 'utf-8' THEN 'the line is not UTF-8 text or too long' \
    WHEN len(fields) <> \(header.count) THEN 'expected \(header.count) fields, found ' || len(fields) END
    """
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
    columns.map { ($0.name, $0.kind.sqlType) } + [("extra", "VARCHAR"), ("record", "VARCHAR")]
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

  /// The typed value of a field; NULL for an empty one and one that cannot be read. Needs the time zone UTC.
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
}

/// JSON text for names that come from a file's header.
enum JSONText {
  /// A JSON string with its quotes.
  static func string(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\u{0}"..<"\u{20}":
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
