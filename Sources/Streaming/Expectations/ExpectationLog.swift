internal import DeltaLake
internal import DuckDB
internal import Foundation
internal import Pipelines

/// The lake's table `expectations`: what became of every rule of every pipeline.
///
/// A pipeline's counts are gathered in memory and written every few seconds, with the positions in the source that they
/// reach to in the same commit. So the table is like one that lags on purpose: what a crash lost is counted again from
/// bronze, and the sums are those of every record once. Pipelines and processes share the table; each has positions of
/// its own.
final class ExpectationLog {
  /// The table's name in the lake.
  static let table = "expectations"

  private let identity: FlowIdentity
  private let connection: Connection
  private let interval: Duration
  /// The table; made when there is something to write.
  private(set) var delta: DeltaTable?
  private let lake: Lake
  private var counts: [Key: ExpectationCount] = [:]
  private var ranges: [Int32: Range<Int64>] = [:]
  private var newest: [Int32: Int64] = [:]
  private var lastWrite = ContinuousClock.now

  private struct Key: Hashable {
    var table: String
    var rule: String
    var action: Expectation.Action
  }

  private static let columns: [Column] = [
    Column(name: "time", type: .timestampTZ), Column(name: "pipeline", type: .varchar),
    Column(name: "table_name", type: .varchar), Column(name: "rule", type: .varchar),
    Column(name: "action", type: .varchar), Column(name: "span", type: .varchar),
    Column(name: "checked", type: .bigint), Column(name: "failed", type: .bigint),
  ]

  /// The log of a pipeline; nil if it has no rules.
  init?(
    _ pipeline: Pipeline, identity: FlowIdentity, lake: Lake, connection: Connection,
    interval: Duration = .seconds(5)
  ) throws {
    guard pipeline.streamingTables.contains(where: { !$0.expectations.isEmpty }) else { return nil }
    self.identity = identity
    self.lake = lake
    self.connection = connection
    self.interval = interval
    let location = lake.location(ofTable: Self.table)
    if DeltaTable.exists(at: location) { delta = try DeltaTable(at: location) }
  }

  /// How far the written counts reach.
  func positions() throws -> Positions { identity.positions(in: try transactions()) }

  /// The newest event times before those positions.
  func newestEventTimes() throws -> [Int32: Int64] { identity.newestEventTimes(in: try transactions()) }

  private func transactions() throws -> [String: Int64] { try delta?.snapshot().transactions ?? [:] }

  /// Forgets what was not written: the tables say what is to be counted.
  func forget() {
    counts = [:]
    ranges = [:]
    newest = [:]
  }

  /// Gathers the counts of a micro-batch that is durable.
  /// - Returns: false if they do not follow on what is known: start again from the tables.
  func note(_ report: BatchReport, span: OffsetSpan) throws -> Bool {
    let isNew = span.ranges.keys.contains { ranges[$0] == nil }
    let written = isNew ? try positions() : [:]
    for (partition, range) in span.ranges {
      guard range.lowerBound == ranges[partition]?.upperBound ?? written[partition] ?? 0 else { return false }
      ranges[partition] = (ranges[partition]?.lowerBound ?? range.lowerBound)..<range.upperBound
    }
    newest.merge(report.newestEventTimes) { max($0, $1) }
    for count in report.expectations {
      let key = Key(table: count.table, rule: count.rule, action: count.action)
      counts[
        key,
        default: ExpectationCount(
          table: count.table, rule: count.rule, action: count.action, checked: 0, failed: 0)
      ].checked += count.checked
      counts[key]?.failed += count.failed
    }
    return true
  }

  /// Writes what was gathered, if it is time to.
  /// - Returns: false if another process was faster: start again from the tables.
  func write(isDue: Bool = false) throws -> Bool {
    let now = ContinuousClock.now
    guard !ranges.isEmpty, isDue || now - lastWrite >= interval else { return true }
    lastWrite = now
    let table = try open()
    let known = identity.newestEventTimes(in: try table.snapshot().transactions)
    let newer = newest.filter { $0.value > known[$0.key] ?? .min }
    let files = try DeltaWriter(connection: connection).write(rows(), into: table)
    let outcome = try table.append(
      files,
      transactions: identity.transactions(ranges.mapValues(\.upperBound)) + identity.eventTimeTransactions(newer),
      operation: "COUNT EXPECTATIONS")
    forget()
    if case .stale = outcome { return false }
    return true
  }

  private func rows() -> String {
    let time = Int64(Date().timeIntervalSince1970 * 1e6)
    let span = ranges.sorted { $0.key < $1.key }
      .map { "\($0.key):\($0.value.lowerBound)-\($0.value.upperBound - 1)" }.joined(separator: " ")
    let values = counts.values.sorted { ($0.table, $0.rule) < ($1.table, $1.rule) }.map { count in
      let texts = [identity.pipeline, count.table, count.rule, count.action.rawValue, span].map(SQL.quote(literal:))
      return "(make_timestamptz(\(time)), \(texts.joined(separator: ", ")), \(count.checked), \(count.failed))"
    }
    let names = Self.columns.map(\.name).joined(separator: ", ")
    if values.isEmpty {
      let none = Self.columns.map { "CAST(NULL AS \($0.type)) AS \($0.name)" }
      return "SELECT \(none.joined(separator: ", ")) WHERE false"
    }
    return """
      SELECT * REPLACE (CAST(checked AS BIGINT) AS checked, CAST(failed AS BIGINT) AS failed)
      FROM (VALUES \(values.joined(separator: ", "))) AS v(\(names))
      """
  }

  /// Opens the table, or makes it; another pipeline may be making it at this moment.
  private func open() throws -> DeltaTable {
    if let delta { return delta }
    let location = lake.location(ofTable: Self.table)
    if !DeltaTable.exists(at: location) {
      do {
        delta = try DeltaTable.create(
          at: location, schema: Schema(columns: Self.columns.map { ($0.name, $0.type.description) }), name: Self.table,
          description: "Rows that each rule was asked about, and rows that broke it, by pipeline and span of records",
          configuration: TableMaintenance.tableProperties)
      } catch {
        guard DeltaTable.exists(at: location) else { throw error }
      }
    }
    let table = try delta ?? DeltaTable(at: location)
    delta = table
    return table
  }
}
