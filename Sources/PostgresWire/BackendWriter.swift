/// A column of a result as the client is told of it.
public struct WireColumn: Sendable, Hashable {
  /// Its name.
  public var name: String
  /// Its type.
  public var type: WireType
  /// Its values' format.
  public var format: WireFormat

  /// A column.
  public init(_ name: String, _ type: WireType, format: WireFormat = .text) {
    self.name = name
    self.type = type
    self.format = format
  }
}

/// Where a session is in a transaction.
public enum TransactionState: UInt8, Sendable, Hashable {
  /// In none.
  case idle = 0x49
  /// In one.
  case open = 0x54
  /// In one that only ROLLBACK ends.
  case failed = 0x45
}

/// Writes the server's messages (PostgreSQL manual, "Message Formats").
public struct BackendWriter: Sendable {
  /// What is written.
  public private(set) var bytes: [UInt8] = []

  /// A writer without messages.
  public init() {}

  /// Forgets what was written.
  public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  /// Takes messages that are written already.
  public mutating func append(_ messages: some Collection<UInt8>) { bytes += messages }

  /// The client is known.
  public mutating func authenticationOk() { message("R") { $0.int32(0) } }
  /// The client must send its password.
  public mutating func authenticationCleartextPassword() { message("R") { $0.int32(3) } }
  /// A statement is prepared.
  public mutating func parseComplete() { message("1") { _ in } }
  /// A portal is made.
  public mutating func bindComplete() { message("2") { _ in } }
  /// A statement or portal is gone.
  public mutating func closeComplete() { message("3") { _ in } }
  /// A statement gives no rows.
  public mutating func noData() { message("n") { _ in } }
  /// There was no statement in the text.
  public mutating func emptyQueryResponse() { message("I") { _ in } }
  /// There are more rows than were asked for.
  public mutating func portalSuspended() { message("s") { _ in } }

  /// How the connection is encrypted: `S` or `N`, without a length.
  public mutating func encryption(_ accepted: Bool) { bytes.append(accepted ? 0x53 : 0x4E) }

  /// The server speaks 3.0 and knows none of these options.
  public mutating func negotiateProtocolVersion(unknown options: [String]) {
    message("v") {
      $0.int32(0)
      $0.int32(Int32(options.count))
      for option in options { $0.text(option) }
    }
  }

  /// A setting of the session.
  public mutating func parameterStatus(_ name: String, _ value: String) {
    message("S") {
      $0.text(name)
      $0.text(value)
    }
  }

  /// What a request to cancel must name.
  public mutating func backendKeyData(process: Int32, secret: Int32) {
    message("K") {
      $0.int32(process)
      $0.int32(secret)
    }
  }

  /// The next message may come.
  public mutating func readyForQuery(_ state: TransactionState) { message("Z") { $0.bytes.append(state.rawValue) } }

  /// A statement has ended, with its tag such as `SELECT 3`.
  public mutating func commandComplete(_ tag: String) { message("C") { $0.text(tag) } }

  /// Types of the parameters of a statement.
  public mutating func parameterDescription(_ types: [UInt32]) {
    message("t") {
      $0.int16(Int16(truncatingIfNeeded: types.count))
      for type in types { $0.int32(Int32(bitPattern: type)) }
    }
  }

  /// Columns of the rows that follow.
  public mutating func rowDescription(_ columns: [WireColumn]) {
    message("T") {
      $0.int16(Int16(truncatingIfNeeded: columns.count))
      for column in columns {
        $0.text(column.name)
        $0.int32(0)
        $0.int16(0)
        $0.int32(Int32(bitPattern: column.type.oid))
        $0.int16(column.type.size)
        $0.int32(column.type.modifier)
        $0.int16(column.format.rawValue)
      }
    }
  }

  /// A row; `value` appends the bytes of a column, or returns false for NULL.
  public mutating func dataRow(columns: Int, value: (Int, inout [UInt8]) -> Bool) {
    message("D") {
      $0.int16(Int16(truncatingIfNeeded: columns))
      for index in 0..<columns {
        let start = $0.bytes.count
        $0.int32(-1)
        guard value(index, &$0.bytes) else { continue }
        $0.patch(Int32($0.bytes.count - start - 4), at: start)
      }
    }
  }

  /// An error; with `isNotice` the client is told, and goes on.
  public mutating func error(_ error: WireError, isNotice: Bool = false) {
    let severity = isNotice ? "NOTICE" : (error.isFatal ? "FATAL" : "ERROR")
    message(isNotice ? "N" : "E") {
      for (field, value) in [("S", severity), ("V", severity), ("C", error.state.rawValue), ("M", error.description)] {
        $0.bytes += field.utf8
        $0.text(value)
      }
      $0.bytes.append(0)
    }
  }

  // MARK: Parts

  private mutating func message(_ kind: Unicode.Scalar, _ body: (inout BackendWriter) -> Void) {
    bytes.append(UInt8(ascii: kind))
    let start = bytes.count
    int32(0)
    body(&self)
    patch(Int32(bytes.count - start), at: start)
  }

  private mutating func int16(_ value: Int16) { withUnsafeBytes(of: value.bigEndian) { bytes += $0 } }
  private mutating func int32(_ value: Int32) { withUnsafeBytes(of: value.bigEndian) { bytes += $0 } }

  /// A text cannot hold a zero byte: that ends it.
  private mutating func text(_ value: String) {
    for byte in value.utf8 where byte != 0 { bytes.append(byte) }
    bytes.append(0)
  }

  private mutating func patch(_ value: Int32, at place: Int) {
    withUnsafeBytes(of: value.bigEndian) { source in
      for index in 0..<4 { bytes[place + index] = source[index] }
    }
  }
}
