import Testing

@testable import Alerts

/// Quiet hours by the wall clock of a zone, on ordinary days and on those on which the clock is changed.
@Suite struct QuietHoursTests {
  private let berlin = QuietHours(severities: [.low], fromMinute: 22 * 60, toMinute: 6 * 60, zone: "Europe/Berlin")

  @Test(
    arguments: [
      // Winter: UTC+1.
      ("2026-01-10T20:59:59Z", nil), ("2026-01-10T21:00:00Z", "2026-01-11T05:00:00Z"),
      ("2026-01-11T04:59:59Z", "2026-01-11T05:00:00Z"), ("2026-01-11T05:00:00Z", nil),
      // Summer: UTC+2.
      ("2026-07-10T20:00:00Z", "2026-07-11T04:00:00Z"), ("2026-07-10T19:59:59Z", nil),
      // The night in which summer time begins (29 March 2026, 01:00 UTC) is an hour shorter.
      ("2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z"),
      // The night in which it ends (25 October 2026, 01:00 UTC) is an hour longer.
      ("2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z"),
    ] as [(String, String?)])
  func overMidnight(at: String, end: String?) {
    #expect(berlin.end(at: instant(at)) == end.map(instant))
  }

  @Test(
    arguments: [
      // 02:30 does not exist on 29 March 2026: the quiet begins when the clock jumps to 03:00 (01:00 UTC).
      ("2026-03-29T00:59:59Z", nil), ("2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"),
      // 02:30 comes twice on 25 October 2026: the first, 00:30 UTC, counts; 04:00 is 03:00 UTC.
      ("2026-10-25T00:29:59Z", nil), ("2026-10-25T00:30:00Z", "2026-10-25T03:00:00Z"),
    ] as [(String, String?)])
  func aBeginningThatIsSkippedOrComesTwice(at: String, end: String?) {
    let hours = QuietHours(severities: [.low], fromMinute: 150, toMinute: 240, zone: "Europe/Berlin")
    #expect(hours.end(at: instant(at)) == end.map(instant))
  }

  @Test func silenceRunsFromAWindowIntoTheNight() throws {
    var policy = Sample.policy
    policy.severity = .low
    policy.quiet = [berlin]
    policy.suppressions = [
      SuppressionWindow(
        from: instant("2026-01-10T20:00:00Z"), to: instant("2026-01-10T21:30:00Z"), wards: [], reason: "drill")
    ]
    let silence = try #require(policy.silence(ward: nil, at: instant("2026-01-10T20:10:00Z")))
    #expect(silence.until == instant("2026-01-11T05:00:00Z"))
    #expect(silence.reason == "drill")
    #expect(policy.silence(ward: nil, at: instant("2026-01-11T12:00:00Z")) == nil)
    policy.severity = .high
    #expect(policy.silence(ward: nil, at: instant("2026-01-11T02:00:00Z")) == nil)
  }
}
