internal import Foundation

/// Some threads that do blocking work in the order in which it came.
final class WorkerThreads: @unchecked Sendable {
  // Safe to share: everything mutable is touched under the condition's lock only.
  private let condition = NSCondition()
  private var waiting: [@Sendable () -> Void] = []
  private var next = 0
  private var stopped = false
  private let limit: Int

  /// - Parameter limit: How much may wait.
  init(threads: Int, limit: Int) {
    self.limit = limit
    for number in 0..<threads {
      let thread = Thread { [self] in loop() }
      thread.name = "http worker \(number)"
      thread.stackSize = 8 << 20
      thread.start()
    }
  }

  /// Takes a piece of work; false if too much waits already.
  func submit(_ work: @escaping @Sendable () -> Void) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    guard !stopped, waiting.count - next < limit else { return false }
    waiting.append(work)
    condition.signal()
    return true
  }

  /// Lets the threads end after what they are doing; what waits is dropped.
  func stop() {
    condition.lock()
    stopped = true
    condition.broadcast()
    condition.unlock()
  }

  private func loop() {
    while let work = take() { work() }
  }

  private func take() -> (@Sendable () -> Void)? {
    condition.lock()
    defer { condition.unlock() }
    while !stopped, next == waiting.count { condition.wait() }
    guard !stopped else { return nil }
    let work = waiting[next]
    next += 1
    if next == waiting.count || next > 1_024 {
      waiting.removeFirst(next)
      next = 0
    }
    return work
  }
}
