internal import DeltaLake
internal import DuckDB
internal import Foundation

/// Writes the files of tables on a thread and connection of its own, while the next step is being computed.
///
/// One micro-batch at a time: `write` any number of tables, then `finish`, which waits for all of them.
final class FileWriterQueue: @unchecked Sendable {
  // Safe to share: the connection is used on the serial queue alone; results are exchanged under the queue's order.
  private let connection: Connection
  private let queue = DispatchQueue(label: "lakeward.file-writer")
  private var changes: [TableChange] = []
  private var failure: (any Error)?
  private var seconds: [String: Double] = [:]

  init(connection: Connection) { self.connection = connection }

  /// Writes the rows of a SELECT over shared tables as files of a table, in the background.
  func write(
    _ name: String, into table: DeltaTable, select: String, metrics: [String: String] = [:],
    options: DeltaWriter.Options = DeltaWriter.Options()
  ) {
    queue.async { [self] in
      guard failure == nil else { return }
      let start = ContinuousClock.now
      do {
        let files = try DeltaWriter(connection: connection, options: options).write(select, into: table)
        let rows = files.reduce(0) { $0 + ($1.rowCount ?? 0) }
        let metrics = metrics.merging(["numOutputRows": String(rows)]) { $1 }
        changes.append(TableChange(table: name, files: files, rows: rows, metrics: metrics))
      } catch {
        failure = error
      }
      seconds["write " + name] = (ContinuousClock.now - start) / .seconds(1)
    }
  }

  /// Waits until everything is written and durable. Gives the changes in the order of the calls, and the seconds that
  /// each took; throws the first failure. Afterwards the queue is empty again.
  func finish() throws -> (changes: [TableChange], seconds: [String: Double]) {
    try queue.sync {
      defer {
        changes = []
        failure = nil
        seconds = [:]
      }
      if let failure { throw failure }
      return (changes, seconds)
    }
  }
}
