import DeltaLake
import DuckDB
import Foundation
import Models
import Pipelines
import Simulation
import Streaming

/// Trains and scores as bench/models asks. Every word prints one JSON object; matrices are files of float32.
@main struct ModelsBench {
  static func main() throws {
    let words = Array(CommandLine.arguments.dropFirst())
    switch words.first {
    case "population": try population(words)
    case "rows": try rows(words)
    case "folds": try folds(words)
    case "score": try score(words)
    case "explain": try explain(words)
    case "anomaly": try anomaly(words)
    default: throw BenchError("usage: models-bench population|rows|folds|score|explain|anomaly …")
    }
  }

  /// DIRECTORY PATIENTS: a population in Synthea's files.
  private static func population(_ words: [String]) throws {
    _ = try PopulationGenerator(seed: 11, patients: Int(words[2]) ?? 1_000).write(to: words[1])
    show(["patients": Double(words[2]) ?? 0])
  }

  /// LAKE PIPELINE_FOLDER DIRECTORY: the training rows of the pipeline's first model.
  private static func rows(_ words: [String]) throws {
    let model = try Pipeline.load(folder: words[2]).models[0]
    let lake = Lake(root: words[1])
    let connection = try QueryEngine(lake: lake).connect()
    for input in model.trainingInputs {
      let scan = try DeltaReader.scanSQL(lake.table(named: input).snapshot())
      try connection.execute("CREATE TEMP VIEW \(SQL.quote(identifier: input)) AS SELECT * FROM \(scan)")
    }
    let dataset = try Dataset(
      connection, sql: model.trainingSQL, features: model.features, label: model.label, group: model.group)
    try write(dataset.values, words[3] + "/values.f4")
    try write(dataset.targets.map { Float($0) }, words[3] + "/labels.f4")
    try write(dataset.groups.map { Float($0) }, words[3] + "/groups.f4")
    show(["rows": Double(dataset.rowCount), "features": Double(dataset.features.count)])
  }

  /// DIRECTORY FEATURES REPETITIONS KIND BALANCE: trains on all folds but one and scores that one. `folds.f4` holds a
  /// fold number for each repetition and row.
  private static func folds(_ words: [String]) throws {
    let dataset = try dataset(words[1], width: Int(words[2]) ?? 1)
    let fold = try read(words[1] + "/folds.f4")
    let repetitions = Int(words[3]) ?? 1
    guard let kind = ModelKind(rawValue: words[4]) else { throw BenchError("no kind \(words[4])") }
    let learner = try Learner(kind, parameters: kind == .randomForest ? ["trees": 100] : [:])
    var areas: [Double] = []
    var seconds = 0.0
    for repetition in 0..<repetitions {
      let numbers = fold[repetition * dataset.rowCount..<(repetition + 1) * dataset.rowCount].map { Int($0) }
      for number in 0...(numbers.max() ?? 0) {
        let training = dataset.subset(numbers.indices.filter { numbers[$0] != number })
        let test = dataset.subset(numbers.indices.filter { numbers[$0] == number })
        var model: (any Model)?
        seconds += try time {
          let balanced = words[5] == "smote" ? try SMOTE.balance(training, seed: UInt64(number)) : training
          model = try learner.fit(balanced, seed: UInt64(repetition * 100 + number))
        }
        let scores = try model?.predict(test.values) ?? []
        let metrics = ClassificationMetrics(
          labels: test.labels, probabilities: scores.map(Double.init), threshold: 0.5)
        if let area = metrics.rocAUC { areas.append(area) }
      }
    }
    let mean = areas.reduce(0, +) / Double(max(1, areas.count))
    let squares = areas.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    show([
      "roc_auc": mean, "deviation": (squares / Double(max(1, areas.count - 1))).squareRoot(),
      "fits": Double(areas.count),
      "seconds_per_fit": seconds / Double(max(1, areas.count)),
    ])
  }

  /// DIRECTORY FEATURES ROWS MODEL: rows per second of the flat evaluator, of XGBoost's predictor, and in SQL, over the
  /// training rows repeated. Saves the model.
  private static func score(_ words: [String]) throws {
    let dataset = try dataset(words[1], width: Int(words[2]) ?? 1)
    let count = Int(words[3]) ?? 1_000_000
    let forest = try ForestModel.train(dataset, seed: 1)
    try Data(forest.serialized).write(to: URL(fileURLWithPath: words[4]))
    let width = dataset.features.count
    var rows: [Float] = []
    rows.reserveCapacity(count * width)
    while rows.count < count * width { rows += dataset.values.prefix(count * width - rows.count) }
    var scores = [Float](repeating: 0, count: count)
    func rate(_ body: (UnsafeBufferPointer<Float>, UnsafeMutableBufferPointer<Float>) throws -> Void) throws -> Double {
      let seconds = try (0..<3).map { _ in
        try time {
          try rows.withUnsafeBufferPointer { rows in try scores.withUnsafeMutableBufferPointer { try body(rows, $0) } }
        }
      }
      return Double(count) / (seconds.min() ?? 1)
    }
    let flat = try rate { try forest.predict($0, into: $1) }
    let library = try rate { try forest.predictWithXGBoost($0, into: $1) }
    show(["evaluator": flat, "xgboost_one_thread": library, "sql": try sqlRate(forest, rows, count)])
  }

  /// Rows per second of a function of the model over a table in memory, on all threads.
  private static func sqlRate(
    _ forest: ForestModel, _ rows: [Float], _ count: Int, function: String = "predict_m"
  ) throws -> Double {
    let folder = FileManager.default.temporaryDirectory.appending(path: "models-bench-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let registry = ModelRegistry(directory: folder)
    let card = ModelCard(
      name: "m", algorithm: .randomForest, settings: [:], features: forest.features, label: "", group: "",
      threshold: 0.5, seed: 1, library: "")
    try registry.register(TrainedModel(model: forest, card: card))
    let connection = try Database().connect()
    try ScoringFunctions.register(registry, on: connection, uses: [ModelUse("m", features: forest.features)])
    let names = forest.features.map { SQL.quote(identifier: $0) }
    try connection.execute("CREATE TABLE t (\(names.map { "\($0) DOUBLE" }.joined(separator: ", ")))")
    let width = forest.features.count
    let file = folder + "/rows.csv"
    var text = ""
    for row in 0..<min(count, 10_000) {
      text += rows[row * width..<(row + 1) * width].map { $0.isNaN ? "" : String($0) }.joined(separator: ",") + "\n"
    }
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    try connection.execute(
      """
      INSERT INTO t SELECT c.* FROM read_csv(\(SQL.quote(literal: file)), header = false, all_varchar = false) AS c,
        range(\(max(1, count / 10_000)))
      """)
    let seconds = try (0..<3).map { _ in
      try time { _ = try connection.query("SELECT max(\(function)(\(names.joined(separator: ", ")))) FROM t").scalar() }
    }
    return Double(count) / (seconds.min() ?? 1)
  }

  /// MODEL ROWS FEATURES: rows per second of TreeSHAP, many at once, one at a time as the API asks, and in SQL on all
  /// threads.
  private static func explain(_ words: [String]) throws {
    let forest = try ForestModel(serialized: Array(Data(contentsOf: URL(fileURLWithPath: words[1]))))
    let rows = try read(words[2])
    _ = try forest.contributions(Array(rows.prefix(forest.features.count)))
    let width = forest.features.count
    let count = rows.count / width
    let seconds = try time { _ = try forest.contributions(rows) }
    let single = try time {
      for row in 0..<count { _ = try forest.contributions(Array(rows[row * width..<(row + 1) * width])) }
    }
    show([
      "rows_per_second": Double(count) / seconds, "one_at_a_time": Double(count) / single,
      "sql": try sqlRate(forest, rows, count, function: "explain_m"),
    ])
  }

  /// DIRECTORY FEATURES KIND: rows per second of an anomaly model, one thread, trained on the rows as one patient's.
  private static func anomaly(_ words: [String]) throws {
    let width = Int(words[2]) ?? 1
    let values = try read(words[1] + "/values.f4")
    guard let kind = ModelKind(rawValue: words[3]) else { throw BenchError("no kind \(words[3])") }
    var dataset = Dataset(features: (0..<width).map { "x\($0)" })
    for row in 0..<values.count / width {
      dataset.append(
        values[row * width..<(row + 1) * width], target: 0, group: Int32(row / 200), time: Int64(row))
    }
    var specification = AnomalySpecification(name: "m", features: dataset.features, group: "g", time: "t")
    specification.kind = kind
    var trained: TrainedModel?
    let training = try time { trained = try AnomalyTrainer.train(specification, dataset) }
    guard let model = trained?.model else { return }
    let rows = Array(repeating: Array(values.prefix(model.width * 1_000)), count: 20).flatMap(\.self)
    let seconds = try time { _ = try model.predict(rows) }
    show(["training_seconds": training, "rows_per_second": Double(rows.count / model.width) / seconds])
  }

  // MARK: Helpers

  private static func dataset(_ folder: String, width: Int) throws -> Dataset {
    let values = try read(folder + "/values.f4")
    let labels = try read(folder + "/labels.f4")
    var dataset = Dataset(features: (0..<width).map { "x\($0)" })
    for row in labels.indices {
      dataset.append(values[row * width..<(row + 1) * width], label: labels[row] == 1, group: Int32(row))
    }
    return dataset
  }

  private static func time(_ body: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    return try clock.measure(body) / .seconds(1)
  }

  private static func read(_ path: String) throws -> [Float] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    return data.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map { Float(bitPattern: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)) }
    }
  }

  private static func write(_ values: [Float], _ path: String) throws {
    try values.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: path)) }
  }

  private static func show(_ figures: [String: Double]) {
    let parts = figures.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }
    print("{\(parts.joined(separator: ", "))}")
  }
}

/// What went wrong in a measurement.
struct BenchError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
