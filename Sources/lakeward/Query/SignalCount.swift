internal import DuckDB
internal import Foundation
internal import Synchronization

/// How often a signal came, and whether what it should stop has ended.
final class SignalCount: Sendable {
  private let state = Mutex((count: 0, hasEnded: false))

  /// Signals so far.
  var value: Int { state.withLock { $0.count } }

  /// Counts one more.
  func increment() -> Int {
    state.withLock { state in
      state.count += 1
      return state.count
    }
  }

  /// Nothing needs to be stopped any more.
  func end() { state.withLock { $0.hasEnded = true } }

  /// Interrupts until the end: DuckDB forgets an interrupt that falls between two statements.
  func interruptRepeatedly(_ connection: Connection) {
    let hasEnded = state.withLock { state in
      if !state.hasEnded { connection.interrupt() }
      return state.hasEnded
    }
    guard !hasEnded else { return }
    DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(50)) { [self] in interruptRepeatedly(connection)
    }
  }
}
