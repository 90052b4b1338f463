internal import JSON

/// Entries of the audit log as JSON, in the shape that the engine reads them in.
enum AuditRows {
  /// The shape, for DuckDB's `from_json`.
  static let structure = """
    [{"at":"BIGINT","principal":"VARCHAR","role":"VARCHAR","action":"VARCHAR","patients":["VARCHAR"],"method":"VARCHAR",\
    "path":"VARCHAR","status":"INTEGER","address":"VARCHAR","detail":"VARCHAR"}]
    """

  static func json(_ entries: [AuditLog.Entry]) -> String {
    var writer = JSONWriter()
    writer.beginArray()
    for entry in entries {
      writer.beginObject()
      writer.member("at", entry.at)
      writer.member("principal", text(entry.principal.name))
      writer.member("role", entry.principal.role.rawValue)
      writer.member("action", entry.action)
      writer.key("patients")
      writer.beginArray()
      for patient in Set(entry.patients).sorted() { writer.write(text(patient)) }
      writer.endArray()
      writer.member("method", text(entry.method))
      writer.member("path", text(entry.path))
      writer.member("status", Int64(entry.status))
      writer.member("address", entry.address)
      writer.member("detail", entry.detail.map(text))
      writer.endObject()
    }
    writer.endArray()
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  /// What a caller sent may hold a zero, which no text of the engine may.
  private static func text(_ given: String) -> String { given.replacing("\u{0}", with: "\u{FFFD}") }
}
