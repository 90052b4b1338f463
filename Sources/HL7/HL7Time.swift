public import Foundation

/// HL7 version 2 times, `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][±ZZZZ]`, as FHIR writes them: with the precision that they have.
public struct HL7Time: Sendable {
  /// The zone of times that name none.
  public let zone: TimeZone

  /// - Parameter zone: The sender's zone, unless its message header tells an offset.
  public init(zone: TimeZone) { self.zone = zone }

  /// For a message: times without an offset are of the offset in MSH-7, or else of `zone`.
  public init(_ message: HL7Message, zone: TimeZone) {
    let sent = message.header.text(7) ?? ""
    self.zone = Self.offset(sent).flatMap { TimeZone(secondsFromGMT: $0 * 60) } ?? zone
  }

  /// ISO 8601 with the same precision; a time of day gets its offset. Nil for what is no time.
  public func iso(_ text: String?) -> String? {
    guard let text else { return nil }
    let body = text.prefix { $0 != "+" && $0 != "-" }
    let parts = body.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let digits = Array(parts[0])
    guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), [4, 6, 8, 10, 12, 14].contains(digits.count) else {
      return nil
    }
    func number(_ range: Range<Int>) -> Int { range.upperBound <= digits.count ? Int(String(digits[range])) ?? 0 : 0 }
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let (year, month, day) = (number(0..<4), number(4..<6), number(6..<8))
    let days = [
      31, year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
    ]
    guard year > 0 else { return nil }
    let date = String(digits[0..<4])
    if digits.count == 4 { return date }
    guard (1...12).contains(month) else { return nil }
    if digits.count == 6 { return "\(date)-\(two(month))" }
    guard (1...days[month - 1]).contains(day) else { return nil }
    let whole = "\(date)-\(two(month))-\(two(day))"
    if digits.count == 8 { return whole }
    let (hour, minute, second) = (number(8..<10), number(10..<12), number(12..<14))
    guard hour < 24, minute < 60, second < 60 else { return nil }
    var time = "\(two(hour)):\(two(minute)):\(two(second))"
    if parts.count == 2 {
      guard !parts[1].isEmpty, parts[1].allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
      time += "." + parts[1].prefix(6)
    }
    let given = text.dropFirst(body.count)
    let offset = given.isEmpty ? local(year, month, day, hour, minute) : Self.offset(text)
    guard let offset else { return nil }
    let sign = offset < 0 ? "-" : "+"
    return "\(whole)T\(time)\(sign)\(two(abs(offset) / 60)):\(two(abs(offset) % 60))"
  }

  /// Minutes east of Greenwich at the end of a time; nil if there are none.
  private static func offset(_ text: String) -> Int? {
    guard let sign = text.firstIndex(where: { $0 == "+" || $0 == "-" }) else { return nil }
    let digits = text[text.index(after: sign)...]
    guard digits.count == 4, let number = Int(digits), number / 100 < 15, number % 100 < 60 else { return nil }
    let minutes = number / 100 * 60 + number % 100
    return text[sign] == "-" ? -minutes : minutes
  }

  private func local(_ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int) -> Int? {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    let parts = DateComponents(year: year, month: month, day: day, hour: hour, minute: minute)
    return calendar.date(from: parts).map { zone.secondsFromGMT(for: $0) / 60 }
  }
}
