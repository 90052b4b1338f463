public import DeltaLake
internal import Foundation

/// One table of the lake that a dataset mirrors.
public struct MirroredTable: Sendable {
  /// Its name in the lake.
  public var name: String
  /// Whether the dataset shows it as a view over a table of its own.
  public var isView: Bool
  /// Opens it; nil: it is not there yet.
  public var open: @Sendable () throws -> DeltaTable?

  /// A table.
  public init(_ name: String, isView: Bool, open: @escaping @Sendable () throws -> DeltaTable?) {
    self.name = name
    self.isView = isView
    self.open = open
  }

  /// Brings the dataset up to date. Nil: there is no such table yet.
  public func load(_ mirror: BigQueryMirror, isWhole: Bool = false) throws -> BigQueryMirror.Report? {
    guard let table = try open() else { return nil }
    guard isView else { return try mirror.load(table, as: name, isWhole: isWhole) }
    let report = try mirror.load(table, as: "lake_\(name)", isWhole: isWhole)
    try mirror.makeView(name, of: "lake_\(name)")
    return report
  }
}

/// Keeps a dataset up to date beside a running pipeline, on a thread of its own. What fails is tried again in the next round.
public final class MirrorLoop: @unchecked Sendable {
  // Safe to share: the mirror belongs to the loop's thread; the rest changes under the condition.
  private let mirror: BigQueryMirror
  private let tables: [MirroredTable]
  private let seconds: Double
  private let condition = NSCondition()
  private var isStopping = false
  private var isRunning = false

  /// A loop over these tables.
  public init(_ mirror: BigQueryMirror, _ tables: [MirroredTable], everySeconds seconds: Double) {
    self.mirror = mirror
    self.tables = tables
    self.seconds = seconds
  }

  /// Starts the thread. `observe` is called on it.
  public func start(observe: @escaping @Sendable (Result<BigQueryMirror.Report, any Error>) -> Void) {
    condition.withLock { isRunning = true }
    let thread = Thread { [self] in
      setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
      while !waitForRound() { round(observe) }
      condition.withLock {
        isRunning = false
        condition.broadcast()
      }
    }
    thread.name = "bigquery"
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// Loads each table once.
  public func round(_ observe: (Result<BigQueryMirror.Report, any Error>) -> Void) {
    for table in tables {
      do {
        if let report = try table.load(mirror), report.kind != "nothing" { observe(.success(report)) }
      } catch {
        observe(.failure(error))
      }
    }
  }

  /// Ends the thread after the round that it is in.
  public func stop() {
    condition.withLock {
      isStopping = true
      condition.broadcast()
      while isRunning { condition.wait() }
    }
  }

  /// True: the loop ends.
  private func waitForRound() -> Bool {
    condition.withLock {
      let end = Date(timeIntervalSinceNow: seconds)
      while !isStopping, Date() < end { _ = condition.wait(until: end) }
      return isStopping
    }
  }
}
