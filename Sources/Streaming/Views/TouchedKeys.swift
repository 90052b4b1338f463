internal import DeltaLake
internal import DuckDB

/// The values of a view's key columns that changed rows of its inputs touch, in a temporary table of a connection.
struct TouchedKeys {
  private static let table = "lakeward_touched"

  /// By what the keys were found.
  let lineage: ViewLineage
  private let connection: Connection
  private let keys: [String]
  /// Whether some key is NULL, which `=` does not find. Known once the keys are counted.
  private var hasNull = true
  private let known = Known()

  /// No values yet.
  init(_ lineage: ViewLineage, connection: Connection) throws {
    self.lineage = lineage
    self.connection = connection
    keys = lineage.keyColumns.indices.map { "_key\($0)" }
    let columns = zip(keys, lineage.keyColumns).map { key, name in
      let type = lineage.columns.first { $0.name == name }?.type ?? .varchar
      return "\(key) \(type.description)"
    }
    try connection.execute("CREATE OR REPLACE TEMP TABLE \(Self.table) (\(columns.joined(separator: ", ")))")
  }

  /// Adds what the rows touch that came to a table and that went.
  /// - Parameter exactly: Whether rows that were only written anew into another file are left out. It costs a comparison of
  ///   all rows of the files.
  func add(_ change: FileChange, of snapshot: Snapshot, named table: String, exactly: Bool) throws {
    guard !change.isNothing else { return }
    let came = try DeltaReader.scanSQL(snapshot, files: change.came)
    let went = try DeltaReader.scanSQL(snapshot, files: change.went)
    let scan =
      if change.went.isEmpty {
        came
      } else if exactly, !change.came.isEmpty {
        "((FROM \(came) EXCEPT ALL FROM \(went)) UNION ALL (FROM \(went) EXCEPT ALL FROM \(came)))"
      } else {
        "(FROM \(came) UNION ALL FROM \(went))"
      }
    var seen: Set<[String]> = []
    for input in lineage.inputs where input.table.lowercased() == table.lowercased() {
      for expressions in input.combinations where seen.insert(expressions).inserted {
        let values = expressions.map { "(\($0))" }.joined(separator: ", ")
        try connection.execute("INSERT INTO \(Self.table) SELECT DISTINCT \(values) FROM \(scan)")
      }
    }
  }

  /// How many there are.
  mutating func count() throws -> Int {
    try connection.execute(
      "CREATE OR REPLACE TEMP TABLE \(Self.table) AS SELECT DISTINCT * FROM \(Self.table)")
    let nulls = keys.map { "\($0) IS NULL" }.joined(separator: " OR ")
    hasNull = try connection.query("SELECT count(*) FROM \(Self.table) WHERE \(nulls)").scalar().integer != 0
    return Int(try connection.query("SELECT count(*) FROM \(Self.table)").scalar().integer ?? 0)
  }

  /// The rows of an input that belong to these partitions, as SQL for FROM. Files and row groups that can hold none are
  /// left out.
  func rows(of snapshot: Snapshot, at input: ViewInput) throws -> String {
    guard let expressions = input.combinations.first, input.combinations.count == 1 else {
      let chosen = input.combinations.map { "EXISTS (SELECT 1 FROM \(Self.table) AS t WHERE \(matches($0)))" }
      return "(SELECT * FROM \(try DeltaReader.scanSQL(snapshot)) WHERE \(chosen.joined(separator: " OR ")))"
    }
    let (possible, condition) = try candidates(snapshot, expressions)
    let files = try holding(possible, of: snapshot, expressions)
    var scan = try DeltaReader.scanSQL(snapshot, files: files)
    if !condition.isEmpty { scan = "(SELECT * FROM \(scan) WHERE \(condition))" }
    return "(SELECT r.* FROM \(scan) AS r SEMI JOIN \(Self.table) AS t ON \(matches(expressions)))"
  }

  /// The files of a table that can hold rows of these keys, and a condition that such rows meet, empty for none.
  private func candidates(_ snapshot: Snapshot, _ expressions: [String]) throws -> (files: [AddFile], condition: String)
  {
    var files = Array(snapshot.files)
    var conditions: [String] = []
    for (key, expression) in zip(keys, expressions) {
      guard let bounds = try bounds(snapshot, key, expression) else { continue }
      let kept = Set(bounds.files.map(\.key))
      files = files.filter { kept.contains($0.key) }
      if !bounds.condition.isEmpty { conditions.append(bounds.condition) }
    }
    return (files, conditions.joined(separator: " AND "))
  }

  /// Those of some files that hold rows of these keys, as far as keys tell that are columns themselves. To read one column
  /// of all files and every column of few is much less than to read all: rows of a new key lie in new files alone.
  /// - Parameter least: So few files are taken without a look.
  private func holding(
    _ files: [AddFile], of snapshot: Snapshot, _ expressions: [String], least: Int = 1
  ) throws -> [AddFile] {
    let plain = zip(keys, expressions).compactMap { key, expression -> (key: String, column: String)? in
      guard PlanText.isPlainName(expression), let field = snapshot.schema[expression],
        !snapshot.partitionColumns.contains(field.name)
      else { return nil }
      return (key, field.name)
    }
    guard !plain.isEmpty, files.count > least else { return files }
    let question = ([snapshot.location] + expressions).joined(separator: "\0")
    if let known = known.answers[question] { return files.filter { known.contains($0.key) } }
    let condition = plain.map { equality($0.key, "v.\(SQL.quote(identifier: $0.column))") }.joined(separator: " AND ")
    let held = try DeltaReader.filesWithRows(
      of: snapshot, among: files, columns: plain.map(\.column), alias: "v",
      restriction: "SEMI JOIN \(Self.table) AS t ON \(condition)", on: connection)
    known.answers[question] = Set(held.map(\.key))
    return held
  }

  /// Files that hold rows of the keys, by table and expressions: a view may read a table in several places.
  private final class Known {
    var answers: [String: Set<FileKey>] = [:]
  }

  private func matches(_ expressions: [String]) -> String {
    zip(keys, expressions).map { equality($0, "(\($1))") }.joined(separator: " AND ")
  }

  private func equality(_ key: String, _ expression: String) -> String {
    "t.\(key) \(hasNull ? "IS NOT DISTINCT FROM" : "=") \(expression)"
  }

  /// A condition on rows of the view, which must be called `v`: that they have one of these keys, or none.
  func join(_ kind: Kind = .having) -> String {
    "\(kind.rawValue) JOIN \(Self.table) AS t ON \(matches(keyNames.map { "v.\($0)" }))"
  }

  /// Which rows a join leaves.
  enum Kind: String {
    case having = "SEMI"
    case lacking = "ANTI"
  }

  private var keyNames: [String] { lineage.keyColumns.map { SQL.quote(identifier: $0) } }

  /// The stored files of the view that hold rows of these keys.
  func filesWithRows(of snapshot: Snapshot) throws -> [AddFile] {
    let columns = lineage.keyColumns.map { PlanText.isPlainName($0) ? $0 : SQL.quote(identifier: $0) }
    let possible = try holding(candidates(snapshot, columns).files, of: snapshot, columns, least: 0)
    let isExact = !snapshot.partitionColumns.contains { name in
      lineage.keyColumns.contains { $0.lowercased() == name.lowercased() }
    }
    guard !possible.isEmpty, !isExact else { return possible }
    return try DeltaReader.filesWithRows(
      of: snapshot, among: possible, columns: lineage.keyColumns, alias: "v", restriction: join(), on: connection)
  }

  /// The stored files of the view's partitions that are touched.
  func files(of snapshot: Snapshot) throws -> [AddFile] {
    let partitions = try snapshot.partitions(by: lineage.keyColumns)
    guard !partitions.isEmpty else { return [] }
    let rows = partitions.enumerated().map { "(\(([String($0)] + $1.literals).joined(separator: ", ")))" }
    let names = (["place"] + keys.map { "p\($0)" }).joined(separator: ", ")
    let matches = keys.map { "t.\($0) IS NOT DISTINCT FROM p.p\($0)" }.joined(separator: " AND ")
    let places = try connection.query(
      "SELECT place FROM (VALUES \(rows.joined(separator: ", "))) AS p(\(names)) SEMI JOIN \(Self.table) AS t ON \(matches)"
    ).rows().compactMap { $0[0].intValue }
    return places.sorted().flatMap { partitions[$0].files }
  }

  // MARK: Leaving files out

  private func bounds(
    _ snapshot: Snapshot, _ key: String, _ expression: String
  ) throws -> (files: [AddFile], condition: String)? {
    guard let form = KeyBounds(expression),
      let column = try connection.columns(of: "SELECT * FROM \(try DeltaReader.scanSQL(snapshot, files: []))").first(
        where: { $0.name.lowercased() == form.column.lowercased() })
    else { return nil }
    let nulls = try connection.query("SELECT count(*) FROM \(Self.table) WHERE \(key) IS NULL").scalar().integer ?? 0
    guard nulls == 0 else { return nil }
    if case .column = form, column.type == .varchar { return try texts(snapshot, key, column.name) }
    guard let range = form.range(of: key, type: column.type) else { return nil }
    let values = try connection.query("SELECT DISTINCT \(range.low), \(range.high) FROM \(Self.table)").rows()
    let ranges = values.compactMap { row -> Range<Int64>? in
      guard let low = row[0].integer, let high = row[1].integer, low < high else { return nil }
      return low..<high
    }
    guard ranges.count == values.count else { return nil }
    let joined = KeyBounds.joined(ranges)
    guard let first = joined.first, let last = joined.last else { return ([], "false") }
    var files: [FileKey: AddFile] = [:]
    for range in joined {
      let low = KeyBounds.literal(range.lowerBound, type: column.type)
      let high = KeyBounds.literal(range.upperBound, type: column.type)
      for file in try snapshot.files(matching: [
        ColumnFilter(column.name, .greaterOrEqual(low.literal)), ColumnFilter(column.name, .less(high.literal)),
      ]) {
        files[file.key] = file
      }
    }
    let name = SQL.quote(identifier: column.name)
    let low = KeyBounds.literal(first.lowerBound, type: column.type).sql
    let high = KeyBounds.literal(last.upperBound, type: column.type).sql
    return (Array(files.values), "\(name) >= \(low) AND \(name) < \(high)")
  }

  private func texts(
    _ snapshot: Snapshot, _ key: String, _ column: String
  ) throws -> (files: [AddFile], condition: String)? {
    let values = try connection.query("SELECT DISTINCT \(key) FROM \(Self.table) LIMIT 1001").rows()
    let texts = values.compactMap { $0[0].stringValue }
    guard texts.count == values.count, texts.count <= 1_000 else { return nil }
    return (try snapshot.files(matching: [ColumnFilter(column, .anyOf(texts.map(Literal.string)))]), "")
  }
}
