import Foundation
import JSON
import LakewardTesting
import Testing

/// The models of the population pipeline on people of whom is known what happened to them and why.
struct RiskModels {
  let lake: SampleLake
  /// The folder with the truth.
  let truth: String

  /// Onsets are planted by age, weight and what a disease does to the body before anybody sees it; returns to the hospital
  /// by the number of chronic diseases.
  func learnWhatIsPlanted() throws {
    try onset("diabetes_onset", code: "44054006")
    try onset("hypertension_onset", code: "59621000")
    try readmission()
  }

  private func onset(_ model: String, code: String) throws {
    let rows = """
      SELECT f.patient_id, f.as_of, f.age, coalesce(t.diagnosed <= f.as_of + 365, false) AS positive,
        coalesce(t.begun <= f.as_of, false) AS has_begun
      FROM patient_feature_store AS f CROSS JOIN population_period AS d
      LEFT JOIN (
        SELECT PATIENT, min(CAST(DIAGNOSED AS DATE)) AS diagnosed, min(CAST(ONSET AS DATE)) AS begun
        FROM read_csv('\(truth)/diseases.csv') WHERE CODE = '\(code)' AND DIAGNOSED IS NOT NULL GROUP BY PATIENT
      ) AS t ON t.PATIENT = f.patient_id
      WHERE f.age >= 18 AND f.as_of + 365 <= d.last_day AND (t.diagnosed IS NULL OR t.diagnosed > f.as_of)
      """
    let card = try trained(model, rows: rows, time: "as_of")
    // Age alone is one of the planted causes. Who is ill already without anybody's knowing is the most that a record of the
    // past could tell; a model that knows the future would know more.
    let byAge = try area(of: "age", in: rows)
    let byTruth = try area(of: "CAST(has_begun AS INT) * 200 + age", in: rows)
    let reached = try #require(card.trialAUC)
    #expect(
      byAge > 0.6 && reached > byAge - 0.05 && reached < byTruth + 0.05, "\(model): \(byAge), \(reached), \(byTruth)")
    let heldOut = try #require(card["metrics"]?.object?["rocAUC"]?.number)
    #expect(heldOut > 0.58 && heldOut < byTruth + 0.08, "\(model): \(heldOut)")
  }

  private func readmission() throws {
    let rows = """
      SELECT f.patient_id, e.discharge_date, t.INDEX_ENCOUNTER IS NOT NULL AS positive, f.active_disorders
      FROM (
        SELECT r.episode_id, r.patient_id, r.discharge_date, max(s.as_of) AS as_of
        FROM gold_readmissions AS r JOIN patient_feature_store AS s
        ON s.patient_id = r.patient_id AND s.as_of <= r.admission_date
        WHERE r.is_index GROUP BY r.episode_id, r.patient_id, r.discharge_date
      ) AS e
      JOIN patient_feature_store AS f ON f.patient_id = e.patient_id AND f.as_of = e.as_of
      LEFT JOIN (SELECT DISTINCT INDEX_ENCOUNTER FROM read_csv('\(truth)/returns.csv') WHERE KIND = 'unplanned') AS t
      ON t.INDEX_ENCOUNTER = e.episode_id
      WHERE f.age >= 18
      """
    let card = try trained("readmission", rows: rows, time: "discharge_date")
    // Few stays and a chance that is moderate even for the very ill: what can be asked for is a direction and no oracle.
    #expect(try area(of: "active_disorders", in: rows) > 0.52)
    let reached = try #require(card.trialAUC)
    #expect(reached > 0.45 && reached < 0.8, "readmission: \(reached)")
  }

  /// Trains by `lakeward train`, and compares the rows with those that the truth gives: how many, how many positive, and
  /// that neither a patient nor a time is on both sides.
  private func trained(_ model: String, rows: String, time: String) throws -> Card {
    let outcome = try lake.run("train", model)
    #expect(outcome.succeeded, "\(outcome.errors)")
    let shown = try lake.run("models", "show", model, "--format", "json")
    let card = Card(object: try #require(JSONValue(parsing: shown.output)?.object))
    let data = try #require(card["data"]?.object)
    func whole(_ name: String) -> Int? { data[name]?.int.map(Int.init) }
    let counts = try numbers(
      "SELECT count(*), count(*) FILTER (positive), count(DISTINCT patient_id) FROM (\(rows))")
    #expect(whole("rows").map(Double.init) == counts[0], "\(model)")
    #expect(whole("positiveRows").map(Double.init) == counts[1], "\(model)")
    #expect(counts[1] > 20)
    #expect(whole("groups").map(Double.init) == counts[2], "\(model)")
    #expect(
      Double((whole("trainingGroups") ?? 0) + (whole("testGroups") ?? 0)) == counts[2], "\(model): patients on one side"
    )
    let temporal = try #require(card["temporal"]?.object)
    let cut = try #require(temporal["cutMicroseconds"]?.int)
    let sides = try numbers(
      """
      SELECT count(*) FILTER (epoch_us(CAST(\(time) AS TIMESTAMP)) < \(cut)),
        count(*) FILTER (epoch_us(CAST(\(time) AS TIMESTAMP)) >= \(cut)) FROM (\(rows))
      """)
    // Rows of other patients lie on both sides too, so each side has fewer than there are.
    #expect(Double(temporal["trainingRows"]?.int ?? 0) < sides[0] && Double(temporal["testRows"]?.int ?? 0) < sides[1])
    let kinds = Set(card["fairness"]?.array?.compactMap { $0.object?["attribute"]?.string } ?? [])
    #expect(kinds == ["age_group", "sex"], "\(model)")
    return card
  }

  /// The chance that a positive row has the larger value than a negative one; ties count half.
  private func area(of value: String, in rows: String) throws -> Double {
    try numbers(
      """
      WITH ranked AS (
        SELECT positive, rank() OVER (ORDER BY v) + (count(*) OVER (PARTITION BY v) - 1) / 2 AS place
        FROM (SELECT positive, \(value) AS v FROM (\(rows)))
      )
      SELECT (sum(place) FILTER (positive) - count(*) FILTER (positive) * (count(*) FILTER (positive) + 1) / 2)
        / (count(*) FILTER (positive) * count(*) FILTER (NOT positive)) FROM ranked
      """)[0]
  }

  private func numbers(_ sql: String) throws -> [Double] {
    let line = try #require(try lake.query(sql, "--format", "csv").split(separator: "\n").dropFirst().first)
    return line.split(separator: ",").compactMap { Double($0) }
  }
}

/// A model's card as JSON.
private struct Card {
  let object: JSONObject

  subscript(name: String) -> JSONValue? { object[name] }

  /// Mean ROC-AUC over the folds of what was chosen.
  var trialAUC: Double? {
    object["trials"]?.array?.first { $0.object?["isChosen"]?.bool == true }?.object?["rocAUC"]?.number
  }
}
