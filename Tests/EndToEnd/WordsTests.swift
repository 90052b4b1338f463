import JSON
import DeltaLake
import Foundation
import LakewardTesting
import Simulation
import Testing

/// The words of the command line: help, mistakes, imports, models, and every example of the documentation.
@Suite struct WordsTests {
  @Test func everyWordHelps() throws {
    let lake = try SampleLake()
    let overview = try lake.run("--help")
    #expect(overview.succeeded && overview.errors == "")
    #expect(try lake.run().status == 2)
    let words = overview.output.split(separator: "\n").filter { $0.hasPrefix("  ") }
      .compactMap { $0.split(separator: " ").first.map(String.init) }
    #expect(Set(words).isSuperset(of: ["run", "query", "table", "import", "models", "train", "verify"]))
    for word in words {
      let help = try lake.run(word, "--help")
      #expect(help.succeeded)
      for part in ["usage: lakeward \(word)", "examples:", "options:", "--lake DIR"] {
        #expect(help.output.contains(part), "\(word): \(part)")
      }
      #expect(try lake.run("help", word).output == help.output)
      #expect(
        try lake.failure(word, "--no-such-option", status: 2).contains("unknown option --no-such-option"), "\(word)")
    }
    #expect(try lake.failure("qurey", status: 2).contains("did you mean query?"))
    #expect(try lake.failure("query", "--formt", "csv", "SELECT 1", status: 2).contains("did you mean --format?"))
    #expect(try lake.failure("query", "SELECT 1", "--config", "no.yml").contains("no.yml"))
  }

  @Test func importsFoldersAndFiles() throws {
    let lake = try SampleLake()
    let folder = try lake.directory.folder("synthea")
    _ = try PopulationGenerator(seed: 3, patients: 40).write(to: folder)
    let handle = try #require(FileHandle(forWritingAtPath: folder + "/encounters.csv"))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("one,field,too,few\n".utf8))
    try handle.close()
    let first = try lake.run("import", "synthea", "--format", "ndjson")
    #expect(first.succeeded, "\(first.errors)")
    #expect(first.errors.contains("importing patients.csv ("))
    let files = first.output.split(separator: "\n").compactMap { JSONValue(parsing: String($0))?.object }
    #expect(files.first { $0["file"]?.string == "encounters.csv" }?["quarantined"]?.int == 1)
    let rows = files.reduce(0) { $0 + ($1["rows"]?.int ?? 0) }
    let patients = files.first { $0["table"]?.string == "synthea_patients" }?["rows"]?.int
    #expect(try lake.query("SELECT count(*) AS n FROM synthea_patients", "--format", "csv") == "n\n\(patients ?? 0)\n")
    #expect(try lake.query("SELECT count(*) AS n FROM synthea_quarantine", "--format", "csv") == "n\n1\n")
    let again = try lake.run("import", "synthea/patients.csv", "synthea")
    #expect(again.succeeded && again.output.hasSuffix("0 rows imported\n") && rows > 40)
    #expect(again.output.contains("was imported before, unchanged"))
  }

  @Test func importsNothingElse() throws {
    let lake = try SampleLake()
    try lake.directory.write("a,b\n1,2\n", to: "other/table.csv")
    try lake.directory.folder("empty")
    #expect(try lake.run("import", "other").errors.hasSuffix("no HL7 messages\n"))
    #expect(try lake.run("import", "other").status == 1)
    #expect(try lake.run("import", "other/table.csv").status == 1)
    #expect(try lake.failure("import", "empty").contains("holds nothing to import"))
    #expect(try lake.failure("import", "none").contains("no such file or folder"))
    #expect(try lake.failure("import", status: 2).contains("name a folder"))
  }

  @Test(.enabled(if: Places.shared("data/synthea-a") != nil)) func importsARealExport() throws {
    let lake = try SampleLake()
    let outcome = try lake.run("import", try #require(Places.shared("data/synthea-a")))
    #expect(outcome.succeeded)
    #expect(outcome.output.hasSuffix("7 lines in synthea_quarantine\n"))
  }

  @Test func models() throws {
    let trained = try TestLake.trainedModels()
    let lake = try SampleLake()
    try lake.directory.write("models: \(trained)\npipelines: \(Places.packageRoot())/pipelines\n", to: "lakeward.yml")
    #expect(try lake.run("models", "list", "--format", "csv").output.contains("illness,1,live,"))
    #expect(try lake.run("models", "show", "illness").output.contains("ROC-AUC"))
    let card = JSONValue(parsing: try lake.run("models", "show", "illness", "--format", "json").output)?.object
    #expect(card?["name"]?.string == "illness")
    #expect(try lake.run("models", "promote", "illness", "1").output == "illness: version 1 is live\n")
    #expect(try lake.failure("models", "promote", "illness", "9").contains("there is no version 9"))
    #expect(try lake.failure("models", "promote", "illness", status: 2).contains("VERSION is missing"))
    #expect(try lake.failure("models", "show", "ilness").contains("did you mean illness?"))
    #expect(try lake.failure("models", "shw", status: 2).contains("did you mean show?"))
    #expect(try lake.failure("models", "explain", "illness", status: 2).contains("--record FILE"))
    #expect(
      try lake.query(
        "SELECT model_version('illness') AS v, predict_illness(\(Array(repeating: "NULL", count: 17).joined(separator: ","))) BETWEEN 0 AND 1 AS p",
        "--format", "csv")
        == "v,p\n1,true\n")
  }

  @Test func explanations() throws {
    let trained = try TestLake.trainedModels()
    let lake = try SampleLake()
    try lake.directory.write("models: \(trained)\npipelines: \(Places.packageRoot())/pipelines\n", to: "lakeward.yml")
    try lake.directory.write(
      #"{"age_group": "65-79", "gender": 1, "hart_rate": 1, "heart_rate": 130, "hemoglobin": 9.5}"#, to: "features.json"
    )
    // The same record as the source carries it: a birthday and a time instead of the age group, long names.
    try lake.directory.write(
      #"{"birthday": "1955-03-01", "timestamp": "2026-01-31T08:00:00Z", "gender": 1, "heart_rate": 130, "hemoglobin_[mass/volume]_in_blood": 9.5}"#,
      to: "raw.json")
    let chart = try lake.run("models", "explain", "illness", "--record", "features.json")
    #expect(chart.succeeded && chart.output.contains("illness version 1: probability 0."))
    #expect(chart.output.contains("█") && chart.output.contains("heart_rate"))
    #expect(chart.errors.contains("hart_rate is no feature; did you mean heart_rate?"))
    let rows = try lake.run("models", "explain", "illness", "--record", "features.json", "--format", "csv")
    #expect(try lake.shell("lakeward models explain illness --record - --format csv < raw.json").output == rows.output)
    let contributions = rows.output.split(separator: "\n").dropFirst().compactMap {
      Double($0.split(separator: ",", omittingEmptySubsequences: false)[2])
    }
    let probability = try lake.query(
      "SELECT round(predict_illness(0,0,0,0,1,0,1,NULL,NULL,130,NULL,NULL,NULL,NULL,9.5,NULL,NULL), 3) AS p",
      "--format",
      "csv")
    #expect(contributions.count == 18)
    // The contributions make the model's own probability; calibration comes after it, here as in SQL.
    let words = try #require(
      chart.output.firstMatch(of: /before calibration, ([0-9.]+), of which calibration makes ([0-9.]+)\./))
    #expect(abs(contributions.reduce(0, +) - (Double(words.1) ?? -1)) < 6e-4)
    #expect(abs((Double(probability.dropFirst(2).dropLast()) ?? -1) - (Double(words.2) ?? 2)) < 1.1e-3)
    try lake.directory.write(#"{"nothing": 1}"#, to: "nothing.json")
    try lake.directory.write(#"{"heart_rate": "fast"}"#, to: "text.json")
    try lake.directory.write("[1]", to: "list.json")
    #expect(
      try lake.failure("models", "explain", "illness", "--record", "nothing.json").contains(
        "none of the model's features"))
    #expect(
      try lake.failure("models", "explain", "illness", "--record", "text.json").hasSuffix("heart_rate is not a number"))
    #expect(try lake.failure("models", "explain", "illness", "--record", "list.json").contains("one JSON object"))
    #expect(try lake.failure("models", "explain", "illness", "--record", "none.json").contains("cannot be read"))
  }
}
