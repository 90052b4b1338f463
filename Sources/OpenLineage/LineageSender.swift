internal import Foundation
internal import HTTP
public import Pipelines

/// Takes events out of the house on a thread of its own, so that nobody waits for a receiver: by HTTP, or into a file of
/// one JSON object per line.
///
/// While the receiver cannot be reached, events wait in memory, the newest ``capacity`` of them; they are sent in order.
public final class LineageSender: @unchecked Sendable {
  // Safe to share: everything that changes, changes under the condition's lock.
  /// How many events wait at most.
  public static let capacity = 10_000

  private let settings: OpenLineageSettings
  private let version: String
  private let warn: @Sendable (String) -> Void
  private let condition = NSCondition()
  private var waiting: [LineageEvent] = []
  private var isBusy = false
  private var isClosing = false
  private var dropped = 0
  private var pause = 0.0

  /// A sender whose thread runs.
  /// - Parameter warn: Gets one line when the receiver cannot be reached or refuses an event, not for each event.
  public init(_ settings: OpenLineageSettings, version: String, warn: @escaping @Sendable (String) -> Void) {
    self.settings = settings
    self.version = version
    self.warn = warn
    let thread = Thread { [self] in work() }
    thread.name = "lineage"
    thread.start()
  }

  /// Puts events behind those that wait; returns at once.
  public func send(_ events: [LineageEvent]) {
    guard !events.isEmpty else { return }
    condition.withLock {
      waiting += events
      if waiting.count > Self.capacity {
        dropped += waiting.count - Self.capacity
        waiting.removeFirst(waiting.count - Self.capacity)
      }
      condition.broadcast()
    }
  }

  /// Waits until everything is sent, for this long at most, and ends the thread.
  public func close(withinSeconds seconds: Double = 10) {
    let end = Date(timeIntervalSinceNow: seconds)
    condition.withLock {
      while !waiting.isEmpty || isBusy, condition.wait(until: end) {}
      isClosing = true
      condition.broadcast()
      if !waiting.isEmpty { warn("openlineage: \(waiting.count) events were not sent") }
    }
  }

  private func work() {
    while let event = next() {
      let failure = deliver(event)
      condition.withLock {
        isBusy = false
        if let failure, failure.isWorthRepeating {
          waiting.insert(event, at: 0)
          if pause == 0 { warn("openlineage: \(failure.reason); events wait") }
          pause = min(60, max(1, pause * 2))
        } else {
          if let failure { warn("openlineage: \(failure.reason); the event is left out") }
          pause = 0
        }
        if dropped > 0, pause == 0 {
          warn("openlineage: \(dropped) events were dropped while the receiver was away")
          dropped = 0
        }
        condition.broadcast()
      }
    }
  }

  /// The next event, once there is one and the pause is over; nil at the end.
  private func next() -> LineageEvent? {
    condition.withLock {
      if pause > 0 {
        let end = Date(timeIntervalSinceNow: pause)
        while !isClosing, condition.wait(until: end) {}
      }
      while waiting.isEmpty, !isClosing { condition.wait() }
      guard !isClosing else { return nil }
      isBusy = true
      return waiting.removeFirst()
    }
  }

  private struct Failure {
    var reason: String
    var isWorthRepeating: Bool
  }

  private func deliver(_ event: LineageEvent) -> Failure? {
    let line = event.json(namespace: settings.namespace, version: version)
    if let file = settings.file, let failure = append(line, to: file) { return failure }
    guard let url = settings.url else { return nil }
    var headers = [(name: "Content-Type", value: "application/json")]
    if let token = settings.token { headers.append((name: "Authorization", value: "Bearer \(token)")) }
    do {
      let answer = try HTTPRequest(
        method: "POST", url: url, headers: headers, body: Array(line.utf8), timeoutSeconds: 10
      ).send()
      if (200..<300).contains(answer.status) { return nil }
      let isBusy = answer.status == 429 || answer.status >= 500
      return Failure(reason: "the receiver answers \(answer.status)", isWorthRepeating: isBusy)
    } catch {
      return Failure(reason: "\(error)", isWorthRepeating: true)
    }
  }

  private func append(_ line: String, to file: String) -> Failure? {
    let folder = (file as NSString).deletingLastPathComponent
    if !folder.isEmpty { try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
    let descriptor = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else {
      return Failure(reason: "cannot write \(file): \(String(cString: strerror(errno)))", isWorthRepeating: false)
    }
    defer { Foundation.close(descriptor) }
    // One write: lines of several processes do not mix.
    let bytes = Array((line + "\n").utf8)
    let count = write(descriptor, bytes, bytes.count)
    return count == bytes.count
      ? nil : Failure(reason: "cannot write \(file): \(String(cString: strerror(errno)))", isWorthRepeating: false)
  }
}
