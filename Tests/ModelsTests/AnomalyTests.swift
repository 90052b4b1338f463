import DuckDB
import Foundation
import Testing

@testable import Models

@Suite struct AnomalyTests {
  static let vitals = ["heart_rate", "respiration_rate", "spo2", "temperature"]

  /// Patients whose heart and breath move together. In unusual readings they part, each within its own span.
  static func readings(patients: Int, each: Int, seed: UInt64) -> Dataset {
    var generator = TestGenerator(state: seed)
    var dataset = Dataset(features: vitals)
    for patient in 0..<patients {
      let level = generator.normal()
      for reading in 0..<each {
        let isUnusual = generator.unit() < 0.03
        let activity = level + sin(Double(reading) / 3) + 0.2 * generator.normal()
        let breath = isUnusual ? -2.5 * (activity > 0 ? 1.0 : -1.0) : activity
        var row = [
          Float(75 + 10 * activity), Float(16 + 3 * breath + 0.3 * generator.normal()),
          Float(97 - activity + 0.5 * generator.normal()), Float(36.9 + 0.2 * generator.normal()),
        ]
        if generator.unit() < 0.05 { row[Int(generator.next() % 4)] = .nan }
        dataset.append(
          row, target: isUnusual ? 1 : 0, group: Int32(patient), time: Int64(reading) * 60_000_000)
      }
    }
    return dataset
  }

  static func specification(_ kind: ModelKind) -> AnomalySpecification {
    var specification = AnomalySpecification(
      name: "vitals", features: vitals, group: "patient_id", time: "event_time")
    specification.kind = kind
    specification.label = "is_unusual"
    switch kind {
    case .autoencoder: specification.parameters = ["epochs": 40, "code": 2, "hidden": 12, "learning_rate": 0.01]
    case .lstm:
      specification.parameters = ["epochs": 12, "hidden": 12, "steps": 5, "rows": 2_000, "learning_rate": 0.01]
    default: break
    }
    specification.contamination = 0.03
    return specification
  }

  @Test(arguments: [(ModelKind.isolationForest, 0.75), (.autoencoder, 0.85), (.lstm, 0.85)])
  func findsWhatPartsCompany(kind: ModelKind, expected: Double) throws {
    let dataset = Self.readings(patients: 60, each: 60, seed: 1)
    let trained = try AnomalyTrainer.train(Self.specification(kind), dataset)
    let card = trained.card
    #expect(try #require(card.rocAUC) > expected)
    #expect(card.algorithm == kind && card.data.testGroups == 12)
    #expect(card.markdown.contains("ROC-AUC") && !card.markdown.contains("Brier"))
    let again = try AnomalyTrainer.train(Self.specification(kind), dataset)
    #expect(again.model.serialized == trained.model.serialized && again.card == card)
    // About the stated share of the readings kept back is flagged.
    let flagged = try #require(card.metrics).confusion
    let share = Double(flagged.truePositives + flagged.falsePositives) / Double(flagged.total)
    #expect(abs(share - 0.03) < 0.005)

    let loaded = try ModelFile.load(kind, trained.model.serialized, features: Self.vitals)
    let rows = AnomalyTrainer.sequences(dataset, ending: Array(0..<100), steps: loaded.steps)
    #expect(try loaded.predict(rows) == trained.model.predict(rows))
    let contributions = try loaded.contributions(rows, output: 0)
    for (index, score) in try loaded.predict(rows).enumerated() where !score.isNaN {
      let sum = contributions[index * 5..<(index + 1) * 5].reduce(0, +)
      #expect(abs(sum - score) < 1e-4 * max(1, abs(score)))
    }
  }

  @Test(arguments: [ModelKind.autoencoder, .lstm])
  func gradientsAreWhatSmallStepsGive(kind: ModelKind) {
    let steps = kind == .lstm ? 4 : 1
    let network = Network(kind: kind, inputs: 3, hidden: 5, code: 2, steps: steps)
    var generator = TestGenerator(state: 5)
    var parameters = (0..<network.parameterCount).map { _ in generator.normal() * 0.4 }
    var rows = (0..<7 * 3 * steps).map { _ in generator.normal() }
    for index in stride(from: 0, to: rows.count, by: 5) { rows[index] = .nan }
    let (_, gradient) = network.gradient(parameters, rows: rows)
    let change = 1e-5
    var largest = 0.0
    for index in parameters.indices {
      let value = parameters[index]
      parameters[index] = value + change
      let above = network.gradient(parameters, rows: rows).loss
      parameters[index] = value - change
      let below = network.gradient(parameters, rows: rows).loss
      parameters[index] = value
      let numeric = (above - below) / (2 * change)
      largest = max(largest, abs(numeric - gradient[index]) / max(1e-3, abs(numeric) + abs(gradient[index])))
    }
    #expect(largest < 1e-5)
    #expect(gradient.allSatisfy { $0.isFinite } && gradient.contains { abs($0) > 1e-4 })
  }

  /// Values of the formula in Liu, Ting and Zhou (2008).
  @Test(arguments: [(2, 1.0), (3, 1.207392), (8, 3.296252), (64, 7.471951), (256, 10.244771), (512, 11.631077)])
  func expectedPathLengths(rows: Int, length: Double) {
    #expect(abs(IsolationForest.expectedLength(rows) - length) < 1e-6)
    #expect(IsolationForest.expectedLength(1) == 0)
  }

  @Test func sequencesBelongToOnePatientAndEndWithTheReading() {
    var dataset = Dataset(features: ["a"])
    for (group, time, value) in [(1, 30, 13.0), (0, 20, 2), (1, 10, 11), (0, 10, 1), (1, 20, 12)] {
      dataset.append([Float(value)], target: 0, group: Int32(group), time: Int64(time))
    }
    let order = AnomalyTrainer.order(dataset)
    #expect(order.map { dataset.values[$0] } == [1, 2, 11, 12, 13])
    let sequences = AnomalyTrainer.sequences(dataset, ending: [0, 1], steps: 3)
    #expect(Array(sequences[0..<3]) == [11, 12, 13])
    #expect(sequences[3].isNaN && Array(sequences[4..<6]) == [1, 2])
  }

  @Test func sqlTakesReadingsAndListsOfThem() throws {
    let dataset = Self.readings(patients: 40, each: 50, seed: 3)
    for kind in [ModelKind.isolationForest, .lstm] {
      var specification = Self.specification(kind)
      specification.contamination = 0.1
      let trained = try AnomalyTrainer.train(specification, dataset)
      try withRegistry { registry in
        try registry.register(trained)
        let connection = try Database().connect()
        let use = ModelUse("vitals", features: Self.vitals, findsAnomalies: true)
        try ScoringFunctions.register(registry, on: connection, uses: [use])
        let rows = try connection.query(
          """
          SELECT a.score, a.flag, a.most_deviating, explain_vitals(h, r, s, t), l.score
          FROM (SELECT *, anomaly_vitals(h, r, s, t) AS a, anomaly_vitals([h], [r], [s], [t]) AS l FROM (VALUES
            (75.0, 16.0, 97.0, 36.9), (75, 16, NULL, 36.9), (75, 1, 97, 36.9), (NULL, NULL, NULL, NULL)) AS v(h, r, s, t))
          """
        ).rows()
        let expected = try trained.model.predict(
          [Float](repeating: .nan, count: trained.model.width - 4) + [75, 16, 97, 36.9])
        #expect(rows[0][0] == .double(Double(expected[0])) && rows[0][4] == rows[0][0])
        #expect(rows[0][1] == .bool(false) && rows[0][2] == .null)
        #expect(rows[1][0].doubleValue?.isFinite == true)
        #expect(rows[2][1] == .bool(true) && rows[2][2] == .string("respiration_rate"), "\(kind) \(rows[2])")
        #expect(rows[2][3].stringValue?.hasPrefix("respiration_rate +") == true)
        #expect(rows[3][0] == .null && rows[3][1] == .null)
        // Only the end of a long list counts, and slices are lists too.
        let long = try connection.query(
          """
          SELECT anomaly_vitals(h[2:20], h[2:20], h[2:20], h[2:20]).score = anomaly_vitals(h[1:20], h[1:20], h[1:20], h[1:20]).score,
            anomaly_vitals([]::DOUBLE[], [], [], []).score, anomaly_vitals(NULL::DOUBLE[], [1], [1], [1]).score IS NOT NULL
          FROM (SELECT list(i::DOUBLE) AS h FROM range(40) AS r(i))
          """
        ).rows()[0]
        #expect(long == [.bool(true), .null, .bool(true)])
      }
    }
  }

  @Test func brokenFilesAndSmallDataAreErrors() throws {
    let dataset = Self.readings(patients: 30, each: 20, seed: 4)
    let forest = try AnomalyTrainer.train(Self.specification(.isolationForest), dataset).model
    let text = String(decoding: forest.serialized, as: UTF8.self)
    for broken in [text.replacing("\"sample\":", with: "\"sample\":-"), text.replacing("[", with: "[3,"), "{}"] {
      let error = #expect(throws: ModelError.self) {
        try ModelFile.load(.isolationForest, Array(broken.utf8), features: Self.vitals)
      }
      #expect(error?.code == .corruptModel)
    }
    let few = #expect(throws: ModelError.self) {
      try AnomalyTrainer.train(Self.specification(.lstm), dataset.subset(0..<19))
    }
    #expect(few?.code == .trainingData)
    var specification = Self.specification(.autoencoder)
    for wrong in [["epochs": 0.0], ["width": 3], ["learning_rate": .nan], ["hidden": 1e300]] {
      specification.parameters = wrong
      #expect(throws: ModelError.self) { try AnomalyTrainer.train(specification, dataset) }
    }
  }
}
