import Foundation
import LakewardTesting
import Testing

/// The dashboard of a running demo, seen through a real browser.
@Suite(.serialized, .enabled(if: PythonEnvironment.browser.isReady, "scripts/peers makes .venv-browser"))
struct BrowserTests {
  @Test("Every page renders with live data; an alert is acknowledged and stays so after a restart")
  func dashboard() throws {
    let demo = try Demo()
    defer { demo.end() }

    let ward = try demo.look("ward")
    #expect(ward.number("cards") ?? 0 >= 10)
    #expect(ward.flag("sorted") == true, "cards come in the order of risk")
    #expect(ward.number("polled") == 0, "the ward changes by events, not by polling")
    #expect(ward.list("errors") == [])
    #expect(ward.number("charts") ?? 0 >= 4, "a patient's trends are drawn")

    let alert = try demo.look("alert")
    #expect(alert.list("errors") == [])
    let identifier = try #require(alert.text("id"))

    let drift = try demo.look("model_alert")
    #expect(drift.text("listed") == "/pages/models" && drift.text("told")?.hasPrefix("Model sepsis") == true)
    #expect(drift.list("errors") == [])

    let sql = try demo.look("sql")
    #expect(sql.list("cells") == ["0", "0", "1", "1", "2", "4", "3", "9", "4", "16", "5", "25", "6", "36"])
    #expect(sql.list("csv").first == "n,square" && sql.list("csv").count == 8)
    #expect(sql.text("mistake")?.contains("no_such_table") == true)
    #expect(sql.text("refused")?.contains("only reads") == true)
    #expect(sql.list("errors") == [])

    let form = try demo.look("form")
    #expect(form.text("message") == "a number is wanted")
    #expect(form.text("probability")?.hasSuffix("%") == true)
    #expect(form.list("errors") == [])

    let people = try demo.look("people")
    #expect(people.text("chosen")?.isEmpty == false && people.number("listed") ?? 0 >= 1)
    #expect(people.number("points") ?? 0 >= 3, "hospitals stand in the funnel plot")
    #expect(people.list("errors") == [])

    let keyboard = try demo.look("keyboard")
    #expect(keyboard.text("first") == "Skip to the page" && keyboard.text("at") == "#main")
    #expect(keyboard.text("theme") == keyboard.text("kept"))
    #expect(keyboard.list("errors") == [])

    let pages = try demo.look("pages", seconds: 600)
    #expect(
      pages.list("pages") == [
        "ward", "illness", "risk", "diabetes", "population", "quality", "pipelines", "catalogue", "models", "sql",
      ])
    for (name, page) in pages.members("seen") {
      #expect(page.list("errors") == [], "\(name): nothing is written to the console")
      #expect(page.list("problems") == [], "\(name): no panel fails")
      #expect(page.list("unnamed") == [], "\(name): every control has a name")
      #expect(page.number("sideways") == 0, "\(name): nothing sticks out at the side")
    }

    let told = try demo.jobsTold()
    #expect(
      told.isSuperset(of: [
        "import.synthea_patients", "train.illness", "train.risk", "population.gold_age_pyramid", "vitals",
        "vitals.silver_patient_vitals", "illness.gold_patient_data",
      ]), "lineage of the demo: \(told.sorted())")

    try demo.restart()
    let after = try demo.look("alert_state", identifier)
    #expect(["acknowledged", "resolved"].contains(after.text("state")) && after.text("by") != nil)
  }
}

/// A demo in a folder of its own, and the server on its lake after it has ended.
private final class Demo {
  private let directory: TemporaryDirectory
  private let program: String
  private var process: ChildProcess
  private var port = ""
  private let pictures: String

  init() throws {
    directory = try TemporaryDirectory("browser")
    program = try #require(Places.program(), "the program has not been built")
    for folder in ["pipelines", "dashboards"] {
      try FileManager.default.createSymbolicLink(
        atPath: directory.file(folder), withDestinationPath: "\(Places.packageRoot())/\(folder)")
    }
    try directory.write("openlineage: { file: events.ndjson, interval: 5 s }\n", to: "lakeward.yml")
    // Kept for a person to look at.
    pictures = "\(Places.packageRoot())/Tests/artifacts/dashboard"
    try FileManager.default.createDirectory(atPath: pictures, withIntermediateDirectories: true)
    process = try ChildProcess(
      program,
      ["demo", "--patients", "150", "--rate", "100", "--listen", "127.0.0.1:0", "--port-file", directory.file("port")],
      directory: directory.path)
    try waitForPort()
  }

  private func waitForPort() throws {
    let end = ContinuousClock.now + .seconds(300)
    while ContinuousClock.now < end {
      if let text = try? String(contentsOfFile: directory.file("port"), encoding: .utf8), !text.isEmpty {
        port = text
        return
      }
      try #require(process.isRunning, "the program ended: \(process.errorsSoFar)")
      Thread.sleep(forTimeInterval: 0.1)
    }
    Issue.record("no port within the time: \(process.outputSoFar) \(process.errorsSoFar)")
  }

  /// Runs a check of browser.py; a failed check says what the page looked like.
  func look(_ check: String, _ arguments: String..., seconds: Double = 300) throws -> Answer {
    let interpreter = try #require(PythonEnvironment.browser.interpreter, "scripts/peers makes .venv-browser")
    let outcome = try ChildProcess.run(
      interpreter,
      ["\(Places.packageRoot())/Tests/LakewardTesting/peers/browser.py", "http://127.0.0.1:\(port)", pictures, check]
        + arguments, seconds: seconds)
    try #require(outcome.succeeded, "\(check): \(outcome.errors)")
    return Answer(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)))
  }

  /// The jobs of which OpenLineage's events have told so far.
  func jobsTold() throws -> Set<String> {
    let text = try String(contentsOfFile: directory.file("events.ndjson"), encoding: .utf8)
    return Set(
      text.split(separator: "\n").compactMap {
        let event = try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        return (event?["job"] as? [String: Any])?["name"] as? String
      })
  }

  /// Ends the demo as a power cut would, and serves its lake again.
  func restart() throws {
    process.signal(SIGKILL)
    _ = try? process.wait(seconds: 20)
    try FileManager.default.removeItem(atPath: directory.file("port"))
    process = try ChildProcess(
      program, ["serve", "--listen", "127.0.0.1:0", "--port-file", directory.file("port")], directory: directory.path)
    try waitForPort()
  }

  func end() {
    process.signal(SIGKILL)
    _ = try? process.wait(seconds: 20)
  }
}

/// The JSON that a check prints.
private struct Answer {
  private let value: Any

  init(_ value: Any) { self.value = value }

  private subscript(_ name: String) -> Any? { (value as? [String: Any])?[name] }
  func text(_ name: String) -> String? { self[name] as? String }
  func number(_ name: String) -> Int? { (self[name] as? NSNumber)?.intValue }
  func flag(_ name: String) -> Bool? { self[name] as? Bool }
  func list(_ name: String) -> [String] { self[name] as? [String] ?? ["\(name) is missing"] }
  func members(_ name: String) -> [(String, Answer)] {
    ((self[name] as? [String: Any]) ?? [:]).map { ($0.key, Answer($0.value)) }.sorted { $0.0 < $1.0 }
  }
}
