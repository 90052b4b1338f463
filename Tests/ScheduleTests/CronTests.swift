import Foundation
import Pipelines
import Schedule
import Testing

/// When expressions are due, also where the clock is set forward or back.
@Suite struct CronTests {
  private static func instant(_ text: String) throws -> Int64 {
    Int64(try Date(text, strategy: .iso8601).timeIntervalSince1970)
  }

  /// The next times after one, in UTC.
  private static func next(_ cron: String, after text: String, zone: String, count: Int) throws -> [String] {
    let expression = try CronExpression(cron)
    let zone = try #require(TimeZone(identifier: zone))
    var time = try instant(text)
    return try (0..<count).map { _ in
      time = try #require(
        expression.next(after: time) { zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double($0))) })
      return Date(timeIntervalSince1970: Double(time)).formatted(.iso8601)
    }
  }

  @Test(arguments: [
    ("*/15 * * * *", "2026-01-31T23:50:00Z", "GMT", ["2026-02-01T00:00:00Z", "2026-02-01T00:15:00Z"]),
    ("30 2 * * *", "2026-01-01T02:30:00Z", "GMT", ["2026-01-02T02:30:00Z"]),
    ("0 9-17/4 * * MON-FRI", "2026-01-02T17:00:00Z", "GMT", ["2026-01-05T09:00:00Z", "2026-01-05T13:00:00Z"]),
    ("0 0 29 2 *", "2026-03-01T00:00:00Z", "GMT", ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
    ("0 0 29 2 *", "2096-03-01T00:00:00Z", "GMT", ["2104-02-29T00:00:00Z"]),
    // Either day is enough if both are named.
    (
      "0 12 13 * FRI", "2026-03-01T00:00:00Z", "GMT",
      ["2026-03-06T12:00:00Z", "2026-03-13T12:00:00Z", "2026-03-20T12:00:00Z"]
    ),
    ("0 0 * * 7", "2026-01-01T00:00:00Z", "GMT", ["2026-01-04T00:00:00Z"]),
    ("@monthly", "2026-01-15T00:00:00Z", "GMT", ["2026-02-01T00:00:00Z"]),
    ("30 9 * * *", "2026-06-30T20:00:00Z", "Asia/Kolkata", ["2026-07-01T04:00:00Z"]),
    // Summer time begins on 29 March 2026: 02:30 does not exist, and is taken an hour later.
    (
      "30 2 * * *", "2026-03-28T00:00:00Z", "Europe/Berlin",
      ["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]
    ),
    // It ends on 25 October: 02:30 comes twice, and is taken once.
    ("30 2 * * *", "2026-10-24T12:00:00Z", "Europe/Berlin", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
    // Every hour means every hour that the clock shows, without a hole and without a repeat.
    ("0 * * * *", "2026-03-29T00:00:00Z", "Europe/Berlin", ["2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"]),
    (
      "30 * * * *", "2026-10-25T00:00:00Z", "Europe/Berlin",
      ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"]
    ),
    // Half an hour is put in at Lord Howe Island.
    ("15 2 * * *", "2026-10-03T00:00:00Z", "Australia/Lord_Howe", ["2026-10-03T15:45:00Z", "2026-10-04T15:15:00Z"]),
  ])
  func dueTimes(_ cron: String, _ after: String, _ zone: String, _ expected: [String]) throws {
    #expect(try Self.next(cron, after: after, zone: zone, count: expected.count) == expected)
  }

  /// Every due time of the days around a change of summer time, found by looking at each minute.
  @Test(arguments: ["7 */5 * * *", "20,40 1-3 * * SUN"], ["Europe/Berlin", "America/New_York"])
  func agreesWithLookingAtEachMinute(_ cron: String, _ zone: String) throws {
    let expression = try CronExpression(cron)
    let zone = try #require(TimeZone(identifier: zone))
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    let isEurope = zone.identifier.hasPrefix("Europe")
    let start = try Self.instant(isEurope ? "2026-03-27T00:00:00Z" : "2026-03-06T00:00:00Z")
    let end = start + 4 * 86_400
    var found: [Int64] = []
    var time = start
    while let next = expression.next(
      after: time, offset: { zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double($0))) }),
      next < end
    {
      found.append(next)
      time = next
    }
    let parts = cron.split(separator: " ").map(String.init)
    let expected = stride(from: start + 60, to: end, by: 60).filter { instant in
      let local = calendar.dateComponents(
        [.minute, .hour, .day, .weekday], from: Date(timeIntervalSince1970: Double(instant)))
      func matches(_ text: String, _ value: Int?) -> Bool {
        guard let value else { return false }
        switch text {
        case "*": return true
        case "*/5": return value % 5 == 0
        case "1-3": return (1...3).contains(value)
        case "SUN": return value == 1
        default: return text.split(separator: ",").contains { Int($0) == value }
        }
      }
      return matches(parts[0], local.minute) && matches(parts[1], local.hour) && matches(parts[2], local.day)
        && matches(parts[4], local.weekday)
    }
    // A time that the clock leaves out is taken later, so it is in one list only.
    let extra = Set(found).symmetricDifference(expected)
    let change = zone.nextDaylightSavingTimeTransition(after: Date(timeIntervalSince1970: Double(start)))
    #expect(extra.allSatisfy { abs(Double($0) - (change?.timeIntervalSince1970 ?? 0)) <= 7_200 }, "\(extra)")
    #expect(found == found.sorted() && Set(found).count == found.count && found.count > 1)
  }

  @Test(arguments: [
    "", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "5-1 * * * *", "*/0 * * * *", "a * * * *", "* * * FOO *",
    "1,,2 * * * *", "@never",
  ])
  func malformedOnesAreRefused(_ text: String) {
    #expect(throws: CronExpression.Malformed.self) { try CronExpression(text) }
  }

  @Test func whatIsNeverDueIsNil() throws {
    #expect(try CronExpression("0 0 30 2 *").next(after: 0) { _ in 0 } == nil)
  }
}
