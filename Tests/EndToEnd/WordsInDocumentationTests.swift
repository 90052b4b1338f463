import Foundation
import Kafka
import LakewardTesting
import Simulation
import Testing

/// Every example of the user guide runs, in the order of the text, in one folder.
@Suite struct WordsInDocumentationTests {
  /// The shell blocks of a page.
  private static func blocks(of page: String) throws -> [String] {
    let text = try String(contentsOfFile: "\(Places.packageRoot())/docs/\(page)", encoding: .utf8)
    return text.components(separatedBy: "\n```").filter { $0.hasPrefix("sh\n") }.map { String($0.dropFirst(3)) }
  }

  @Test func everyExampleRuns() throws {
    let lake = try SampleLake()
    _ = try PopulationGenerator(seed: 7, patients: 150).write(to: try lake.directory.folder("synthea/output/csv"))
    try FileManager.default.copyItem(
      atPath: "\(Places.packageRoot())/pipelines", toPath: lake.directory.file("pipelines"))
    let cluster = try MockCluster()
    try cluster.createTopic("patient_data", partitions: 1)
    try FileManager.default.copyItem(
      atPath: "\(Places.packageRoot())/docs/examples", toPath: lake.directory.folder("docs") + "/examples")
    let pages = [
      "cli.md", "query.md", "tables.md", "vitals.md", "pipelines.md", "streaming.md", "import.md", "models.md",
    ]
    for page in pages {
      let blocks = try Self.blocks(of: page)
      #expect(!blocks.isEmpty)
      for block in blocks {
        for line in block.split(separator: "\n").map(String.init) {
          let outcome = try lake.shell(line.replacing("localhost:9092", with: cluster.brokers))
          #expect(outcome.succeeded, "\(page): \(line)\n\(outcome.output)\(outcome.errors)")
        }
      }
    }
  }
}
