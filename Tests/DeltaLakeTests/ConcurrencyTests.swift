import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Testing

@Suite struct ConcurrencyTests {
  /// Eight writers that know nothing of each other append while a ninth joins their files: nothing is lost and no
  /// append fails.
  @Test func eightWritersAndACompactor() throws {
    let bench = try Bench()
    let writers = 8
    let commits = 15
    _ = try bench.table("1::BIGINT AS writer, 1::BIGINT AS number")
    let failures = Failures()
    let left = Counter(writers)
    var threads: [Thread] = []
    for writer in 0..<writers {
      threads.append(
        Thread {
          do {
            let own = try Bench.connection()
            let table = try DeltaTable(at: bench.path())
            for number in 0..<commits {
              let files = try DeltaWriter(connection: own).write(
                "SELECT \(writer)::BIGINT AS writer, \(number)::BIGINT AS number", into: table)
              let outcome = try table.append(
                files, transactions: [AppTransaction(appId: "writer \(writer)", version: Int64(number))])
              guard case .committed = outcome else { throw DeltaError(.conflict, "stale") }
            }
          } catch {
            failures.add("\(error)")
          }
          left.decrement()
        })
    }
    threads.append(
      Thread {
        do {
          let own = try Bench.connection()
          let table = try DeltaTable(at: bench.path())
          while left.value > 0 { _ = try DeltaEditor(connection: own).optimize(table, minimumFiles: 5) }
          _ = try DeltaEditor(connection: own).optimize(table)
        } catch {
          failures.add("\(error)")
        }
        left.decrement()
      })
    for thread in threads { thread.start() }
    left.wait(for: -1)
    #expect(failures.all.isEmpty, "\(failures.all)")
    let table = try DeltaTable(at: bench.path())
    #expect(
      try bench.rows(table, "count(*), count(DISTINCT (writer, number))", order: "1")
        == [[.int(Int64(writers * commits)), .int(Int64(writers * commits))]])
    #expect(try table.snapshot().transactions.values.allSatisfy { $0 == commits - 1 })
    #expect(try table.snapshot().files.count < 10)
    try bench.expectPeersAgree(table)
  }

  /// The same with processes: eight append while a ninth joins their files, all at once.
  @Test(.timeLimit(.minutes(2))) func eightProcessesAndACompactor() throws {
    let bench = try Bench()
    let program = try #require(Places.program("delta-writer"))
    let writers = 8
    let commits = 8
    let table = try bench.table("1::BIGINT AS writer, 1::BIGINT AS number")
    let end = bench.folder.file("end")
    let compactor = try ChildProcess(program, ["compact", bench.path(), end])
    let processes = try (0..<writers).map {
      try ChildProcess(program, ["append", bench.path(), "\($0)", "\(commits)"])
    }
    for process in processes {
      let outcome = try process.wait(seconds: 90)
      #expect(outcome.succeeded, "\(outcome.errors)")
    }
    try bench.folder.write("", to: "end")
    let outcome = try compactor.wait(seconds: 60)
    #expect(outcome.succeeded, "\(outcome.errors)")
    let all = Value.int(Int64(writers * commits))
    #expect(try bench.rows(table, "count(*), count(DISTINCT (writer, number))", order: "1") == [[all, all]])
    let snapshot = try table.snapshot()
    #expect(snapshot.transactions.count == writers)
    #expect(snapshot.transactions.values.allSatisfy { $0 == commits - 1 })
    #expect(snapshot.files.count < 10)
    let operations = try table.history().map(\.operation)
    #expect(operations.filter { $0 == "STREAMING UPDATE" }.count == writers * commits)
    #expect(operations.filter { $0 == "OPTIMIZE" }.count > 1)
    #expect(snapshot.version == Int64(operations.count - 1))
    try bench.expectPeersAgree(table)
  }

  @Test func deletesOfTheSameFileAreWorkedOutAgain() throws {
    let bench = try Bench()
    let table = try bench.filled(configuration: ["delta.enableDeletionVectors": "true"], files: 1)
    let failures = Failures()
    let left = Counter(4)
    for part in 0..<4 {
      Thread {
        do {
          let own = try DeltaTable(at: bench.path())
          let editor = DeltaEditor(connection: try Bench.connection())
          for digit in 0..<2 { _ = try editor.delete(from: own, where: "id % 10 = \(part * 2 + digit)") }
        } catch {
          failures.add("\(error)")
        }
        left.decrement()
      }.start()
    }
    left.wait(for: 0)
    #expect(failures.all.isEmpty, "\(failures.all)")
    #expect(try bench.rows(table, "count(*)", order: "1") == [[200]])
    try bench.expectPeersAgree(table)
  }
}

extension Bench {
  static func connection() throws -> Connection {
    let connection = try Database(settings: ["threads": "1"]).connect()
    try connection.execute("SET TimeZone = 'UTC'")
    return connection
  }
}

/// Messages from threads.
final class Failures: @unchecked Sendable {
  private let lock = NSLock()
  private var messages: [String] = []
  var all: [String] { lock.withLock { messages } }
  func add(_ message: String) { lock.withLock { messages.append(message) } }
}

/// A number that threads count down and one waits for.
final class Counter: @unchecked Sendable {
  private let condition = NSCondition()
  private var count: Int

  init(_ count: Int) { self.count = count }

  var value: Int { condition.withLock { count } }

  func decrement() {
    condition.withLock {
      count -= 1
      condition.broadcast()
    }
  }

  func wait(for target: Int) {
    condition.withLock { while count > target { condition.wait() } }
  }
}
