internal import DuckDB
internal import PostgresWire
internal import Query

/// The extended protocol: statements are prepared, bound to parameters and run in parts.
extension PostgresSession {
  func extended(_ message: FrontendMessage) throws {
    switch message {
    case .parse(let name, let sql, let types): try prepare(name, sql, types)
    case .bind(let bind): try self.bind(bind)
    case .describe(.statement, let name): try describeStatement(name)
    case .describe(.portal, let name): try describePortal(name)
    case .execute(let name, let rows): try execute(name, rows)
    case .close(.statement, let name):
      statements[name] = nil
      writer.closeComplete()
    case .close(.portal, let name):
      portals[name] = nil
      writer.closeComplete()
    case .flush: break
    case .other(let kind):
      throw WireError(
        .featureNotSupported, "messages of type \(Character(Unicode.Scalar(kind))) are not taken: a lake is only read")
    default: throw WireError.violation("a message came out of its turn")
    }
  }

  private func prepare(_ name: String, _ sql: String, _ types: [UInt32]) throws {
    if !name.isEmpty, statements[name] != nil {
      throw WireError(.duplicateStatement, "there is a prepared statement \(name) already")
    }
    guard statements.count < Self.keptLimit else {
      throw WireError(.programLimit, "there are \(Self.keptLimit) prepared statements; close some")
    }
    let parts = PostgresStatement.split(sql)
    guard parts.count <= 1 else { throw WireError(.syntaxError, "a prepared statement is one statement") }
    let statement = try PostgresStatement(parts.first ?? "")
    try requireLive(statement)
    var description = PostgresRunner.Description(parameters: [], columns: [])
    switch statement.kind {
    case .empty: break
    case .command(.show(let setting)): description.columns = [WireColumn(setting, .text)]
    case .command: break
    case .catalog, .query: description = try runner.describe(statement, declared: types, settings)
    }
    statements[name] = Prepared(statement: statement, description: description)
    writer.parseComplete()
  }

  private func bind(_ bind: FrontendMessage.Bind) throws {
    guard let prepared = statements[bind.statement] else {
      throw WireError(.unknownStatement, "there is no prepared statement \(bind.statement)")
    }
    guard portals[bind.portal] != nil || portals.count < Self.keptLimit else {
      throw WireError(.programLimit, "there are \(Self.keptLimit) portals; close some")
    }
    let wanted = prepared.statement.parameters
    guard bind.parameters.count >= wanted.last ?? 0 else {
      throw WireError(
        .protocolViolation, "the statement takes \(wanted.last ?? 0) parameters, \(bind.parameters.count) were given")
    }
    var values: [Value] = []
    for (place, number) in wanted.enumerated() {
      guard let bytes = bind.parameters[number - 1] else {
        values.append(.null)
        continue
      }
      let decoded = try ParameterText.decode(
        bytes, oid: prepared.description.parameters[place].oid, format: bind.parameterFormats.format(at: number - 1),
        number: number)
      values.append(Self.value(decoded, oid: prepared.description.parameters[place].oid))
    }
    portals[bind.portal] = Portal(prepared: prepared, parameters: values, formats: bind.resultFormats)
    writer.bindComplete()
  }

  /// What the engine is given; the statement casts it to its type.
  private static func value(_ decoded: ParameterText.Decoded, oid: UInt32) -> Value {
    switch decoded {
    case .text(let text):
      // Lists as text have other brackets.
      if WireType.element(ofArray: oid) != nil, text.hasPrefix("{"), text.hasSuffix("}") {
        return .string("[" + text.dropFirst().dropLast() + "]")
      }
      return .string(text)
    case .bytes(let bytes): return .blob(bytes)
    case .days(let days): return .date(days: days)
    case .time(let microseconds): return .time(microseconds: microseconds)
    case .instant(let microseconds, let hasZone):
      return hasZone ? .timestampTZ(microseconds: microseconds) : .timestamp(microseconds: microseconds)
    }
  }

  private func describeStatement(_ name: String) throws {
    guard let prepared = statements[name] else {
      throw WireError(.unknownStatement, "there is no prepared statement \(name)")
    }
    let highest = prepared.statement.parameters.last ?? 0
    var types = [UInt32](repeating: WireType.text.oid, count: highest)
    for (place, number) in prepared.statement.parameters.enumerated() {
      types[number - 1] = prepared.description.parameters[place].oid
    }
    writer.parameterDescription(types)
    describe(prepared.description.columns)
  }

  private func describePortal(_ name: String) throws {
    guard let portal = portals[name] else { throw WireError(.unknownCursor, "there is no portal \(name)") }
    var columns = portal.prepared.description.columns
    for index in columns.indices { columns[index].format = portal.formats.format(at: index) }
    describe(columns)
  }

  private func describe(_ columns: [WireColumn]) {
    if columns.isEmpty { writer.noData() } else { writer.rowDescription(columns) }
  }

  /// Whether values of a type can be read as the described one. The engine leaves the type of an expression open, which
  /// is text, until it has the parameters; values then come in text.
  private static func fits(_ type: WireType, _ described: WireType) -> Bool {
    type.oid == described.oid || [.text, .json].contains(described)
  }

  private func execute(_ name: String, _ rows: Int) throws {
    guard var portal = portals[name] else { throw WireError(.unknownCursor, "there is no portal \(name)") }
    let statement = portal.prepared.statement
    try requireLive(statement)
    switch statement.kind {
    case .empty: return writer.emptyQueryResponse()
    case .command(let command):
      let answer = try perform(command)
      if var result = answer.result { writer.append(result.take(0)) }
      return writer.commandComplete(answer.tag)
    case .catalog, .query: break
    }
    var result =
      try portal.result
      ?? run(
        statement, types: portal.prepared.description.parameters.map(\.engine), portal.parameters,
        formats: portal.prepared.description.columns.enumerated().map { index, column in
          [.text, .json].contains(column.type) ? .text : portal.formats.format(at: index)
        })
    guard result.columns.count == portal.prepared.description.columns.count else {
      throw WireError(.featureNotSupported, "the table's columns have changed since the statement was prepared")
    }
    let changed = zip(result.columns, portal.prepared.description.columns).first { !Self.fits($0.type, $1.type) }
    if let (now, then) = changed {
      throw WireError(
        .featureNotSupported,
        "the column \(now.name) has the type \(now.type.oid), and had \(then.type.oid) when the statement was prepared")
    }
    let others = portals.reduce(0) { $0 + ($1.key == name ? 0 : $1.value.result?.bytes.count ?? 0) }
    guard others + result.bytes.count <= Self.keptBytes else {
      throw WireError(.programLimit, "portals hold more than \(Self.keptBytes >> 20) MiB; close some, or aggregate")
    }
    let before = result.sent
    writer.append(result.take(rows))
    if result.isDone {
      writer.commandComplete(statement.tag(rows: result.sent - before))
    } else {
      writer.portalSuspended()
    }
    result.release()
    portal.result = result
    portals[name] = portal
  }
}
