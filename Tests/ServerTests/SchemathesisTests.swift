import Foundation
import LakewardTesting
import Server
import Testing

/// Schemathesis calls every route with what the OpenAPI document allows, and with what it does not.
@Suite("Schemathesis") struct SchemathesisTests {
  private static let program: String? = {
    var roots = [Places.packageRoot()]
    // A linked work tree uses the main one's environment.
    let main = try? FileManager.default.destinationOfSymbolicLink(atPath: roots[0] + "/.venv-peers")
    if let main { roots.append(URL(fileURLWithPath: main).deletingLastPathComponent().path) }
    return roots.map { $0 + "/.venv-api/bin/schemathesis" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  private static var isReady: Bool {
    let required = ProcessInfo.processInfo.environment["LAKEWARD_REQUIRE_PEERS"] ?? ""
    if program == nil { Places.note("skipped: no .venv-api (scripts/peers makes it)") }
    return program != nil || !required.isEmpty
  }

  @Test(.enabled(if: isReady)) func noServerErrorAndNoUndocumentedAnswer() throws {
    let program = try #require(Self.program, "scripts/peers makes .venv-api")
    let harness = try ServerHarness()
    let outcome = try ChildProcess.run(
      program,
      [
        "run", harness.server.address + "/openapi.json", "--exclude-path", "/events", "--max-examples", "3", "--phases",
        "examples,fuzzing", "--checks",
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance", "--workers",
        "1",
        "--no-color", "--seed", "1",
      ], environment: ["PYTHONNOUSERSITE": "1", "HOME": harness.directory.path], directory: harness.directory.path,
      seconds: 600)
    #expect(outcome.succeeded, "\(outcome.output.suffix(3_000)) \(outcome.errors.suffix(500))")
  }
}
