/// Quoting for SQL text that is put together from names and strings.
public enum SQL {
  /// A name as a quoted identifier: `patient "x"` becomes `"patient ""x"""`.
  public static func quote(identifier: String) -> String { quoted(identifier, with: "\"") }

  /// A string as a SQL literal: `O'Hara` becomes `'O''Hara'`.
  public static func quote(literal: String) -> String { quoted(literal, with: "'") }

  private static func quoted(_ text: String, with mark: Character) -> String {
    var out = String(mark)
    for character in text {
      if character == mark { out.append(mark) }
      out.append(character)
    }
    out.append(mark)
    return out
  }
}
