internal import PostgresWire
internal import Query

/// What clients say about their session rather than about data.
enum SessionCommand: Hashable {
  case begin
  case commit
  case rollback
  case savepoint
  case release
  case rollbackToSavepoint
  case set(name: String, value: String)
  case reset(name: String?)
  case show(name: String)
  case deallocate(name: String?)
  /// Something that a server without state of its own has nothing to do for.
  case nothing(tag: String)

  /// Reads a statement; nil if it is none of these.
  static func parse(_ tokens: [QueryToken]) -> SessionCommand? {
    guard let first = tokens.first, first.kind == .word else { return nil }
    func word(_ index: Int) -> String { index < tokens.count ? tokens[index].folded : "" }
    switch first.folded {
    case "begin": return .begin
    case "start" where word(1) == "transaction": return .begin
    case "commit", "end": return .commit
    case "abort": return .rollback
    case "rollback":
      return tokens.contains { $0.isWord("to") } ? .rollbackToSavepoint : .rollback
    case "savepoint": return .savepoint
    case "release": return .release
    case "set": return set(tokens)
    case "reset": return .reset(name: word(1) == "all" || tokens.count < 2 ? nil : word(1))
    case "show": return show(tokens)
    case "deallocate":
      let name = word(1) == "prepare" ? 2 : 1
      return .deallocate(name: word(name) == "all" || name >= tokens.count ? nil : tokens[name].text)
    case "discard": return .nothing(tag: "DISCARD " + word(1).uppercased())
    case "listen", "unlisten", "notify": return .nothing(tag: first.folded.uppercased())
    case "close": return .nothing(tag: "CLOSE CURSOR")
    default: return nil
    }
  }

  private static func set(_ tokens: [QueryToken]) -> SessionCommand {
    var rest = tokens.dropFirst()
    if let scope = rest.first, ["session", "local"].contains(scope.folded) { rest = rest.dropFirst() }
    guard let name = rest.first?.folded else { return .nothing(tag: "SET") }
    if name == "transaction" || name == "characteristics" { return .nothing(tag: "SET") }
    rest = rest.dropFirst()
    if name == "time", rest.first?.isWord("zone") == true {
      return .set(name: "timezone", value: value(rest.dropFirst()))
    }
    if rest.first?.isSign("=") == true || rest.first?.isWord("to") == true { rest = rest.dropFirst() }
    return .set(name: name, value: value(rest))
  }

  private static func value(_ tokens: ArraySlice<QueryToken>) -> String {
    var text = ""
    for token in tokens { text += token.isSign(",") ? ", " : token.text }
    return text
  }

  /// `SHOW` of a setting. The engine has a SHOW of its own for tables.
  private static func show(_ tokens: [QueryToken]) -> SessionCommand? {
    let words = tokens.dropFirst().map(\.folded)
    if words == ["transaction", "isolation", "level"] { return .show(name: "transaction_isolation") }
    if words == ["time", "zone"] { return .show(name: "timezone") }
    guard words.count == 1, let name = words.first, SessionSettings.usual[name] != nil else { return nil }
    return .show(name: name)
  }
}

/// Settings of a session that clients set and ask for.
struct SessionSettings {
  /// The protocol reports these when they begin or change.
  static let reported = [
    "server_version", "server_encoding", "client_encoding", "application_name", "is_superuser", "session_authorization",
    "DateStyle", "IntervalStyle", "TimeZone", "integer_datetimes", "standard_conforming_strings",
    "default_transaction_read_only", "in_hot_standby",
  ]

  /// The version of PostgreSQL whose protocol and catalog are spoken.
  static let version = "14.0"

  /// The values at first, by name in lower case.
  static let usual: [String: String] = [
    "server_version": version, "server_version_num": "140000", "server_encoding": "UTF8", "client_encoding": "UTF8",
    "application_name": "", "is_superuser": "off", "session_authorization": "lakeward", "datestyle": "ISO, MDY",
    "intervalstyle": "postgres", "timezone": "UTC", "integer_datetimes": "on", "standard_conforming_strings": "on",
    "default_transaction_read_only": "on", "transaction_read_only": "on", "in_hot_standby": "on",
    "transaction_isolation": "repeatable read", "default_transaction_isolation": "repeatable read",
    "search_path": "\"$user\", public", "extra_float_digits": "1", "bytea_output": "hex", "lc_collate": "C.UTF-8",
    "lc_ctype": "C.UTF-8", "max_identifier_length": "255", "max_index_keys": "32", "statement_timeout": "0",
    "client_min_messages": "notice", "row_security": "off",
  ]

  private(set) var values = usual

  /// Changes a setting; those that would change how values look must stay as they are.
  mutating func set(_ name: String, _ value: String) throws(WireError) {
    let name = name.lowercased()
    let plain = value.lowercased()
    let isKept: Bool =
      switch name {
      case "client_encoding": ["utf8", "utf-8", "unicode", "default"].contains(plain)
      case "datestyle": plain.hasPrefix("iso") || plain == "default"
      case "timezone": ["utc", "gmt", "etc/utc", "z", "0", "default", "etc/gmt"].contains(plain)
      default: true
      }
    if name == "timezone", !isKept {
      // Instants are sent with their offset, so that a client in another zone loses nothing.
      values[name] = "UTC"
      return
    }
    guard isKept else {
      throw WireError(.invalidParameter, "\(name) cannot be \(value) here; it is \(values[name] ?? "fixed")")
    }
    if name == "client_encoding" { return }
    if ["server_version", "server_version_num", "is_superuser", "transaction_read_only"].contains(name) { return }
    values[name] = value
  }

  /// Gives one or all settings their first value.
  mutating func reset(_ name: String?) {
    guard let name else {
      values = Self.usual
      return
    }
    values[name] = Self.usual[name]
  }
}
