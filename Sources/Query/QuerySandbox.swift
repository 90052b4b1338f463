public import DuckDB
internal import Foundation
public import Streaming
internal import Synchronization

/// A database for queries of people who are not trusted with the machine: it reads files in some folders and nothing else.
///
/// DuckDB itself refuses every other path, network and extension (`enable_external_access`, `allowed_directories`), in
/// whatever function it is hidden; its configuration is locked. Memory, temporary files and threads are limited for all
/// queries together, so that they cannot starve the rest of the process.
public final class QuerySandbox: Sendable {
  /// What queries may use, all together.
  public struct Limits: Sendable {
    /// Memory in bytes.
    public var memoryBytes = 1 << 30
    /// Temporary files in bytes.
    public var temporaryBytes = 4 << 30
    /// Threads.
    public var threads = 2
    /// Queries at once.
    public var connections = 3

    /// The usual limits.
    public init() {}
  }

  private let idle: Mutex<[Connection]>
  private let signal: DispatchSemaphore
  private let engine: QueryEngine

  /// A sandbox on a lake.
  /// - Parameter folders: The folders, with everything below them, whose files may be read.
  public init(lake: Lake, folders: [String], limits: Limits = Limits()) throws {
    let engine = try QueryEngine(lake: lake, threads: limits.threads, memoryLimitBytes: limits.memoryBytes)
    self.engine = engine
    // Connections are set up before the configuration is locked, which is for the whole database.
    let connections = try (0..<limits.connections).map { _ in try engine.connect() }
    let manager = FileManager.default
    let places = folders.flatMap { folder -> [String] in
      let path = folder.hasPrefix("/") ? folder : manager.currentDirectoryPath + "/" + folder
      let real = realpath(path, nil).map { pointer in
        defer { free(pointer) }
        return String(cString: pointer)
      }
      return [folder, path, real].compactMap { $0 }.map { $0.hasSuffix("/") ? $0 : $0 + "/" }
    }
    let list = Array(Set(places)).sorted().map { SQL.quote(literal: $0) }.joined(separator: ", ")
    try connections.first?.execute(
      """
      SET max_temp_directory_size = '\(limits.temporaryBytes)B';
      SET allowed_directories = [\(list)];
      SET enable_external_access = false;
      SET lock_configuration = true
      """)
    idle = Mutex(connections)
    signal = DispatchSemaphore(value: limits.connections)
  }

  /// Lends a connection to `body`; nil if none is free within `seconds`.
  public func withConnection<R>(waiting seconds: Double = 5, _ body: (Connection) throws -> R) throws -> R? {
    guard signal.wait(timeout: .now() + seconds) == .success else { return nil }
    defer { signal.signal() }
    guard let connection = idle.withLock({ $0.popLast() }) else { return nil }
    defer { idle.withLock { $0.append(connection) } }
    return try body(connection)
  }
}
