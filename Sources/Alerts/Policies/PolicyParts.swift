internal import Foundation
internal import Pipelines

/// Reads the parts of `alerts.yml` that have a shape of their own.
enum PolicyParts {
  struct Suppression {
    var window: SuppressionWindow
    var policies: [String]
    var location: SourceLocation
  }

  static func levels(_ node: YAMLNode, _ problems: ProblemList) -> [EscalationLevel] {
    var last = -1.0
    return items(node, "escalate", "- { after: 0 min, notify: [nurse] }", problems).compactMap { node in
      guard var reader = MappingReader(node, what: "the level", problems: problems) else { return nil }
      let after = reader.seconds("after", in: 0...604_800) ?? 0
      let notify = reader.requiredNode("notify") == nil ? [] : reader.names("notify")
      reader.finish()
      if after <= last {
        problems.add(
          at: node.location, "the level comes no later than the one before it", remedy: "list levels by rising 'after'")
      }
      if last < 0, after > 0 {
        problems.add(
          at: node.location, "the first level is told at once", remedy: "write 'after: 0 min'; use 'for' to wait first")
      }
      last = after
      return EscalationLevel(afterSeconds: after, notify: notify)
    }
  }

  static func threshold(_ node: YAMLNode, _ problems: ProblemList) -> AlertPolicy.Threshold? {
    guard case .mapping = node.content else {
      guard let text = node.text, let value = Double(text), value.isFinite else {
        problems.add(
          at: node.location, "threshold is not a number",
          remedy: "write a number, or { value: 7, from: 4, to: 12, step: 1 }")
        return nil
      }
      return AlertPolicy.Threshold(value)
    }
    guard var reader = MappingReader(node, what: "threshold", problems: problems) else { return nil }
    let numbers = -1e12...1e12
    let value = reader.requiredNode("value") == nil ? nil : reader.number("value", in: numbers)
    let from = reader.number("from", in: numbers)
    let to = reader.number("to", in: numbers)
    let step = reader.number("step", in: 1e-9...1e12)
    reader.finish()
    guard let value else { return nil }
    guard let from, let to, let step else {
      if from != nil || to != nil || step != nil {
        problems.add(
          at: node.location, "threshold has only a part of 'from', 'to' and 'step'", remedy: "give all three")
      }
      return AlertPolicy.Threshold(value)
    }
    let count = ((to - from) / step).rounded(.down)
    guard count >= 0, count < 1_000 else {
      problems.add(
        at: node.location, "threshold has \(count < 0 ? "no" : "more than 1000") numbers to try",
        remedy: "change 'step'")
      return AlertPolicy.Threshold(value)
    }
    return AlertPolicy.Threshold(value, candidates: (0...Int(count)).map { from + Double($0) * step })
  }

  static func quietHours(_ node: YAMLNode, _ problems: ProblemList) -> [QuietHours] {
    let example = "- { severities: [low], from: \"22:00\", to: \"06:00\", zone: Europe/Berlin }"
    return items(node, "quiet_hours", example, problems).compactMap { node in
      guard var reader = MappingReader(node, what: "quiet_hours", problems: problems) else { return nil }
      let severities = reader.requiredNode("severities") == nil ? [] : reader.texts("severities")
      let from = minute(&reader, "from", problems)
      let to = minute(&reader, "to", problems)
      let zoneNode = reader.requiredNode("zone")
      let zone = zoneNode == nil ? nil : reader.text("zone")
      reader.finish()
      if let zone, let zoneNode, TimeZone(identifier: zone) == nil {
        problems.add(
          at: zoneNode.location, "there is no time zone '\(zone)'", remedy: "use an IANA name such as Europe/Berlin")
        return nil
      }
      let known = severities.compactMap { node -> AlertSeverity? in
        let severity = node.text.flatMap(AlertSeverity.init)
        if severity == nil {
          problems.add(
            at: node.location, "there is no severity '\(node.text ?? "")'",
            remedy: "known here: \(AlertSeverity.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return severity
      }
      guard let from, let to, let zone else { return nil }
      if from == to {
        problems.add(
          at: node.location, "the quiet hours begin and end at the same time", remedy: "change one of the two")
      }
      return QuietHours(severities: Set(known), fromMinute: from, toMinute: to, zone: zone)
    }
  }

  private static func minute(_ reader: inout MappingReader, _ key: String, _ problems: ProblemList) -> Int? {
    guard let node = reader.requiredNode(key), let text = reader.text(key) else { return nil }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[1].count == 2, let hour = Int(parts[0]), let minute = Int(parts[1]),
      (0..<24).contains(hour), (0..<60).contains(minute)
    else {
      problems.add(at: node.location, "\(key) '\(text)' is no time of day", remedy: "write \"22:00\"")
      return nil
    }
    return hour * 60 + minute
  }

  static func suppressions(_ node: YAMLNode, _ problems: ProblemList) -> [Suppression] {
    let example = "- { from: 2026-05-01T08:00:00Z, to: 2026-05-01T09:00:00Z, reason: … }"
    return items(node, "suppress", example, problems).compactMap { node in
      guard var reader = MappingReader(node, what: "suppress", problems: problems) else { return nil }
      let from = instant(&reader, "from", problems)
      let to = instant(&reader, "to", problems)
      let reason = reader.requiredText("reason")
      let wards = reader.texts("wards").compactMap(\.text)
      let policies = reader.names("policies")
      reader.finish()
      guard let from, let to, let reason else { return nil }
      if to <= from {
        problems.add(at: node.location, "the span ends before it begins", remedy: "exchange 'from' and 'to'")
      }
      return Suppression(
        window: SuppressionWindow(from: from, to: to, wards: wards, reason: reason), policies: policies,
        location: node.location)
    }
  }

  private static func instant(_ reader: inout MappingReader, _ key: String, _ problems: ProblemList) -> Int64? {
    guard let node = reader.requiredNode(key), let text = reader.text(key) else { return nil }
    guard let date = try? Date(text, strategy: .iso8601) else {
      problems.add(
        at: node.location, "\(key) '\(text)' is no instant",
        remedy: "write 2026-05-01T08:00:00Z, or with an offset +02:00")
      return nil
    }
    return Int64((date.timeIntervalSince1970 * 1e6).rounded())
  }

  private static func items(
    _ node: YAMLNode, _ key: String, _ example: String, _ problems: ProblemList
  ) -> [YAMLNode] {
    if case .sequence(let nodes) = node.content { return nodes }
    problems.add(at: node.location, "\(key) is \(node.kindInWords)", remedy: "write a list: '\(example)'")
    return []
  }
}
