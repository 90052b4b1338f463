import Testing

@testable import Pipelines

/// `sinks:` of a pipeline, and `bigquery:` and `server.postgres` of the configuration.
@Suite struct SinkTests {
  private static func sink(_ yaml: String) throws -> (sink: SinkDefinition?, problems: [DefinitionProblem]) {
    let problems = ProblemList()
    let node = try #require(try YAML.parse(yaml, file: "pipeline.yml"))
    return (SinkDefinition(node, problems), problems.problems)
  }

  @Test func aSinkNamesTablesAndViews() throws {
    let (sink, problems) = try Self.sink("bigquery: { tables: [gold_a], views: [b, c], every: 2 min }")
    #expect(problems.isEmpty)
    #expect(sink?.tables == ["gold_a"] && sink?.views == ["b", "c"] && sink?.everySeconds == 120)
    #expect(try Self.sink("bigquery: { tables: gold_a }").sink?.everySeconds == 300)
  }

  @Test(arguments: [
    "bigquery: { every: 5 min }", "bigquery: { table: [a] }", "redshift: { tables: [a] }",
    "bigquery: { tables: [\"no name\"] }", "bigquery: { tables: [a], every: 5 }",
  ])
  func mistakesHaveALine(yaml: String) throws {
    let problems = try Self.sink(yaml).problems
    #expect(!problems.isEmpty && problems.allSatisfy { $0.location.line == 1 })
  }

  @Test func theConfigurationSaysWhere() throws {
    let configuration = try LakeConfiguration(
      yaml: """
        bigquery: { project: my-project, credentials: keys/loader.json, location: EU }
        server: { postgres: "127.0.0.1:5433" }
        """, file: "lakeward.yml", folder: "conf")
    #expect(configuration.bigquery?.dataset == "patient_data" && configuration.bigquery?.location == "EU")
    #expect(configuration.bigquery?.credentials == "conf/keys/loader.json")
    #expect(configuration.server?.postgres == "127.0.0.1:5433")
    #expect(throws: DefinitionError.self) {
      try LakeConfiguration(yaml: "bigquery: { project: \"a/b\" }", file: "lakeward.yml")
    }
    #expect(throws: DefinitionError.self) {
      try LakeConfiguration(yaml: "bigquery: { dataset: d }", file: "lakeward.yml")
    }
    let metadata = try LakeConfiguration(
      yaml: "bigquery: { project: p, credentials: metadata }", file: "lakeward.yml", folder: "conf")
    #expect(metadata.bigquery?.credentials == "metadata")
  }
}
