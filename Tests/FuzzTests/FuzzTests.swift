import Foundation
import LakewardTesting
import Testing

/// Thousands of broken inputs for every reader of a format: none traps, none hangs, each is read or properly refused.
///
/// The same inputs each time; `LAKEWARD_FUZZ_INPUTS` asks for more of them and `LAKEWARD_FUZZ_SEED` for others.
@Suite struct FuzzTests {
  private static func number(_ name: String) -> Int? {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
  }

  @Test(arguments: [
    ("json", 20_000), ("records", 20_000), ("csv", 1_000), ("hl7", 1_500), ("mllp", 5_000), ("fhir", 500),
    ("yaml", 150),
    ("sql", 80), ("delta-log", 1_500), ("checkpoint", 150), ("postgres", 5_000), ("http", 2_000),
  ])
  func brokenInputsAreReadOrRefused(_ format: String, _ few: Int) throws {
    let directory = try TemporaryDirectory("fuzz")
    let program = try #require(Places.program("fuzzer"))
    let last = directory.file("last")
    let times = Self.number("LAKEWARD_FUZZ_INPUTS").map { max(1, $0 / 1_000) } ?? 1
    let words = [format, "\(Self.number("LAKEWARD_FUZZ_SEED") ?? 1)", "\(few * times)", last]
    let process = try ChildProcess(program, words, environment: ["TMPDIR": directory.path])
    let outcome = try? process.wait(seconds: 120 * Double(times))
    if outcome?.succeeded != true {
      // The inputs that it was reading: a count, then the length and the bytes of each.
      let bytes = try Data(contentsOf: URL(fileURLWithPath: last))
      let used = (bytes.lastIndex { $0 != 0 } ?? 0) + 1
      Issue.record(
        """
        \(words.joined(separator: " ")): status \(outcome.map { "\($0.status)" } ?? "none, it hangs")
        \(process.errorsSoFar.suffix(2_000))
        last input, base64: \(bytes.prefix(min(used, 6_000)).base64EncodedString())
        """)
      return
    }
    ReliabilityLog.add(line: process.outputSoFar.trimmingCharacters(in: .newlines))
  }
}
