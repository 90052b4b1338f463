import JSON
import DeltaLake
import Foundation
import LakewardTesting
import Testing

/// The vitals pipeline as a ward uses it, with the built program: simulated devices with every fault.
@Suite struct VitalsJobTests {
  @Test func whatTheSimulatorBrokeIsWhatTheTablesSay() throws {
    let lake = try TestLake(maxRecords: 1_500)
    // Read when they are made, or clocks that run ahead would have been overtaken.
    let simulated = try lake.run(
      "simulate", "vitals", "--count", "12000", "--patients", "50", "--speed", "600", "--seed", "5", "--faults",
      "--start", "now")
    let truth = try #require(JSONValue(parsing: simulated.output)?.object)
    let faults = try #require(truth["faults"]?.object)
    try lake.run("run", "vitals", "--once")
    func expect(_ sql: String, _ expected: JSONValue?, _ name: Comment) throws {
      #expect(try lake.count(sql) == expected?.int, name)
    }
    let quarantine = "SELECT count(*) FROM {quarantine_patient_vitals}"
    try expect("SELECT count(*) FROM {bronze_patient_vitals}", truth["records"], "records")
    try expect("SELECT count(*) FROM {silver_patient_vitals}", truth["accepted"], "accepted")
    try expect(quarantine, truth["quarantined"], "quarantined")
    try expect("\(quarantine) WHERE reason = 'not valid JSON'", faults["corrupt"], "corrupt")
    try expect("\(quarantine) WHERE reason = 'event_time: in the future'", faults["clockSkewed"], "clocks")
    try expect("\(quarantine) WHERE reason LIKE '%_plausible'", faults["outOfRange"], "out of range")
    let silver = "SELECT count(*) FROM {silver_patient_vitals} WHERE"
    try expect("\(silver) temperature_unit = '[degF]'", faults["fahrenheit"], "°F")
    try expect("\(silver) no_signal IS NOT NULL", faults["noSignal"], "no signal")
    try lake.run("verify", "vitals")
  }

  @Test func happeningsAreWrittenBeside() throws {
    let lake = try TestLake()
    let folder = lake.lake + "/landing/patient_vitals"
    let simulated = try lake.run(
      "simulate", "vitals", "--count", "3000", "--patients", "30", "--speed", "20000", "--truth",
      lake.directory.file("truth"))
    let truth = try #require(JSONValue(parsing: simulated.output)?.object)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["records-000001.ndjson"])
    for (file, name) in [("_episodes.csv", "episodes"), ("_movements.csv", "movements")] {
      let text = try String(contentsOfFile: lake.directory.file("truth/\(file)"), encoding: .utf8)
      #expect(text.split(separator: "\n").count - 1 == truth[name]?.int.map(Int.init))
    }
    let again = try lake.run(
      "simulate", "vitals", "--count", "3000", "--patients", "30", "--speed", "20000", "--to",
      lake.directory.file("again"))
    #expect(again.output == simulated.output)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: lake.directory.file("again")).sorted() == [
        "_episodes.csv", "_movements.csv", "records-000001.ndjson",
      ])
    #expect(
      FileManager.default.contentsEqual(
        atPath: folder + "/records-000001.ndjson", andPath: lake.directory.file("again/records-000001.ndjson")))
  }

  @Test func everyPipelineRunsTogether() throws {
    let lake = try TestLake(models: TestLake.trainedModels())
    try lake.run("simulate", "illness", "--count", "500")
    try lake.run("simulate", "vitals", "--count", "700")
    let checked = try lake.run("check")
    #expect(checked.output.contains("ok      illness") && checked.output.contains("ok      vitals"))
    let run = try lake.run("run", "--once")
    #expect(run.output.contains("illness: 500 records") && run.output.contains("vitals: 700 records"))
    #expect(try lake.count("SELECT count(*) FROM {gold_patient_data}") == 500)
    #expect(try lake.count("SELECT count(*) FROM {silver_patient_vitals}") == 700)
    let verified = try lake.run("verify")
    #expect(verified.output.contains("illness: clean") && verified.output.contains("vitals: clean"))
  }

  @Test func aMissingModelIsSaidInOneLineAndStopsNoOtherPipeline() throws {
    let lake = try TestLake()
    try lake.run("simulate", "vitals", "--count", "100")
    let line = "illness: no version of the model illness is live; run: lakeward train illness\n"
    let all = try lake.start("run", "--once").wait()
    #expect(all.status == 1 && all.errors == "lakeward run: " + line)
    #expect(all.output.contains("vitals: 100 records") && !all.output.contains("illness"))
    let checked = try lake.start("check").wait()
    #expect(checked.status == 1 && checked.output.contains("PROBLEM illness: " + line))
    #expect(checked.output.contains("ok      vitals: the definition is sound"))
    #expect(try lake.count("SELECT count(*) FROM {silver_patient_vitals}") == 100)
    let named = try lake.start("run", "illness", "--once", "--log", "json").wait()
    #expect(named.status == 1 && named.errors.contains("\"event\":\"pipeline failed\",\"pipeline\":\"illness\""))
  }
}
