import Foundation
import LakewardTesting
import Testing

/// What `deploy/` and `scripts/` hold: scripts, the compose file, the unit, and what a container does on its first start.
@Suite struct DeployTests {
  private static let root = Places.packageRoot()
  private static let isRequired = !(ProcessInfo.processInfo.environment["LAKEWARD_REQUIRE_PEERS"] ?? "").isEmpty

  /// Whether a program of Debian is there; with `LAKEWARD_REQUIRE_PEERS` a missing one is a failed test.
  private static func has(_ program: String) -> Bool {
    if isRequired || FileManager.default.isExecutableFile(atPath: "/usr/bin/\(program)") { return true }
    Places.note("skipped: \(program) is not installed (scripts/peers installs it)")
    return false
  }

  @Test(.enabled(if: has("shellcheck"))) func scriptsHoldToTheRulesOfTheShell() throws {
    let folders = ["scripts", "deploy/container", "deploy/systemd", ".ci"]
    let scripts = try folders.flatMap { folder in
      try FileManager.default.contentsOfDirectory(atPath: "\(Self.root)/\(folder)").map { "\(folder)/\($0)" }
    }.filter { path in
      let head = try? FileHandle(forReadingFrom: URL(fileURLWithPath: "\(Self.root)/\(path)")).read(upToCount: 20)
      let line = String(decoding: head ?? Data(), as: UTF8.self)
      return line.hasPrefix("#!/usr/bin/env bash") || line.hasPrefix("#!/bin/bash") || line.hasPrefix("#!/bin/sh")
    }
    #expect(scripts.count >= 12)
    // Warnings, not matters of taste; `root` and `python` are set by library.sh.
    let outcome = try ChildProcess.run(
      "shellcheck", ["--severity=warning", "--external-sources", "--exclude=SC2154"] + scripts.sorted(),
      directory: Self.root)
    #expect(outcome.succeeded, "\(outcome.output)")
  }

  @Test(.enabled(if: has("docker-compose"))) func composeFileIsWhole() throws {
    let file = "\(Self.root)/deploy/container/compose.yml"
    func compose(_ words: String...) throws -> ProcessOutcome {
      try ChildProcess.run("docker-compose", ["--project-name", "lakeward", "--file", file] + words)
    }
    let services = try compose("--profile", "simulated", "--profile", "workers", "config", "--services")
    #expect(services.succeeded, "\(services.errors)")
    #expect(
      Set(services.output.split(separator: "\n").map(String.init)) == [
        "kafka", "topics", "mlflow", "prepare", "lakeward", "worker", "simulated-vitals", "simulated-illness",
      ])
    let text = try compose("config").output
    let ports = text.split(separator: "\n").filter { $0.hasSuffix("/tcp") }
    #expect(ports.count == 3)
    for port in ports { #expect(port.contains("- 127.0.0.1:"), "\(port): open to other machines") }
  }

  /// A topic that no one makes would be a pipeline that no record reaches.
  @Test func composeMakesTheTopicOfEveryPipeline() throws {
    let compose = try String(contentsOfFile: "\(Self.root)/deploy/container/compose.yml", encoding: .utf8)
    let line = try #require(compose.split(separator: "\n").first { $0.contains("for topic in ") })
    let made = Set(line.split(whereSeparator: { " ;".contains($0) }).map(String.init))
    var topics = 0
    for name in try FileManager.default.contentsOfDirectory(atPath: "\(Self.root)/pipelines") {
      let file = "\(Self.root)/pipelines/\(name)/pipeline.yml"
      guard let text = try? String(contentsOfFile: file, encoding: .utf8),
        let match = text.firstMatch(of: /kafka: \{ topic: ([^ ,}]+)/)
      else { continue }
      topics += 1
      #expect(made.contains(String(match.1)), "\(name)")
    }
    #expect(topics >= 5)
  }

  @Test(.enabled(if: has("systemd-analyze"))) func unitIsSoundAndHardened() throws {
    let directory = try TemporaryDirectory("unit")
    let unit = try String(contentsOfFile: "\(Self.root)/deploy/systemd/lakeward.service", encoding: .utf8)
    #expect(unit.contains("ExecStart=/opt/lakeward/bin/lakeward run "))
    // The program has to exist for the check.
    let path = try directory.write(
      unit.replacing("/opt/lakeward/bin/lakeward", with: "/bin/true"), to: "lakeward.service")
    let verified = try ChildProcess.run("systemd-analyze", ["verify", "--man=no", path])
    #expect(verified.succeeded && verified.errors == "", "\(verified.errors)")
    // The number of docs/deploy.md, in tenths; above it the command fails.
    let security = try ChildProcess.run(
      "systemd-analyze", ["security", "--offline=true", "--threshold=14", "--no-pager", path])
    #expect(security.succeeded, "\(security.output)")
  }

  @Test func configurationsOfBothWaysAreRead() throws {
    let lake = try SampleLake()
    for file in ["container", "systemd"].map({ "\(Self.root)/deploy/\($0)/lakeward.yml" }) {
      let outcome = try lake.run("token", "list", "--config", file)
      #expect(outcome.succeeded && outcome.errors == "", "\(file): \(outcome.errors)")
    }
  }

  @Test func firstStartBringsModelsOnce() throws {
    let lake = try SampleLake()
    try FileManager.default.copyItem(atPath: "\(Self.root)/pipelines", toPath: lake.directory.file("pipelines"))
    let prepare = "LAKEWARD_PATIENTS=150 LAKEWARD_MODELS=illness '\(Self.root)/deploy/container/prepare'"
    let first = try lake.shell(prepare)
    #expect(first.succeeded, "\(first.output)\(first.errors)")
    let models = try lake.run("models", "list", "--format", "csv").output
    #expect(models.contains("illness,1,"), "\(models)")
    let again = try lake.shell(prepare)
    #expect(again.succeeded && again.output == "", "\(again.output)\(again.errors)")
    #expect(try lake.run("models", "list", "--format", "csv").output == models)
  }

  /// The start script against a counterpart of compose that runs what is meant for the container `lakeward` here.
  @Test func startSaysATokenOnceAndStopKeepsData() throws {
    let lake = try SampleLake()
    let words = lake.directory.file("words")
    let counterpart = try lake.directory.write(
      """
      #!/bin/sh
      echo "$@" >>'\(words)'
      shift 4
      [ "$1 $2 $3 $4" = "exec -T lakeward lakeward" ] || exit 0
      shift 4
      cd '\(lake.directory.path)' && exec '\(lake.program)' "$@"

      """, to: "compose")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: counterpart)
    func deploy(_ line: String) throws -> ProcessOutcome {
      try? FileManager.default.removeItem(atPath: words)
      return try lake.shell("LAKEWARD_COMPOSE='\(counterpart)' '\(Self.root)/deploy/container/'\(line)")
    }
    let first = try deploy("start --simulated")
    #expect(first.succeeded && first.output.contains("said once"), "\(first.output)\(first.errors)")
    #expect(first.output.contains("http://localhost:8080"))
    let said = try String(contentsOfFile: words, encoding: .utf8).split(separator: "\n")
    #expect(said.first == "--project-name lakeward --file compose.yml --profile simulated up --build --detach")
    #expect(try lake.run("token", "list").output.contains("admin"))
    let second = try deploy("start")
    #expect(second.succeeded && !second.output.contains("said once"))
    #expect(try deploy("stop").succeeded)
    #expect(try !String(contentsOfFile: words, encoding: .utf8).contains("--volumes"))
    #expect(try deploy("stop --delete-data").succeeded)
    #expect(try String(contentsOfFile: words, encoding: .utf8).hasSuffix(" down --volumes\n"))
    #expect(try deploy("stop --everything").status == 2)
  }
}
