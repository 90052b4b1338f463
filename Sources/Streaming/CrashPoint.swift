internal import Foundation
internal import Glibc
internal import Synchronization

/// Instants at which a crash must cost nothing, by name; the exactly-once tests kill the process at each.
///
/// `LAKEWARD_CRASH=NAME` or `NAME:N` ends the process by SIGKILL when it comes to the instant for the N-th time. Without the
/// variable nothing happens.
public enum CrashPoint: String, CaseIterable, Sendable {
  /// Splits of a landing folder are registered, nothing of them is read.
  case splitsRegistered = "splits-registered"
  /// All files of a micro-batch are written, no table is committed.
  case filesWritten = "files-written"
  /// The first table, bronze, is committed.
  case bronzeCommitted = "bronze-committed"
  /// The second table, quarantine, is committed.
  case quarantineCommitted = "quarantine-committed"
  /// The third table, the first streaming table, is committed.
  case streamingCommitted = "streaming-committed"
  /// All tables are committed, and the source does not know it yet.
  case allCommitted = "all-committed"
  /// Pushed records are written to the ingest log and not synced.
  case ingestWritten = "ingest-written"
  /// Pushed records are synced, and the client has no answer yet.
  case ingestSynced = "ingest-synced"
  /// What an import could not take is in quarantine, and the batch is not in the log of resources.
  case importRejected = "import-rejected"
  /// A batch of an import is in the log of resources, and in no table.
  case importLogged = "import-logged"
  /// One more table is level with the log of resources.
  case importDerived = "import-derived"

  /// Notifiers have taken messages, and the outbox does not know it yet.
  case alertsSent = "alerts-sent"

  private static let wanted: (name: String, count: Int)? = {
    guard let text = ProcessInfo.processInfo.environment["LAKEWARD_CRASH"] else { return nil }
    let parts = text.split(separator: ":", maxSplits: 1)
    return parts.first.map { (String($0), parts.count == 2 ? Int(parts[1]) ?? 1 : 1) }
  }()
  private static let passed = Atomic<Int>(0)

  /// The process has come to this instant.
  public func reached() {
    guard let wanted = Self.wanted, wanted.name == rawValue else { return }
    if Self.passed.add(1, ordering: .relaxed).newValue >= wanted.count { kill(getpid(), SIGKILL) }
  }

  /// The instant after the commit of a table, by the number of tables that are committed.
  static func committed(_ count: Int) -> CrashPoint? {
    [1: bronzeCommitted, 2: quarantineCommitted, 3: streamingCommitted][count]
  }
}
