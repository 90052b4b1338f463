/// Splits of rows in which all rows of a group (patient) stay together.
///
/// Groups are dealt by the highest class among their rows (with and without a positive row), so that each part gets its
/// share of all.
enum GroupSplit {
  /// Rows of about `share` of the groups, held out, and the rest.
  static func holdOut(_ dataset: Dataset, share: Double, seed: UInt64) -> (rest: [Int], held: [Int]) {
    var held: Set<Int32> = []
    for var stratum in strata(dataset) where stratum.count > 1 {
      var generator = SeededGenerator(seed: seed, stream: 2)
      generator.shuffle(&stratum)
      let count = min(stratum.count - 1, max(1, Int((Double(stratum.count) * share).rounded())))
      held.formUnion(stratum.prefix(count))
    }
    let rows = dataset.groups.indices
    return (rows.filter { !held.contains(dataset.groups[$0]) }, rows.filter { held.contains(dataset.groups[$0]) })
  }

  /// The fold (0 ..< count) of every row.
  static func folds(_ dataset: Dataset, count: Int, seed: UInt64) -> [Int] {
    var fold: [Int32: Int] = [:]
    for var stratum in strata(dataset) {
      var generator = SeededGenerator(seed: seed, stream: 3)
      generator.shuffle(&stratum)
      for group in stratum {
        fold[group] = fold.count % count
      }
    }
    return dataset.groups.map { fold[$0] ?? 0 }
  }

  /// Groups by the highest class among their rows, highest first.
  private static func strata(_ dataset: Dataset) -> [[Int32]] {
    var highest: [Int32: Int32] = [:]
    for (group, target) in zip(dataset.groups, dataset.targets) {
      highest[group] = max(highest[group] ?? 0, target)
    }
    return dataset.classes.indices.reversed().map { target in
      highest.filter { $0.value == Int32(target) }.keys.sorted()
    }
  }
}
