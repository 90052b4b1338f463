import DuckDB
import Foundation
import LakewardTesting
import Pipelines
import Streaming
import Testing

@testable import Alerts

/// Policies on a running pipeline: the same alerts however the stream is cut and whatever stops in between.
@Suite struct AlertStageTests {
  struct Place {
    let directory: TemporaryDirectory
    let lake: Lake
    let pipeline: Pipeline
    let policies: [AlertPolicy]
    let clock = TestClock()

    init(maxRecords: Int, policies yaml: String = Readings.policies) throws {
      directory = try TemporaryDirectory("stage")
      lake = Lake(root: directory.file("lake"))
      pipeline = try Readings.pipeline(maxRecords: maxRecords)
      policies = try PolicyFile.policies(yaml: yaml, file: "alerts.yml", pipeline: pipeline)
    }

    /// A process: a desk and a stage of its own.
    /// - Parameter forgets: Batches, by number, after which the alerts' part of the process is not reached any more.
    @discardableResult
    func run(_ records: [Int32: [String]], alertsEndBefore last: Int = .max) throws -> AlertDesk {
      let desk = try AlertDesk(lake: lake, policies: policies, clock: clock.read)
      let stage = try #require(AlertStage(pipeline: pipeline, policies: policies, lake: lake, desk: desk))
      let runner = try PipelineRunner(
        pipeline: pipeline, lake: lake, engine: QueryEngine(lake: lake, threads: 1), source: MemoryReadings(records),
        registry: nil)
      var batches = 0
      var failure: (any Error)?
      try runner.run(.once, stop: StopSignal()) { event, view in
        if case .committed = event { batches += 1 }
        guard batches < last else { return }
        do {
          let report = try stage.observe(event, view)
          #expect(report.problems.isEmpty)
        } catch { failure = error }
      }
      if let failure { throw failure }
      return desk
    }
  }

  /// What counts about events: not when the clock said what.
  static func story(_ desk: AlertDesk) throws -> [String: [String]] {
    var story: [String: [String]] = [:]
    for event in try desk.events(after: 0, limit: 100_000) {
      guard let alert = event.alert else { continue }
      let words = [event.kind.rawValue, event.eventTime.map(String.init) ?? "", event.notify.joined(separator: " ")]
      story[alert, default: []].append(words.joined(separator: "|"))
    }
    return story
  }

  @Test func alertsDoNotDependOnTheCutNorOnWhatWasKilled() throws {
    let records = Readings.records()
    let whole = try Place(maxRecords: 10_000)
    let expected = try Self.story(whole.run(records))
    #expect(expected.count > 10)
    #expect(expected.values.contains { $0.contains { $0.hasPrefix("reopened") } })
    let small = try Place(maxRecords: 23)
    // The first process ends before anything, the second and the third in the middle of the stream.
    for end in [1, 4, 3, .max] {
      try small.run(records.mapValues { Array($0.prefix(end == .max ? 10_000 : end * 30)) }, alertsEndBefore: end)
    }
    let desk = try AlertDesk(lake: small.lake, policies: small.policies, clock: small.clock.read)
    let found = try Self.story(desk)
    #expect(Set(found.keys) == Set(expected.keys))
    for (id, events) in expected { #expect(found[id] == events) }
  }

  /// A table that holds its own columns alone borrows coordinates from the table before it.
  @Test func aTableWithoutCoordinatesRaisesTheSame() throws {
    let records = Readings.records(seed: 21)
    let whole = try Place(maxRecords: 10_000)
    let expected = try Self.story(whole.run(records))
    #expect(expected.count > 10)
    let gold = Readings.policies.replacing("silver_readings", with: "gold_readings")
    let place = try Place(maxRecords: 17, policies: gold)
    for end in [2, 5, .max] {
      try place.run(records.mapValues { Array($0.prefix(end == .max ? 10_000 : end * 25)) }, alertsEndBefore: end)
    }
    let desk = try AlertDesk(lake: place.lake, policies: place.policies, clock: place.clock.read)
    #expect(try Self.story(desk) == expected)
    let replay = try PolicyReplay(
      lake: place.lake, pipeline: place.pipeline, engine: QueryEngine(lake: place.lake, threads: 1))
    #expect(try Set(replay.replay(place.policies, answers: false).alerts.map(\.id)) == Set(expected.keys))
  }

  /// A checkpoint is a shortcut: with it, without it, with a broken one and with an old one the alerts are the same.
  @Test(arguments: ["kept", "deleted", "broken", "old"])
  func checkpointsChangeNothing(fate: String) throws {
    let records = Readings.records(seed: 11)
    let whole = try Place(maxRecords: 10_000)
    let expected = try Self.story(whole.run(records))
    let place = try Place(maxRecords: 60)
    let file = "\(place.lake.root)/_alerts/readings-alerts_0.parquet"
    var old: Data?
    for part in [40, 100, 150, 300] {
      try place.run(records.mapValues { Array($0.prefix(part)) })
      // The first start finds an empty table, of which there is nothing to keep.
      guard part > 40 else { continue }
      #expect(FileManager.default.fileExists(atPath: file))
      old = old ?? FileManager.default.contents(atPath: file)
      switch fate {
      case "deleted": try FileManager.default.removeItem(atPath: file)
      case "broken": try Data("PAR1 and then nothing".utf8).write(to: URL(fileURLWithPath: file))
      case "old": try old?.write(to: URL(fileURLWithPath: file))
      default: break
      }
    }
    let desk = try AlertDesk(lake: place.lake, policies: place.policies, clock: place.clock.read)
    #expect(try Self.story(desk) == expected)
  }

  @Test func aPolicyThatComesLaterDoesNotRaiseHistory() throws {
    let records = Readings.records()
    let place = try Place(maxRecords: 40)
    let half = records.mapValues { Array($0.prefix(80)) }
    let runner = try PipelineRunner(
      pipeline: place.pipeline, lake: place.lake, engine: QueryEngine(lake: place.lake, threads: 1),
      source: MemoryReadings(half), registry: nil)
    try runner.run(.once, stop: StopSignal()) { _, _ in }
    let desk = try place.run(half)
    #expect(try desk.list().isEmpty)
    #expect(try desk.events(after: 0).map(\.kind) == [.policyStarted, .policyStarted, .policyStarted])
    try place.run(records)
    #expect(try !desk.list().isEmpty)
  }

  @Test func twoStagesOnOnePipelineRaiseOnce() throws {
    let records = Readings.records(count: 120)
    let alone = try Place(maxRecords: 50)
    let expected = try Self.story(alone.run(records))
    let place = try Place(maxRecords: 50)
    let desks = try (0..<2).map { _ in
      try AlertDesk(lake: place.lake, policies: place.policies, clock: place.clock.read)
    }
    let stages = try desks.map { desk in
      try #require(AlertStage(pipeline: place.pipeline, policies: place.policies, lake: place.lake, desk: desk))
    }
    let runner = try PipelineRunner(
      pipeline: place.pipeline, lake: place.lake, engine: QueryEngine(lake: place.lake, threads: 1),
      source: MemoryReadings(records), registry: nil)
    var failure: (any Error)?
    try runner.run(.once, stop: StopSignal()) { event, view in
      do { for stage in stages { _ = try stage.observe(event, view) } } catch { failure = error }
    }
    #expect(failure == nil)
    #expect(try Self.story(desks[0]) == expected)
  }

  @Test func aPolicyWhoseSQLDoesNotFitIsNamedAndTheOthersGoOn() throws {
    let place = try Place(maxRecords: 1_000)
    var wrong = place.policies[1]
    wrong.name = "wrong"
    wrong.trigger = .condition("no_such_column > 3", threshold: nil)
    let desk = try AlertDesk(lake: place.lake, clock: place.clock.read)
    let stage = try #require(
      AlertStage(pipeline: place.pipeline, policies: place.policies + [wrong], lake: place.lake, desk: desk))
    let runner = try PipelineRunner(
      pipeline: place.pipeline, lake: place.lake, engine: QueryEngine(lake: place.lake, threads: 1),
      source: MemoryReadings(Readings.records()), registry: nil)
    var problems: [String] = []
    try runner.run(.once, stop: StopSignal()) { event, view in
      if let report = try? stage.observe(event, view) { problems += report.problems.map { "\($0)" } }
    }
    #expect(problems.count == 1)
    #expect(problems[0].contains("the SQL of the policy wrong cannot be run"))
    #expect(try !desk.list().isEmpty)
  }
}
