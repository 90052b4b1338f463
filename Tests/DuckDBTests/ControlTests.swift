import Dispatch
import DuckDB
import Foundation
import Synchronization
import Testing

@Suite struct ControlTests {
  let connection: Connection
  static let endless = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b"

  init() throws { connection = try Database(settings: ["threads": "2"]).connect() }

  @Test func deadlineInterrupts() throws {
    let error = try #require(throws: DuckDBError.self) {
      try connection.withDeadline(.now + .milliseconds(30)) { try connection.query(Self.endless) }
    }
    #expect(error.kind == .interrupt && error.description == "DuckDB statement interrupted")
    #expect(try connection.query("SELECT 1").scalar() == 1)
  }

  @Test func deadlineInThePastRunsNothing() throws {
    let error = try #require(throws: DuckDBError.self) {
      try connection.withDeadline(.now - .seconds(1)) { try connection.execute("CREATE TABLE t(i INT)") }
    }
    #expect(error.kind == .interrupt)
    #expect(throws: DuckDBError.self) { try connection.query("FROM t") }
  }

  @Test func workInTimeIsUndisturbed() throws {
    for _ in 0..<50 {
      #expect(try connection.withDeadline(.now + .seconds(60)) { try connection.query("SELECT 1").scalar() } == 1)
    }
  }

  @Test func interruptFromAnotherThread() throws {
    let connection = connection
    let failure = Failure()
    let begun = Counter()
    try connection.register(
      ScalarFunction("begin", parameters: [.bigint], returns: .bigint, isVolatile: true) { input, output in
        begun.add(1)
        try output.withValues(as: Int64.self) { $0.update(repeating: 1) }
      })
    let running = DispatchGroup()
    DispatchQueue(label: "query").async(group: running) {
      do throws(DuckDBError) {
        _ = try connection.query(Self.endless.replacing("a.range *", with: "begin(a.range) *"))
      } catch { failure.set(error) }
    }
    while begun.value == 0 { sched_yield() }
    connection.interrupt()
    running.wait()
    #expect(failure.error?.kind == .interrupt)
  }

  @Test func progressIsAShare() throws {
    #expect(connection.progress == nil)
    try connection.trackProgress()
    let seen = Samples()
    let connection = connection
    try connection.execute("CREATE TABLE t AS SELECT range AS n FROM range(2000000)")
    seen.watch(connection)
    try connection.register(
      ScalarFunction("sample", parameters: [.bigint], returns: .bigint, isVolatile: true) { input, output in
        seen.take()
        try output.withValues(as: Int64.self) { $0.update(repeating: 1) }
      })
    #expect(try connection.query("SELECT sum(sample(n)) FROM t").scalar() == .hugeint(2_000_000))
    #expect(seen.shares.allSatisfy { (0...1).contains($0) })
    #expect(connection.progress == nil)
  }

  @Test func columnsWithoutRunning() throws {
    try connection.register(
      ScalarFunction("boom", parameters: [.double], returns: .double) { _, _ in throw CancellationError() })
    #expect(
      try connection.columns(of: "SELECT boom(range) AS p, {a: [1.5::FLOAT]} AS s, now() AS t FROM range(3)") == [
        Column(name: "p", type: .double), Column(name: "s", type: .structure([.init("a", .list(.float))])),
        Column(name: "t", type: .timestampTZ),
      ])
    #expect(throws: DuckDBError.self) { try connection.columns(of: "SELECT nope FROM range(3)") }
    #expect(throws: DuckDBError.self) { try connection.columns(of: "SELECT 1; SELECT 2") }
    #expect(throws: DuckDBError.self) { try connection.columns(of: "SELEC") }
  }

  @Test func tablesOfAStatement() throws {
    let sql = """
      WITH x AS (SELECT * FROM gold), y AS MATERIALIZED (SELECT 1)
      SELECT * FROM x JOIN lake.silver USING (id), a.b.c, delta('/lake/t', version => 3) d
      WHERE a IN (SELECT b FROM "odd \""name\"" x") UNION ALL FROM gold
      """
    #expect(
      Set(try connection.references(in: sql)) == [
        Reference(name: "x"), Reference(name: "gold"), Reference(name: "silver", schema: "lake"),
        Reference(name: "c", schema: "b", catalog: "a"), Reference(name: "delta", isFunction: true),
        Reference(name: #"odd "name" x"#),
      ])
    #expect(try connection.references(in: "SELECT 'it''s', [1, 2]").isEmpty)
    #expect(throws: DuckDBError.self) { try connection.references(in: "SELECT FROM WHERE") }
    #expect(throws: DuckDBError.self) { try connection.references(in: "DELETE FROM gold") }
  }

  @Test func settings() throws {
    try connection.set("threads", to: "1")
    #expect(try connection.setting("threads") == "1")
    try connection.set("preserve_insertion_order", to: "false")
    #expect(try connection.setting("preserve_insertion_order") == "false")
    let error = try #require(throws: DuckDBError.self) { try connection.set("memory_limit", to: "much") }
    #expect(error.kind == .settings && error.description.contains("memory_limit"))
    #expect(throws: DuckDBError.self) { try connection.setting("nope") }
    let opened = try #require(throws: DuckDBError.self) { try Database(settings: ["memory_limit": "much"]) }
    #expect(opened.kind == .settings && opened.description.contains("memory_limit"))
  }

  @Test func connectionsOutliveTheirDatabaseHandle() throws {
    let other: Connection
    do { other = try Database().connect() }
    #expect(try other.query("SELECT 1").scalar() == 1)
    var result: QueryResult
    do { result = try Database().connect().stream("FROM range(5000)") }
    let chunk = try #require(try result.nextChunk())
    try chunk.column(0).withValues(as: Int64.self) { values, _ in #expect(values[5] == 5) }
  }
}

private final class Failure: Sendable {
  private let first = Mutex<DuckDBError?>(nil)

  var error: DuckDBError? { first.withLock { $0 } }

  func set(_ error: DuckDBError) { first.withLock { $0 = error } }
}

/// Progress as the worker threads see it; DuckDB need not tell any.
private final class Samples: Sendable {
  private struct State {
    weak var connection: Connection?
    var shares: [Double] = []
  }
  private let state = Mutex(State())

  var shares: [Double] { state.withLock { $0.shares } }

  func watch(_ connection: Connection) { state.withLock { $0.connection = connection } }

  func take() {
    state.withLock { state in
      guard let progress = state.connection?.progress else { return }
      state.shares.append(progress.fraction)
    }
  }
}
