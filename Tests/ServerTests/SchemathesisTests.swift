import Foundation
import LakewardTesting
import Server
import Testing

/// Schemathesis calls every route with what the OpenAPI document allows, and with what it does not.
@Suite("Schemathesis") struct SchemathesisTests {
  @Test(.enabled(if: PythonEnvironment.api.isReady("schemathesis"))) func noServerErrorAndNoUndocumentedAnswer() throws
  {
    let program = try #require(PythonEnvironment.api.program("schemathesis"), "scripts/peers makes .venv-api")
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
