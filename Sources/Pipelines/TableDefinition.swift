/// One relation that a pipeline's SQL defines.
public struct TableDefinition: Sendable, Hashable {
  /// What kind of relation it is.
  public enum Kind: Sendable, Hashable {
    /// Grows by the rows of each micro-batch: `CREATE STREAMING TABLE`.
    case streaming
    /// Is recomputed from whole tables: `CREATE MATERIALIZED VIEW`.
    case materialized
    /// Is a name for a query and is never stored: `CREATE TEMPORARY VIEW`.
    case temporary
  }

  /// The relation's name.
  public var name: String
  /// What kind of relation it is.
  public var kind: Kind
  /// The SELECT text after AS, as written, without a final semicolon.
  public var sql: String
  /// Every place in ``sql`` that names a relation, in order.
  public var references: [TableReference]
  /// Names of the SELECT's columns in order; nil if the text alone does not tell (`SELECT *`).
  public var columns: [String]?
  /// Columns by whose values the stored table is divided.
  public var partitionedBy: [String]
  /// Columns by whose values rows are kept near each other.
  public var clusteredBy: [String]
  /// What the table holds, for people.
  public var comment: String?
  /// The table's properties.
  public var properties: [String: String]
  /// Rules that each new row of a streaming table must meet.
  public var expectations: [Expectation]
  /// How repeated records are recognised, if they are to be dropped.
  public var deduplicate: Deduplication?
  /// How often a materialized view is brought up to date.
  public var refresh: RefreshRule
  /// Where the statement stands.
  public var location: SourceLocation

  /// A relation from its parts.
  public init(
    name: String, kind: Kind, sql: String, references: [TableReference] = [], columns: [String]? = nil,
    partitionedBy: [String] = [], clusteredBy: [String] = [], comment: String? = nil,
    properties: [String: String] = [:], expectations: [Expectation] = [], deduplicate: Deduplication? = nil,
    refresh: RefreshRule? = nil, location: SourceLocation = SourceLocation(file: "", line: 1, column: 1)
  ) {
    self.name = name
    self.kind = kind
    self.sql = sql
    self.references = references
    self.columns = columns
    self.partitionedBy = partitionedBy
    self.clusteredBy = clusteredBy
    self.comment = comment
    self.properties = properties
    self.expectations = expectations
    self.deduplicate = deduplicate
    self.refresh = refresh ?? RefreshRule(isPartitioned: !partitionedBy.isEmpty)
    self.location = location
  }

  /// Names inside `STREAM(…)`, each once, in order.
  public var streamInputs: [String] { uniqueNames(references.filter(\.isStream)) }

  /// Names of relations that are read whole, each once, in order.
  public var batchInputs: [String] { uniqueNames(references.filter { !$0.isStream }) }

  /// Every relation that is read, each once, in order.
  public var inputs: [String] { uniqueNames(references) }

  /// The SELECT text with every input replaced by another relation.
  ///
  /// A replaced input keeps its name as alias where the text gives it none, so that `patient_data.heart_rate` still
  /// means the same.
  /// - Parameter relation: The SQL that stands for an input in FROM (a quoted name, or a query in parentheses);
  ///   nil leaves the text as it is.
  public func sql(reading relation: (TableReference) -> String?) -> String {
    let bytes = Array(sql.utf8)
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var position = 0
    for reference in references {
      guard let replacement = relation(reference) else { continue }
      result += bytes[position..<reference.range.lowerBound]
      result += replacement.utf8
      if !reference.hasAlias {
        result += " AS \"\(reference.name.replacing("\"", with: "\"\""))\"".utf8
      }
      position = reference.range.upperBound
    }
    result += bytes[position...]
    return String(decoding: result, as: UTF8.self)
  }

  private func uniqueNames(_ references: [TableReference]) -> [String] {
    var seen: Set<String> = []
    return references.map(\.name).filter { seen.insert($0.lowercased()).inserted }
  }
}

/// One place in a SELECT that names a relation.
public struct TableReference: Sendable, Hashable {
  /// The relation's name without quotes.
  public var name: String
  /// Whether it is read as a stream: `STREAM(name)` or `STREAM name`.
  public var isStream: Bool
  /// Where it stands in the SELECT text, in UTF-8 bytes, `STREAM(` and `)` included.
  public var range: Range<Int>
  /// Whether the text gives it an alias.
  public var hasAlias: Bool

  /// A reference from its parts.
  public init(name: String, isStream: Bool, range: Range<Int>, hasAlias: Bool) {
    self.name = name
    self.isStream = isStream
    self.range = range
    self.hasAlias = hasAlias
  }
}

/// A rule that each row of a streaming table must meet. A rule whose value is NULL is met.
public struct Expectation: Sendable, Hashable {
  /// What happens to a row that breaks the rule.
  public enum Action: String, Sendable, Hashable, CaseIterable {
    /// The row stays; the breach is counted.
    case count
    /// The whole record goes to quarantine with the rule's name as the reason.
    case quarantine
    /// The pipeline stops before anything of the micro-batch is committed.
    case fail
  }

  /// The rule's name: the reason that a quarantined record carries.
  public var name: String
  /// A boolean SQL expression over the table's columns.
  public var expression: String
  /// What happens on a breach.
  public var action: Action
  /// The rule in words, with units and source.
  public var summary: String?
  /// Where the expression stands.
  public var location: SourceLocation

  /// A rule from its parts.
  public init(
    name: String, expression: String, action: Action, summary: String? = nil,
    location: SourceLocation = SourceLocation(file: "", line: 1, column: 1)
  ) {
    self.name = name
    self.expression = expression
    self.action = action
    self.summary = summary
    self.location = location
  }
}

/// How repeated records are recognised: the first row by coordinate with the same keys stays, later ones are dropped.
public struct Deduplication: Sendable, Hashable {
  /// The columns whose values together name a record.
  public var keys: [String]
  /// The column of event time, one of ``keys``: it bounds how far back a repeat can lie.
  public var eventTime: String
  /// Seconds of event time, before the newest event of the table, in which repeats are looked for.
  public var withinSeconds: Double

  /// Keys, event time and span in seconds.
  public init(keys: [String], eventTime: String, withinSeconds: Double) {
    self.keys = keys
    self.eventTime = eventTime
    self.withinSeconds = withinSeconds
  }
}
