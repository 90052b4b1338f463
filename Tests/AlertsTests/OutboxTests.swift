import Foundation
import JSON
import LakewardTesting
import Observability
import Pipelines
import Streaming
import Testing

@testable import Alerts

/// The outbox when processes are killed between sending and noting, and when single messages do not go through.
@Suite(.enabled(if: PeerPython.isReady), .serialized) struct OutboxTests {
  private struct Killed: Error {}

  private struct Place {
    let directory: TemporaryDirectory
    let lake: Lake
    let clock = TestClock()
    var policy = Sample.policy

    init(_ notifiers: String...) throws {
      directory = try TemporaryDirectory("outbox")
      lake = Lake(root: directory.file("lake"))
      try lake.prepare()
      policy.levels = [EscalationLevel(afterSeconds: 0, notify: notifiers)]
    }

    func desk() throws -> AlertDesk { try AlertDesk(lake: lake, policies: [policy], clock: clock.read) }

    func settings(_ yaml: String) throws -> AlertSettings {
      let configuration = try LakeConfiguration(
        yaml: "notifiers:\n" + yaml, file: "lakeward.yml", folder: directory.path)
      return try AlertSettings(notifiers: configuration.notifiers, alerts: nil, folder: configuration.folder)
    }

    func open(_ desk: AlertDesk, _ patients: Int) throws {
      for number in 0..<patients {
        try Sample.take(Sample.begins(policy, patient: "p\(number)", at: "2026-01-05T08:00:00Z"), desk, policy)
      }
    }

    func outbox(_ settings: AlertSettings, isKilled: Bool = false) throws -> Outbox {
      let desk = try desk()
      return isKilled
        ? try Outbox(lake: lake, desk: desk, settings: settings) { throw Killed() }
        : try Outbox(lake: lake, desk: desk, settings: settings)
    }
  }

  /// What may have arrived is sent again, after the lease, under the id that it had: whoever knows ids can tell.
  @Test func whatMayHaveArrivedIsRepeatedUnderItsId() throws {
    var place = try Place("hook", "pager", "mail", "sms")
    let receiver = try Receiver()
    place.policy.groupSeconds = 5
    let settings = try place.settings(
      """
        hook: { type: webhook, url: "\(receiver.url("webhook"))", secret: s3cret }
        pager: { type: pagerduty, url: "\(receiver.url("pagerduty"))", routing_key: k }
        mail: { type: email, server: "smtp://127.0.0.1:\(receiver.mail)", tls: none, from: a@example.org, to: [b@example.org] }
        sms: { type: sms, url: "\(receiver.url("sms"))", headers: { Authorization: Bearer sms-key }, to: ["+15550100"],
          body: '{"to": "{to}", "text": "{text}", "reference": "{id}"}' }
      """)
    try place.open(place.desk(), 3)
    // The pager is told alert by alert, the others of all three in one message.
    place.clock.advance(seconds: 6)
    #expect(throws: Killed.self) { try place.outbox(settings, isKilled: true).deliver() }
    let first = try receiver.messages(atLeast: 6)
    #expect(first.map(\.kind).sorted() == ["mail", "pagerduty", "pagerduty", "pagerduty", "sms", "webhook"])
    // Nobody takes it while the process may still be at work.
    place.clock.advance(seconds: 60)
    #expect(try place.outbox(settings).deliver().attempts.isEmpty)
    place.clock.advance(seconds: 60)
    #expect(try place.outbox(settings).deliver().attempts.allSatisfy { $0.status == .delivered })
    #expect(try place.outbox(settings).deliver().attempts.isEmpty)
    let all = try receiver.messages(atLeast: 12)
    #expect(all.count == 12 && all.allSatisfy { $0.problems.isEmpty })
    func ids(_ messages: some Sequence<Receiver.Message>) -> [String] {
      messages.map { "\($0.kind) \($0.id ?? "none")" }.sorted()
    }
    #expect(ids(all.dropFirst(6)) == ids(first))
    #expect(Set(ids(first)).count == 6 && !ids(first).contains { $0.hasSuffix("none") })
    #expect(
      all.filter { $0.kind == "webhook" }.allSatisfy {
        JSONValue(parsing: $0.body)?.object?["alerts"]?.array?.count == 3
      })
  }

  /// An incident that may stand on the other side must be ended there, although nobody knows whether it arrived.
  @Test func theEndOfWhatMayHaveArrivedIsTold() throws {
    let place = try Place("pager")
    let receiver = try Receiver()
    let settings = try place.settings(
      "  pager: { type: pagerduty, url: '\(receiver.url("pagerduty"))', routing_key: k }")
    let desk = try place.desk()
    try place.open(desk, 1)
    #expect(throws: Killed.self) { try place.outbox(settings, isKilled: true).deliver() }
    try Sample.take(Sample.ends(place.policy, patient: "p0", at: "2026-01-05T08:05:00Z"), desk, place.policy)
    place.clock.advance(seconds: 200)
    let outbox = try place.outbox(settings)
    for _ in 0..<2 { _ = try outbox.deliver() }
    let actions = try receiver.messages(atLeast: 2).map { JSONValue(parsing: $0.body)?.object?["event_action"]?.string }
    #expect(actions == ["trigger", "resolve"])
  }

  /// One message that the other side chokes on keeps no other from it; one that shows that nobody is there does.
  @Test(arguments: [(500, 3), (503, 1)]) func aFailureHoldsUpOthersOnlyIfTheOtherSideIsAway(status: Int, tried: Int)
    throws
  {
    let place = try Place("hook")
    let receiver = try Receiver()
    let settings = try place.settings(
      "  hook: { type: webhook, url: '\(receiver.url("fail/\(status)/1/webhook"))', secret: s3cret }")
    try place.open(place.desk(), 3)
    let round = try place.outbox(settings).deliver()
    #expect(round.attempts.count == tried && round.attempts.count { $0.status == .failed } == 1)
    place.clock.advance(seconds: 5)
    #expect(try place.outbox(settings).deliver().attempts.allSatisfy { $0.status == .delivered })
    #expect(try receiver.messages(atLeast: 4).count == 4)
    #expect(Set(receiver.messages.compactMap(\.id)).count == 3)
  }

  @Test func anAddressThatIsWrongKeepsNobodyElseFromTheMail() throws {
    let place = try Place("mail")
    let receiver = try Receiver()
    let settings = try place.settings(
      """
        mail: { type: email, server: "smtp://127.0.0.1:\(receiver.mail)", tls: none, from: a@example.org,
          to: [nobody@example.org, ward@example.org] }
      """)
    try place.open(place.desk(), 1)
    let round = try place.outbox(settings).deliver()
    #expect(round.attempts.map(\.status).sorted { $0.rawValue < $1.rawValue } == [.delivered, .refused])
    #expect(round.lost.map(\.outcome) == ["mail server's reply 550"])
    #expect(try receiver.messages(atLeast: 1).map { $0.all["to"]?.array?.first?.string } == ["<ward@example.org>"])
  }

  /// A process sends nothing that another may have taken since.
  @Test func nothingIsSentBeyondTheLease() throws {
    let place = try Place("hook")
    let receiver = try Receiver()
    let settings = try place.settings("  hook: { type: webhook, url: '\(receiver.url("webhook"))', secret: s3cret }")
    let notifier = try #require(settings.notifiers["hook"])
    let desk = try place.desk()
    try place.open(desk, 4)
    let messages = try desk.list().map { alert in
      let delivery = Delivery(
        id: alert.id, event: 1, alert: alert.id, notifier: "hook", recipient: 0, kind: .trigger, at: 0, plannedAt: 0,
        dueAt: place.clock.now + 100_000_000)
      return Dispatch.Message(
        deliveries: [delivery], notice: Notice(id: alert.id, kind: .trigger, alerts: [alert], at: 0))
    }
    // Each attempt takes 35 seconds; one may take 20 by itself.
    let clock = place.clock
    let ends = Dispatch(clock: {
      defer { clock.advance(seconds: 35) }
      return clock.now
    }).send([(notifier, messages)])
    #expect(
      messages.map { ends[$0.deliveries[0].id] } == [
        .tried(.delivered), .tried(.delivered), .tried(.delivered), .outOfTime,
      ])
    #expect(try receiver.messages(atLeast: 3).count == 3)
  }

  /// Whoever is named later is not told of what is long over.
  @Test func aNotifierThatComesLaterHearsOfWhatIsStillOpen() throws {
    let place = try Place("hook")
    let receiver = try Receiver()
    let desk = try place.desk()
    try place.open(desk, 2)
    try Sample.take(Sample.ends(place.policy, patient: "p0", at: "2026-01-05T08:05:00Z"), desk, place.policy)
    place.clock.advance(seconds: 2 * 86_400)
    try Sample.take(Sample.begins(place.policy, patient: "p9", at: "2026-01-07T08:00:00Z"), desk, place.policy)
    let settings = try place.settings("  hook: { type: webhook, url: '\(receiver.url("webhook"))', secret: s3cret }")
    let outbox = try place.outbox(settings)
    let round = try outbox.deliver()
    _ = try outbox.deliver()
    #expect(round.attempts.count == 1)
    // What is open and older than a day stands in the log as not told; what is over does not.
    #expect(round.lost.map(\.status) == [.expired])
    #expect(try receiver.messages(atLeast: 1).count == 1)
  }
}
