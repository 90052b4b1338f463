import LakewardTesting
import Pipelines
import Streaming
import Testing

@testable import Alerts

/// History under the live policies gives the alerts that were raised live; figures against a truth that is known.
@Suite struct ReplayTests {
  @Test(arguments: [7, 8] as [UInt64])
  func aReplayRaisesWhatTheStreamRaised(seed: UInt64) throws {
    let place = try AlertStageTests.Place(maxRecords: 31)
    let desk = try place.run(Readings.records(seed: seed))
    var filter = AlertFilter()
    filter.states = []
    let live = try desk.list(filter)
    #expect(live.count > 10)
    let replay = try PolicyReplay(
      lake: place.lake, pipeline: place.pipeline, engine: QueryEngine(lake: place.lake, threads: 1))
    let result = try replay.replay(place.policies, answers: false)
    func facts(_ alert: Alert) -> [String] {
      ["\(alert.since)", "\(alert.eventTime)", "\(alert.endedAt ?? 0)", "\(alert.episodes)", alert.facts ?? ""]
    }
    let expected = Dictionary(live.map { ($0.id, facts($0)) }) { first, _ in first }
    let found = Dictionary(result.alerts.map { ($0.id, facts($0)) }) { first, _ in first }
    #expect(found == expected)
    #expect(result.rows == 300)
    // From the middle on: the same alerts, without those before.
    let since = live.map(\.eventTime).sorted()[live.count / 2]
    let later = try PolicyReplay(
      lake: place.lake, pipeline: place.pipeline, engine: QueryEngine(lake: place.lake, threads: 1), since: since
    )
    .replay(place.policies, answers: false)
    #expect(Set(later.alerts.map(\.id)) == Set(live.filter { $0.eventTime >= since }.map(\.id)))
  }

  private static func alert(_ patient: String, minute: Int64, covered: Bool = false) -> Alert {
    let time = minute * 60_000_000
    var alert = Alert(
      id: "\(patient) \(minute)", policy: Sample.policy.id, severity: .high, patient: patient, title: "", message: "",
      since: time, eventTime: time, openedAt: time, escalatesFrom: time, changedAt: time, sequence: 1)
    if covered { alert.coveredBy = "another" }
    return alert
  }

  @Test func figuresAgainstATruth() {
    var result = PolicyReplay.Result()
    result.alerts = [
      Self.alert("a", minute: 110), Self.alert("a", minute: 120), Self.alert("a", minute: 500),
      Self.alert("b", minute: 190), Self.alert("c", minute: 50), Self.alert("stranger", minute: 60),
      Self.alert("a", minute: 115, covered: true),
    ]
    result.patientSeconds = 3 * 86_400
    result.wardSeconds = 24 * 3_600
    result.span = 0...(24 * 3_600_000_000)
    func episode(_ patient: String, _ onset: Int64, _ peak: Int64, _ end: Int64) -> ReplayTruth.Episode {
      .init(
        patient: patient, kind: "sepsis", onset: onset * 60_000_000, peak: peak * 60_000_000, end: end * 60_000_000)
    }
    result.truth = ReplayTruth(
      episodes: [episode("a", 100, 140, 200), episode("b", 100, 180, 200), episode("c", 100, 140, 200)],
      patients: ["a", "b", "c"])
    let report = ReplayReport(result)
    #expect(report.alerts == 6 && report.covered == 1)
    #expect(report.perBedDay == 2 && report.perShift == 3 && report.perHour == 0.25)
    #expect(report.episodes == 3 && report.found == 2 && report.unknown == 1)
    #expect(report.recall == 2.0 / 3)
    // Of five alerts about known patients three fell into a deterioration.
    #expect(report.precision == 3.0 / 5)
    // 30 minutes before the peak, and 10 after it.
    #expect(report.medianLeadSeconds == 600)
    #expect(report.medianDelaySeconds == 3_000)
    result.truth = nil
    let blind = ReplayReport(result)
    #expect(blind.precision == nil && blind.recall == nil && blind.unknown == nil && blind.episodes == nil)
  }

  @Test func theBudgetTakesTheThresholdThatFindsMost() throws {
    func report(_ threshold: Double, perShift: Double, recall: Double?) -> ReplayReport {
      var report = ReplayReport(PolicyReplay.Result())
      report.threshold = threshold
      report.perShift = perShift
      report.recall = recall
      report.alerts = Int(perShift * 10)
      return report
    }
    let budget = try #require(AlertBudget("4/shift"))
    let reports = [
      report(4, perShift: 9, recall: 0.9), report(5, perShift: 3.9, recall: 0.8), report(6, perShift: 2, recall: 0.8),
      report(7, perShift: 1, recall: 0.5),
    ]
    #expect(budget.best(of: reports)?.threshold == 5)
    #expect(AlertBudget("0.5/shift")?.best(of: reports) == nil)
    #expect(
      budget.best(
        of: reports.map {
          var report = $0; report.recall = nil; return report
        })?.threshold == 5)
    for text in ["4", "x/shift", "4/week", "-1/shift", "4/shift/1"] { #expect(AlertBudget(text) == nil) }
  }
}
