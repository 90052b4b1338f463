/// Decides which files of a streaming table are worth joining. Pure.
///
/// Files fall into tiers by size, each eight times as large as the one below. A tier that holds `fanOut` files of a
/// partition is joined, so a row is written anew about once per tier, and a partition has at most
/// `fanOut × tiers` files besides those that have reached `targetBytes` (the tiered compaction of log-structured
/// merge trees: O'Neil et al. 1996).
struct CompactionPolicy: Sendable, Hashable {
  /// A live file, as far as the decision needs it.
  struct File: Sendable, Hashable {
    /// Place in the list that the caller gave.
    var index: Int
    /// The partition that it is in; files of different partitions are never joined.
    var partition: Int = 0
    var bytes: Int64
    /// Milliseconds since 1970.
    var modified: Int64
  }

  /// The size that files come near to; those of half of it are left alone, bytes.
  var targetBytes: Int64 = 128 << 20
  /// The upper bound of the lowest tier, bytes.
  var lowestTierBytes: Int64 = 64 << 10
  /// How many files of one tier are joined at once, at least.
  var fanOut = 24
  /// How many files are joined at once, at most.
  var greatestGroup = 1_000
  /// More small files than this, over all partitions, and four of a tier are worth joining.
  var crowd = 400
  /// No further group begins in a round that has this much to do, bytes.
  var roundBytes: Int64 = 64 << 20
  /// Younger files are left alone: the stream is still busy there, milliseconds.
  var minimumAge: Int64 = 2_000

  /// The tier of a size, from 0.
  func tier(_ bytes: Int64) -> Int {
    var tier = 0
    var bound = lowestTierBytes
    while bytes >= bound, bound < targetBytes {
      tier += 1
      bound *= 8
    }
    return tier
  }

  /// The groups to join in one round.
  /// - Parameter now: milliseconds since 1970.
  func round(_ files: [File], now: Int64) -> [[File]] {
    var bytes: Int64 = 0
    return Array(
      groups(files, now: now).prefix { group in
        defer { bytes += size(group) }
        return bytes < roundBytes
      })
  }

  /// Every group of files worth joining, least work for each file less first.
  func groups(_ files: [File], now: Int64) -> [[File]] {
    let small = files.filter { $0.bytes < targetBytes / 2 && now - $0.modified >= minimumAge }
    let isCrowded = small.count > crowd
    var tiers: [Tier: [File]] = [:]
    for file in small {
      tiers[Tier(partition: file.partition, level: tier(file.bytes)), default: []].append(file)
    }
    var groups: [[File]] = []
    for members in tiers.values where members.count >= (isCrowded ? 4 : fanOut) {
      var group: [File] = []
      var bytes: Int64 = 0
      // Neighbours in time stay together, so the bounds of times and offsets stay narrow.
      for file in members.sorted(by: { ($0.modified, $0.index) < ($1.modified, $1.index) }) {
        if !group.isEmpty, bytes + file.bytes > targetBytes || group.count == greatestGroup {
          groups.append(group)
          group = []
          bytes = 0
        }
        group.append(file)
        bytes += file.bytes
      }
      groups.append(group)
    }
    return groups.filter { $0.count > 1 }.map { (group: $0, cost: size($0) / Int64($0.count - 1)) }
      .sorted { $0.cost < $1.cost }.map(\.group)
  }

  private func size(_ group: [File]) -> Int64 { group.reduce(0) { $0 + $1.bytes } }

  private struct Tier: Hashable {
    var partition: Int
    var level: Int
  }
}
