import Foundation
import Pipelines
import Testing

@Suite struct IllnessPipelineTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "pipelines/illness").path

  @Test func isSoundAndPortable() throws {
    let pipeline = try Pipeline.load(folder: Self.folder)
    #expect(pipeline.warnings.isEmpty)
    #expect(pipeline.tables.map(\.name) == ["silver_patient_data", "gold_patient_data"])
    #expect(pipeline.streamingTables.count == 2)
    #expect(pipeline.source?.kafka?.topic == "patient_data")
    #expect(pipeline.source?.landing?.path == "landing/patient_data")
    #expect(pipeline.source?.bronzeTable == "bronze_patient_data")
    #expect(pipeline.source?.quarantineTable == "quarantine_patient_data")
  }

  @Test func recordIsThePublishedOne() throws {
    let fields = try Pipeline.load(folder: Self.folder).source?.fields ?? []
    #expect(
      fields.map(\.field) == [
        "patient_id", "timestamp", "birthday", "gender", "body_mass_index", "body_temperature", "heart_rate",
        "systolic_blood_pressure", "creatinine",
        "alanine_aminotransferase_[enzymatic_activity/volume]_in_serum_or_plasma", "glucose",
        "hemoglobin_[mass/volume]_in_blood", "leukocytes_[#/volume]_in_blood_by_automated_count",
        "oxygen_saturation_in_arterial_blood",
      ])
    #expect(fields.filter(\.isRequired).map(\.name) == ["patient_id", "event_time", "birthday", "gender"])
    #expect(fields.allSatisfy { $0.type != .double || $0.unit != nil })
  }

  @Test func goldHasExactlyItsColumns() throws {
    let gold = try #require(try Pipeline.load(folder: Self.folder).table(named: "gold_patient_data"))
    #expect(
      gold.columns == [
        "patient_id", "age_group", "gender", "body_mass_index", "body_temperature", "heart_rate",
        "systolic_blood_pressure", "creatinine", "alt", "glucose", "hemoglobin", "leukocytes", "oxygen_saturation",
        "prediction", "event_time", "probability", "model_version", "explanation",
      ])
    #expect(gold.streamInputs == ["silver_patient_data"])
  }

  @Test func silverKeepsCoordinatesAndRules() throws {
    let pipeline = try Pipeline.load(folder: Self.folder)
    let silver = try #require(pipeline.table(named: "silver_patient_data"))
    let columns = try #require(silver.columns)
    for column in ["partition", "offset", "ingest_time", "age", "age_group"] { #expect(columns.contains(column)) }
    #expect(
      silver.deduplicate
        == Deduplication(keys: ["patient_id", "event_time"], eventTime: "event_time", withinSeconds: 604_800))
    let rules = silver.expectations
    #expect(rules.allSatisfy { $0.action == .quarantine && $0.summary != nil })
    for field in pipeline.source?.fields ?? [] where field.type == .double {
      let rule = try #require(rules.first { $0.name == field.name + "_plausible" })
      #expect(rule.expression.hasPrefix(field.name + " BETWEEN "))
      #expect(rule.summary?.hasPrefix(field.unit ?? "?") == true)
    }
  }

  @Test func trainingIsOneQueryOverTheImportedTables() throws {
    let model = try #require(try Pipeline.load(folder: Self.folder).models.first)
    #expect(model.name == "illness")
    #expect(model.features.count == 17)
    #expect(model.label == "is_ill" && model.group == "patient_id")
    #expect(model.balance == .smote && model.algorithm == .randomForest)
    #expect(
      Set(model.trainingInputs) == [
        "synthea_patients", "synthea_encounters", "synthea_conditions", "synthea_observations",
      ])
    #expect(model.trainingSQL.hasPrefix("WITH illness_conditions AS (\nSELECT"))
    #expect(!model.trainingSQL.contains("CREATE"))
  }

  @Test func folderProblemsAreClear() {
    #expect(throws: DefinitionError.self) { try Pipeline.load(folder: "/nowhere/at/all") }
  }
}
