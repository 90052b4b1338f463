import Foundation
import JSON
import LakewardTesting
import Testing

/// The notebooks run from beginning to end on a small lake that the program made.
@Suite struct NotebookTests {
  static let peer = PythonEnvironment("notebook")
  private static let folder = Places.packageRoot() + "/notebooks"

  /// Outputs hold values of patients, and change with every run.
  @Test func notebooksAreCommittedWithoutOutputs() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder).filter { $0.hasSuffix(".ipynb") }
    #expect(Set(names) == ["walkthrough.ipynb", "ward_report.ipynb", "population_report.ipynb"])
    for name in names {
      let text = try String(contentsOfFile: "\(Self.folder)/\(name)", encoding: .utf8)
      let cells = try #require(JSONValue(parsing: text)?.object?["cells"]?.array)
      for cell in cells.compactMap(\.object) where cell["cell_type"]?.string == "code" {
        #expect(cell["outputs"]?.array?.isEmpty == true && cell["execution_count"]?.string == nil, "\(name)")
      }
      #expect(!text.contains("image/png"), "\(name)")
    }
  }

  @Test(.enabled(if: peer.isReady)) func notebooksRun() throws {
    let lake = try SampleLake()
    try FileManager.default.copyItem(
      atPath: Places.packageRoot() + "/pipelines", toPath: lake.directory.file("pipelines"))
    for line in try Self.linesOfTheGuide() {
      let outcome = try lake.shell(line)
      #expect(outcome.succeeded, "\(line): \(outcome.errors)")
    }
    let report = lake.directory.file("report")
    func run(_ name: String, cells: Int64, images: Int64) throws -> String {
      let outcome = try ChildProcess.run(
        try #require(Self.peer.interpreter),
        ["\(Places.packageRoot())/Tests/LakewardTesting/peers/notebook_peer.py", "\(Self.folder)/\(name).ipynb"],
        environment: [
          "LAKEWARD_LAKE": lake.directory.file("lake"), "LAKEWARD_REPORT": report, "PYTHONDONTWRITEBYTECODE": "1",
          // Settings and caches of matplotlib and IPython stay out of the home folder.
          "HOME": lake.directory.path, "MPLCONFIGDIR": lake.directory.file("matplotlib"),
        ], seconds: 300)
      #expect(outcome.succeeded, "\(name): \(outcome.errors)")
      let result = JSONValue(parsing: outcome.output)?.object
      #expect(result?["cells"]?.int == cells && result?["images"]?.int == images, "\(name): \(outcome.output)")
      return result?["text"]?.string ?? ""
    }
    let walk = try run("walkthrough", cells: 8, images: 2)
    func count(_ table: String) throws -> String {
      try lake.query("SELECT count(*) AS n FROM \(table)", "--format", "csv").split(separator: "\n").last.map(
        String.init) ?? ""
    }
    let (bronze, silver) = (try count("bronze_patient_vitals"), try count("silver_patient_vitals"))
    #expect(bronze == "2000" && walk.contains("bronze \(bronze) = silver \(silver) + quarantine "), "\(walk)")
    _ = try run("ward_report", cells: 7, images: 2)
    _ = try run("population_report", cells: 6, images: 2)
    let files = Set(try FileManager.default.contentsOfDirectory(atPath: report))
    #expect(
      files == [
        "news2_by_hour.png", "vital_signs_by_hour.csv", "attention.csv", "alerts.csv", "alerts_by_policy.png",
        "expectations.csv", "quarantine.csv", "age_pyramid.png", "conditions.csv", "length_of_stay.csv",
        "readmissions.png",
        "readmissions.csv",
      ])
    let hours = try String(contentsOfFile: report + "/vital_signs_by_hour.csv", encoding: .utf8)
    #expect(hours.hasPrefix("hour_start,ward,patients,readings,") && hours.split(separator: "\n").count > 2)
  }

  /// The commands with which docs/notebooks.md makes a lake.
  private static func linesOfTheGuide() throws -> [String] {
    let page = try String(contentsOfFile: Places.packageRoot() + "/docs/notebooks.md", encoding: .utf8)
    let block = page.components(separatedBy: "```").first { $0.hasPrefix("sh\n") }
    let lines = try #require(block).split(separator: "\n").dropFirst().map(String.init)
    #expect(lines.count >= 6)
    return lines
  }
}
