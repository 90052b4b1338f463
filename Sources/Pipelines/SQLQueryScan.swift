/// What a query's text tells without knowing any table: the relations that it reads and its column names.
struct SQLQueryScan {
  /// A named relation in FROM, with the index of its first token.
  struct Found {
    var reference: TableReference
    var location: SourceLocation
  }

  /// Every relation that is not a common table expression, in order. Ranges count from the query's first byte.
  private(set) var references: [Found] = []
  /// The output columns with their places; nil if `*` or an unnamed expression hides them.
  private(set) var columns: [(name: String, location: SourceLocation)]?
  /// The first output expression without a name.
  private(set) var unnamedColumn: SourceLocation?

  private let source: SQLText
  private let tokens: ArraySlice<SQLToken>
  private let problems: ProblemList
  private let base: Int
  private var hasColumns = false

  /// Scans the tokens of one query.
  init(_ tokens: ArraySlice<SQLToken>, of source: SQLText, problems: ProblemList) {
    self.source = source
    self.tokens = tokens
    self.problems = problems
    base = tokens.first?.range.lowerBound ?? 0
    _ = query(at: tokens.startIndex, scope: [], isOutermost: true)
  }

  private func token(_ index: Int) -> SQLToken? { tokens.indices.contains(index) ? tokens[index] : nil }
  private func isSymbol(_ index: Int, _ symbol: String) -> Bool { token(index)?.isSymbol(symbol) ?? false }
  private func isWord(_ index: Int, _ word: String) -> Bool { token(index)?.isWord(word) ?? false }

  /// A query from its first token to the closing parenthesis (or the end), which is returned.
  private mutating func query(at start: Int, scope: Set<String>, isOutermost: Bool = false) -> Int {
    var index = start
    var scope = scope
    if isWord(index, "WITH") { index = commonTables(after: index + 1, &scope) }
    var clause = Clause.select
    while let current = token(index), !current.isSymbol(")") {
      switch current.upper {
      case "SELECT" where current.kind == .word:
        if isOutermost, !hasColumns { readColumns(after: index) }
        clause = .select
        index += 1
      case "FROM" where current.kind == .word && !isDistinctFrom(index):
        clause = .from
        index = relation(at: index + 1, scope)
      case "JOIN" where current.kind == .word && clause == .from,
        "," where current.kind == .symbol && clause == .from:
        index = relation(at: index + 1, scope)
      case "WHERE", "GROUP", "HAVING", "QUALIFY", "ORDER", "LIMIT", "WINDOW", "UNION", "INTERSECT", "EXCEPT":
        if current.kind == .word { clause = .other }
        index += 1
      default: index = step(index, scope)
      }
    }
    return index
  }

  private enum Clause { case select, from, other }

  /// `IS [NOT] DISTINCT FROM` compares; it does not begin a FROM clause.
  private func isDistinctFrom(_ index: Int) -> Bool {
    isWord(index - 1, "DISTINCT")
      && (isWord(index - 2, "IS") || (isWord(index - 2, "NOT") && isWord(index - 3, "IS")))
  }

  /// `name [(columns)] AS [NOT] [MATERIALIZED] (query)`, repeated.
  private mutating func commonTables(after start: Int, _ scope: inout Set<String>) -> Int {
    var index = start
    let isRecursive = isWord(index, "RECURSIVE")
    if isRecursive { index += 1 }
    while let name = token(index), name.isName {
      if isRecursive { scope.insert(name.text.lowercased()) }
      index += 1
      if isSymbol(index, "(") { index = group(at: index, scope) }
      while let word = token(index), ["AS", "NOT", "MATERIALIZED"].contains(word.upper) { index += 1 }
      guard isSymbol(index, "(") else { break }
      index = query(at: index + 1, scope: scope) + 1
      scope.insert(name.text.lowercased())
      guard isSymbol(index, ",") else { break }
      index += 1
    }
    return index
  }

  /// One token, or a whole pair of parentheses, of an expression.
  private mutating func step(_ index: Int, _ scope: Set<String>) -> Int {
    if isSymbol(index, "(") { return group(at: index, scope) }
    if isWord(index, "STREAM"), isSymbol(index + 1, "(") {
      problems.add(
        at: source.location(tokens[index].range.lowerBound), "STREAM(…) stands outside FROM",
        remedy: "read the stream in a FROM clause")
    }
    return index + 1
  }

  /// Parentheses: a query if they begin with SELECT, WITH or VALUES, else an expression or a list.
  private mutating func group(at open: Int, _ scope: Set<String>) -> Int {
    var index = open + 1
    if beginsQuery(index) {
      index = query(at: index, scope: scope)
    } else {
      while let current = token(index), !current.isSymbol(")") { index = step(index, scope) }
    }
    return index + 1
  }

  private func beginsQuery(_ start: Int) -> Bool {
    var index = start
    while isSymbol(index, "(") { index += 1 }
    return ["SELECT", "WITH", "VALUES"].contains { isWord(index, $0) }
  }

  /// What follows FROM, JOIN or a comma between them.
  private mutating func relation(at start: Int, _ scope: Set<String>) -> Int {
    var index = start
    if isWord(index, "LATERAL") { index += 1 }
    guard let first = token(index) else { return index }
    if first.isSymbol("(") {
      if beginsQuery(index + 1) {
        index = group(at: index, scope)
      } else {
        index = relation(at: index + 1, scope)
        index = joins(at: index, scope) + 1
      }
      return afterAlias(index, scope)
    }
    guard first.isName, !(first.kind == .word && SQLKeyword.endsRelation.contains(first.upper)) else { return index }
    if first.isWord("VALUES") { return index + 1 }
    if first.isWord("STREAM"), isSymbol(index + 1, "(") {
      return stream(from: index, name: index + 2, closes: true, scope)
    }
    if first.isWord("STREAM"), let next = token(index + 1), next.isName, !next.isWord("AS"),
      !SQLKeyword.followsRelation.contains(next.upper) || next.kind == .quoted
    {
      return stream(from: index, name: index + 1, closes: false, scope)
    }
    let end = nameEnd(index)
    if isSymbol(end, "(") { return afterAlias(group(at: end, scope), scope) }
    if scope.contains(first.text.lowercased()), end == index + 1 { return afterAlias(end, scope) }
    note(tokens: index..<end, name: index..<end, isStream: false)
    return afterAlias(end, scope)
  }

  /// The rest of a parenthesised join up to its closing parenthesis.
  private mutating func joins(at start: Int, _ scope: Set<String>) -> Int {
    var index = start
    while let current = token(index), !current.isSymbol(")") {
      if current.isWord("JOIN") || current.isSymbol(",") {
        index = relation(at: index + 1, scope)
      } else {
        index = step(index, scope)
      }
    }
    return index
  }

  private mutating func stream(from start: Int, name: Int, closes: Bool, _ scope: Set<String>) -> Int {
    let end = nameEnd(name)
    let place = source.location(tokens[start].range.lowerBound)
    guard end > name, !closes || isSymbol(end, ")") else {
      problems.add(at: place, "STREAM(…) does not hold one name", remedy: "write STREAM(table)")
      return closes ? group(at: start + 1, scope) : end
    }
    if scope.contains(tokens[name].text.lowercased()) {
      problems.add(
        at: place, "STREAM reads '\(tokens[name].text)', which WITH defines",
        remedy: "write STREAM inside that query instead")
      return afterAlias(closes ? end + 1 : end, scope)
    }
    let after = closes ? end + 1 : end
    note(tokens: start..<after, name: name..<end, isStream: true)
    return afterAlias(after, scope)
  }

  /// After `name[.name…]`.
  private func nameEnd(_ start: Int) -> Int {
    guard let first = token(start), first.isName else { return start }
    var index = start + 1
    while isSymbol(index, "."), let next = token(index + 1), next.isName { index += 2 }
    return index
  }

  private mutating func note(tokens span: Range<Int>, name: Range<Int>, isStream: Bool) {
    let place = source.location(tokens[span.lowerBound].range.lowerBound)
    if name.count > 1 {
      problems.add(
        at: place, "a table is named with its schema", remedy: "write the table's own name; a lake has one schema")
    }
    let range = tokens[span.lowerBound].range.lowerBound - base..<tokens[span.upperBound - 1].range.upperBound - base
    references.append(
      Found(
        reference: TableReference(
          name: tokens[name.upperBound - 1].text, isStream: isStream, range: range,
          hasAlias: hasAlias(span.upperBound)),
        location: place))
  }

  private func hasAlias(_ index: Int) -> Bool {
    guard let next = token(index), next.isName else { return false }
    return next.kind == .quoted || !SQLKeyword.followsRelation.contains(next.upper)
  }

  /// Steps over `[AS] alias [(columns)]`.
  private mutating func afterAlias(_ start: Int, _ scope: Set<String>) -> Int {
    guard hasAlias(start) else { return start }
    var index = start
    if isWord(index, "AS") { index += 1 }
    index += 1
    return isSymbol(index, "(") ? group(at: index, scope) : index
  }

  // MARK: Columns

  private mutating func readColumns(after select: Int) {
    hasColumns = true
    var found: [(name: String, location: SourceLocation)] = []
    var isKnown = true
    var depth = 0
    var item = select + 1
    if isWord(item, "DISTINCT") || isWord(item, "ALL") { item += 1 }
    var index = item
    while true {
      let current = token(index)
      let ends = current.map { SQLKeyword.endsSelectList.contains($0.upper) && $0.kind == .word } ?? true
      if depth == 0, ends && !isDistinctFrom(index) || current?.isSymbol(",") == true || current?.isSymbol(")") == true
      {
        if index > item {
          switch column(item..<index) {
          case .named(let name): found.append((name, source.location(tokens[index - 1].range.lowerBound)))
          case .star: isKnown = false
          case .unnamed:
            isKnown = false
            unnamedColumn = unnamedColumn ?? source.location(tokens[item].range.lowerBound)
          }
        }
        item = index + 1
        if !(current?.isSymbol(",") ?? false) { break }
      }
      if current == nil { break }
      if current?.isSymbol("(") == true { depth += 1 }
      if current?.isSymbol(")") == true { depth -= 1 }
      index += 1
    }
    if isKnown { columns = found }
  }

  private enum ColumnName { case named(String), star, unnamed }

  /// The name of one output expression: its alias, or the column that it is.
  private func column(_ item: Range<Int>) -> ColumnName {
    guard let last = token(item.upperBound - 1) else { return .unnamed }
    if last.isSymbol("*"), item.count == 1 || isSymbol(item.upperBound - 2, ".") { return .star }
    guard last.isName, !(last.kind == .word && SQLKeyword.values.contains(last.upper)) else { return .unnamed }
    if item.count == 1 || isSymbol(item.upperBound - 2, ".") || isWord(item.upperBound - 2, "AS") {
      return .named(last.text)
    }
    guard let before = token(item.upperBound - 2) else { return .unnamed }
    let endsExpression =
      before.kind != .symbol && !(before.kind == .word && SQLKeyword.operators.contains(before.upper))
      || before.isSymbol(")")
    return endsExpression ? .named(last.text) : .unnamed
  }
}
