import DeltaLake
import LakewardTesting
import Models
import Pipelines
import Testing

@testable import Streaming

/// Drift in the stream, errors where outcomes arrive, and learning from them.
@Suite struct ModelWatchTests {
  private static let policy: DriftPolicy = {
    var policy = DriftPolicy()
    policy.windowRows = 1_000
    policy.slideRows = 250
    return policy
  }()

  /// A stationary stream gives no alarm over 50 windows; a shift of one feature is found in it and in the answers.
  @Test func aShiftIsFoundAndStationaryDataAreNot() throws {
    let ward = try WatchedWard()
    try ward.train(seed: 1, promote: true)
    let watch = try ward.watch(Self.policy)
    try watch.begin()
    var cases = WatchedWard.cases(14_000, seed: 5)
    var windows: Set<Int> = []
    for end in [5_000, 10_000, 14_000] {
      try ward.run(Array(cases[..<end]))
      let report = try watch.round(closing: false)
      #expect(report.drift.isEmpty, "\(report.drift)")
      windows.formUnion(report.figures.map(\.window))
    }
    #expect(windows.count >= 50)
    cases += WatchedWard.cases(2_000, from: 14_000, seed: 6, shift: 15)
    try ward.run(cases)
    let found = Set(try watch.round(closing: false).drift.map { "\($0.kind) \($0.column) \($0.statistic)" })
    #expect(found.isSuperset(of: ["feature pulse psi", "feature pulse ks", "prediction prediction psi"]))
    #expect(!found.contains { $0.contains("fever") })
    // All of it stands in the table, with the time of the events that a window holds.
    #expect(try ward.count("SELECT count(*) FROM {model_monitoring} WHERE is_drift AND \"column\" = 'pulse'") > 0)
    #expect(try ward.count("SELECT count(DISTINCT \"window\") FROM {model_monitoring}") >= 50)
    #expect(try ward.count("SELECT count(*) FROM {model_monitoring} WHERE first_event > last_event") == 0)
  }

  @Test func windowsBeginAnewWithAVersion() throws {
    let ward = try WatchedWard()
    try ward.train(seed: 1, promote: true)
    let watch = try ward.watch(Self.policy)
    try watch.begin()
    let cases = WatchedWard.cases(1_900)
    try ward.run(Array(cases[..<900]))
    #expect(try watch.round(closing: false).figures.isEmpty)
    try ward.train(seed: 2, promote: true)
    try ward.run(cases)
    #expect(try watch.round(closing: false).figures.allSatisfy { $0.version == "2" })
    // A stream that ends is judged by what there is.
    let closing = try watch.round(closing: true)
    #expect(closing.figures.allSatisfy { $0.version == "2" && $0.rows == 1_000 } && !closing.figures.isEmpty)
  }

  @Test func errorsAreWatchedWhereOutcomesArrive() throws {
    let ward = try WatchedWard()
    try ward.train(seed: 1, promote: true)
    let cases = WatchedWard.cases(3_000) + WatchedWard.cases(1_500, from: 3_000, seed: 9, flip: true)
    try ward.run(cases)
    let watch = try ward.watch(Self.policy)
    try watch.begin()
    _ = try ward.addOutcomes(Array(cases[..<3_000]), time: 100)
    let calm = try watch.round(closing: false).figures.filter { $0.kind == "error" }
    #expect(calm.map(\.statistic) == ["adwin", "page_hinkley"] && calm.allSatisfy { !$0.isDrift && $0.rows == 3_000 })
    // The truth turns round: what was right is wrong now.
    _ = try ward.addOutcomes(Array(cases[3_000...]), time: 200)
    let alarmed = try watch.round(closing: false).figures.filter { $0.kind == "error" }
    #expect(alarmed.allSatisfy(\.isDrift) && alarmed.count == 2)
    #expect(try watch.round(closing: false).figures.filter { $0.kind == "error" }.isEmpty)
  }

  /// Every outcome is learned from once, versions come every 300 updates, shadow-first.
  @Test func learnsFromOutcomesAsTheyArrive() throws {
    let ward = try WatchedWard()
    try ward.train(seed: 1, promote: true)
    let cases = WatchedWard.cases(1_000, seed: 3)
    try ward.run(cases)
    let watch = try ward.watch()
    try watch.begin()
    _ = try ward.addOutcomes(Array(cases[..<200]), time: 100)
    let first = try watch.round(closing: false)
    #expect(first.learnedRows == [ward.model: 200] && first.newVersions.isEmpty)
    _ = try ward.addOutcomes(Array(cases[200...]), time: 200)
    // After a restart it goes on where it was.
    let later = try ward.watch()
    let second = try later.round(closing: false)
    #expect(second.learnedRows == [ward.model: 800] && second.newVersions == [ward.model: "2"])
    #expect(try later.round(closing: false).learnedRows.isEmpty)
    #expect(try ward.registry.onlineCheckpoint(of: ward.model)?.learner.updates == 1_000)
    let entry = try ward.registry.silent(ward.model)
    #expect(entry.card.version == "2" && entry.card.data.source?.hasPrefix("outcomes, one at a time") == true)
    #expect(try ward.registry.liveVersion(of: ward.model) == "1")
    #expect((entry.card.metrics?.rocAUC ?? 0) > 0.85)
    // It scores silently from now on.
    try ward.run(cases + WatchedWard.cases(100, from: 1_000))
    #expect(try later.round(closing: false).silentRows == [ward.model: 100])
  }

  /// A user's trial is never pushed aside by the learner.
  @Test func leavesAnothersTrialAlone() throws {
    let ward = try WatchedWard()
    try ward.train(seed: 1, promote: true)
    try ward.train(seed: 2, promote: false)
    try ward.registry.setStage(.silent, of: ward.model, version: "2")
    let cases = WatchedWard.cases(400)
    try ward.run(cases)
    _ = try ward.addOutcomes(cases, time: 100)
    #expect(try ward.watch().round(closing: false).newVersions == [ward.model: "3"])
    #expect(try ward.registry.silentVersion(of: ward.model) == "2")
    #expect(try ward.registry.version("3", of: ward.model).stage == .candidate)
  }

  @Test func retrainingFollowsItsRule() {
    let rule = RetrainingRule(everySeconds: 7 * 86_400, onDrift: true, atMostEverySeconds: 3_600)
    #expect(rule.reason(age: 8 * 86_400, hasDrifted: false) == "schedule")
    #expect(rule.reason(age: 7_200, hasDrifted: true) == "drift")
    #expect(rule.reason(age: 7_200, hasDrifted: false) == nil)
    #expect(rule.reason(age: 600, hasDrifted: true) == nil)
    #expect(RetrainingRule(onDrift: false).reason(age: 1e9, hasDrifted: true) == nil)
  }
}
