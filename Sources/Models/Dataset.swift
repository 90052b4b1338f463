/// Labelled rows for training: features as float32, a truth, and the group (patient) that each row belongs to.
public struct Dataset: Sendable {
  /// Names of the features, in column order.
  public let features: [String]
  /// Row-major, `features.count` per row; NaN is missing.
  public private(set) var values: [Float] = []
  /// True for the positive class, one per row.
  public private(set) var labels: [Bool] = []
  /// The group of each row as a number from 0; rows of one group never stand on both sides of a split.
  public private(set) var groups: [Int32] = []
  /// Rows that were left out because they had no label.
  public internal(set) var unlabelledRows = 0

  /// An empty dataset.
  public init(features: [String]) {
    self.features = features
  }

  /// Number of rows.
  public var rowCount: Int { labels.count }
  /// Number of rows of the positive class.
  public var positiveCount: Int { labels.count(where: \.self) }
  /// Number of distinct groups.
  public var groupCount: Int { Set(groups).count }

  /// Adds a row; `row` has one value per feature.
  public mutating func append(_ row: some Collection<Float>, label: Bool, group: Int32) {
    precondition(row.count == features.count)
    values.append(contentsOf: row)
    labels.append(label)
    groups.append(group)
  }

  /// The values of one row.
  public func row(_ index: Int) -> ArraySlice<Float> {
    values[index * features.count..<(index + 1) * features.count]
  }

  /// The rows at `indices`, in that order.
  public func subset(_ indices: some Collection<Int>) -> Dataset {
    var subset = Dataset(features: features)
    subset.reserve(indices.count)
    for index in indices {
      subset.append(row(index), label: labels[index], group: groups[index])
    }
    return subset
  }

  /// Makes room for `rows` more rows.
  public mutating func reserve(_ rows: Int) {
    values.reserveCapacity(values.count + rows * features.count)
    labels.reserveCapacity(labels.count + rows)
    groups.reserveCapacity(groups.count + rows)
  }

  /// 64-bit FNV-1a over the features' names and every row's values, label and group, as `fnv1a64:` and hex digits.
  /// It changes when a row, a value or the order changes; it is not a cryptographic hash.
  public var fingerprint: String {
    var hash = FNV1a()
    for feature in features {
      hash.add(Array(feature.utf8) + [0])
    }
    values.withUnsafeBytes { hash.add($0) }
    hash.add(labels.map { $0 ? 1 : 0 })
    groups.withUnsafeBytes { hash.add($0) }
    return hash.text
  }

  func requireBothClasses() throws(ModelError) {
    guard rowCount > 0 else {
      throw ModelError(.trainingData, "there are no labelled rows to train on", hint: "import data first")
    }
    let positives = positiveCount
    guard positives > 0, positives < rowCount else {
      throw ModelError(
        .oneClass,
        "all \(rowCount) labelled rows are \(positives == 0 ? "negative" : "positive"), so there is nothing to tell apart",
        hint: "check the label's expression, or import data with both classes")
    }
  }

  func matrix(threads: Int) throws(ModelError) -> FeatureMatrix {
    do {
      let matrix = try values.withUnsafeBufferPointer {
        try FeatureMatrix(rows: $0, columns: features.count, threads: threads)
      }
      try matrix.setLabels(labels.map { $0 ? 1 : 0 })
      try matrix.setFeatureNames(features)
      return matrix
    } catch {
      throw ModelError.rethrown(error)
    }
  }
}
