import Dashboards
import Foundation
import LakewardTesting
import Pipelines
import Testing

@Suite("Pages as YAML")
struct PageTests {
  @Test("A page says its panels, and keeps its SQL from the browser")
  func page() throws {
    let page = try Page(
      yaml: """
        title: Illness
        order: 20
        refresh: { every: 30 s, on: [gold_patient_data] }
        parameters:
          - { name: gender, options: [all, female, male] }
        panels:
          - title: Patient Age Overview
            chart: bar
            x: age_group
            y: [patients]
            width: 6
            sql: SELECT age_group, count(*) AS patients FROM gold_patient_data GROUP BY ALL
          - { title: Console, view: sql }
        """, file: "illness.yml", name: "illness")
    #expect(page.refreshSeconds == 30)
    #expect(page.refreshTables == ["gold_patient_data"])
    #expect(
      page.parameters == [
        PageParameter(name: "gender", title: "gender", default: "all", options: ["all", "female", "male"])
      ])
    #expect(page.panels.map(\.id) == ["patient_age_overview", "console"])
    #expect(page.panel("patient_age_overview")?.sql?.hasPrefix("SELECT age_group") == true)
    let sent = String(decoding: try JSONEncoder().encode(page), as: UTF8.self)
    #expect(sent.contains("\"refresh_on\":[\"gold_patient_data\"]"))
    #expect(!sent.contains("SELECT"))
  }

  @Test(
    "What is wrong is said with its line",
    arguments: [
      ("panels: [{ title: A, chart: bar, sql: SELECT 1, x: a }]", "x.yml:1:1", "has no 'title'"),
      ("title: A", "x.yml:1:1", "has no panels"),
      ("title: A\npanels:\n  - { title: B }", "x.yml:3:5", "neither 'chart' nor 'view'"),
      ("title: A\npanels:\n  - { title: B, chart: sanky, sql: SELECT 1 }", "x.yml:3:24", "did you mean 'sankey'?"),
      ("title: A\npanels:\n  - { title: B, chart: bar, x: a, y: [b] }", "x.yml:3:5", "has no query"),
      ("title: A\npanels:\n  - { title: B, view: prediction }", "x.yml:3:5", "needs 'model'"),
      ("title: A\npanels:\n  - { title: B, view: sql }\n  - { title: B, view: sql }", "x.yml:1:1", "two panels"),
      ("title: A\npanels:\n  - { title: B, view: sql, widht: 6 }", "x.yml:3:28", "did you mean 'width'?"),
      ("", "x.yml:1:1", "the page is empty"),
    ])
  func mistakes(_ yaml: String, _ place: String, _ words: String) throws {
    let error = #expect(throws: DefinitionError.self) { try Page(yaml: yaml, file: "x.yml", name: "x") }
    let problem = error?.problems.first { $0.description.contains(words) }
    #expect(problem?.location.description == place, "\(error.map(String.init(describing:)) ?? "no error")")
  }

  @Test("A name that cannot stand in an address is refused")
  func name() {
    #expect(throws: DefinitionError.self) {
      try Page(yaml: "title: A\npanels: [{ title: B, view: sql }]", file: "x", name: "../x")
    }
  }

  @Test("A parameter takes what it offers")
  func parameter() {
    let one = PageParameter(name: "ward", title: "Ward", default: "all", options: ["all", "A"])
    #expect(one.allows("A"))
    #expect(!one.allows("'; DROP"))
    #expect(PageParameter(name: "x", title: "X").allows("anything"))
    #expect(!PageParameter(name: "x", title: "X").allows(String(repeating: "x", count: 201)))
  }

  @Test("The pages that ship are read, the ward first")
  func shipped() throws {
    let pages = try Page.load(folder: Places.packageRoot() + "/dashboards")
    #expect(pages.first?.name == "ward")
    #expect(
      Set(pages.map(\.name)).isSuperset(of: [
        "ward", "illness", "risk", "diabetes", "population", "quality", "pipelines", "models", "sql",
      ]))
  }
}
