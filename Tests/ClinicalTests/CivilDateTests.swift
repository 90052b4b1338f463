import Clinical
import Testing

@Suite struct CivilDateTests {
  @Test(arguments: [
    (1970, 1, 1, 0), (2000, 2, 29, 11_016), (1969, 12, 31, -1), (2026, 1, 1, 20_454), (1900, 3, 1, -25_508),
  ])
  func days(year: Int, month: Int, day: Int, number: Int32) {
    let date = CivilDate(year: year, month: month, day: day)
    #expect(date.days == number)
    #expect(date.parts == (year, month, day))
  }

  @Test func everyDayOfFourCenturiesComesBack() {
    for number in stride(from: Int32(-80_000), to: 66_097, by: 1) {
      let parts = CivilDate(days: number).parts
      if CivilDate(year: parts.year, month: parts.month, day: parts.day).days != number {
        Issue.record("day \(number)")
      }
    }
  }

  @Test func ageInYearsAndItsGroup() {
    let birth = CivilDate(year: 2008, month: 2, day: 29)
    #expect(CivilDate(year: 2026, month: 2, day: 28).completedYears(since: birth) == 17)
    #expect(CivilDate(year: 2026, month: 3, day: 1).completedYears(since: birth) == 18)
    let groups = [0: "0-17", 17: "0-17", 18: "18-34", 35: "35-49", 50: "50-64", 65: "65-79", 79: "65-79", 80: "80+"]
    for (years, name) in groups {
      #expect(AgeGroup(completedYears: years)?.rawValue == name)
    }
    #expect(AgeGroup(completedYears: -1) == nil)
  }
}
