extension CronExpression {
  /// The next instant after `instant` at which it is due, in seconds since 1970; nil if it never is (30 February).
  ///
  /// A local time that a change of summer time leaves out is taken that much later; one that comes twice is taken once, the
  /// first time. An expression for every hour (`*` in the field hour) is due at each minute that the clock really shows.
  /// - Parameter offset: Seconds that local time is ahead of UTC at an instant.
  public func next(after instant: Int64, offset: (Int64) -> Int) -> Int64? {
    let today = Self.days(instant + Int64(offset(instant)))
    // Nine years hold every 29 February that a leap century leaves out.
    for day in (today - 1)...(today + 9 * 366) {
      let date = Self.civil(day)
      guard includes(month: date.month, day: date.day, weekday: Self.weekday(day)) else { continue }
      let due = hours.flatMap { hour in
        minutes.flatMap { minute in
          instants(ofLocal: day * 86_400 + Int64(hour * 3_600 + minute * 60), offset: offset)
        }
      }
      if let next = due.filter({ $0 > instant }).min() { return next }
    }
    return nil
  }

  private func instants(ofLocal local: Int64, offset: (Int64) -> Int) -> [Int64] {
    let before = Int64(offset(local - 86_400))
    let after = Int64(offset(local + 86_400))
    let found = Set([before, after]).map { local - $0 }.filter { Int64(offset($0)) == local - $0 }.sorted()
    if isEveryHour { return found }
    return [found.first ?? local - before]
  }

  // MARK: The calendar

  private static func days(_ seconds: Int64) -> Int64 { (seconds >= 0 ? seconds : seconds - 86_399) / 86_400 }

  /// 1 January 1970 was a Thursday.
  private static func weekday(_ day: Int64) -> Int { Int(((day + 4) % 7 + 7) % 7) }

  /// Month and day of a day since 1970, by the proleptic Gregorian calendar.
  private static func civil(_ day: Int64) -> (month: Int, day: Int) {
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let ofEra = shifted - era * 146_097
    let year = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let ofYear = ofEra - (365 * year + year / 4 - year / 100)
    let month = (5 * ofYear + 2) / 153
    return (Int(month < 10 ? month + 3 : month - 9), Int(ofYear - (153 * month + 2) / 5 + 1))
  }
}
