import Dispatch

/// Synthetic Minority Over-sampling (Chawla et al. 2002), with the treatment of nominal columns of SMOTE-NC.
///
/// A synthetic row lies on the segment between a minority row and one of its k nearest minority neighbours. What this
/// implementation does where the paper leaves a choice or data are not complete:
/// - *Distance.* Euclidean over columns divided by their standard deviation in the given rows. A missing value counts
///   as the column's median, for the distance only.
/// - *Missing values.* If one of the two parents lacks a value, the synthetic row takes that column from one of them
///   by a coin toss, missing or not. Synthetic rows thus miss values as often as real ones, and a model cannot learn
///   that complete rows are ill.
/// - *0/1 columns* (flags and one-hot groups). They are never interpolated: the synthetic row takes the most frequent
///   combination of them among the neighbours (the nearest decides a tie), so a one-hot group stays one. Two rows that
///   differ in such a column are half the squared median deviation apart, so a changed one-hot group counts as one
///   deviation.
/// - *Many rows.* Neighbours are looked for among at most `candidateLimit` minority rows drawn by the seed.
/// - *Few rows.* With fewer than k + 1 minority rows all others are neighbours; a single row is repeated.
///
/// To be given training rows only, after the split.
public enum SMOTE {
  /// The minority rows that may be neighbours when there are more.
  public static let candidateLimit = 10_000

  /// `dataset` followed by as many synthetic rows of every smaller class as make all classes equal.
  ///
  /// A synthetic row has the group of the row that it starts from. The same rows and seed give the same result.
  /// Throws `oneClass` if a class is absent.
  public static func balance(_ dataset: Dataset, neighbours: Int = 5, seed: UInt64) throws(ModelError) -> Dataset {
    try dataset.requireEveryClass()
    guard neighbours > 0 else {
      throw ModelError(.invalidSpecification, "SMOTE needs at least one neighbour, not \(neighbours)")
    }
    let counts = dataset.classCounts
    let most = counts.max() ?? 0
    var balanced = dataset
    balanced.reserve(counts.reduce(0) { $0 + most - $1 })
    var stream: UInt64 = 1
    for target in counts.indices where counts[target] < most {
      var generator = SeededGenerator(seed: seed, stream: stream)
      stream += 16
      append(
        most - counts[target], of: Int32(target), from: dataset, to: &balanced, neighbours: neighbours, &generator)
    }
    return balanced
  }

  /// Appends `needed` synthetic rows of one class.
  private static func append(
    _ needed: Int, of target: Int32, from dataset: Dataset, to balanced: inout Dataset, neighbours: Int,
    _ generator: inout SeededGenerator
  ) {
    let minority = dataset.targets.indices.filter { dataset.targets[$0] == target }
    let columns = ColumnScales(dataset, minority: minority)
    var candidates = minority
    if candidates.count > candidateLimit {
      generator.shuffle(&candidates)
      candidates = candidates.prefix(candidateLimit).sorted()
    }
    var bases = minority
    generator.shuffle(&bases)
    let used = Array(bases.prefix(needed))
    let nearest = NeighbourSearch(dataset, columns: columns, candidates: candidates).nearest(neighbours, to: used)
    for index in 0..<needed {
      let turn = index % used.count
      let row = synthetic(from: used[turn], nearest[turn], dataset, columns, &generator)
      balanced.append(
        row, target: target, group: dataset.groups[used[turn]],
        time: dataset.times.isEmpty ? nil : dataset.times[used[turn]])
    }
  }

  private static func synthetic(
    from base: Int, _ neighbours: [Int], _ dataset: Dataset, _ columns: ColumnScales,
    _ generator: inout SeededGenerator
  ) -> [Float] {
    var row = Array(dataset.row(base))
    guard !neighbours.isEmpty else { return row }
    let other = Array(dataset.row(neighbours[generator.below(neighbours.count)]))
    let share = generator.unitFloat()
    for column in columns.continuous {
      if row[column].isNaN || other[column].isNaN {
        if share < 0.5 { row[column] = other[column] }
      } else {
        row[column] += share * (other[column] - row[column])
      }
    }
    let combination = commonCombination(neighbours, dataset, columns.binary)
    for (column, value) in zip(columns.binary, combination) {
      row[column] = value
    }
    return row
  }

  private static func commonCombination(_ neighbours: [Int], _ dataset: Dataset, _ binary: [Int]) -> [Float] {
    guard !binary.isEmpty else { return [] }
    let width = dataset.features.count
    let combinations = neighbours.map { row in binary.map { dataset.values[row * width + $0] } }
    let keys = combinations.map { $0.map(\.bitPattern) }
    let counts = keys.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    let best = counts.values.max() ?? 0
    let first = keys.firstIndex { counts[$0] == best } ?? 0
    return combinations[first]
  }
}

/// What SMOTE needs to know of each column: its kind, the median that stands for a missing value in distances, and
/// the weight that makes columns comparable.
private struct ColumnScales {
  let continuous: [Int]
  let binary: [Int]
  let medians: [Float]
  let weights: [Float]

  init(_ dataset: Dataset, minority: [Int]) {
    let width = dataset.features.count
    var medians = [Float](repeating: 0, count: width)
    var weights = [Float](repeating: 1, count: width)
    var continuous: [Int] = []
    var binary: [Int] = []
    var minorityDeviations: [Float] = []
    for column in 0..<width {
      var present = (0..<dataset.rowCount).map { dataset.values[$0 * width + column] }.filter { !$0.isNaN }
      present.sort()
      medians[column] = present.isEmpty ? 0 : present[present.count / 2]
      if !present.isEmpty, present.allSatisfy({ $0 == 0 || $0 == 1 }) {
        binary.append(column)
      } else {
        continuous.append(column)
        let deviation = standardDeviation(present)
        weights[column] = deviation > 0 ? 1 / deviation : 1
        let values = minority.map { dataset.values[$0 * width + column] }.filter { !$0.isNaN }
        minorityDeviations.append(standardDeviation(values) * weights[column])
      }
    }
    minorityDeviations.sort()
    let middle = minorityDeviations.isEmpty ? 1 : minorityDeviations[minorityDeviations.count / 2]
    for column in binary {
      weights[column] = middle * Float(0.5).squareRoot()
    }
    self.continuous = continuous
    self.binary = binary
    self.medians = medians
    self.weights = weights
  }
}

private func standardDeviation(_ values: [Float]) -> Float {
  guard values.count > 1 else { return 0 }
  let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
  let squares = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
  return Float((squares / Double(values.count)).squareRoot())
}

/// Exact nearest neighbours among the candidates: one pass per base row over columns that lie together, which the
/// compiler turns into vector instructions.
private struct NeighbourSearch {
  private let dataset: Dataset
  private let columns: ColumnScales
  private let candidates: [Int]
  /// Column-major: all candidates' first column, then the second, ….
  private let scaled: [Float]

  init(_ dataset: Dataset, columns: ColumnScales, candidates: [Int]) {
    self.dataset = dataset
    self.columns = columns
    self.candidates = candidates
    var scaled: [Float] = []
    scaled.reserveCapacity(candidates.count * dataset.features.count)
    for column in 0..<dataset.features.count {
      for row in candidates {
        scaled.append(Self.scaledValue(dataset, columns, row: row, column: column))
      }
    }
    self.scaled = scaled
  }

  /// The rows of the `count` candidates nearest to each base row, nearest first, the row itself left out.
  func nearest(_ count: Int, to bases: [Int]) -> [[Int]] {
    var results = [[Int]](repeating: [], count: bases.count)
    let block = 256
    results.withUnsafeMutableBufferPointer { results in
      nonisolated(unsafe) let results = results
      DispatchQueue.concurrentPerform(iterations: (bases.count + block - 1) / block) { piece in
        var distances = [Float](repeating: 0, count: candidates.count)
        for index in piece * block..<min((piece + 1) * block, bases.count) {
          fill(&distances, base: bases[index])
          results[index] = smallest(count, distances, except: bases[index])
        }
      }
    }
    return results
  }

  private static func scaledValue(_ dataset: Dataset, _ columns: ColumnScales, row: Int, column: Int) -> Float {
    let value = dataset.values[row * dataset.features.count + column]
    return (value.isNaN ? columns.medians[column] : value) * columns.weights[column]
  }

  private func fill(_ distances: inout [Float], base: Int) {
    let count = candidates.count
    distances.withUnsafeMutableBufferPointer { distances in
      distances.update(repeating: 0)
      scaled.withUnsafeBufferPointer { scaled in
        for column in 0..<dataset.features.count {
          let value = Self.scaledValue(dataset, columns, row: base, column: column)
          let start = column * count
          for index in 0..<count {
            let difference = scaled[start + index] - value
            distances[index] += difference * difference
          }
        }
      }
    }
  }

  private func smallest(_ count: Int, _ distances: [Float], except base: Int) -> [Int] {
    var best: [(distance: Float, row: Int)] = []
    for (index, distance) in distances.enumerated() {
      if best.count == count, distance >= best[count - 1].distance { continue }
      let row = candidates[index]
      if row == base { continue }
      let place = best.firstIndex { distance < $0.distance } ?? best.count
      best.insert((distance, row), at: place)
      if best.count > count { best.removeLast() }
    }
    return best.map(\.row)
  }
}
