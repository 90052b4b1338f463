import DuckDB
import Foundation
import LakewardTesting
import Testing

/// An exported pipeline on Spark itself: the same landing folder gives the same rows and the same scores. `make spark` makes the
/// environment; without it the test is skipped with a printed reason.
@Suite struct SparkInteropTests {
  private static let spark = PythonEnvironment("spark")

  @Test(.enabled(if: spark.program("spark-pipelines") != nil)) func riskGivesTheSameRows() throws {
    let program = try #require(Self.spark.program("spark-pipelines"))
    let lake = try TestLake()
    try lake.run("train", "risk")
    try lake.run("simulate", "risk", "--count", "500", "--seed", "9")
    try lake.run("run", "risk", "--once")
    let project = lake.directory.file("spark")
    try lake.run("export", "spark", "risk", project)
    // The place of checkpoints is the project's own here.
    let specification = project + "/spark-pipeline.yml"
    try String(contentsOfFile: specification, encoding: .utf8)
      .replacing("file:///tmp/lakeward-risk", with: "file://\(lake.directory.file("checkpoints"))")
      .write(toFile: specification, atomically: true, encoding: .utf8)
    let bin = (program as NSString).deletingLastPathComponent
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let run = try ChildProcess.run(
      program, ["run"],
      environment: ["PATH": "\(bin):\(path)", "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": bin + "/python"],
      directory: project, seconds: 900)
    #expect(run.succeeded, "\(run.output.suffix(2_000)) \(run.errors.suffix(2_000))")
    let connection = try Database().connect()
    try connection.execute("SET TimeZone = 'UTC'")
    for (table, columns) in [
      ("silver_raw_patient", "patient_id, epoch_us(event_time) AS t, heart_rate, glucose, body_temperature"),
      (
        "gold_risk",
        // What is explained, and by which feature first; the figures differ in their last digit.
        "patient_id, epoch_us(event_time) AS t, risk, round(probability, 4) AS p, model_version, "
          + "split_part(explanation, ' ', 1) AS first"
      ),
    ] {
      try connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE ours AS SELECT \(columns) FROM \(try lake.expand("{\(table)}"));
        CREATE OR REPLACE TEMP TABLE theirs AS
        SELECT \(columns) FROM read_parquet('\(project)/spark-warehouse/\(table)/*.parquet')
        """)
      let counts = try connection.query(
        """
        SELECT (SELECT count(*) FROM ours), (SELECT count(*) FROM theirs),
          (SELECT count(*) FROM (FROM ours EXCEPT ALL FROM theirs))
        """
      ).rows()
      #expect(counts[0].map(\.intValue) == [500, 500, 0], "\(table)")
    }
  }
}
