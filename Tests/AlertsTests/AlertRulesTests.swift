import Testing

@testable import Alerts

/// The state machine alone: states and events in, events out.
@Suite struct AlertRulesTests {
  private let policy = Sample.policy
  private let opening = instant("2026-01-05T08:00:00Z")

  /// An alert after its opening.
  private func opened(_ policy: AlertPolicy = Sample.policy, cover: Alert? = nil) throws -> Alert {
    let events = AlertRules.events(
      Sample.begins(policy, at: "2026-01-05T08:00:00Z"), last: nil, cover: cover, policy: policy, now: opening)
    #expect(events.map(\.kind) == [.opened])
    return try #require(events.first?.opening)
  }

  private func after(_ alert: Alert, _ events: [AlertEvent]) -> Alert { events.reduce(alert) { $1.applied(to: $0) } }

  private func act(
    _ action: AlertAction, _ alert: Alert, by: String = "nurse-7", reason: String? = nil, seconds: Int64 = 10
  ) throws -> Alert {
    after(
      alert,
      try AlertRules.events(
        action, on: alert, by: by, reason: reason, now: opening + seconds * 1_000_000, policy: policy))
  }

  @Test func openingFillsTheTextsAndTellsTheFirstLevel() throws {
    let events = AlertRules.events(
      Sample.begins(at: "2026-01-05T08:00:00Z"), last: nil, cover: nil, policy: policy, now: opening)
    #expect(events[0].notify == ["nurse"])
    let alert = try #require(events[0].opening)
    #expect(alert.title == "Fast heart on A1")
    #expect(alert.message == "Look at p1.")
    #expect(alert.state == .open && alert.isActive && alert.level == 0)
    #expect(alert.id == AlertIdentity.id(policy.id, patient: "p1", eventTime: opening))
  }

  @Test func aConditionThatHoldsOpensNothingNew() throws {
    let alert = try opened()
    #expect(
      AlertRules.events(
        Sample.begins(at: "2026-01-05T08:05:00Z"), last: alert, cover: nil, policy: policy, now: opening
      ).isEmpty)
  }

  @Test func theEndOfTheConditionResolves() throws {
    for acknowledges in [false, true] {
      var alert = try opened()
      if acknowledges { alert = try act(.acknowledge, alert) }
      let events = AlertRules.events(
        Sample.ends(at: "2026-01-05T08:06:00Z"), last: alert, cover: nil, policy: policy, now: opening)
      #expect(events.map(\.kind) == [.ended, .resolved])
      alert = after(alert, events)
      #expect(alert.state == .resolved && !alert.isActive && alert.closedBy == AlertEvent.program)
      #expect(alert.endedAt == instant("2026-01-05T08:06:00Z"))
      #expect(events[1].notify == ["nurse"])
    }
  }

  @Test func aLatchingAlertWaitsForAPerson() throws {
    var latching = policy
    latching.isLatching = true
    var alert = try opened(latching)
    let events = AlertRules.events(
      Sample.ends(at: "2026-01-05T08:06:00Z"), last: alert, cover: nil, policy: latching, now: opening)
    #expect(events.map(\.kind) == [.ended])
    alert = after(alert, events)
    #expect(alert.state == .open && !alert.isActive)
    alert = try act(.acknowledge, alert)
    #expect(alert.state == .resolved && alert.acknowledgedBy == "nurse-7")
  }

  @Test func withinTheHoldOffTheSameAlertReopensAndTellsNobody() throws {
    var alert = try opened()
    alert = after(
      alert,
      AlertRules.events(
        Sample.ends(at: "2026-01-05T08:06:00Z"), last: alert, cover: nil, policy: policy, now: opening))
    let soon = AlertRules.events(
      Sample.begins(at: "2026-01-05T08:15:59Z"), last: alert, cover: nil, policy: policy, now: opening)
    #expect(soon.map(\.kind) == [.reopened])
    #expect(soon[0].notify.isEmpty)
    let again = after(alert, soon)
    #expect(again.state == .open && again.isActive && again.episodes == 2 && again.closedAt == nil)
    let later = AlertRules.events(
      Sample.begins(at: "2026-01-05T08:16:00Z"), last: alert, cover: nil, policy: policy, now: opening)
    #expect(later.map(\.kind) == [.opened])
    #expect(later[0].alert != alert.id)
  }

  @Test func aPersonsClosingIsNotUndoneByTheHoldOff() throws {
    var alert = try act(.dismiss, try opened(), reason: "lead off")
    #expect(alert.isActive, "the condition still holds")
    #expect(
      AlertRules.events(
        Sample.begins(at: "2026-01-05T08:02:00Z"), last: alert, cover: nil, policy: policy, now: opening
      ).isEmpty)
    let over = AlertRules.events(
      Sample.ends(at: "2026-01-05T08:03:00Z"), last: alert, cover: nil, policy: policy, now: opening)
    #expect(over.map(\.kind) == [.ended])
    alert = after(alert, over)
    #expect(alert.state == .dismissed && alert.closeReason == "lead off")
    #expect(
      AlertRules.events(
        Sample.begins(at: "2026-01-05T08:04:00Z"), last: alert, cover: nil, policy: policy, now: opening
      ).map(\.kind) == [.opened])
  }

  @Test func acknowledgingTwiceChangesNothing() throws {
    let alert = try act(.acknowledge, try opened())
    #expect(alert.state == .acknowledged && alert.acknowledgedBy == "nurse-7")
    let again = try AlertRules.events(
      .acknowledge, on: alert, by: "nurse-8", reason: nil, now: opening + 20_000_000, policy: policy)
    #expect(again.isEmpty)
  }

  @Test func refusals() throws {
    let alert = try opened()
    func refusal(_ action: AlertAction, _ alert: Alert, by: String = "n", reason: String? = nil) -> AlertRefusal? {
      do throws(AlertRefusal) {
        _ = try AlertRules.events(action, on: alert, by: by, reason: reason, now: opening, policy: policy)
        return nil
      } catch {
        return error
      }
    }
    #expect(refusal(.dismiss, alert) == .noReason(action: "dismiss"))
    #expect(refusal(.dismiss, alert, reason: " ") == .noReason(action: "dismiss"))
    #expect(refusal(.comment, alert) == .noReason(action: "comment"))
    #expect(refusal(.acknowledge, alert, by: " ") == .nobody)
    #expect(refusal(.comment, alert, reason: String(repeating: "x", count: 2_001)) == .reasonTooLong)
    #expect(refusal(.snooze(seconds: 601), alert) == .snoozeOutOfRange(severity: .high, longestSeconds: 600))
    #expect(refusal(.snooze(seconds: 0), alert) == .snoozeOutOfRange(severity: .high, longestSeconds: 600))
    #expect(refusal(.snooze(seconds: 60), try act(.acknowledge, alert)) == .nothingToSnooze)
    let closed = try act(.dismiss, alert, reason: "artefact")
    for action in [AlertAction.acknowledge, .snooze(seconds: 5), .escalate, .resolve, .dismiss] {
      #expect(refusal(action, closed, reason: "r") == .closed(.dismissed))
    }
    #expect(refusal(.comment, closed, reason: "seen again later") == nil)
    var last = alert
    last.level = 2
    #expect(refusal(.escalate, last) == .lastLevel)
  }

  @Test func minutesWithoutAnAnswerEscalateLevelByLevel() throws {
    var alert = try opened()
    func passing(_ seconds: Int64) -> [AlertEvent] {
      AlertRules.events(alert, cover: nil, policy: policy, now: opening + seconds * 1_000_000)
    }
    #expect(passing(119).isEmpty)
    var events = passing(120)
    #expect(events.map(\.kind) == [.escalated])
    #expect(events[0].notify == ["charge"])
    alert = after(alert, events)
    #expect(alert.level == 1)
    #expect(passing(299).isEmpty)
    events = passing(300)
    #expect(events[0].notify == ["doctor", "pager"])
    alert = after(alert, events)
    #expect(passing(100_000).isEmpty, "there is no further level")
    #expect(alert.told == ["nurse", "charge", "doctor", "pager"])
  }

  @Test func anAcknowledgedAlertDoesNotEscalateByItself() throws {
    let alert = try act(.acknowledge, try opened())
    #expect(AlertRules.events(alert, cover: nil, policy: policy, now: opening + 3_600_000_000).isEmpty)
    #expect(try act(.escalate, alert).level == 1)
  }

  @Test func aSnoozeStopsTheClockAndThenRemindsTheLevelThatWasTold() throws {
    var alert = try act(.snooze(seconds: 600), try opened(), seconds: 60)
    func passing(_ seconds: Int64) -> [AlertEvent] {
      AlertRules.events(alert, cover: nil, policy: policy, now: opening + seconds * 1_000_000)
    }
    #expect(passing(659).isEmpty)
    let events = passing(660)
    #expect(events.map(\.kind) == [.woke])
    #expect(events[0].notify == ["nurse"])
    alert = after(
      alert,
      events.map {
        var event = $0; event.at = opening + 660_000_000; return event
      })
    #expect(passing(660 + 119).isEmpty)
    #expect(passing(660 + 120).map(\.kind) == [.escalated])
  }

  @Test func aCoveredAlertIsSilentUntilTheOtherIsClosed() throws {
    var covering = policy
    covering.name = "news2_high"
    let cover = try opened(covering)
    let alert = try opened(cover: cover)
    #expect(alert.coveredBy == cover.id)
    #expect(alert.told.isEmpty)
    #expect(AlertRules.events(alert, cover: cover, policy: policy, now: opening + 3_600_000_000).isEmpty)
    var closed = cover
    closed.state = .resolved
    let events = AlertRules.events(alert, cover: closed, policy: policy, now: opening + 3_600_000_000)
    #expect(events.map(\.kind) == [.uncovered])
    #expect(events[0].notify == ["nurse"])
  }

  @Test func oldRowsTellNobody() throws {
    var transition = Sample.begins(at: "2026-01-05T08:00:00Z")
    transition.isRetrospective = true
    let event = AlertRules.events(transition, last: nil, cover: nil, policy: policy, now: opening)[0]
    #expect(event.notify.isEmpty)
    let alert = try #require(event.opening)
    #expect(AlertRules.events(alert, cover: nil, policy: policy, now: opening + 3_600_000_000).isEmpty)
  }

  @Test func suppressedAlertsAreToldWhenTheWindowEnds() throws {
    var suppressed = policy
    suppressed.suppressions = [
      SuppressionWindow(
        from: opening - 60_000_000, to: opening + 600_000_000, wards: ["A1"], reason: "monitor maintenance")
    ]
    let event = AlertRules.events(
      Sample.begins(suppressed, at: "2026-01-05T08:00:00Z"), last: nil, cover: nil, policy: suppressed, now: opening)[0]
    #expect(event.notifyAt == opening + 600_000_000)
    let alert = try #require(event.opening)
    #expect(alert.silentReason == "monitor maintenance")
    #expect(AlertRules.events(alert, cover: nil, policy: suppressed, now: opening + 719_000_000).isEmpty)
    #expect(
      AlertRules.events(alert, cover: nil, policy: suppressed, now: opening + 720_000_000).map(\.kind) == [.escalated])
    var elsewhere = Sample.begins(suppressed, at: "2026-01-05T08:00:00Z")
    elsewhere.ward = "B2"
    #expect(
      AlertRules.events(elsewhere, last: nil, cover: nil, policy: suppressed, now: opening)[0].notifyAt == nil)
  }
}
