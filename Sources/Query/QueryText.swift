/// A query as the user wrote it, looked through before DuckDB sees it: it is one statement, it reads, and its calls of
/// `delta('DIR', …)` are replaced by names.
///
/// This is the readable half of the gate against writing; `Connection.stream(reading:)` asks DuckDB's own parser.
public struct QueryText {
  /// The statement without `;`, each `delta(…)` replaced by the quoted name of its view.
  public private(set) var sql: String
  /// The tables that `delta(…)` names, each once.
  public private(set) var deltaCalls: [DeltaCall]
  /// Names, strings and words in lower case: a superset of the tables that the query can mean.
  public let mentioned: Set<String>
  /// For EXPLAIN, the statement that is explained.
  public private(set) var explained: String?

  /// Words that begin a statement that only reads.
  public static let readers = [
    "select", "with", "from", "values", "table", "pivot", "unpivot", "describe", "desc", "show", "summarize", "explain",
  ]

  /// Functions that change the engine, write files, or run SQL that is hidden in a string.
  private static let refusedFunctions: Set<String> = [
    "enable_logging", "disable_logging", "enable_profiling", "disable_profiling", "truncate_duckdb_logs", "checkpoint",
    "force_checkpoint", "write_log", "query", "json_execute_serialized_sql", "import_database", "arrow_scan",
    "arrow_scan_dumb", "arrow_scan_view", "read_duckdb",
  ]

  /// - Throws: `UsageError` for an empty text, several statements or a malformed `delta(…)`; `CommandFailure` for one that
  ///   would not only read.
  public init(_ text: String) throws {
    var tokens = QueryLexer.tokens(of: text)
    while tokens.last?.isSign(";") == true { tokens.removeLast() }
    guard let first = tokens.first(where: { !$0.isSign("(") }), let end = tokens.last?.range.upperBound else {
      throw QueryError(usage: "there is no SQL; write it in quotes, in a --file, or on standard input")
    }
    if let place = tokens.first(where: { $0.isSign(";") }) {
      throw QueryError(
        usage: "these are several statements (the first ends at byte \(place.range.lowerBound + 1)); give one at a time"
      )
    }
    guard first.kind == .word, Self.readers.contains(first.folded) else { throw Self.refusal(of: first) }
    if first.isWord("with"), let verb = Self.verb(behindWith: tokens), !Self.readers.contains(verb.folded) {
      throw Self.refusal(of: verb)
    }
    for (index, token) in tokens.enumerated()
    where token.isName && Self.refusedFunctions.contains(token.folded) && Self.isCall(tokens, index) {
      throw QueryError(refused: "\(token.folded)(…) is refused: a query only reads")
    }
    mentioned = Set(tokens.filter { $0.isName || $0.kind == .string }.map(\.folded))
    let bytes = Array(text.utf8)
    (sql, deltaCalls) = try Self.replaceDeltaCalls(tokens, bytes[..<end])
    if first.isWord("explain") { explained = try Self.explained(by: sql) }
  }

  private static func isCall(_ tokens: [QueryToken], _ index: Int) -> Bool {
    index + 1 < tokens.count && tokens[index + 1].isSign("(")
  }

  /// The word with which the statement behind WITH's queries begins.
  private static func verb(behindWith tokens: [QueryToken]) -> QueryToken? {
    let verbs: Set<String> = [
      "select", "from", "values", "table", "pivot", "unpivot", "insert", "update", "delete", "merge",
    ]
    var depth = 0
    for (index, token) in tokens.enumerated() {
      if token.isSign("(") { depth += 1 }
      if token.isSign(")") { depth -= 1 }
      guard depth == 0, token.kind == .word, verbs.contains(token.folded) else { continue }
      let namesQuery = index + 1 < tokens.count && (tokens[index + 1].isWord("as") || tokens[index - 1].isWord("with"))
      if !namesQuery { return token }
    }
    return nil
  }

  private static func refusal(of first: QueryToken) -> any Error {
    let writers: Set<String> = [
      "insert", "update", "delete", "merge", "create", "drop", "alter", "truncate", "copy", "export", "import",
      "attach", "detach", "install", "load", "set", "reset", "use", "pragma", "call", "checkpoint", "vacuum", "analyze",
      "begin", "commit", "rollback", "prepare", "execute", "deallocate", "grant", "comment",
    ]
    guard first.kind == .word else { return QueryError(usage: "this is not SQL: a query begins with SELECT or FROM") }
    if writers.contains(first.folded) {
      return QueryError(
        refused:
          "\(first.text.uppercased()) is refused: a query only reads, and tables are written by pipelines and imports"
          + (first.isWord("copy") ? "; to write a file use --output FILE" : ""))
    }
    let guess = NearestWord.find(first.folded, among: readers).map { "; did you mean \($0.uppercased())?" } ?? ""
    return QueryError(usage: "\(first.text) does not begin a query\(guess)")
  }

  /// The statement behind EXPLAIN [ANALYZE] [(options)].
  private static func explained(by sql: String) throws -> String {
    var rest = QueryLexer.tokens(of: sql)[...].dropFirst()
    if rest.first?.isWord("analyze") == true { rest = rest.dropFirst() }
    if rest.first?.isSign("(") == true, let close = rest.firstIndex(where: { $0.isSign(")") }),
      rest.dropFirst().first.map({ !readers.contains($0.folded) && !$0.isSign("(") }) == true
    {
      rest = rest[(close + 1)...]
    }
    guard let first = rest.first(where: { !$0.isSign("(") }), let begin = rest.first?.range.lowerBound else {
      throw QueryError(usage: "EXPLAIN what? Give the query after it")
    }
    guard first.kind == .word, readers.contains(first.folded), !first.isWord("explain") else {
      throw refusal(of: first)
    }
    return String(decoding: Array(sql.utf8)[begin...], as: UTF8.self)
  }

  private static func replaceDeltaCalls(
    _ tokens: [QueryToken], _ bytes: ArraySlice<UInt8>
  ) throws -> (sql: String, calls: [DeltaCall]) {
    var out: [UInt8] = []
    var calls: [DeltaCall] = []
    var copied = 0
    var index = 0
    while index < tokens.count {
      guard tokens[index].isWord("delta"), isCall(tokens, index), index == 0 || !tokens[index - 1].isSign(".") else {
        index += 1
        continue
      }
      try requireRelation(before: index, tokens)
      let (call, next) = try DeltaCall.parse(tokens, from: index + 2)
      out += bytes[copied..<tokens[index].range.lowerBound]
      out += call.quotedName.utf8
      copied = tokens[next - 1].range.upperBound
      if !calls.contains(call) { calls.append(call) }
      index = next
    }
    out += bytes[copied...]
    return (String(decoding: out, as: UTF8.self), calls)
  }

  private static func requireRelation(before index: Int, _ tokens: [QueryToken]) throws {
    let words: Set<String> = [
      "from", "join", "lateral", "pivot", "pivot_wider", "unpivot", "pivot_longer", "summarize", "describe", "desc",
      "table",
    ]
    guard index > 0 else { throw QueryError(usage: "delta('DIR') is a table; write: FROM delta('DIR')") }
    let before = tokens[index - 1]
    guard before.isSign(",") || before.isSign("(") || (before.kind == .word && words.contains(before.folded)) else {
      throw QueryError(usage: "delta('DIR') is a table; write it after FROM or JOIN")
    }
  }
}
