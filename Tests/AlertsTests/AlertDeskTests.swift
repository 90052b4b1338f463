import DeltaLake
import DuckDB
import LakewardTesting
import Streaming
import Testing

@testable import Alerts

/// Alerts in Delta tables: two desks on one lake stand for two processes.
@Suite struct AlertDeskTests {
  private let directory: TemporaryDirectory
  private let lake: Lake
  private let clock = TestClock()

  init() throws {
    directory = try TemporaryDirectory("alerts")
    lake = Lake(root: directory.file("lake"))
    try lake.prepare()
  }

  private func desk() throws -> AlertDesk {
    try AlertDesk(lake: lake, policies: [Sample.policy], clock: clock.read)
  }

  @Test func aLakeWithoutAlertsHasNone() throws {
    let desk = try desk()
    #expect(try desk.list().isEmpty)
    #expect(try desk.get("no-such") == nil)
    #expect(try desk.passTime().isEmpty)
    try desk.project()
    #expect(throws: AlertRefusal.unknownAlert) { try desk.apply(.acknowledge, to: "no-such", by: "n") }
    #expect(try lake.tableNames().isEmpty)
  }

  @Test func whatOneProcessDoesTheOtherSees() throws {
    let engine = try desk()
    let api = try desk()
    #expect(try api.list().isEmpty)
    try Sample.take(Sample.begins(at: "2026-01-05T08:00:00Z"), engine)
    try Sample.take(Sample.begins(patient: "p2", at: "2026-01-05T08:00:01Z"), engine)
    let alert = try #require(try api.list().first { $0.patient == "p1" })
    clock.advance(seconds: 30)
    #expect(try api.apply(.acknowledge, to: alert.id, by: "nurse-7").state == .acknowledged)
    #expect(try engine.get(alert.id)?.acknowledgedBy == "nurse-7")
    try Sample.take(Sample.ends(at: "2026-01-05T08:10:00Z"), engine)
    #expect(try api.list().map(\.patient) == ["p2"])
    #expect(try api.history(of: alert.id).map(\.kind) == [.opened, .acknowledged, .ended, .resolved])
    #expect(try api.events(after: 2).map(\.sequence) == [3, 4, 5])
    var resolved = AlertFilter()
    resolved.states = [.resolved]
    #expect(try api.list(resolved).map(\.id) == [alert.id])
  }

  @Test func everythingSurvivesARestart() throws {
    var before = try desk()
    try Sample.take(Sample.begins(at: "2026-01-05T08:00:00Z"), before)
    let id = try #require(try before.list().first?.id)
    try before.apply(.snooze(seconds: 60), to: id, by: "nurse-7", reason: "on my way; 1'2\"3\\")
    // Once with the table of alerts behind its events, once level with it.
    for _ in 0..<2 {
      let state = try #require(try before.get(id))
      let after = try desk()
      #expect(try after.get(id) == state)
      #expect(try after.list() == [state])
      #expect(try after.history(of: id).last?.reason == "on my way; 1'2\"3\\")
      try after.project()
      before = after
    }
    clock.advance(seconds: 61)
    #expect(try desk().passTime().map(\.kind) == [.woke])
  }

  @Test func twoProcessesEscalateOnce() throws {
    let first = try desk()
    let second = try desk()
    try Sample.take(Sample.begins(at: "2026-01-05T08:00:00Z"), first)
    _ = try second.list()
    clock.advance(seconds: 121)
    let made = try first.passTime() + second.passTime()
    #expect(made.map(\.kind) == [.escalated])
  }

  /// Many threads on many desks: every action takes effect once, in an order that the numbers tell.
  @Test func actionsFromManyProcessesAreOneSequence() async throws {
    let engine = try desk()
    for patient in 0..<6 { try Sample.take(Sample.begins(patient: "p\(patient)", at: "2026-01-05T08:00:00Z"), engine) }
    let ids = try engine.list().map(\.id).sorted()
    let desks = try (0..<4).map { _ in try desk() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, desk) in desks.enumerated() {
        group.addTask {
          for id in ids {
            try desk.apply(.comment, to: id, by: "nurse-\(index)", reason: "seen by \(index)")
            try desk.apply(.acknowledge, to: id, by: "nurse-\(index)")
            if index == 0 { try desk.project() }
          }
        }
      }
      try await group.waitForAll()
    }
    let events = try desk().events(after: 0)
    #expect(events.map(\.sequence) == Array(1...Int64(6 + 24 + 6)))
    for id in ids {
      let own = events.filter { $0.alert == id }
      #expect(own.count { $0.kind == .acknowledged } == 1)
      #expect(own.count { $0.kind == .commented } == 4)
    }
    try engine.project()
    let connection = try QueryEngine(lake: lake).connect()
    let scan = try DeltaReader.scanSQL(lake.table(named: "alerts").snapshot())
    #expect(
      try connection.query("SELECT count(*), count(DISTINCT alert_id) FROM \(scan) WHERE state = 'acknowledged'").rows()
        == [[.int(6), .int(6)]])
  }

  @Test func closedAlertsAreForgottenAndStillFound() throws {
    let desk = try desk()
    try Sample.take(Sample.begins(at: "2026-01-05T08:00:00Z"), desk)
    try Sample.take(Sample.ends(at: "2026-01-05T08:10:00Z"), desk)
    // Two days of event time later nothing can reopen it.
    try Sample.take(Sample.begins(patient: "p2", at: "2026-01-07T08:00:00Z"), desk)
    try Sample.take(Sample.ends(patient: "p2", at: "2026-01-07T08:20:00Z"), desk)
    try desk.project()
    let old = AlertIdentity.id(Sample.policy.id, patient: "p1", eventTime: instant("2026-01-05T08:00:00Z"))
    #expect(try desk.store.read { book, _ in book.alerts[old] } == nil)
    #expect(try desk.get(old)?.state == .resolved)
    try desk.apply(.comment, to: old, by: "auditor", reason: "checked")
    try desk.project()
    let other = try self.desk()
    #expect(try other.history(of: old).map(\.kind) == [.opened, .ended, .resolved, .commented])
    #expect(throws: AlertRefusal.closed(.resolved)) { try other.apply(.dismiss, to: old, by: "auditor", reason: "x") }
    var filter = AlertFilter()
    filter.states = []
    filter.patient = "p1"
    #expect(try other.list(filter).map(\.id) == [old])
  }

  /// A time that was days ahead makes the book forget what others may still need, and is the newest of nothing.
  @Test(arguments: [false, true]) func whatIsForgottenChangesNothing(stores: Bool) throws {
    let desk = try desk()
    func kinds(_ transition: Transition) throws -> [AlertEvent.Kind] {
      let kinds = try Sample.take(transition, desk).map(\.kind)
      clock.advance(seconds: 1)
      if stores { try desk.project() }
      return kinds
    }
    let ahead = "2026-01-09T08:00:00Z"
    _ = try kinds(Sample.begins(patient: "p2", at: "2026-01-05T08:05:00Z"))
    _ = try kinds(Sample.ends(patient: "p2", at: "2026-01-05T08:10:00Z"))
    #expect(try kinds(Sample.begins(patient: "p3", at: ahead)) == [.opened])
    #expect(try kinds(Sample.ends(patient: "p3", at: ahead)) == [.ended, .resolved])
    let old = AlertIdentity.id(Sample.policy.id, patient: "p2", eventTime: instant("2026-01-05T08:05:00Z"))
    #expect(try desk.store.read { book, _ in book.alerts[old] == nil } == stores)
    // The hold-off still holds, and a row that comes again raises nothing again.
    #expect(try kinds(Sample.begins(patient: "p2", at: "2026-01-05T08:05:00Z")) == [])
    #expect(try kinds(Sample.begins(patient: "p2", at: "2026-01-05T08:15:00Z")) == [.reopened])
    #expect(try kinds(Sample.ends(patient: "p2", at: "2026-01-05T08:16:00Z")) == [.ended, .resolved])
    // The patient whose clock was ahead: an episode of its own that ends.
    #expect(try kinds(Sample.begins(patient: "p3", at: "2026-01-05T08:20:00Z")) == [.opened])
    #expect(try kinds(Sample.ends(patient: "p3", at: "2026-01-05T08:30:00Z")) == [.ended, .resolved])
    #expect(try kinds(Sample.begins(patient: "p3", at: "2026-01-05T08:35:00Z")) == [.reopened])
  }

  /// What a large backlog raises at once is more than one slice of rows, and one commit all the same.
  @Test func manyAlertsAtOnceAreOneCommit() throws {
    let desk = try desk()
    let count = 20_500
    let time = instant("2026-01-05T08:00:00Z")
    let made = try desk.store.commit { book, _ in
      let transitions = (0..<count).map { number in
        Transition(
          begins: true, policy: Sample.policy.id, patient: "p\(number)", ward: "A'1", eventTime: time, since: time)
      }
      return AlertStore.Change(
        events: AlertRules.events(
          transitions, in: book, policies: [Sample.policy.id: Sample.policy], covers: [:], now: clock.now))
    }
    #expect(made.count == count)
    let table = try lake.table(named: AlertStore.eventsTable)
    // Version 0 made the table.
    #expect(try table.snapshot().version == 1)
    #expect(try table.snapshot().files.count == 2)
    try desk.project()
    let other = try self.desk()
    #expect(try other.events(after: 0, limit: 100_000).map(\.sequence) == Array(1...Int64(count)))
    let connection = try QueryEngine(lake: lake).connect()
    let scan = try DeltaReader.scanSQL(lake.table(named: AlertStore.alertsTable).snapshot())
    #expect(
      try connection.query("SELECT count(*), count(DISTINCT alert_id), min(ward) FROM \(scan)").rows()
        == [[.int(Int64(count)), .int(Int64(count)), .string("A'1")]])
  }
}
