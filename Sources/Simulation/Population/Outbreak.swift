import Clinical

/// An outbreak that is planted into a population: more cases of one acute disease in one county for some weeks, most of
/// them at its beginning, as from one source.
struct Outbreak: Sendable {
  /// Position in ``Disease/acute``.
  let disease: Int
  let county: String
  /// A Monday, in days since 1970-01-01.
  let firstDay: Int32
  let weeks: Int
  /// The share of the county's people that falls ill.
  let attackRate: Double

  /// The outbreaks of a population whose last day is `lastDay`.
  static func planted(lastDay: CivilDate) -> [Outbreak] {
    // 1970-01-01 was a Thursday.
    let monday = lastDay.days - (lastDay.days + 3) % 7
    let plans: [(code: String, county: String, weeksAgo: Int32, weeks: Int, rate: Double)] = [
      ("50711007", "Bristol County", 24, 5, 0.06),
      ("6142004", "Worcester County", 60, 4, 0.09),
      ("10509002", "Essex County", 104, 4, 0.08),
    ]
    return plans.compactMap { plan in
      Disease.acute.firstIndex { $0.code == plan.code }.map {
        Outbreak(
          disease: $0, county: plan.county, firstDay: monday - 7 * plan.weeksAgo, weeks: plan.weeks,
          attackRate: plan.rate)
      }
    }
  }

  /// The day on which somebody of the county falls ill; nil: not in this outbreak.
  func onset(_ random: inout SeededRandom) -> Int32? {
    guard random.chance(attackRate) else { return nil }
    return firstDay + Int32(Double(weeks * 7) * min(random.uniform(), random.uniform()))
  }
}
