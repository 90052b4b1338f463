/// Labelled rows for training: features as float32, a truth, and the group (patient) that each row belongs to.
public struct Dataset: Sendable {
  /// Names of the features, in column order.
  public let features: [String]
  /// Names of the classes, in the order of their numbers; for a binary question "0" and "1".
  public let classes: [String]
  /// Names of columns that are no features but tell kinds of rows apart, such as an age group.
  public let attributes: [String]
  /// Row-major, `features.count` per row; NaN is missing.
  public private(set) var values: [Float] = []
  /// The class of each row.
  public private(set) var targets: [Int32] = []
  /// The group of each row as a number from 0; rows of one group never stand on both sides of a split.
  public private(set) var groups: [Int32] = []
  /// When each row happened, in microseconds since 1970; empty when the query gives no time.
  public private(set) var times: [Int64] = []
  /// Row-major, `attributes.count` per row: an index into `attributeValues`; -1 for a synthetic row.
  public private(set) var attributeCodes: [Int32] = []
  /// What the attributes' codes stand for.
  public internal(set) var attributeValues: [String] = []
  /// Rows that were left out because they had no label.
  public internal(set) var unlabelledRows = 0

  /// What stands for an attribute that a row does not tell.
  static let unknownAttribute = "unknown"

  /// An empty dataset; without `classes` a binary one.
  public init(features: [String], classes: [String] = ["0", "1"], attributes: [String] = []) {
    self.features = features
    self.classes = classes
    self.attributes = attributes
  }

  /// Number of rows.
  public var rowCount: Int { targets.count }
  /// Whether the question is yes or no.
  public var isBinary: Bool { classes.count == 2 }
  /// True for rows of class 1. Made anew at every call.
  public var labels: [Bool] { targets.map { $0 == 1 } }
  /// Number of rows of class 1.
  public var positiveCount: Int { targets.count { $0 == 1 } }
  /// Rows by class.
  public var classCounts: [Int] {
    targets.reduce(into: [Int](repeating: 0, count: classes.count)) { $0[Int($1)] += 1 }
  }
  /// Number of distinct groups.
  public var groupCount: Int { Set(groups).count }

  /// Adds a row of a binary question; `row` has one value per feature.
  public mutating func append(_ row: some Collection<Float>, label: Bool, group: Int32) {
    append(row, target: label ? 1 : 0, group: group)
  }

  /// Adds a row of class `target`; `row` has one value per feature, `attributes` one code per attribute or none.
  public mutating func append(
    _ row: some Collection<Float>, target: Int32, group: Int32, time: Int64? = nil, attributes codes: [Int32] = []
  ) {
    precondition(row.count == features.count && classes.indices.contains(Int(target)))
    values.append(contentsOf: row)
    targets.append(target)
    groups.append(group)
    if let time { times.append(time) }
    attributeCodes.append(contentsOf: codes.isEmpty ? attributes.map { _ in -1 } : codes)
  }

  /// The values of one row.
  public func row(_ index: Int) -> ArraySlice<Float> {
    values[index * features.count..<(index + 1) * features.count]
  }

  /// The rows at `indices`, in that order.
  public func subset(_ indices: some Collection<Int>) -> Dataset {
    var subset = Dataset(features: features, classes: classes, attributes: attributes)
    subset.attributeValues = attributeValues
    subset.reserve(indices.count)
    let width = attributes.count
    for index in indices {
      subset.append(
        row(index), target: targets[index], group: groups[index], time: times.isEmpty ? nil : times[index],
        attributes: width == 0 ? [] : Array(attributeCodes[index * width..<(index + 1) * width]))
    }
    return subset
  }

  /// The number of a value of an attribute.
  mutating func code(of text: String) -> Int32 {
    if let known = attributeValues.firstIndex(of: text) { return Int32(known) }
    attributeValues.append(text)
    return Int32(attributeValues.count - 1)
  }

  /// Makes room for `rows` more rows.
  public mutating func reserve(_ rows: Int) {
    values.reserveCapacity(values.count + rows * features.count)
    targets.reserveCapacity(targets.count + rows)
    groups.reserveCapacity(groups.count + rows)
  }

  /// 64-bit FNV-1a over the features' names and every row's values, class and group, as `fnv1a64:` and hex digits.
  /// It changes when a row, a value or the order changes; it is not a cryptographic hash.
  public var fingerprint: String {
    var hash = FNV1a()
    for feature in features {
      hash.add(Array(feature.utf8) + [0])
    }
    values.withUnsafeBytes { hash.add($0) }
    hash.add(targets.map { UInt8(truncatingIfNeeded: $0) })
    groups.withUnsafeBytes { hash.add($0) }
    return hash.text
  }

  /// Share of missing values by feature.
  var missingShare: [String: Double] {
    var shares: [String: Double] = [:]
    for (column, feature) in features.enumerated() {
      let missing = (0..<rowCount).count { values[$0 * features.count + column].isNaN }
      shares[feature] = rowCount == 0 ? 0 : Double(missing) / Double(rowCount)
    }
    return shares
  }

  /// Whether every class has a row.
  var holdsEveryClass: Bool { !classCounts.contains(0) }

  func requireEveryClass() throws(ModelError) {
    guard rowCount > 0 else {
      throw ModelError(.trainingData, "there are no labelled rows to train on", hint: "import data first")
    }
    let counts = classCounts
    guard let absent = counts.firstIndex(of: 0) else { return }
    guard isBinary else {
      throw ModelError(
        .oneClass, "none of the \(rowCount) labelled rows is of the class \(classes[absent])",
        hint: "check the label's expression and the model's classes, or import data with all classes")
    }
    throw ModelError(
      .oneClass,
      "all \(rowCount) labelled rows are \(absent == 1 ? "negative" : "positive"), so there is nothing to tell apart",
      hint: "check the label's expression, or import data with both classes")
  }

  /// Weights that let every class count the same in all.
  var classWeights: [Float] {
    let counts = classCounts
    return targets.map { Float(rowCount) / Float(max(1, counts[Int($0)]) * classes.count) }
  }

  func matrix(threads: Int, weights: [Float]? = nil) throws(ModelError) -> FeatureMatrix {
    do {
      let matrix = try values.withUnsafeBufferPointer {
        try FeatureMatrix(rows: $0, columns: features.count, threads: threads)
      }
      try matrix.setLabels(targets.map { Float($0) })
      if let weights { try matrix.setWeights(weights) }
      try matrix.setFeatureNames(features)
      return matrix
    } catch {
      throw ModelError.rethrown(error)
    }
  }
}
