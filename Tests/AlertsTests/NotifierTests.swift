import Foundation
import JSON
import LakewardTesting
import Observability
import Pipelines
import Streaming
import Testing

@testable import Alerts

/// Messages against receivers that speak the real formats, and what becomes of them when the other side is away.
@Suite(.enabled(if: PeerPython.isReady), .serialized) struct NotifierTests {
  private struct Place {
    let directory: TemporaryDirectory
    let lake: Lake
    let clock = TestClock()
    var policy = Sample.policy

    init() throws {
      directory = try TemporaryDirectory("notifiers")
      lake = Lake(root: directory.file("lake"))
      try lake.prepare()
    }

    func desk() throws -> AlertDesk { try AlertDesk(lake: lake, policies: [policy], clock: clock.read) }

    func settings(_ yaml: String) throws -> AlertSettings {
      let configuration = try LakeConfiguration(yaml: yaml, file: "lakeward.yml", folder: directory.path)
      return try AlertSettings(
        notifiers: configuration.notifiers, alerts: configuration.alerts, folder: configuration.folder)
    }

    func open(_ desk: AlertDesk, _ patient: String = "p1") throws -> String {
      var transition = Sample.begins(policy, patient: patient, at: "2026-01-05T08:00:00Z")
      transition.facts = "{\"heart_rate\":141}"
      return try #require(try Sample.take(transition, desk, policy).first?.alert)
    }
  }

  private static func yaml(_ receiver: Receiver) -> String {
    """
    notifiers:
      hook: { type: webhook, url: "\(receiver.url("webhook"))", secret: s3cret }
      chat: { type: slack, url: "\(receiver.url("slack"))" }
      pager: { type: pagerduty, url: "\(receiver.url("pagerduty"))", routing_key_file: key }
      mail:
        type: email
        server: "smtp://127.0.0.1:\(receiver.mail)"
        tls: none
        from: lakeward@example.org
        to: [ward@example.org, lead@example.org]
        username: lakeward
        password: pa55
      sms:
        type: sms
        url: "\(receiver.url("sms"))"
        headers: { Authorization: Bearer sms-key }
        body: '{"to": "{to}", "text": "{text}", "reference": "{id}"}'
        to: ["+15550100", "+15550101"]
    alerts: { link: "https://lakeward.example.org/alerts/{id}" }
    """
  }

  @Test func everyChannelSpeaksItsFormat() throws {
    var place = try Place()
    try place.directory.write("R0UT1NGKEY\n", to: "key")
    let receiver = try Receiver()
    place.policy.title = "Herz schnell – „Station {ward}“ <&>"
    place.policy.levels = [EscalationLevel(afterSeconds: 0, notify: ["hook", "chat", "pager", "mail", "sms"])]
    let desk = try place.desk()
    let service = try AlertService(
      lake: place.lake, desk: desk, settings: try place.settings(Self.yaml(receiver)),
      log: Logger(format: .text, level: .warning) { Issue.record("\($0)") })
    let id = try place.open(desk)
    service.round()
    service.round()
    let first = try receiver.messages(atLeast: 7)
    #expect(first.map(\.kind).sorted() == ["mail", "mail", "pagerduty", "slack", "sms", "sms", "webhook"])
    for message in first {
      #expect(message.problems == [], "\(message.kind)")
      // What a policy shows in the list stays in the list.
      #expect(!message.body.contains("141") && !message.body.contains("heart_rate"))
      #expect(message.body.contains("alerts/\(id)"), "\(message.kind) has no link")
    }
    let mail = try #require(first.first { $0.kind == "mail" })
    #expect(mail.all["subject"]?.string == "HIGH: Herz schnell – „Station A1“ <&>")
    #expect(mail.all["login"]?.bool == true && mail.all["secure"]?.bool == false)
    #expect(Set(first.filter { $0.kind == "mail" }.compactMap { $0.all["to"]?.array?.first?.string }).count == 2)
    #expect(mail.all["date"]?.string == "Mon, 05 Jan 2026 08:00:00 +0000")
    #expect(Set(first.filter { $0.kind == "sms" }.compactMap(\.id)).count == 2)
    #expect(first.first { $0.kind == "pagerduty" }?.id == id)
    try desk.apply(.acknowledge, to: id, by: "nurse-7")
    service.round()
    try Sample.take(Sample.ends(place.policy, at: "2026-01-05T08:05:00Z"), desk, place.policy)
    service.round()
    let later = try receiver.messages(atLeast: 11).dropFirst(7)
    #expect(later.map(\.kind).sorted() == ["pagerduty", "pagerduty", "webhook", "webhook"])
    let actions = later.filter { $0.kind == "pagerduty" }.compactMap {
      JSONValue(parsing: $0.body)?.object?["event_action"]?.string
    }
    #expect(actions == ["acknowledge", "resolve"])
    #expect(later.allSatisfy { $0.problems.isEmpty })
  }

  @Test func mailIsEncryptedWhereItMustBe() throws {
    let place = try Place()
    let made = try ChildProcess.run(
      "openssl",
      [
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", place.directory.file("key.pem"), "-out",
        place.directory.file("cert.pem"),
      ])
    try #require(made.succeeded)
    let receiver = try Receiver(certificate: (place.directory.file("cert.pem"), place.directory.file("key.pem")))
    func answer(_ keys: String, port: UInt16) throws -> NotifierTest.Answer {
      let yaml = """
        notifiers:
          mail:
            type: email
            server: "smtp://127.0.0.1:\(port)"
            from: lakeward@example.org
            to: [ward@example.org]
        \(keys)
        """
      return try NotifierTest.send(to: "mail", settings: place.settings(yaml))
    }
    #expect(try answer("    ca_file: cert.pem", port: receiver.mail).isDelivered)
    #expect(try receiver.messages(atLeast: 1).map { $0.all["secure"]?.bool } == [true])
    // A server that is not trusted, and one without encryption, get nothing.
    #expect(try !answer("", port: receiver.mail).isDelivered)
    let plain = try Receiver()
    #expect(try !answer("    tls: required", port: plain.mail).isDelivered)
    #expect(try answer("    tls: opportunistic", port: plain.mail).isDelivered)
    #expect(try plain.messages(atLeast: 1).count == 1)
  }

  @Test func nothingIsLostAndNothingIsTwiceWhileTheOtherSideIsAway() throws {
    var place = try Place()
    place.policy.levels = [EscalationLevel(afterSeconds: 0, notify: ["hook"])]
    let (web, mail) = (try FreePort.next(), try FreePort.next())
    let settings = try place.settings(
      "notifiers: { hook: { type: webhook, url: 'http://127.0.0.1:\(web)/webhook', secret: s3cret, timeout: 5 s } }")
    let desk = try place.desk()
    for number in 0..<5 { _ = try place.open(desk, "p\(number)") }
    var attempts = 0
    for _ in 0..<4 {
      // Each round is a process of its own that is killed afterwards.
      let round = try Outbox(lake: place.lake, desk: try place.desk(), settings: settings).deliver()
      attempts += round.attempts.count
      #expect(round.attempts.allSatisfy { $0.status == .failed })
      place.clock.advance(seconds: 40)
    }
    // One shows that nobody is there; the others wait with it.
    #expect(attempts == 4)
    let receiver = try Receiver(web: web, mail: mail)
    place.clock.advance(seconds: 900)
    let outboxes = try (0..<2).map { _ in try Outbox(lake: place.lake, desk: try place.desk(), settings: settings) }
    for _ in 0..<3 { for outbox in outboxes { _ = try outbox.deliver() } }
    let messages = try receiver.messages(atLeast: 5)
    #expect(messages.count == 5)
    #expect(Set(messages.compactMap(\.id)).count == 5)
    #expect(messages.allSatisfy { $0.problems.isEmpty })
  }

  @Test func aRefusalStandsAtTheAlertAndAFailureIsRepeatedWithTheSameId() throws {
    var place = try Place()
    let receiver = try Receiver()
    place.policy.levels = [EscalationLevel(afterSeconds: 0, notify: ["slow", "wrong"])]
    let settings = try place.settings(
      """
      notifiers:
        slow: { type: webhook, url: "\(receiver.url("fail/503/2/webhook"))", secret: s3cret }
        wrong: { type: slack, url: "\(receiver.url("fail/404/9/slack"))" }
      """)
    let desk = try place.desk()
    let id = try place.open(desk)
    let service = try AlertService(lake: place.lake, desk: desk, settings: settings, log: .silent)
    for _ in 0..<4 {
      service.round()
      place.clock.advance(seconds: 20)
    }
    let messages = try receiver.messages(atLeast: 4)
    #expect(messages.filter { $0.kind == "webhook" }.map(\.status) == [503, 503, 200])
    #expect(Set(messages.filter { $0.kind == "webhook" }.compactMap(\.id)).count == 1)
    #expect(messages.filter { $0.kind == "slack" }.count == 1)
    let comments = try desk.history(of: id).filter { $0.kind == .commented }
    #expect(comments.map(\.reason) == ["wrong could not be told: status 404"])
  }

  @Test func aDeliveryThatAnotherProcessTookIsRepeatedOnlyAfterItsLease() throws {
    var place = try Place()
    let receiver = try Receiver()
    place.policy.levels = [EscalationLevel(afterSeconds: 0, notify: ["hook"])]
    let settings = try place.settings(
      "notifiers: { hook: { type: webhook, url: '\(receiver.url("webhook"))', secret: s3cret } }")
    let desk = try place.desk()
    _ = try place.open(desk)
    // A process takes the delivery and is killed before it says how it ended.
    let table = try OutboxTable(lake: place.lake)
    var delivery = try #require(
      OutboxRules.plan(try desk.events(after: 0)[0], settings.notifiers, groupSeconds: nil).first)
    delivery.status = .sending
    delivery.attempts = 1
    delivery.dueAt = place.clock.now + 100_000_000
    #expect(try table.append([delivery], planned: 1, now: place.clock.now))
    let outbox = try Outbox(lake: place.lake, desk: desk, settings: settings)
    #expect(try outbox.deliver().attempts.isEmpty)
    place.clock.advance(seconds: 101)
    #expect(try outbox.deliver().attempts.map(\.status) == [.delivered])
    #expect(try receiver.messages(atLeast: 1).map(\.id) == [delivery.id])
  }

  @Test func openingsOnAWardAreOneMessage() throws {
    var place = try Place()
    let receiver = try Receiver()
    place.policy.groupSeconds = 30
    place.policy.levels = [EscalationLevel(afterSeconds: 0, notify: ["chat", "pager"])]
    let settings = try place.settings(
      """
      notifiers:
        chat: { type: slack, url: "\(receiver.url("slack"))", patient: false }
        pager: { type: pagerduty, url: "\(receiver.url("pagerduty"))", routing_key: k }
      """)
    let desk = try place.desk()
    for number in 0..<3 { _ = try place.open(desk, "patient-\(number)") }
    let outbox = try Outbox(lake: place.lake, desk: desk, settings: settings)
    // PagerDuty groups by itself: it is told at once, alert by alert.
    #expect(try outbox.deliver().attempts.count == 3)
    place.clock.advance(seconds: 31)
    #expect(try outbox.deliver().attempts.count == 3)
    let messages = try receiver.messages(atLeast: 4)
    #expect(messages.map(\.kind).sorted() == ["pagerduty", "pagerduty", "pagerduty", "slack"])
    let chat = try #require(messages.first { $0.kind == "slack" })
    #expect(chat.problems.isEmpty)
    #expect(chat.body.contains("HIGH: 3 alerts on ward A1"))
    #expect(!chat.body.contains("patient-"))
  }

  @Test func quietHoursPostponeAndWhatIsOverIsNotTold() throws {
    var place = try Place()
    let receiver = try Receiver()
    place.policy.levels = [EscalationLevel(afterSeconds: 0, notify: ["hook"])]
    place.policy.quiet = [QuietHours(severities: [.high], fromMinute: 7 * 60, toMinute: 9 * 60, zone: "UTC")]
    let settings = try place.settings(
      "notifiers: { hook: { type: webhook, url: '\(receiver.url("webhook"))', secret: s3cret } }")
    let desk = try place.desk()
    let stays = try place.open(desk, "p1")
    _ = try place.open(desk, "p2")
    let outbox = try Outbox(lake: place.lake, desk: desk, settings: settings)
    #expect(try outbox.deliver().attempts.isEmpty)
    try Sample.take(Sample.ends(place.policy, patient: "p2", at: "2026-01-05T08:10:00Z"), desk, place.policy)
    place.clock.advance(seconds: 3_599)
    #expect(try outbox.deliver().attempts.isEmpty)
    place.clock.advance(seconds: 1)
    #expect(try outbox.deliver().attempts.count == 1)
    let round = try outbox.deliver()
    #expect(round.attempts.isEmpty && round.waiting == 0)
    #expect(try receiver.messages(atLeast: 1).map { $0.body.contains(stays) } == [true])
  }

  @Test func pausesGrowAndStayBounded() {
    let pauses = (1...20).map { OutboxRules.pause(afterAttempts: $0, id: "x", retryAfterSeconds: nil) }
    #expect(pauses == pauses.sorted())
    #expect(pauses[0] >= 2 && pauses[0] < 3)
    #expect(pauses[19] >= 900 && pauses[19] <= 1_125)
    #expect(OutboxRules.pause(afterAttempts: 1, id: "x", retryAfterSeconds: 120) == 120)
  }
}
