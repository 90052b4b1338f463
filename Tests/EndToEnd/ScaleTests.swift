import Foundation
import LakewardTesting
import Testing

/// What `bench/plan` computes for `docs/scale.md`.
@Suite struct ScaleTests {
  private func plan(_ results: String, _ words: [String] = []) throws -> [String] {
    let directory = try TemporaryDirectory("plan")
    let path = try directory.write(results, to: "results.json")
    let outcome = try ChildProcess.run(
      "/usr/bin/python3", ["\(Places.packageRoot())/bench/plan", "--results", path] + words,
      environment: ["PYTHONDONTWRITEBYTECODE": "1"])
    #expect(outcome.succeeded, "\(outcome.errors)")
    return outcome.output.split(separator: "\n").map(String.init)
  }

  private static let stream = """
    "machine": {"processor": "a processor"},
    "stream-vitals": {
      "facts": {"records": 100000, "megabytes": 25},
      "results": {"lakeward": {"core_seconds": 10, "peak_megabytes": 500}}}
    """

  /// 10,000 readings a second; twice that while catching up; 10,000 per core-second, of which half may be used: 4 cores.
  @Test func coresFollowFromTheRate() throws {
    let lines = try plan("{\(Self.stream)}")
    #expect(lines.contains("| readings/s | 167 | 2,000 | 10,000 |"))
    #expect(lines.contains("| cores | 0.07 | 0.80 | 4.00 |"))
    #expect(lines.contains("| processes of one core, two at least | 2 | 2 | 4 |"))
    #expect(lines.contains("| memory of the processes, GB | 1.0 | 1.0 | 2.0 |"))
    // 10,000 × 250 bytes × 86,400 s × 7 days × 3 copies.
    #expect(lines.contains { $0.hasPrefix("| the topic's disks") && $0.hasSuffix(" 4,536 |") })
    #expect(!lines.contains { $0.contains("growth of the lake") })
    let calm = try plan("{\(Self.stream)}", ["--outage-minutes", "0", "--beds", "5000", "--utilisation", "1"])
    #expect(calm.contains("| cores | 0.01 | 0.10 | 0.50 |"))
  }

  /// Of several measured rates the lowest counts.
  @Test func theLowestRateCounts() throws {
    let lines = try plan(
      """
      {\(Self.stream), "scale": {
        "throughput": [
          {"name": "1 process", "records_per_core_second": 20000, "peak_megabytes": 300, "bytes_per_record": 100},
          {"name": "3 processes", "records_per_core_second": 5000, "peak_megabytes": 600, "bytes_per_record": 120}],
        "failover": {"standstill_seconds": 7.25}}}
      """)
    #expect(lines.contains("| cores | 0.13 | 1.60 | 8.00 |"))
    #expect(lines.contains("| memory of the processes, GB | 1.2 | 1.2 | 4.8 |"))
    #expect(lines.contains("| growth of the lake, GB a day | 2 | 21 | 104 |"))
    #expect(lines.contains { $0.contains("3 processes from Kafka, bench/scale") })
    #expect(lines.contains { $0.contains("stood still for 7.2 s at most") })
  }
}
