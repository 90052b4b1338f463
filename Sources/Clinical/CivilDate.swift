/// A day of the proleptic Gregorian calendar, counted from 1970-01-01 and without a time zone.
public struct CivilDate: Sendable, Hashable, Comparable {
  /// Days since 1970-01-01; negative before it.
  public var days: Int32

  /// A date from its day number (days since 1970-01-01).
  public init(days: Int32) {
    self.days = days
  }

  /// A date from year, month (1–12) and day of month (1–31); the parts are not checked against each other, so
  /// 31 February gives 3 March (2 March in a leap year).
  ///
  /// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
  public init(year: Int, month: Int, day: Int) {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    self.days = Int32(truncatingIfNeeded: era * 146_097 + dayOfEra - 719_468)
  }

  /// Year, month (1–12) and day of month (1–31); `civil_from_days` of the same source.
  public var parts: (year: Int, month: Int, day: Int) {
    let shifted = Int(days) + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  /// Completed years of life on this day for somebody born on `birth`; someone born on 29 February completes a year
  /// on 1 March of a common year. Negative if this day is before birth.
  public func completedYears(since birth: CivilDate) -> Int {
    let now = parts
    let then = birth.parts
    let hadBirthday = (now.month, now.day) >= (then.month, then.day)
    return now.year - then.year - (hadBirthday ? 0 : 1)
  }

  /// The earlier date is the smaller one.
  public static func < (left: CivilDate, right: CivilDate) -> Bool {
    left.days < right.days
  }
}
