internal import JSON
internal import DeltaLake
internal import Pipelines
internal import Streaming

/// Policies that are judged together: on one table, with the same columns for patient, time and ward.
final class PolicyGroup {
  /// Where a policy began, and how far it has come.
  struct Place: Hashable {
    var start: Positions
    var position: Positions
  }

  let table: String
  let identity: FlowIdentity
  let evaluator: PolicyEvaluator
  /// The next offset to judge in each partition.
  var positions: Positions = [:]
  /// The positions of the newest checkpoint, and when it was made.
  var saved: Positions = [:]
  var savedAt = ContinuousClock.now

  /// Names of the table's columns.
  private let columnNames: [String]
  /// Those that the policies need, as a list for SELECT.
  private let columns: String
  /// Whose coordinates the table's rows borrow; nil: they have their own.
  private let lender: RowLender?

  private init(
    _ policies: [AlertPolicy], identity: FlowIdentity, schema: String, columnNames: [String], lender: RowLender?
  ) {
    self.lender = lender
    table = policies[0].table
    self.identity = identity
    self.columnNames = columnNames
    columns = PolicyEvaluator.columns(policies, of: columnNames)
    evaluator = PolicyEvaluator(
      policies, schema: schema, hasIngestTime: columnNames.contains { $0.lowercased() == "ingest_time" })
  }

  /// Groups of policies, in order of their names.
  /// - Parameter columnNames: The columns of the table of that name.
  static func groups(
    _ policies: [AlertPolicy], of pipeline: Pipeline, identity: FlowIdentity,
    columnNames: (String) throws -> [String]
  ) rethrows -> [PolicyGroup] {
    try Dictionary(grouping: policies) { [$0.table, $0.patient, $0.time, $0.ward ?? ""] }
      .sorted { $0.key.lexicographicallyPrecedes($1.key) }.enumerated()
      .map { number, group in
        let lender = RowLender(to: group.value[0], in: pipeline)
        return PolicyGroup(
          group.value.sorted { $0.name < $1.name }, identity: identity, schema: "alerts_\(number)",
          columnNames: try columnNames(group.key[0]) + (lender?.columns ?? []), lender: lender)
      }
  }

  /// Some of its policies alone, with the same place for state.
  func part(_ policies: [AlertPolicy]) -> PolicyGroup {
    PolicyGroup(policies, identity: identity, schema: "alerts_part", columnNames: columnNames, lender: lender)
  }

  /// The rows that are judged, with their coordinates.
  /// - Parameter place: The relation of the table of that name.
  func relation(_ place: (String) throws -> String) rethrows -> String {
    let own = try place(table)
    return try lender.map { $0.relation(own, try place($0.table)) } ?? own
  }

  // MARK: Positions

  private func appId(_ policy: AlertPolicy, _ partition: Int32) -> String {
    "alerts/\(policy.pipeline)/\(policy.name)/\(partition)"
  }

  /// How far each policy has come, by the `txn` actions of `alert_events`.
  func stored(_ transactions: [String: Int64]) -> [String: Positions] {
    var result: [String: Positions] = [:]
    for policy in evaluator.policies {
      let prefix = "alerts/\(policy.pipeline)/\(policy.name)/"
      for (appId, version) in transactions where appId.hasPrefix(prefix) {
        guard let partition = Int32(appId.dropFirst(prefix.count)) else { continue }
        result[policy.name, default: [:]][partition] = version
      }
    }
    return result
  }

  /// The `txn` actions that say that every policy has come to these positions; empty if they have come so far already.
  func moves(to positions: Positions, from stored: [String: Int64]) -> [AppTransaction] {
    evaluator.policies.flatMap { policy in
      positions.sorted { $0.key < $1.key }.compactMap { partition, next in
        let appId = appId(policy, partition)
        return next > stored[appId] ?? 0 ? AppTransaction(appId: appId, version: next) : nil
      }
    }
  }

  /// Whether somebody else has judged rows of a span. Partitions that the span does not move may be another process's.
  func isBeyond(_ from: Positions, _ to: Positions, _ stored: [String: Int64]) -> Bool {
    let moved = to.filter { $0.value > from[$0.key] ?? 0 }
    return self.stored(stored).values.contains { positions in
      moved.keys.contains { positions[$0] ?? 0 > from[$0] ?? 0 }
    }
  }

  /// Positions as a policy's beginning holds them.
  func positions(_ object: JSONObject?) -> Positions {
    var result: Positions = [:]
    for (key, value) in object?.members ?? [] {
      if let partition = Int32(key), let next = value.int { result[partition] = next }
    }
    return result
  }

  // MARK: Rows

  /// The rows of a relation at or after positions.
  func beyond(_ relation: String, _ positions: Positions) -> String {
    guard !positions.isEmpty else { return "(SELECT \(columns) FROM \(relation) AS a)" }
    let parts = positions.sorted { $0.key < $1.key }.map { "WHEN \($0.key) THEN \"offset\" >= \($0.value)" }
    return
      "(SELECT \(columns) FROM \(relation) AS a WHERE CASE \"partition\" \(parts.joined(separator: " ")) ELSE true END)"
  }

  /// The rows of a relation from positions up to others; a partition that the first do not name begins at 0.
  func between(_ relation: String, _ from: Positions, _ to: Positions) -> String {
    let parts = to.sorted { $0.key < $1.key }.compactMap { partition, end -> String? in
      let start = from[partition] ?? 0
      return start < end
        ? "(\"partition\" = \(partition) AND \"offset\" >= \(start) AND \"offset\" < \(end))" : nil
    }
    return
      "(SELECT \(columns) FROM \(relation) AS a WHERE \(parts.isEmpty ? "false" : parts.joined(separator: " OR ")))"
  }
}
