internal import DuckDB
public import Pipelines

/// Writes the SQL that turns raw JSON records into typed columns in one pass.
///
/// A record that is not a JSON object, lacks a required field, or holds a value that its field's type cannot take
/// gets a reason instead. A number may stand in the JSON as a number or as a string that holds one; NaN and the
/// infinities, which JSON does not have, are not numbers.
public struct RecordParser: Sendable {
  /// The column that says why a record cannot be used; NULL for a good one.
  public static let reasonColumn = "_reason"

  private let fields: [RecordField]

  /// A parser of records with these fields.
  public init(fields: [RecordField]) { self.fields = fields }

  /// A SELECT that parses `relation`, which has the columns of a bronze table.
  ///
  /// Its columns are the record's fields, `_reason`, and the stream's system columns.
  public func select(from relation: String) -> String {
    let columns = fields.map { "\(value(of: $0)) AS \(SQL.quote(identifier: $0.name))" }
    return """
      SELECT \(columns.joined(separator: ",\n  ")),
        \(reason) AS \(Self.reasonColumn),
        "source" AS _source, "partition" AS _partition, "offset" AS _offset, ingest_time AS _ingest_time
      FROM (
        SELECT "source", "partition", "offset", ingest_time, raw, raw_encoding,
          CASE WHEN raw_encoding = 'utf-8' AND json_valid(raw) AND left(ltrim(raw), 1) = '{'
            THEN from_json(raw, \(SQL.quote(literal: transform { self.transformType($0) }))) END AS s
        FROM \(relation)
      )
      """
  }

  /// The expression that explains what is wrong with a record whose struct `s` is NULL or has gaps.
  private var reason: String {
    let gaps = fields.map(gap).joined(separator: " OR ")
    let causes = fields.map(cause).joined(separator: ", ")
    let text = SQL.quote(literal: transform { _ in "VARCHAR" })
    return """
      CASE
        WHEN s IS NULL THEN CASE raw_encoding
          WHEN 'missing' THEN 'the source removed these bytes before they were read'
          WHEN 'base64' THEN 'not valid UTF-8'
          WHEN 'oversize' THEN 'longer than the largest record allowed'
          ELSE CASE WHEN NOT json_valid(raw) THEN 'not valid JSON' ELSE 'not a JSON object' END END
        WHEN \(gaps) THEN
          nullif(list_transform([from_json(raw, \(text))], lambda v: concat_ws('; ', \(causes)))[1], '')
      END
      """
  }

  private func transform(_ type: (RecordField) -> String) -> String {
    let members = fields.map { "\(JSONText.string($0.field)):\(JSONText.string(type($0)))" }
    return "{" + members.joined(separator: ",") + "}"
  }

  /// The type that the JSON reader is asked for. Whole numbers are read as DOUBLE so that 0.7 is seen and refused
  /// instead of being rounded.
  private func transformType(_ field: RecordField) -> String {
    switch field.type {
    case .int: "DOUBLE"
    case .uuid: "UUID"
    default: field.type.duckDBType
    }
  }

  private func member(_ field: RecordField) -> String { "s.\(SQL.quote(identifier: field.field))" }

  private func value(of field: RecordField) -> String {
    let member = member(field)
    switch field.type {
    case .int: return "TRY_CAST(\(member) AS INTEGER)"
    case .uuid: return "CAST(\(member) AS VARCHAR)"
    default: return member
    }
  }

  /// True for a record whose field needs a closer look: no value, or a value outside the type's range.
  private func gap(_ field: RecordField) -> String {
    let member = member(field)
    switch field.type {
    case .int: return "coalesce(\(member) <> trunc(\(member)) OR abs(\(member)) > 2147483647, true)"
    case .double: return "coalesce(NOT isfinite(\(member)), true)"
    default: return "\(member) IS NULL"
    }
  }

  /// What is wrong with the field of a record whose text form is `v`, or NULL.
  private func cause(_ field: RecordField) -> String {
    let wrong = SQL.quote(literal: "\(field.name): not a valid \(field.type.rawValue)")
    let text = "v.\(SQL.quote(identifier: field.field))"
    guard field.isRequired else {
      return "CASE WHEN (\(gap(field))) AND \(text) IS NOT NULL THEN \(wrong) END"
    }
    let missing = SQL.quote(literal: "\(field.name): missing")
    return "CASE WHEN \(gap(field)) THEN CASE WHEN \(text) IS NULL THEN \(missing) ELSE \(wrong) END END"
  }
}

/// JSON text for the few places where the runtime writes JSON.
enum JSONText {
  /// A JSON string literal.
  static func string(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
