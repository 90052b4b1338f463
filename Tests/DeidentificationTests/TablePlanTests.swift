import Deidentification
import Pipelines
import Testing

@Suite("What becomes of a column") struct TablePlanTests {
  private func plan(
    _ columns: [(String, String, PHIClass?)], dates: DateRule = .year
  ) -> [String: ColumnTreatment.Action] {
    let classes = Dictionary(uniqueKeysWithValues: columns.map { ($0.0, $0.2) })
    let plan = TablePlan(table: "t", columns: columns.map { ($0.0, $0.1) }, dates: dates) { classes[$0] ?? nil }
    return Dictionary(uniqueKeysWithValues: plan.columns.map { ($0.column, $0.action) })
  }

  @Test func everyKindOfIdentifierIsRemovedOrChanged() {
    for phi in PHIClass.allCases where phi.isIdentifier {
      let action = plan([("p", "VARCHAR", .patient), ("x", "VARCHAR", phi)])["x"]
      #expect(action != .kept && action != nil, "\(phi)")
      let changed: Set<PHIClass> = [.patient, .record, .date, .birthDate, .deathDate, .age, .postalCode]
      #expect((action == .dropped) == !changed.contains(phi), "\(phi)")
    }
  }

  @Test func whatNobodyHasClassifiedIsLeftOut() {
    #expect(plan([("x", "VARCHAR", nil), ("y", "DOUBLE", nil)]) == ["x": .dropped, "y": .dropped])
    #expect(
      plan([("x", "STRUCT(a INTEGER)", PHIClass.none), ("y", "VARCHAR[]", PHIClass.none)]) == [
        "x": .dropped, "y": .dropped,
      ])
    #expect(plan([("x", "TIMESTAMP[]", .date), ("y", "BLOB", PHIClass.none)]) == ["x": .dropped, "y": .dropped])
  }

  @Test func aDayIsADayWhateverItIsCalled() {
    let columns: [(String, String, PHIClass?)] = [
      ("p", "VARCHAR", .patient), ("a", "DATE", PHIClass.none), ("b", "TIMESTAMP WITH TIME ZONE", .demographic),
      ("year", "INTEGER", .date), ("name", "DATE", .name),
    ]
    #expect(plan(columns)["a"] == .year && plan(columns)["b"] == .year && plan(columns)["year"] == .year)
    #expect(plan(columns, dates: .shifted)["a"] == .shifted)
    // A true year beside shifted days would tell by how much they moved.
    #expect(plan(columns, dates: .shifted)["year"] == .dropped)
    #expect(plan(columns)["name"] == .dropped)
    #expect(plan([("a", "DATE", .date)], dates: .shifted)["a"] == .year)
    #expect(plan([("a", "DATE", .birthDate)])["a"] == .dropped)
  }

  @Test func aListOfAreasIsThreeDigitsEach() {
    #expect(SmallAreas.parse("036, 059\n102") == ["036", "059", "102"])
    #expect(SmallAreas.parse("036 5911") == nil && SmallAreas.parse("") == nil)
    #expect(SmallAreas.known.count == 21 && SmallAreas.known.allSatisfy { $0.count == 3 })
  }
}
