public import DuckDB

/// What to learn as usual.
public struct AnomalySpecification: Sendable, Hashable {
  /// The model's name, as in `anomaly_NAME`.
  public var name: String
  /// Columns of the training query, in the order of the function's arguments.
  public var features: [String]
  /// The column that identifies a patient.
  public var group: String
  /// The column that says when a reading was taken.
  public var time: String
  /// The column that says which readings were truly unusual; empty if nobody knows. For evaluation alone.
  public var label = ""
  /// An isolation forest, an autoencoder or an LSTM autoencoder.
  public var kind = ModelKind.isolationForest
  /// Settings of the kind by name; what is not set keeps its default.
  public var parameters: [String: Double] = [:]
  /// Share of readings, of patients kept back, that the threshold calls unusual.
  public var contamination = 0.01
  /// Share of the patients that is kept back.
  public var testShare = 0.2
  /// Seed of every random choice.
  public var seed: UInt64 = 42

  /// A specification with the defaults above.
  public init(name: String, features: [String], group: String, time: String) {
    self.name = name
    self.features = features
    self.group = group
    self.time = time
  }
}

/// Learns what usual readings look like, from rows that nobody has labelled.
///
/// Patients are split; the model learns from most of them. The threshold is the score that a share of `contamination`
/// of the readings of the others reaches. If the rows have a label, the card says how well scores tell its two sides
/// apart on those others; training never sees it.
public enum AnomalyTrainer {
  /// Most readings of the patients kept back that are scored for threshold and figures.
  static let scoredLimit = 50_000

  /// Trains on the rows of `sql`. `progress` gets a line before each step. Throws `ModelError` for data or settings that
  /// cannot be trained on, `DuckDBError` for what DuckDB rejects.
  public static func train(
    _ specification: AnomalySpecification, connection: Connection, sql: String,
    progress: @escaping (String) -> Void = { _ in }
  ) throws -> TrainedModel {
    progress("reading the training rows")
    let label = specification.label
    var rows = sql
    if !label.isEmpty {
      // What nobody has judged counts as usual.
      let name = SQL.quote(identifier: label)
      rows = "SELECT * REPLACE (coalesce(\(name)::DOUBLE, 0) AS \(name)) FROM (\(Dataset.trimmed(sql)))"
    }
    let dataset = try Dataset(
      connection, sql: rows, features: specification.features, label: label, group: specification.group,
      time: specification.time)
    return try train(specification, dataset, progress: progress)
  }

  /// Trains on `dataset`, whose rows have a time.
  public static func train(
    _ specification: AnomalySpecification, _ dataset: Dataset, progress: @escaping (String) -> Void = { _ in }
  ) throws(ModelError) -> TrainedModel {
    try ModelRegistry.check(name: specification.name)
    guard dataset.features == specification.features, !dataset.features.isEmpty else {
      throw ModelError(.features, "the rows have other features than the model \(specification.name) asks for")
    }
    guard dataset.times.count == dataset.rowCount, dataset.groupCount >= 2, dataset.rowCount >= 20 else {
      throw ModelError(
        .trainingData,
        "there are \(dataset.rowCount) readings of \(dataset.groupCount) patients; training needs at least 20 of 2",
        hint: "run the pipeline first, or import more")
    }
    let split = GroupSplit.holdOut(dataset, share: specification.testShare, seed: specification.seed)
    let training = dataset.subset(split.rest)
    let step = max(1, split.held.count / scoredLimit)
    let (model, settings) = try fit(specification, training, progress)
    progress("scoring readings of patients kept back")
    let order = Self.order(dataset)
    let held = Set(split.held)
    let test = order.filter { held.contains($0) }.enumerated().filter { $0.offset % step == 0 }.map(\.element)
    let rows = sequences(dataset, ending: test, steps: model.steps)
    let scores = try model.predict(rows)
    let known = scores.indices.filter { !scores[$0].isNaN }
    var card = ModelCard(
      name: specification.name, algorithm: specification.kind, settings: settings, features: dataset.features,
      label: specification.label, group: specification.group,
      data: ModelCard.TrainingData(
        dataset, development: training, test: dataset.subset(split.held), syntheticRows: 0),
      seed: specification.seed, library: "Lakeward")
    let threshold = quantile(known.map { scores[$0] }, 1 - specification.contamination)
    card.threshold = Double(threshold)
    card.thresholdRule =
      "the score that \(percent(specification.contamination)) of the readings of patients kept back reach"
    let labels = known.map { dataset.targets[test[$0]] == 1 }
    if labels.contains(true), labels.contains(false) {
      card.metrics = ClassificationMetrics(
        labels: labels, probabilities: known.map { Double(scores[$0]) }, threshold: Double(threshold))
    }
    try card.explain(model, rows)
    return TrainedModel(
      model: model, card: card,
      fingerprint: DistributionFingerprint(
        features: dataset.features, values: dataset.values, predictions: known.map { scores[$0] },
        patients: dataset.groups, predictionPatients: known.map { dataset.groups[test[$0]] }))
  }

  private static func fit(
    _ specification: AnomalySpecification, _ training: Dataset, _ progress: @escaping (String) -> Void
  ) throws(ModelError) -> (any Model, [String: Double]) {
    if specification.kind == .isolationForest {
      var settings = IsolationSettings()
      try settings.set(specification.parameters)
      progress("growing the isolation forest on \(training.rowCount) readings")
      let forest = try IsolationForest.train(
        training.values, features: training.features, settings: settings, seed: specification.seed)
      return (forest, settings.parameters)
    }
    guard specification.kind.findsAnomalies else {
      throw ModelError(
        .invalidSpecification, "\(specification.kind.rawValue) finds no anomalies",
        hint: "use isolation-forest, autoencoder or lstm")
    }
    var settings: NetworkSettings = specification.kind == .lstm ? .lstm : .autoencoder
    try settings.set(specification.parameters)
    if specification.kind == .autoencoder { settings.steps = 1 }
    var order = order(training)
    if order.count > settings.rows {
      var generator = SeededGenerator(seed: specification.seed, stream: 6)
      generator.shuffle(&order)
      order = order.prefix(settings.rows).sorted()
    }
    let model = try ReconstructionModel.train(
      sequences(training, ending: order, steps: settings.steps), features: training.features, kind: specification.kind,
      settings: settings, seed: specification.seed
    ) { epoch, loss in progress("pass \(epoch) of \(settings.epochs), mean squared error \(decimal(loss))") }
    return (model, settings.parameters)
  }

  /// Rows by patient and time.
  static func order(_ dataset: Dataset) -> [Int] {
    (0..<dataset.rowCount).sorted {
      (dataset.groups[$0], dataset.times[$0], $0) < (dataset.groups[$1], dataset.times[$1], $1)
    }
  }

  /// For each of `rows` the last `steps` readings of its patient up to it, oldest first, NaN before the first.
  static func sequences(_ dataset: Dataset, ending rows: [Int], steps: Int) -> [Float] {
    let width = dataset.features.count
    if steps == 1 { return rows.flatMap { dataset.row($0) } }
    let order = order(dataset)
    var place = [Int](repeating: 0, count: order.count)
    for (index, row) in order.enumerated() { place[row] = index }
    var values: [Float] = []
    values.reserveCapacity(rows.count * steps * width)
    for row in rows {
      for back in stride(from: steps - 1, through: 0, by: -1) {
        let index = place[row] - back
        if index >= 0, dataset.groups[order[index]] == dataset.groups[row] {
          values += dataset.row(order[index])
        } else {
          for _ in 0..<width { values.append(.nan) }
        }
      }
    }
    return values
  }

  private static func quantile(_ values: [Float], _ share: Double) -> Float {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return .infinity }
    return sorted[min(sorted.count - 1, Int((Double(sorted.count) * share).rounded(.down)))]
  }
}
