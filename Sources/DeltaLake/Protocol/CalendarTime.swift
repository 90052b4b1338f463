/// Dates and times of the proleptic Gregorian calendar as text, without a library and without a zone.
enum CalendarTime {
  static let microsecondsPerDay: Int64 = 86_400_000_000

  /// Days since 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
  static func days(year: Int, month: Int, day: Int) -> Int {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// Year, month and day of a number of days since 1970-01-01.
  static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthIndex = (5 * dayOfYear + 2) / 153
    let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthIndex + 2) / 5 + 1)
  }

  /// Days of `YYYY-MM-DD`; nil if the text is no such date.
  static func parseDate(_ text: some StringProtocol) -> Int? {
    var parser = Digits(text)
    guard let days = parser.date(), parser.isAtEnd else { return nil }
    return days
  }

  /// Microseconds since 1970-01-01T00:00:00Z of a date, with or without a time, a fraction and an offset
  /// (`Z`, `+02`, `+05:30`); a text without an offset counts as UTC.
  static func parseTimestamp(_ text: some StringProtocol) -> Int64? {
    var parser = Digits(text)
    guard let days = parser.date() else { return nil }
    var microseconds = Int64(days) * microsecondsPerDay
    if parser.isAtEnd { return microseconds }
    guard parser.take("T") || parser.take(" ") else { return nil }
    guard let hour = parser.number(2), hour < 24, parser.take(":"), let minute = parser.number(2), minute < 60 else {
      return nil
    }
    microseconds += Int64(hour * 3600 + minute * 60) * 1_000_000
    if parser.take(":") {
      guard let second = parser.number(2), second < 61 else { return nil }
      microseconds += Int64(second) * 1_000_000
      if parser.take(".") {
        guard let fraction = parser.fraction() else { return nil }
        microseconds += fraction
      }
    }
    if parser.isAtEnd || (parser.take("Z") && parser.isAtEnd) { return microseconds }
    let sign: Int64 = parser.take("-") ? 1 : -1
    guard sign == 1 || parser.take("+"), let hours = parser.number(2) else { return nil }
    var offset = hours * 3600
    if parser.take(":") || !parser.isAtEnd {
      guard let minutes = parser.number(2) else { return nil }
      offset += minutes * 60
      if parser.take(":") {
        guard let seconds = parser.number(2) else { return nil }
        offset += seconds
      }
    }
    return parser.isAtEnd ? microseconds + sign * Int64(offset) * 1_000_000 : nil
  }

  /// `YYYY-MM-DD`; nil for years that do not have four digits.
  static func date(days: Int) -> String? {
    let (year, month, day) = civil(days: days)
    guard (0...9999).contains(year) else { return nil }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  /// `YYYY-MM-DDThh:mm:ss.fff` with 3 or 6 digits of the fraction, rounded down.
  static func timestamp(microseconds: Int64, digits: Int, separator: String = "T", suffix: String = "") -> String? {
    let days =
      microseconds >= 0
      ? microseconds / microsecondsPerDay : (microseconds - microsecondsPerDay + 1) / microsecondsPerDay
    guard let date = date(days: Int(days)) else { return nil }
    let rest = Int(microseconds - days * microsecondsPerDay)
    let seconds = rest / 1_000_000
    let fraction = digits == 3 ? padded(rest % 1_000_000 / 1000, 3) : padded(rest % 1_000_000, 6)
    let time = "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
    return "\(date)\(separator)\(time).\(fraction)\(suffix)"
  }

  static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }

  private struct Digits {
    private let bytes: [UInt8]
    private var index = 0

    init(_ text: some StringProtocol) { bytes = Array(text.utf8) }

    var isAtEnd: Bool { index == bytes.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard index < bytes.count, UInt32(bytes[index]) == character.value else { return false }
      index += 1
      return true
    }

    mutating func number(_ width: Int) -> Int? {
      guard index + width <= bytes.count else { return nil }
      var value = 0
      for byte in bytes[index..<(index + width)] {
        guard (0x30...0x39).contains(byte) else { return nil }
        value = value * 10 + Int(byte - 0x30)
      }
      index += width
      return value
    }

    mutating func date() -> Int? {
      guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2),
        (1...12).contains(month), day >= 1
      else { return nil }
      let first = CalendarTime.days(year: year, month: month, day: 1)
      let next = CalendarTime.days(year: month == 12 ? year + 1 : year, month: month == 12 ? 1 : month + 1, day: 1)
      return day <= next - first ? first + day - 1 : nil
    }

    /// Microseconds of the digits after the point; further digits are dropped.
    mutating func fraction() -> Int64? {
      var value: Int64 = 0
      var count = 0
      while index < bytes.count, (0x30...0x39).contains(bytes[index]) {
        if count < 6 { value = value * 10 + Int64(bytes[index] - 0x30) }
        count += 1
        index += 1
      }
      guard count > 0 else { return nil }
      for _ in 0..<max(0, 6 - count) { value *= 10 }
      return value
    }
  }
}
