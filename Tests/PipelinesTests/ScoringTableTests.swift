import LakewardTesting
import Pipelines
import Testing

@Suite struct ScoringTableTests {
  @Test func anotherModelTakesThePlaceOfOne() throws {
    let pipeline = try Pipeline.load(folder: Places.packageRoot() + "/pipelines/risk")
    let table = try #require(pipeline.scoringTable(of: "risk"))
    #expect(table.name == "gold_risk")
    let silent = table.asking("risk_silent", insteadOf: "risk")
    #expect(silent.sql.contains("predict_risk_silent(") && silent.sql.contains("model_version('risk_silent')"))
    #expect(!silent.sql.contains("predict_risk(") && !silent.asks("risk") && silent.asks("risk_silent"))
    // A column of that name, and the input, stay where they are.
    #expect(silent.sql.contains("answer.label AS risk,"))
    let read = silent.sql { _ in "INPUT" }
    #expect(read.contains("FROM INPUT AS \"silver_raw_patient\""))
    #expect(table.asking("risk", insteadOf: "risk") == table)
    #expect(pipeline.scoringTable(of: "other") == nil)
  }

  @Test func answersHaveTheUsualColumnsUnlessTheYAMLSaysOtherwise() throws {
    let risk = try Pipeline.load(folder: Places.packageRoot() + "/pipelines/risk").models[0].scores
    #expect(risk.alert == "\"risk\" = 'High'" && risk.positive == "High" && risk.outcomes == "outcomes_risk")
    let diabetes = try Pipeline.load(folder: Places.packageRoot() + "/pipelines/diabetes").models[0].scores
    #expect(diabetes.alert == "prediction = 1" && diabetes.positive == "1" && diabetes.probability == "probability")
  }
}
