import Foundation
import LakewardTesting
import Pipelines
import SparkExport
import Testing

/// Projects of Spark from the pipelines that ship; `make spark` runs one on Spark itself.
@Suite struct SparkProjectTests {
  private static let folder = Places.packageRoot() + "/pipelines"

  private static func project(_ name: String) throws -> (pipeline: Pipeline, project: SparkProject) {
    let pipeline = try Pipeline.load(folder: "\(folder)/\(name)")
    let training = Set(pipeline.models.flatMap(\.trainingFiles))
    let files = try FileManager.default.contentsOfDirectory(atPath: pipeline.folder).sorted()
      .filter { $0.hasSuffix(".sql") && !training.contains($0) }
      .map { Pipeline.File(name: $0, text: try String(contentsOfFile: "\(pipeline.folder)/\($0)", encoding: .utf8)) }
    let models = pipeline.models.map {
      SparkProject.Model(name: $0.name, version: "3", features: $0.features, classes: $0.classes, threshold: 0.4)
    }
    let project = try SparkProject(
      pipeline, sql: files, models: models, landing: "/srv/la\"ke/landing",
      tables: Dictionary(uniqueKeysWithValues: pipeline.externalTables.map { ($0, "/srv/lake/tables/\($0)") }))
    return (pipeline, project)
  }

  @Test(arguments: ["risk", "illness", "diabetes"]) func holdsTheSQLAsItIs(_ name: String) throws {
    let (pipeline, project) = try Self.project(name)
    for table in pipeline.streamingTables {
      let file = (table.location.file as NSString).lastPathComponent
      let text = try String(contentsOfFile: table.location.file, encoding: .utf8)
      #expect(project.files.first { $0.name == "transformations/\(file)" }?.text == text)
    }
    let source = try #require(project.files.first { $0.name == "transformations/lakeward_source.py" }?.text)
    for field in pipeline.source?.fields ?? [] { #expect(source.contains("alias(\"\(field.name)\")")) }
    let models = try #require(project.files.first { $0.name == "transformations/lakeward_models.py" }?.text)
    #expect(models.contains("\"version\": \"3\"") && models.contains("\"\(pipeline.models[0].features[0])\""))
    // Every call of a model's function finds one.
    for table in pipeline.streamingTables {
      let sql = try String(contentsOfFile: table.location.file, encoding: .utf8)
      for word in ["predict", "explain"] where sql.contains("\(word)_") {
        #expect(models.contains("\"\(word)\": "), "\(word)")
      }
    }
    #expect(models.components(separatedBy: "return {").dropFirst().allSatisfy { $0.contains("\"explain\": explain") })
    let notes = try #require(project.files.first { $0.name == "README.md" }?.text)
    #expect(notes.contains("one row for each patient_id, event_time"))
  }

  @Test(.enabled(if: PythonEnvironment.peers.isReady), arguments: ["risk", "illness", "diabetes"])
  func pythonTakesTheFiles(_ name: String) throws {
    let directory = try TemporaryDirectory("spark")
    for file in try Self.project(name).project.files where file.name.hasSuffix(".py") {
      let path = directory.file((file.name as NSString).lastPathComponent)
      try file.text.write(toFile: path, atomically: true, encoding: .utf8)
      let interpreter = try #require(PythonEnvironment.peers.interpreter)
      let outcome = try ChildProcess.run(
        interpreter, ["-c", "import ast, sys; ast.parse(open(sys.argv[1]).read())", path], seconds: 60)
      #expect(outcome.succeeded, "\(file.name): \(outcome.errors)")
    }
  }

  @Test func whatSparkCannotIsRefused() throws {
    #expect(throws: SparkProject.Unsupported.self) { try Self.project("vitals") }
  }
}
