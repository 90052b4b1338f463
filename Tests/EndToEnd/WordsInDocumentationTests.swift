import Foundation
import Kafka
import LakewardTesting
import Simulation
import Testing

/// Every example of the user guide runs, in the order of the text, in one folder.
@Suite struct WordsInDocumentationTests {
  /// A fenced block of a page.
  private struct Block {
    /// What stands behind the fence: a language, and the file that the block is, as in "sql pipelines/x/silver.sql".
    var words: [String]
    var text: String
  }

  private static func blocks(of page: String) throws -> [Block] {
    let text = try String(contentsOfFile: "\(Places.packageRoot())/docs/\(page)", encoding: .utf8)
    let parts = ("\n" + text).components(separatedBy: "\n```")
    // Every second part lies between two fences.
    return stride(from: 1, to: parts.count, by: 2).map { index in
      let lines = parts[index].split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      return Block(words: lines[0].split(separator: " ").map(String.init), text: lines.dropFirst().joined())
    }
  }

  private static func write(_ text: String, to path: String) throws {
    let file = URL(fileURLWithPath: path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try (text + "\n").write(to: file, atomically: true, encoding: .utf8)
  }

  @Test func everyExampleRuns() throws {
    let lake = try SampleLake()
    _ = try PopulationGenerator(seed: 7, patients: 150).write(to: try lake.directory.folder("synthea/output/csv"))
    try FileManager.default.copyItem(
      atPath: "\(Places.packageRoot())/pipelines", toPath: lake.directory.file("pipelines"))
    let cluster = try MockCluster()
    try cluster.createTopic("patient_data", partitions: 1)
    let pages = [
      "cli.md", "query.md", "tables.md", "vitals.md", "views.md", "pipelines.md", "sources.md", "streaming.md",
      "operations.md",
      "import.md", "models.md", "alerts.md", "dashboard.md", "population.md", "export.md",
      "risk.md", "diabetes.md", "model-operations.md", "catalogue.md", "schedule.md",
    ]
    for page in pages {
      let blocks = try Self.blocks(of: page)
      #expect(blocks.contains { $0.words == ["sh"] })
      for block in blocks {
        if block.words.count == 2 { try Self.write(block.text, to: lake.directory.file(block.words[1])) }
        for line in block.words == ["sh"] ? block.text.split(separator: "\n").map(String.init) : [] {
          let outcome = try lake.shell(line.replacing("localhost:9092", with: cluster.brokers))
          #expect(outcome.succeeded, "\(page): \(line)\n\(outcome.output)\(outcome.errors)")
        }
      }
    }
  }
}
