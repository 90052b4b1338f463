/// When something is due: five fields as in crontab(5), `minute hour day-of-month month day-of-week`.
///
/// A field is `*`, a number, a range `1-5`, any of these with a step `*/15`, or several of them with commas. Months and days of
/// the week may be written `JAN`, `MON`; 0 and 7 are Sunday. `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly` stand for
/// their usual fields. If both days are restricted, either is enough, as in crontab(5).
public struct CronExpression: Sendable, Hashable {
  /// Minutes of the hour.
  let minutes: Set<Int>
  /// Hours of the day.
  let hours: Set<Int>
  /// Days of the month.
  let days: Set<Int>
  /// Months, January is 1.
  let months: Set<Int>
  /// Days of the week, Sunday is 0.
  let weekdays: Set<Int>
  /// Whether any hour will do: such a job follows the clock through a change of summer time.
  let isEveryHour: Bool
  private let hasDays: Bool
  private let hasWeekdays: Bool
  /// As it was written.
  public let text: String

  /// Why a text is no expression.
  public struct Malformed: Error, Sendable, Hashable {
    /// What is wrong, with the field's name.
    public var reason: String
  }

  private struct Field {
    var name: String
    var range: ClosedRange<Int>
    var names: [String] = []
  }

  private static let fields = [
    Field(name: "minute", range: 0...59), Field(name: "hour", range: 0...23),
    Field(name: "day of month", range: 1...31),
    Field(
      name: "month", range: 1...12,
      names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]),
    Field(name: "day of week", range: 0...7, names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]),
  ]

  private static let names = [
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
  ]

  /// Reads an expression.
  public init(_ text: String) throws(Malformed) {
    let parts = (Self.names[text] ?? text).split(separator: " ").map(String.init)
    guard parts.count == 5 else {
      throw Malformed(reason: "it has \(parts.count) fields and not five: minute hour day-of-month month day-of-week")
    }
    var sets: [Set<Int>] = []
    for (part, field) in zip(parts, Self.fields) { sets.append(try Self.values(part, field)) }
    self.text = text
    minutes = sets[0]
    hours = sets[1]
    days = sets[2]
    months = sets[3]
    weekdays = Set(sets[4].map { $0 % 7 })
    isEveryHour = parts[1].hasPrefix("*")
    hasDays = !parts[2].hasPrefix("*")
    hasWeekdays = !parts[4].hasPrefix("*")
  }

  private static func values(_ text: String, _ field: Field) throws(Malformed) -> Set<Int> {
    var values: Set<Int> = []
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      let parts = item.split(separator: "/", omittingEmptySubsequences: false)
      let step = parts.count == 2 ? Int(parts[1]) ?? 0 : 1
      guard parts.count <= 2, step > 0, let first = parts.first else {
        throw Malformed(reason: "\(field.name) '\(item)' is no number, range or step")
      }
      let range: ClosedRange<Int>
      if first == "*" {
        range = field.range
      } else {
        let ends = first.split(separator: "-", omittingEmptySubsequences: false)
        guard let low = number(ends.first, field), let high = number(ends.last, field), ends.count <= 2, low <= high,
          field.range.contains(low), field.range.contains(high)
        else {
          throw Malformed(
            reason: "\(field.name) '\(item)' is not within \(field.range.lowerBound) to \(field.range.upperBound)")
        }
        range = ends.count == 1 && parts.count == 2 ? low...field.range.upperBound : low...high
      }
      values.formUnion(stride(from: range.lowerBound, through: range.upperBound, by: step))
    }
    return values
  }

  private static func number(_ text: Substring?, _ field: Field) -> Int? {
    guard let text else { return nil }
    if let place = field.names.firstIndex(of: text.uppercased()) { return place + field.range.lowerBound }
    return text.allSatisfy(\.isASCII) ? Int(text) : nil
  }

  /// Whether it is due on a day. The weekday of Sunday is 0.
  func includes(month: Int, day: Int, weekday: Int) -> Bool {
    guard months.contains(month) else { return false }
    if hasDays, hasWeekdays { return days.contains(day) || weekdays.contains(weekday) }
    return days.contains(day) && weekdays.contains(weekday)
  }
}
