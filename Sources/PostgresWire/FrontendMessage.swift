/// What a client sends first (PostgreSQL manual, "Message Formats": no type byte).
public enum StartupMessage: Sendable, Hashable {
  /// May the connection be encrypted with TLS?
  case tls
  /// May it be encrypted with GSSAPI?
  case gss
  /// Stop what that session does.
  case cancel(process: Int32, secret: Int32)
  /// Begin a session with protocol 3.`minor` and these parameters.
  case start(minor: Int, parameters: [String: String])
}

/// Whether values are text or in a type's binary form.
public enum WireFormat: Int16, Sendable, Hashable {
  case text = 0
  case binary = 1
}

/// What `Describe` and `Close` name.
public enum WireTarget: UInt8, Sendable, Hashable {
  /// A prepared statement.
  case statement = 0x53
  /// A portal: a statement with its parameters.
  case portal = 0x50
}

/// What a client sends in a session.
public enum FrontendMessage: Sendable, Hashable {
  /// Values for a prepared statement's parameters.
  public struct Bind: Sendable, Hashable {
    /// Name of the portal that is made.
    public var portal: String
    /// Name of the statement.
    public var statement: String
    /// Formats of the parameters: none (all text), one for all, or one for each.
    public var parameterFormats: [WireFormat]
    /// The parameters; nil is NULL.
    public var parameters: [[UInt8]?]
    /// Formats of the result's columns, as those of the parameters.
    public var resultFormats: [WireFormat]
  }

  /// Statements as text, with answers at once.
  case query(String)
  /// Prepare a statement; a type of 0 is left to the server.
  case parse(name: String, sql: String, types: [UInt32])
  case bind(Bind)
  case describe(WireTarget, name: String)
  /// Run a portal; 0 rows: all.
  case execute(portal: String, rows: Int)
  case close(WireTarget, name: String)
  case sync
  case flush
  case password(String)
  case terminate
  /// A message of the protocol that this server has no use for.
  case other(UInt8)
}

extension FrontendMessage {
  /// Reads the body of a message.
  static func parse(_ kind: UInt8, _ body: ArraySlice<UInt8>) throws(WireError) -> FrontendMessage {
    var cursor = ByteCursor(body)
    let message: FrontendMessage
    switch kind {
    case UInt8(ascii: "Q"): message = .query(try cursor.text())
    case UInt8(ascii: "P"):
      let (name, sql) = (try cursor.text(), try cursor.text())
      var types: [UInt32] = []
      for _ in 0..<(try cursor.count(bytesEach: 4)) { types.append(UInt32(bitPattern: try cursor.int32())) }
      message = .parse(name: name, sql: sql, types: types)
    case UInt8(ascii: "B"): message = .bind(try bind(&cursor))
    case UInt8(ascii: "D"): message = .describe(try target(&cursor), name: try cursor.text())
    case UInt8(ascii: "C"): message = .close(try target(&cursor), name: try cursor.text())
    case UInt8(ascii: "E"):
      message = .execute(portal: try cursor.text(), rows: max(0, Int(try cursor.int32())))
    case UInt8(ascii: "p"): message = .password(try cursor.text())
    case UInt8(ascii: "S"): message = .sync
    case UInt8(ascii: "H"): message = .flush
    case UInt8(ascii: "X"): message = .terminate
    case UInt8(ascii: "F"), UInt8(ascii: "d"), UInt8(ascii: "c"), UInt8(ascii: "f"): return .other(kind)
    default: throw .violation("there is no message of type \(kind)")
    }
    try cursor.finish()
    return message
  }

  private static func target(_ cursor: inout ByteCursor) throws(WireError) -> WireTarget {
    guard let target = WireTarget(rawValue: try cursor.byte()) else {
      throw .violation("Describe and Close take a statement or a portal")
    }
    return target
  }

  private static func bind(_ cursor: inout ByteCursor) throws(WireError) -> Bind {
    let (portal, statement) = (try cursor.text(), try cursor.text())
    let formats = try formats(&cursor)
    var parameters: [[UInt8]?] = []
    for _ in 0..<(try cursor.count(bytesEach: 4)) {
      let length = try cursor.int32()
      guard length >= -1 else { throw .violation("a parameter has a negative length") }
      parameters.append(length == -1 ? nil : try cursor.take(Int(length)))
    }
    guard formats.count <= 1 || formats.count == parameters.count else {
      throw .violation("Bind has \(formats.count) formats for \(parameters.count) parameters")
    }
    return Bind(
      portal: portal, statement: statement, parameterFormats: formats, parameters: parameters,
      resultFormats: try Self.formats(&cursor))
  }

  private static func formats(_ cursor: inout ByteCursor) throws(WireError) -> [WireFormat] {
    var formats: [WireFormat] = []
    for _ in 0..<(try cursor.count(bytesEach: 2)) {
      guard let format = WireFormat(rawValue: try cursor.int16()) else {
        throw .violation("a format is neither 0 (text) nor 1 (binary)")
      }
      formats.append(format)
    }
    return formats
  }
}

extension [WireFormat] {
  /// The format of the value at a place: the list is empty (all text), has one for all, or one for each.
  public func format(at index: Int) -> WireFormat {
    if isEmpty { return .text }
    return count == 1 ? self[0] : (index < count ? self[index] : .text)
  }
}
