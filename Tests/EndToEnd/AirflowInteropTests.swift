import Foundation
import JSON
import LakewardTesting
import Testing

/// The integration's DAGs and operator in a real Airflow. `make airflow` makes the environment; without it the tests are skipped
/// with a printed reason.
@Suite struct AirflowInteropTests {
  private static let airflow = PythonEnvironment("airflow")

  private static func run(_ lake: TestLake, _ words: String...) throws -> JSONValue {
    let script = Places.packageRoot() + "/Tests/LakewardTesting/peers/airflow_peer.py"
    let outcome = try ChildProcess.run(
      try #require(airflow.interpreter), [script] + words,
      environment: [
        "AIRFLOW_HOME": lake.directory.file("airflow"), "LAKEWARD_HOME": lake.directory.path, "LAKEWARD": lake.program,
        "LAKEWARD_AIRFLOW": Places.packageRoot() + "/integrations/airflow",
      ], directory: lake.directory.path, seconds: 600)
    #expect(outcome.succeeded, "\(outcome.errors.suffix(2_000))")
    let last = outcome.output.split(separator: "\n").last.map(String.init) ?? ""
    return try #require(JSONValue(parsing: last), "\(last)")
  }

  @Test(.enabled(if: airflow.interpreter != nil)) func aPipelineIsADAG() throws {
    let lake = try TestLake()
    let dags = try #require(try Self.run(lake, "parse").object)
    #expect(dags.members.map(\.key).sorted().contains("lakeward_vitals"))
    let tasks = dags["lakeward_vitals"]?.array?.compactMap { $0.object?["task"]?.string }
    #expect(tasks == ["run", "refresh", "train_vitals"])

    try lake.run("simulate", "risk", "--count", "100")
    let states = try #require(try Self.run(lake, "test", "lakeward_risk").object)
    #expect(states["run"]?.string == "success" && states["train_risk"]?.string == "success")
    #expect(try lake.count("SELECT count(*) FROM {silver_raw_patient}") == 100)
  }

  @Test(.enabled(if: airflow.interpreter != nil)) func aTaskFailsWithTheRealError() throws {
    let lake = try TestLake()
    let wrong = try Self.run(lake, "operator", "table", "show", "nothing").object
    #expect(wrong?["error"]?.string?.contains("there is no table nothing") == true)
    #expect(try Self.run(lake, "operator", "--version").object?["result"]?.string?.hasPrefix("lakeward ") == true)
  }
}
