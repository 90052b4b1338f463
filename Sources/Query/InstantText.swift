/// Dates, times and instants in ISO 8601, without a calendar library: these run once per cell.
public enum InstantText {
  private static let microsecondsPerDay: Int64 = 86_400_000_000

  /// `2026-01-31`; DuckDB's infinite dates are `infinity` and `-infinity`.
  public static func date(days: Int32) -> String {
    if days == .max { return "infinity" }
    if days == -.max { return "-infinity" }
    let (year, month, day) = civil(days: Int64(days))
    return "\(yearText(year))-\(padded(month, 2))-\(padded(day, 2))"
  }

  /// `2026-01-31T08:00:00`, with 3 or 6 digits of a second's fraction if there is one, and `suffix` (such as `Z`).
  public static func timestamp(microseconds: Int64, suffix: String = "") -> String {
    if microseconds == .max { return "infinity" }
    if microseconds == -.max { return "-infinity" }
    let (days, rest) = floorDivide(microseconds, microsecondsPerDay)
    return date(days: Int32(clamping: days)) + "T" + time(microseconds: rest) + suffix
  }

  /// The same from nanoseconds; 9 digits where 6 do not suffice.
  public static func timestamp(nanoseconds: Int64) -> String {
    if nanoseconds == .max { return "infinity" }
    if nanoseconds == -.max { return "-infinity" }
    let (microseconds, rest) = floorDivide(nanoseconds, 1_000)
    guard rest != 0 else { return timestamp(microseconds: microseconds) }
    let (seconds, fraction) = floorDivide(nanoseconds, 1_000_000_000)
    return timestamp(microseconds: seconds * 1_000_000) + "." + padded(Int(fraction), 9)
  }

  /// `08:00:00`, with a fraction if there is one.
  public static func time(microseconds: Int64) -> String {
    let seconds = Int(microseconds / 1_000_000)
    let fraction = Int(microseconds % 1_000_000)
    let clock = "\(padded(seconds / 3_600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
    if fraction == 0 { return clock }
    return clock + "." + (fraction % 1_000 == 0 ? padded(fraction / 1_000, 3) : padded(fraction, 6))
  }

  /// `+02:00`, or `Z` at Greenwich.
  public static func offset(seconds: Int32) -> String {
    guard seconds != 0 else { return "Z" }
    let size = Int(seconds.magnitude)
    let rest = size % 60 == 0 ? "" : ":\(padded(size % 60, 2))"
    return "\(seconds < 0 ? "-" : "+")\(padded(size / 3_600, 2)):\(padded(size / 60 % 60, 2))\(rest)"
  }

  /// `P1Y2M3DT4H5M6.5S`; every part has its own sign.
  public static func interval(months: Int32, days: Int32, microseconds: Int64) -> String {
    var text = "P"
    if months / 12 != 0 { text += "\(months / 12)Y" }
    if months % 12 != 0 { text += "\(months % 12)M" }
    if days != 0 { text += "\(days)D" }
    if microseconds != 0 {
      text += "T"
      let (hours, minutes) = (microseconds / 3_600_000_000, microseconds / 60_000_000 % 60)
      if hours != 0 { text += "\(hours)H" }
      if minutes != 0 { text += "\(minutes)M" }
      let rest = microseconds % 60_000_000
      if rest != 0 {
        text += (rest < 0 ? "-" : "") + String(rest.magnitude / 1_000_000)
        var fraction = padded(Int(rest.magnitude % 1_000_000), 6)
        while fraction.last == "0" { fraction.removeLast() }
        text += fraction.isEmpty ? "S" : ".\(fraction)S"
      }
    }
    return text == "P" ? "PT0S" : text
  }

  /// Days since 1970 as a proleptic Gregorian date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
  private static func civil(days: Int64) -> (year: Int, month: Int, day: Int) {
    let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (Int(year), Int(month), Int(dayOfYear - (153 * shifted + 2) / 5 + 1))
  }

  /// Four digits; ISO 8601 wants a sign on years that have more or are before 0.
  private static func yearText(_ year: Int) -> String {
    if (0...9_999).contains(year) { return padded(year, 4) }
    return (year < 0 ? "-" : "+") + padded(Int(year.magnitude), 4)
  }

  private static func floorDivide(_ number: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = number.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
}
