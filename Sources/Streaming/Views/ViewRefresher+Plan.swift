internal import DeltaLake
internal import Pipelines

/// What a refresh has to compute.
extension ViewRefresher {
  enum Plan {
    /// No row changed, in at most so many versions of an input.
    case nothing(lag: Int64)
    case whole(String)
    case partitions(TouchedKeys, Int)
    case keys(TouchedKeys, Int)
  }

  /// What changed in one input since the version that the view reflects.
  private struct InputChange {
    var name: String
    var snapshot: Snapshot
    var files: FileChange
  }

  /// The property that names the column by whose values the rows of a view hang together, where that is not the first of
  /// its CLUSTER BY. It is only where to look: what the optimizer does not prove is not believed.
  private static let keyProperty = "lakeward.key"
  /// Touched partitions are replaced if they are no more than this share of the view, or few and small: else the keys of
  /// rows are looked for, which costs a scan of the key in all inputs.
  private static let partitionShare = 0.25
  private static let fewPartitions = 8
  private static let smallBytes: Int64 = 1 << 20
  /// Where more of an input than this share has changed, all of it is computed. Inputs that are small are not asked.
  private static let keyShare = 1.0 / 3
  private static let comparedBytes: Int64 = 24 << 20

  static func keyColumn(of view: TableDefinition) -> String? {
    view.properties[keyProperty] ?? view.clusteredBy.first
  }

  func plan(_ work: Work, _ mode: Mode) throws -> Plan {
    let state = ViewState(work.base)
    if mode == .full { return .whole(Self.askedFor) }
    guard let definition = state.definition else { return .whole("first refresh") }
    guard definition == work.fingerprint else { return .whole("another definition") }
    var changed: [InputChange] = []
    var lag: Int64 = 0
    for name in work.lineage.tables {
      let snapshot = try work.input(name)
      guard let position = state.position(in: snapshot, named: name) else { return .whole("\(name) was made anew") }
      guard position <= snapshot.version else { return .whole("\(name) was set back") }
      lag = max(lag, snapshot.version - position)
      guard position < snapshot.version else { continue }
      guard let files = try inputTable(name).fileChange(after: position, through: snapshot) else {
        return .whole("the log of \(name) no longer tells what changed")
      }
      if !files.isNothing { changed.append(InputChange(name: name, snapshot: snapshot, files: files)) }
    }
    if changed.isEmpty { return .nothing(lag: lag) }
    if let engine { return .whole("changed inputs, on \(engine.name)") }
    return try pieces(work, changed)
  }

  private func pieces(_ work: Work, _ changed: [InputChange]) throws -> Plan {
    if var touched = try touched(by: work.lineage, changed, exactly: false) {
      let count = try touched.count()
      let bytes = try touched.files(of: work.base).reduce(Int64(0)) { $0 + $1.size }
      let share = Double(bytes) / Double(max(1, Self.bytes(of: work.base)))
      if share <= Self.partitionShare || (count <= Self.fewPartitions && bytes <= Self.smallBytes) {
        return .partitions(touched, count)
      }
    }
    let lineage = try lineage(of: work.view, work.inputs, by: .keys)
    let isSmall = changed.allSatisfy { change in
      let share = Double(change.files.bytes) / Double(max(1, Self.bytes(of: change.snapshot)))
      return share <= Self.keyShare || change.files.bytes <= Self.comparedBytes
    }
    if isSmall, var touched = try touched(by: lineage, changed, exactly: true) {
      let count = try touched.count()
      return count == 0 ? .nothing(lag: .max) : .keys(touched, count)
    }
    if var touched = try touched(by: work.lineage, changed, exactly: false) {
      let count = try touched.count()
      return .partitions(touched, count)
    }
    guard isSmall else { return .whole("much of the inputs changed") }
    guard !(work.lineage.keyColumns + lineage.keyColumns).isEmpty else { return .whole("changed inputs") }
    let untold = changed.first { !work.lineage.tellsKeys($0.name) && !lineage.tellsKeys($0.name) }
    return .whole("changes of \((untold ?? changed[0]).name) do not tell partitions")
  }

  /// The keys that the changes touch; nil if they do not all tell.
  private func touched(
    by lineage: ViewLineage, _ changed: [InputChange], exactly: Bool
  ) throws -> TouchedKeys? {
    guard !lineage.keyColumns.isEmpty, changed.allSatisfy({ lineage.tellsKeys($0.name) }) else { return nil }
    let touched = try TouchedKeys(lineage, connection: connection)
    for change in changed {
      try touched.add(change.files, of: change.snapshot, named: change.name, exactly: exactly)
    }
    return touched
  }

  private static func bytes(of snapshot: Snapshot) -> Int64 { snapshot.files.reduce(0) { $0 + $1.size } }

  /// The computed rows, and those of files that leave which no key touches.
  func keeping(_ files: [AddFile], of work: Work, besides select: String, _ touched: TouchedKeys) throws -> String {
    let kept = try DeltaReader.scanSQL(work.base, files: files)
    return "(\(select)) UNION ALL BY NAME (SELECT v.* FROM \(kept) AS v \(touched.join(.lacking)))"
  }
}
