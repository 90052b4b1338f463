internal import JSON
internal import DeltaLake
internal import Foundation

/// Notices in the formats of those who take them. Pure.
enum Payloads {
  // MARK: Webhook

  /// The body of a webhook's request.
  static func webhook(_ notice: Notice) -> String {
    JSONValue.object([
      "id": .string(notice.id), "type": .string("alert.\(notice.kind.rawValue)"),
      "at": .string(CalendarTimeText.iso(notice.at)),
      "alerts": .array(notice.alerts.map { .object(webhook($0, link: notice.links[$0.id])) }),
    ]).text
  }

  private static func webhook(_ alert: Alert, link: String?) -> JSONObject {
    var object: JSONObject = [
      "id": .string(alert.id), "pipeline": .string(alert.policy.pipeline), "policy": .string(alert.policy.policy),
      "severity": .string(alert.severity.rawValue), "state": .string(alert.state.rawValue),
      "title": .string(alert.title), "message": .string(alert.message),
    ]
    if let ward = alert.ward { object["ward"] = .string(ward) }
    if !alert.patient.isEmpty { object["patient"] = .string(alert.patient) }
    object["level"] = .int(Int64(alert.level))
    object["since"] = .string(CalendarTimeText.iso(alert.since))
    object["event_time"] = .string(CalendarTimeText.iso(alert.eventTime))
    object["opened_at"] = .string(CalendarTimeText.iso(alert.openedAt))
    if let link { object["link"] = .string(link) }
    return object
  }

  /// The signature of a webhook's request: HMAC-SHA-256 of `TIMESTAMP.BODY` under the secret, in hexadecimal.
  static func signature(_ body: String, timestamp: Int64, secret: String) -> String {
    SHA256.hexadecimal(SHA256.hmac(key: Array(secret.utf8), Array("\(timestamp).\(body)".utf8)))
  }

  // MARK: Slack

  /// The body for Slack's incoming webhook: blocks, and `text` for notifications and old clients.
  /// Source: Slack's documentation of incoming webhooks and Block Kit (a header holds 150 characters, a section 3,000, a
  /// message 50 blocks).
  static func slack(_ notice: Notice) -> String {
    var blocks: [JSONValue] = [
      .object([
        "type": .string("header"),
        "text": .object(["type": .string("plain_text"), "text": .string(cut(notice.headline, 150))]),
      ])
    ]
    for alert in notice.alerts.prefix(45) {
      let lines = notice.lines(alert).map(escapedForSlack)
      let text = (notice.alerts.count > 1 ? ["*\(escapedForSlack(alert.title))*"] + lines : lines)
        .joined(separator: "\n")
      blocks.append(
        .object([
          "type": .string("section"),
          "text": .object(["type": .string("mrkdwn"), "text": .string(cut(text, 3_000))]),
        ]))
    }
    if notice.alerts.count > 45 {
      blocks.append(
        .object([
          "type": .string("context"),
          "elements": .array([
            .object(["type": .string("plain_text"), "text": .string("and \(notice.alerts.count - 45) more")])
          ]),
        ]))
    }
    return JSONValue.object(["text": .string(escapedForSlack(notice.headline)), "blocks": .array(blocks)]).text
  }

  private static func escapedForSlack(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }

  // MARK: PagerDuty

  /// The body for PagerDuty's Events API v2 about one alert. The alert's id is the `dedup_key`, so that a repeated
  /// request makes no second incident, and later events find the first.
  static func pagerDuty(_ notice: Notice, routingKey: String) -> String {
    let alert = notice.alerts[0]
    var event: JSONObject = [
      "routing_key": .string(routingKey), "event_action": .string(notice.kind.rawValue), "dedup_key": .string(alert.id),
    ]
    guard notice.kind == .trigger else { return JSONValue.object(event).text }
    var details: JSONObject = [
      "message": .string(alert.message), "policy": .string(alert.policy.policy),
      "since": .string(CalendarTimeText.iso(alert.since)), "level": .int(Int64(alert.level)),
    ]
    if !alert.patient.isEmpty { details["patient"] = .string(alert.patient) }
    var payload: JSONObject = [
      "summary": .string(cut(notice.headline, 1_024)), "source": .string("lakeward/\(alert.policy.pipeline)"),
      "severity": .string(pagerDutySeverity(alert.severity)),
      "timestamp": .string(CalendarTimeText.iso(alert.eventTime)), "component": .string(alert.policy.policy),
    ]
    if let ward = alert.ward { payload["group"] = .string(ward) }
    payload["class"] = .string(alert.policy.pipeline)
    payload["custom_details"] = .object(details)
    event["payload"] = .object(payload)
    event["client"] = .string("Lakeward")
    if let link = notice.links[alert.id] {
      event["client_url"] = .string(link)
      event["links"] = .array([.object(["href": .string(link), "text": .string("The alert")])])
    }
    return JSONValue.object(event).text
  }

  private static func pagerDutySeverity(_ severity: AlertSeverity) -> String {
    switch severity {
    case .high: "critical"
    case .medium: "error"
    case .low: "warning"
    case .advisory: "info"
    }
  }

  // MARK: Mail

  /// A message of RFC 5322. Its Message-ID is the notice's id, so that a mail that is sent again can be told.
  static func mail(_ notice: Notice, from: String, to: [String]) -> [UInt8] {
    let body = Data(notice.text.replacing("\n", with: "\r\n").utf8)
      .base64EncodedString(options: [.lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed])
    let headers = [
      "From: <\(from)>", "To: \(to.map { "<\($0)>" }.joined(separator: ", "))",
      "Subject: \(encodedWords(cut(notice.headline, 200)))", "Date: \(mailDate(notice.at))",
      "Message-ID: <\(notice.id)@lakeward.invalid>", "References: <\(notice.alerts[0].id)@lakeward.invalid>",
      "Auto-Submitted: auto-generated", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
      "Content-Transfer-Encoding: base64",
    ]
    return Array((headers.joined(separator: "\r\n") + "\r\n\r\n" + body + "\r\n").utf8)
  }

  /// A header's text: as it is, or in encoded words (RFC 2047) where it holds more than printable ASCII.
  static func encodedWords(_ text: String) -> String {
    let line = text.map { $0.isNewline ? " " : String($0) }.joined()
    if line.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return line }
    var words: [String] = []
    var part = ""
    for character in line {
      if part.utf8.count + character.utf8.count > 45 {
        words.append(part)
        part = ""
      }
      part.append(character)
    }
    words.append(part)
    return words.map { "=?utf-8?B?\(Data($0.utf8).base64EncodedString())?=" }.joined(separator: "\r\n ")
  }

  /// `Sat, 31 Jan 2026 08:00:00 +0000`.
  static func mailDate(_ microseconds: Int64) -> String {
    let iso = CalendarTimeText.iso(microseconds)
    let parts = iso.split { "-T:Z".contains($0) }.compactMap { Int($0) }
    let days = Int((Double(microseconds) / 86_400e6).rounded(.down))
    let names = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard parts.count == 6 else { return iso }
    let time = iso.drop { $0 != "T" }.dropFirst().prefix(8)
    return "\(names[((days % 7) + 7) % 7]), \(parts[2]) \(months[parts[1] - 1]) \(parts[0]) \(time) +0000"
  }

  // MARK: SMS

  /// The body of a gateway's request to one number.
  static func sms(_ notice: Notice, _ gateway: Notifier.Gateway, to number: String) -> String {
    let values = ["to": number, "text": cut(notice.text, 600), "id": notice.id]
    let isForm = gateway.contentType.hasPrefix("application/x-www-form-urlencoded")
    return PolicyText.filled(gateway.body, values) { text in
      if isForm { return percentEncoded(text) }
      guard gateway.contentType.contains("json") else { return text }
      return String(JSONValue.string(text).text.dropFirst().dropLast())
    }
  }

  private static func percentEncoded(_ text: String) -> String {
    let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
    return text.utf8.map { byte in
      if plain.contains(byte) { return String(UnicodeScalar(byte)) }
      let digits = String(byte, radix: 16, uppercase: true)
      return "%" + (digits.count == 1 ? "0" + digits : digits)
    }.joined()
  }

  private static func cut(_ text: String, _ length: Int) -> String {
    text.count <= length ? text : String(text.prefix(length - 1)) + "…"
  }
}
