/// Titles and messages with placeholders such as `{ward}`.
///
/// The policy's author chooses what a message says. Placeholders are words about the alert, never columns, so that no
/// measured value gets into a message by accident.
enum PolicyText {
  /// The placeholders that a text may hold.
  static let placeholders = [
    "patient", "ward", "policy", "severity", "pipeline", "time", "id", "title", "message", "link",
  ]

  /// The placeholders of a text in order, known or not; nil if a brace is not closed.
  static func names(in text: String) -> [String]? {
    var names: [String] = []
    var rest = text[...]
    while let open = rest.firstIndex(of: "{") {
      guard let close = rest[open...].firstIndex(of: "}") else { return nil }
      names.append(String(rest[rest.index(after: open)..<close]))
      rest = rest[rest.index(after: close)...]
    }
    return names
  }

  /// The text with values for its placeholders; an unknown one stays as it is.
  static func filled(_ text: String, _ values: [String: String], escape: (String) -> String = { $0 }) -> String {
    var result = ""
    var rest = text[...]
    while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
      result += rest[..<open]
      let name = String(rest[rest.index(after: open)..<close])
      result += values[name].map(escape) ?? "{\(name)}"
      rest = rest[rest.index(after: close)...]
    }
    return result + rest
  }
}
