/// A SQL file: the statements that define relations, and a closing query if it has one.
struct SQLScript {
  /// A query with what its text tells.
  struct Query {
    var sql: String
    var references: [TableReference]
    var places: [SourceLocation]
    var columns: [String]?
    var columnPlaces: [SourceLocation]
    var unnamedColumn: SourceLocation?
    var location: SourceLocation
    var tokens: ArraySlice<SQLToken>
    var source: SQLText
  }

  /// A CREATE statement.
  struct Definition {
    var table: TableDefinition
    var query: Query
    var namePlace: SourceLocation
  }

  private(set) var definitions: [Definition] = []
  private(set) var queries: [Query] = []

  /// Reads a file's text; what is wrong is noted and left out.
  init(_ text: String, file: String, problems: ProblemList) {
    let source = SQLText(text, file: file)
    let tokens = SQLLexer.tokens(of: source, problems: problems)
    for statement in tokens.split(whereSeparator: { $0.isSymbol(";") }) {
      var reader = SQLStatementReader(statement, of: source, problems: problems)
      switch reader.read() {
      case .definition(let definition): definitions.append(definition)
      case .query(let query): queries.append(query)
      case nil: break
      }
    }
  }
}

/// Reads one statement.
struct SQLStatementReader {
  enum Statement {
    case definition(SQLScript.Definition)
    case query(SQLScript.Query)
  }

  private let source: SQLText
  private let tokens: ArraySlice<SQLToken>
  private let problems: ProblemList
  private var index: Int

  init(_ tokens: ArraySlice<SQLToken>, of source: SQLText, problems: ProblemList) {
    self.tokens = tokens
    self.source = source
    self.problems = problems
    index = tokens.startIndex
  }

  /// The statement, or nil after noting why not.
  mutating func read() -> Statement? {
    guard let first = current, isBalanced() else { return nil }
    switch first.upper {
    case "SELECT", "WITH": return query().map { .query($0) }
    case "CREATE": return definition().map { .definition($0) }
    default:
      fail(
        first, "a statement begins with \(first.text)",
        remedy: "define relations with CREATE STREAMING TABLE, CREATE MATERIALIZED VIEW or CREATE TEMPORARY VIEW")
      return nil
    }
  }

  // MARK: CREATE

  private mutating func definition() -> SQLScript.Definition? {
    guard let start = current, let kind = kind() else { return nil }
    if takeWords("IF") { _ = takeWords("NOT", "EXISTS") }
    guard let name = current, name.isName, !name.isWord("AS") else {
      fail(current ?? start, "the relation has no name", remedy: "write a name after CREATE …")
      return nil
    }
    index += 1
    if !Scalars.isName(name.text) {
      fail(
        name, "'\(name.text)' is not a plain name",
        remedy: "use letters, digits and underscores, beginning with a letter")
    }
    if isSymbol(".") {
      fail(name, "the relation is named with its schema", remedy: "write its own name; a lake has one schema")
      index += 2
    }
    var table = TableDefinition(name: name.text, kind: kind, sql: "", location: location(start))
    let listed = columnList()
    guard clauses(into: &table), let query = query() else { return nil }
    table.sql = query.sql
    table.references = query.references
    table.columns = query.columns
    if let listed { compare(listed, with: query) }
    return SQLScript.Definition(table: table, query: query, namePlace: location(name))
  }

  private mutating func kind() -> TableDefinition.Kind? {
    guard let create = current else { return nil }
    index += 1
    if takeWords("OR") {
      fail(
        create, "CREATE OR \(current?.text ?? "…") is not part of the dialect",
        remedy: "write CREATE; a pipeline's definition always replaces the one before")
      index += 1
    }
    if takeWords("STREAMING", "TABLE") { return .streaming }
    if takeWords("MATERIALIZED", "VIEW") { return .materialized }
    if takeWords("TEMPORARY", "VIEW") { return .temporary }
    let written = current?.upper ?? ""
    let remedy =
      switch written {
      case "TABLE", "LIVE": "write CREATE STREAMING TABLE, or CREATE MATERIALIZED VIEW for a query over whole tables"
      case "VIEW": "write CREATE TEMPORARY VIEW, or CREATE MATERIALIZED VIEW to keep its rows"
      case "TEMP": "write CREATE TEMPORARY VIEW"
      case "FLOW": "write the SELECT in CREATE STREAMING TABLE … AS; a table has one flow"
      default: "write CREATE STREAMING TABLE, CREATE MATERIALIZED VIEW or CREATE TEMPORARY VIEW"
      }
    fail(current ?? create, "CREATE \(current?.text ?? "") is not part of the dialect", remedy: remedy)
    return nil
  }

  /// `(name [COMMENT '…'], …)` after the relation's name.
  private mutating func columnList() -> [SQLToken]? {
    guard isSymbol("("), let open = current else { return nil }
    var columns: [SQLToken] = []
    for item in list() {
      guard let name = item.first, name.isName, !name.isWord("CONSTRAINT") else {
        fail(
          item.first ?? open, "the column list holds something that is not a column",
          remedy: "list columns only; rules go to 'expectations' in pipeline.yml")
        continue
      }
      columns.append(name)
      let rest = item.dropFirst()
      if let extra = rest.first, !(extra.isWord("COMMENT") && rest.count == 2) {
        fail(extra, "a column has more than a name", remedy: "give its type by CAST in the SELECT")
      }
    }
    return columns
  }

  private func compare(_ listed: [SQLToken], with query: SQLScript.Query) {
    guard let columns = query.columns, let first = listed.first else { return }
    if listed.count != columns.count {
      fail(
        first, "\(listed.count) columns are listed and \(columns.count) selected", remedy: "make the two lists equal")
    }
    for (name, column) in zip(listed, columns) where name.text.lowercased() != column.lowercased() {
      fail(name, "the SELECT calls this column '\(column)'", remedy: "write AS \(name.text) there, or '\(column)' here")
    }
  }

  /// Everything between the name and AS.
  private mutating func clauses(into table: inout TableDefinition) -> Bool {
    while let clause = current {
      switch clause.upper {
      case "AS" where clause.kind == .word:
        index += 1
        return true
      case "USING":
        index += 1
        if let format = current, !format.isWord("DELTA") {
          fail(format, "tables cannot be kept as \(format.text)", remedy: "write USING delta, or leave USING out")
        }
        index += 1
      case "PARTITIONED":
        index += 1
        if !takeWords("BY") { return misplaced(clause, "write PARTITIONED BY (column, …)") }
        table.partitionedBy = columnNames()
      case "CLUSTER":
        index += 1
        if !takeWords("BY") { return misplaced(clause, "write CLUSTER BY (column, …)") }
        table.clusteredBy = columnNames()
      case "COMMENT":
        index += 1
        guard let text = current, text.kind == .string else { return misplaced(clause, "write COMMENT '…'") }
        table.comment = text.text
        index += 1
      case "TBLPROPERTIES":
        index += 1
        table.properties = properties()
      default: return misplaced(clause, "write AS SELECT … here, or one of \(Self.clauseNames)")
      }
    }
    if let last = tokens.last {
      fail(last, "'\(table.name)' has no query", remedy: "write AS SELECT … at its end")
    }
    return false
  }

  private static let clauseNames = "USING, PARTITIONED BY, CLUSTER BY, COMMENT, TBLPROPERTIES"

  private func misplaced(_ token: SQLToken, _ remedy: String) -> Bool {
    fail(token, "'\(token.text)' cannot stand here", remedy: remedy)
    return false
  }

  /// Items of a list in parentheses, which is stepped over.
  private mutating func list() -> [ArraySlice<SQLToken>] {
    guard isSymbol("(") else {
      if let token = current { fail(token, "a list in parentheses is missing here", remedy: "write (…)") }
      return []
    }
    let start = index + 1
    var depth = 0
    repeat {
      if isSymbol("(") { depth += 1 }
      if isSymbol(")") { depth -= 1 }
      index += 1
    } while depth > 0 && index < tokens.endIndex
    var inner = 0
    return tokens[start..<max(start, index - 1)].split { token in
      if token.isSymbol("(") { inner += 1 }
      if token.isSymbol(")") { inner -= 1 }
      return inner == 0 && token.isSymbol(",")
    }
  }

  private mutating func columnNames() -> [String] {
    list().compactMap { item in
      if let name = item.first, item.count == 1, name.isName { return name.text }
      if let first = item.first {
        fail(first, "tables are divided by columns, not by expressions", remedy: "select the expression AS a column")
      }
      return nil
    }
  }

  private mutating func properties() -> [String: String] {
    var result: [String: String] = [:]
    for item in list() {
      let parts = item.filter { !$0.isSymbol("=") }
      guard let value = parts.last, [.string, .number, .word].contains(value.kind), parts.count >= 2 else {
        if let first = item.first { fail(first, "this is not a property", remedy: "write 'name' = 'value'") }
        continue
      }
      result[parts.dropLast().map(\.text).joined()] = value.text
    }
    return result
  }

  // MARK: Queries

  private mutating func query() -> SQLScript.Query? {
    let rest = tokens[index...]
    guard let first = rest.first, let last = rest.last else {
      if let last = tokens.last { fail(last, "a query is missing after this", remedy: "write SELECT …") }
      return nil
    }
    guard first.isWord("SELECT") || first.isWord("WITH") || first.isSymbol("(") else {
      fail(first, "a query begins with '\(first.text)'", remedy: "begin it with SELECT or WITH")
      return nil
    }
    let scan = SQLQueryScan(rest, of: source, problems: problems)
    return SQLScript.Query(
      sql: source.text(first.range.lowerBound..<last.range.upperBound),
      references: scan.references.map(\.reference), places: scan.references.map(\.location),
      columns: scan.columns?.map(\.name), columnPlaces: scan.columns?.map(\.location) ?? [],
      unnamedColumn: scan.unnamedColumn, location: location(first), tokens: rest, source: source)
  }

  // MARK: Tokens

  private var current: SQLToken? { tokens.indices.contains(index) ? tokens[index] : nil }
  private func isSymbol(_ symbol: String) -> Bool { current?.isSymbol(symbol) ?? false }

  private mutating func takeWords(_ words: String...) -> Bool {
    for (ahead, word) in words.enumerated() {
      guard tokens.indices.contains(index + ahead), tokens[index + ahead].isWord(word) else { return false }
    }
    index += words.count
    return true
  }

  private func location(_ token: SQLToken) -> SourceLocation { source.location(token.range.lowerBound) }

  private func fail(_ token: SQLToken, _ message: String, remedy: String) {
    problems.add(at: location(token), message, remedy: remedy)
  }

  /// Whether parentheses close, which everything after relies on; queries deeper than 200 are refused.
  private func isBalanced() -> Bool {
    var open: [SQLToken] = []
    for token in tokens where token.kind == .symbol {
      if token.text == "(" { open.append(token) }
      if token.text == ")", open.popLast() == nil {
        fail(token, "this parenthesis closes nothing", remedy: "remove it, or open one before")
        return false
      }
      if open.count > 200 {
        fail(token, "parentheses are nested more than 200 deep", remedy: "divide the query by WITH")
        return false
      }
    }
    if let unclosed = open.last {
      fail(unclosed, "this parenthesis is not closed", remedy: "add ) where it ends")
      return false
    }
    return true
  }
}
