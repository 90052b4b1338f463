import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Testing

/// A file system that stops for good after a number of operations, as a killed process does, and can leave the last
/// write torn.
final class CrashingFileSystem: FileSystem, @unchecked Sendable {
  private let real = PosixFileSystem()
  private let lock = NSLock()
  private var left: Int
  private let tearsWrites: Bool
  private(set) var operations = 0

  init(after count: Int = .max, tearsWrites: Bool = false) {
    left = count
    self.tearsWrites = tearsWrites
  }

  private func step() throws(DeltaError) {
    let dead = lock.withLock {
      left -= 1
      operations += 1
      return left < 0
    }
    if dead { throw DeltaError(.storage, "the process is dead") }
  }

  func makeFolder(_ path: String) throws(DeltaError) {
    try step()
    try real.makeFolder(path)
  }

  func create(_ path: String, _ bytes: [UInt8]) throws(DeltaError) {
    do throws(DeltaError) { try step() } catch {
      if tearsWrites, lock.withLock({ left == -1 }) { try real.create(path, Array(bytes.prefix(bytes.count / 2))) }
      throw error
    }
    try real.create(path, bytes)
  }

  func sync(_ path: String) throws(DeltaError) {
    try step()
    try real.sync(path)
  }

  func link(_ path: String, to name: String) throws(DeltaError) -> Bool {
    try step()
    return try real.link(path, to: name)
  }

  func rename(_ path: String, to name: String) throws(DeltaError) {
    try step()
    try real.rename(path, to: name)
  }

  func unlink(_ path: String) throws(DeltaError) -> Bool {
    try step()
    return try real.unlink(path)
  }
}

@Suite struct CrashTests {
  /// Stops between every two file operations of eleven commits with a checkpoint, then goes on with a new process: the
  /// table always holds a prefix of what was written, and carrying on by the stored transaction gives every row once.
  @Test(arguments: [false, true])
  func everyPlaceToDie(_ tearsWrites: Bool) throws {
    let whole = try Bench()
    let counting = CrashingFileSystem()
    try Self.write(whole, counting)
    let total = counting.operations
    #expect(total > 40)
    for stop in stride(from: 0, to: total, by: tearsWrites ? 3 : 1) {
      let bench = try Bench()
      #expect(throws: DeltaError.self) {
        try Self.write(bench, CrashingFileSystem(after: stop, tearsWrites: tearsWrites))
      }
      if DeltaTable.exists(at: bench.path()) {
        let table = try DeltaTable(at: bench.path())
        let done = try table.snapshot().transactions["flow"] ?? 0
        #expect(
          try bench.rows(table, "count(*), coalesce(max(id), 0)", order: "1") == [[.int(done), .int(done)]],
          "after \(stop) operations")
      }
      try Self.write(bench, PosixFileSystem())
      #expect(try bench.rows(try DeltaTable(at: bench.path()), "count(*), sum(id)::BIGINT", order: "1") == [[11, 66]])
    }
  }

  private static let schema = Schema([StructField("id", .long)])

  /// Writes rows 1 to 11, one a commit, going on behind what the table says was written.
  private static func write(_ bench: Bench, _ fileSystem: any FileSystem) throws {
    let store = LocalStore(bench.path(), fileSystem: fileSystem)
    let table = try DeltaTable.create(in: store, schema: schema)
    let writer = DeltaWriter(connection: bench.connection)
    let done = try table.snapshot().transactions["flow"] ?? 0
    guard done < 11 else { return }
    for id in (done + 1)...11 {
      let files = try writer.write("SELECT \(id)::BIGINT AS id", into: table)
      guard case .committed = try table.append(files, transactions: [AppTransaction(appId: "flow", version: id)]) else {
        throw DeltaError(.conflict, "stale")
      }
      if let failure = table.checkpointFailure { throw failure }
    }
  }

  @Test func aFullDiskIsSaidPlainly() throws {
    let bench = try Bench()
    let table = try bench.filled(10, files: 1)
    let full = FullDisk()
    let broken = try DeltaTable(store: LocalStore(table.location, fileSystem: full))
    let error = #expect(throws: DeltaError.self) { try broken.append([]) }
    #expect(error?.code == .diskFull)
    #expect(try broken.snapshot().version == 1)
  }
}

/// A file system without room.
struct FullDisk: FileSystem {
  private let real = PosixFileSystem()
  func makeFolder(_ path: String) throws(DeltaError) { try real.makeFolder(path) }
  func create(_ path: String, _ bytes: [UInt8]) throws(DeltaError) {
    throw DeltaError(.diskFull, "\(path): the file cannot be written: No space left on device")
  }
  func sync(_ path: String) throws(DeltaError) { try real.sync(path) }
  func link(_ path: String, to name: String) throws(DeltaError) -> Bool { try real.link(path, to: name) }
  func rename(_ path: String, to name: String) throws(DeltaError) { try real.rename(path, to: name) }
  func unlink(_ path: String) throws(DeltaError) -> Bool { try real.unlink(path) }
}
