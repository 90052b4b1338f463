/// Lays out one line of the log. Pure.
enum LogLine {
  /// Longer texts are cut, in characters.
  static let longest = 2_000

  static func text(
    _ format: Logger.Format, time: Int64, level: LogLevel, event: String, fields: [(name: String, value: LogValue)]
  ) -> String {
    switch format {
    case .json:
      var line =
        "{\"time\":\"\(LogTime.iso8601(time))\",\"level\":\"\(level.name)\",\"event\":\(JSONText.quoted(event))"
      for field in fields { line += ",\(JSONText.quoted(field.name)):\(json(field.value))" }
      return line + "}\n"
    case .text:
      var line = "\(LogTime.iso8601(time)) \(level.name.uppercased()) \(event)"
      for field in fields { line += " \(field.name)=\(plain(field.value))" }
      return line + "\n"
    }
  }

  private static func json(_ value: LogValue) -> String {
    switch value {
    case .count(let count): String(count)
    case .seconds(let number), .number(let number): JSONText.number(number)
    case .flag(let flag): flag ? "true" : "false"
    case .name(let name): JSONText.quoted(cut(name))
    case .instant(let time): "\"\(LogTime.iso8601(time))\""
    case .error(let error): JSONText.quoted(cut("\(error)"))
    }
  }

  private static func plain(_ value: LogValue) -> String {
    switch value {
    case .count(let count): String(count)
    case .seconds(let seconds): JSONText.number((seconds * 1e6).rounded() / 1e6) + "s"
    case .number(let number): JSONText.number(number)
    case .flag(let flag): flag ? "true" : "false"
    case .name(let name): word(cut(name))
    case .instant(let time): LogTime.iso8601(time)
    case .error(let error): JSONText.quoted(cut("\(error)"))
    }
  }

  /// Quoted where spaces or signs would make the line ambiguous.
  private static func word(_ text: String) -> String {
    let isPlain =
      !text.isEmpty && text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0 != "\"" && $0 != "=" && $0.value != 0x7F }
    return isPlain ? text : JSONText.quoted(text)
  }

  private static func cut(_ text: String) -> String { text.count <= longest ? text : text.prefix(longest) + "…" }
}
