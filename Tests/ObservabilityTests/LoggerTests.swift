import Foundation
import Synchronization
import Testing

@testable import Observability

@Suite("Log and health")
struct LoggerTests {
  private struct Failure: Error, CustomStringConvertible { var description: String }

  private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    func append(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
  }

  private func logger(_ format: Logger.Format, _ level: LogLevel = .info) -> (Logger, Lines) {
    let lines = Lines()
    return (Logger(format: format, level: level, clock: { 1_772_352_000_123_456 }) { lines.append($0) }, lines)
  }

  @Test("A JSON line can be read by any reader of JSON, whatever its fields hold")
  func json() throws {
    let (logger, lines) = logger(.json)
    logger.warning(
      "commit failed",
      [
        "table": .name("silver \"x\"\\\n\u{1}"), "rows": .count(-3), "seconds": .seconds(0.25), "last": .flag(true),
        "at": .instant(0), "cause": .error(Failure(description: "disk\tfull")), "rate": .number(.infinity),
      ])
    let line = try #require(lines.all.first)
    #expect(line.hasSuffix("}\n") && !line.dropLast().contains("\n"))
    let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    #expect(object["time"] as? String == "2026-03-01T08:00:00.123456Z")
    #expect(object["level"] as? String == "warning")
    #expect(object["event"] as? String == "commit failed")
    #expect(object["table"] as? String == "silver \"x\"\\\n\u{1}")
    #expect(object["rows"] as? Int == -3)
    #expect(object["seconds"] as? Double == 0.25)
    #expect(object["last"] as? Bool == true)
    #expect(object["at"] as? String == "1970-01-01T00:00:00.000000Z")
    #expect(object["cause"] as? String == "disk\tfull")
    #expect(object["rate"] is NSNull)
  }

  @Test("A line for people stays one line")
  func text() {
    let (logger, lines) = logger(.text)
    logger.info("committed", ["pipeline": .name("vitals"), "seconds": .seconds(0.0123456789), "path": .name("a b\nc")])
    #expect(
      lines.all == [
        "2026-03-01T08:00:00.123456Z INFO committed pipeline=vitals seconds=0.012346s path=\"a b\\nc\"\n"
      ])
  }

  @Test("What is below the level is not written; a text without end is cut")
  func levels() {
    let (logger, lines) = logger(.json, .warning)
    logger.debug("a")
    logger.info("b")
    logger.error("c", ["path": .name(String(repeating: "x", count: 5_000))])
    #expect(lines.all.count == 1)
    #expect(lines.all[0].count < 2_200)
    #expect(LogLevel(name: "Warning") == .warning)
    #expect(LogLevel(name: "loud") == nil)
  }

  @Test(
    "Instants before 1970 and on leap days",
    arguments: [
      (-1, "1969-12-31T23:59:59.999999Z"), (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
      (4_107_542_399_000_000, "2100-02-28T23:59:59.000000Z"),
    ] as [(Int64, String)])
  func instants(microseconds: Int64, text: String) {
    #expect(LogTime.iso8601(microseconds) == text)
  }

  @Test("Health: since changes with the state, one failed pipeline is unhealthy, one that retries is not ready")
  func health() throws {
    let time = Atomic<Int64>(1_000_000)
    let health = Health { time.load(ordering: .relaxed) }
    #expect(health.report.isReady && health.report.isHealthy)
    health.set("b", .starting)
    health.set("a", .running)
    #expect(!health.report.isReady)
    time.store(2_000_000, ordering: .relaxed)
    health.set("b", .running)
    health.set("a", .running)
    health.didCommit("a", lagRecords: 5, lagSeconds: 0.5)
    #expect(health.report.isReady)
    #expect(health.report.pipelines.map(\.since) == [1_000_000, 2_000_000])
    health.set("b", .retrying, reason: "broker \"x\" away")
    #expect(!health.report.isReady && health.report.isHealthy)
    health.set("a", .failed, reason: "rule")
    #expect(!health.report.isHealthy)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(health.report.json.utf8)) as? [String: Any])
    let pipelines = try #require(object["pipelines"] as? [[String: Any]])
    #expect(pipelines[0]["lag_records"] as? Int == 5)
    #expect(pipelines[0]["last_commit"] as? String == "1970-01-01T00:00:02.000000Z")
    #expect(pipelines[1]["reason"] as? String == "broker \"x\" away")
  }
}
