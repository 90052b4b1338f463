internal import DeltaLake
internal import Foundation

/// One version of each table, chosen so that they belong together although somebody may be writing them.
final class PinnedTables {
  /// How far to go back for the version that has come as far as another table.
  private static let greatestDistance: Int64 = 500

  private let lake: Lake
  private let patienceSeconds: Double
  private var snapshots: [String: Snapshot] = [:]

  init(lake: Lake, patienceSeconds: Double) {
    self.lake = lake
    self.patienceSeconds = patienceSeconds
  }

  /// The chosen version of a table; of one that was not pinned, the newest when it was first asked for.
  func snapshot(_ name: String) throws -> Snapshot {
    if let snapshot = snapshots[name] { return snapshot }
    let snapshot = try lake.table(named: name).snapshot()
    snapshots[name] = snapshot
    return snapshot
  }

  /// Pins the tables of a stream, the first of them bronze, to versions that hold the same records.
  ///
  /// Bronze is committed first, so the others are there a moment later, and perhaps beyond.
  /// - Returns: the tables that never came as far as bronze.
  func pin(_ names: [String], identity: FlowIdentity) throws -> [String] {
    guard let bronze = names.first else { return [] }
    let tables = try names.map { try lake.table(named: $0) }
    let end = ContinuousClock.now + .seconds(patienceSeconds)
    var behind: [String] = []
    repeat {
      let wanted = try tables[0].snapshot()
      let positions = identity.positions(in: wanted.transactions)
      snapshots[bronze] = wanted
      behind = []
      var isExact = true
      for (name, table) in zip(names, tables).dropFirst() {
        var snapshot = try table.snapshot()
        while !Self.covers(identity.positions(in: snapshot.transactions), positions), ContinuousClock.now < end {
          // Waiting for another process to commit is what this is about.
          Thread.sleep(forTimeInterval: 0.05)
          snapshot = try table.snapshot()
        }
        if !Self.covers(identity.positions(in: snapshot.transactions), positions) {
          behind.append(name)
        } else if let exact = try version(of: table, from: snapshot, at: positions, identity) {
          snapshot = exact
        } else {
          isExact = false
        }
        snapshots[name] = snapshot
      }
      // Where several processes write, their commits may be in different order in different tables: look again later.
      if isExact { return behind }
    } while ContinuousClock.now < end
    return behind
  }

  private static func covers(_ positions: Positions, _ wanted: Positions) -> Bool {
    wanted.allSatisfy { (positions[$0.key] ?? 0) >= $0.value }
  }

  /// The newest version, not after the given one, that has come exactly so far.
  private func version(
    of table: DeltaTable, from newest: Snapshot, at positions: Positions, _ identity: FlowIdentity
  ) throws -> Snapshot? {
    var snapshot = newest
    while identity.positions(in: snapshot.transactions) != positions {
      guard snapshot.version > 0, newest.version - snapshot.version < Self.greatestDistance,
        Self.covers(identity.positions(in: snapshot.transactions), positions),
        let earlier = try? table.snapshot(version: snapshot.version - 1)
      else { return nil }
      snapshot = earlier
    }
    return snapshot
  }
}
