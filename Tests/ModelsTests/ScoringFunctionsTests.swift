import DuckDB
import Foundation
import Testing

@testable import Models

@Suite struct ScoringFunctionsTests {
  @Test func sqlGivesWhatTheModelGives() throws {
    try withRegistry { registry in
      try registry.register(try TrainerTests.quickModel(seed: 1))
      let connection = try Database().connect()
      let live = try ScoringFunctions.register(
        registry, on: connection, uses: [ModelUse("illness", features: SampleData.features)])
      let dataset = SampleData.dataset(rows: 5000, groups: 10, seed: 12)
      try Self.createTable(connection, dataset)
      let scorer = try #require(try live.model("illness")).scorer
      let expected = try scorer.predict(dataset.values)
      let rows = try connection.query(
        "SELECT predict_illness(\(SampleData.features.joined(separator: ", "))) FROM measured ORDER BY id"
      ).column()
      #expect(rows == expected.map { .double(Double($0)) })
    }
  }

  @Test func integersFlagsAndNullsAreFeatures() throws {
    try withRegistry { registry in
      try registry.register(try TrainerTests.quickModel(seed: 1))
      let connection = try Database().connect()
      let live = try ScoringFunctions.register(
        registry, on: connection, uses: [ModelUse("illness", features: SampleData.features)])
      let value = try connection.query("SELECT predict_illness(80, 37.5, NULL, 120.5::FLOAT, 0, 1::TINYINT, 0, 1)")
        .scalar()
      let expected = try #require(try live.model("illness")).scorer.predict([80, 37.5, .nan, 120.5, 0, 1, 0, 1])
      #expect(value == .double(Double(expected[0])))
    }
  }

  @Test func promotedVersionsArePickedUp() throws {
    try withRegistry { registry in
      try registry.register(try TrainerTests.quickModel(seed: 1))
      let connection = try Database().connect()
      let live = try ScoringFunctions.register(
        registry, on: connection, uses: [ModelUse("illness", features: SampleData.features)])
      let version = "SELECT model_version('illness'), model_threshold('illness')"
      #expect(try live.refresh().isEmpty)
      #expect(try connection.query(version).rows()[0][0] == .string("1"))
      let second = try registry.register(try TrainerTests.quickModel(seed: 2))
      #expect(try connection.query(version).rows()[0][0] == .string("1"))
      #expect(try live.refresh() == ["illness"])
      #expect(try connection.query(version).rows()[0] == [.string("2"), .double(try #require(second.card.threshold))])
    }
  }

  @Test func missingModelsAndOtherFeaturesAreErrors() throws {
    try withRegistry { registry in
      let connection = try Database().connect()
      let missing = #expect(throws: ModelError.self) {
        try ScoringFunctions.register(
          registry, on: connection, uses: [ModelUse("illness", features: SampleData.features)])
      }
      #expect(missing?.code == .notFound)
      try registry.register(try TrainerTests.quickModel(seed: 1))
      let other = #expect(throws: ModelError.self) {
        try ScoringFunctions.register(registry, on: connection, uses: [ModelUse("illness", features: ["heart_rate"])])
      }
      #expect(other?.code == .features)
      try ScoringFunctions.register(
        registry, on: connection, uses: [ModelUse("illness", features: SampleData.features)])
      #expect(throws: DuckDBError.self) { try connection.query("SELECT model_version('nothing')").scalar() }
    }
  }

  static func createTable(_ connection: Connection, _ dataset: Dataset) throws {
    let columns = dataset.features.map { "\($0) DOUBLE" }.joined(separator: ", ")
    try connection.execute("CREATE TABLE measured (id INTEGER, \(columns))")
    for start in stride(from: 0, to: dataset.rowCount, by: 500) {
      let rows = (start..<min(start + 500, dataset.rowCount)).map { index in
        let values = dataset.row(index).map { $0.isNaN ? "NULL" : "\(Double($0))" }
        return "(\(index), \(values.joined(separator: ", ")))"
      }
      try connection.execute("INSERT INTO measured VALUES \(rows.joined(separator: ", "))")
    }
  }
}
