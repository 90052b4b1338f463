public import Foundation

/// Time zones as people write them.
public enum ImportZone {
  /// A zone by its name in the tz database, or by its offset, `+01:00`; nil for anything else.
  public static func named(_ text: String) -> TimeZone? {
    guard let sign = text.first, sign == "+" || sign == "-" else { return TimeZone(identifier: text) }
    let digits = text.dropFirst().filter { $0 != ":" }
    guard digits.count == 4, let number = Int(digits), number / 100 < 15, number % 100 < 60 else { return nil }
    let minutes = number / 100 * 60 + number % 100
    return TimeZone(secondsFromGMT: (sign == "-" ? -minutes : minutes) * 60)
  }
}
