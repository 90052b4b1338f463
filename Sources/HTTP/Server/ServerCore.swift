internal import Foundation
internal import Synchronization

/// What the callbacks of a running server share.
final class ServerCore: Sendable {
  let settings: ServerSettings
  let watch = ConnectionWatch()
  private let application: any ServerApplication
  private let workers: WorkerThreads
  /// Connections that sleep or may fall asleep: the library cannot stop while one does.
  private struct Sleepers {
    var exchanges: [ObjectIdentifier: Exchange] = [:]
    var streams: [ObjectIdentifier: EventSubscription] = [:]
    var isDrained = false
  }

  private let sleepers = Mutex(Sleepers())
  private let stopping = Atomic(false)

  init(_ settings: ServerSettings, _ application: any ServerApplication) {
    self.settings = settings
    self.application = application
    workers = WorkerThreads(threads: max(1, settings.workers), limit: settings.queueLength)
  }

  var isSecure: Bool { settings.identity != nil }
  var isStopping: Bool { stopping.load(ordering: .relaxed) }

  /// What every server refuses comes first, then the application decides.
  func admit(_ head: RequestHead) -> Admission {
    if isStopping { return .refuse(Problem.busy("the server is stopping", retryAfterSeconds: 5).response) }
    if let reason = Self.fault(of: head) {
      var response = Problem.badRequest(reason).response
      response.headers.add("connection", "close")
      return .refuse(response)
    }
    return application.admit(head)
  }

  /// What makes a request ambiguous or malformed (RFC 9112, sections 3.2 and 6.3).
  private static func fault(of head: RequestHead) -> String? {
    let headers = head.headers
    if !head.target.hasPrefix("/") { return "the request's target must be a path that begins with a slash" }
    if headers.count(of: "host") > 1 { return "there is more than one Host header" }
    if headers.count(of: "content-length") > 1 { return "there is more than one Content-Length header" }
    if headers["content-length"] != nil {
      if headers["transfer-encoding"] != nil { return "Content-Length and Transfer-Encoding exclude each other" }
      if head.contentLength.map({ $0 < 0 }) ?? true { return "Content-Length is no length" }
    }
    return nil
  }

  /// Gives work to a worker; false if it cannot be taken.
  func submit(_ exchange: Exchange, _ work: @escaping @Sendable () -> Void) -> Bool {
    let isOpen = sleepers.withLock { sleepers in
      if !sleepers.isDrained { sleepers.exchanges[ObjectIdentifier(exchange)] = exchange }
      return !sleepers.isDrained
    }
    return isOpen && workers.submit(work)
  }

  /// A request is over.
  func ended(_ exchange: Exchange) {
    sleepers.withLock { _ = $0.exchanges.removeValue(forKey: ObjectIdentifier(exchange)) }
  }

  /// A stream begins.
  func opened(_ stream: EventSubscription) {
    let isOpen = sleepers.withLock { sleepers in
      if !sleepers.isDrained { sleepers.streams[ObjectIdentifier(stream)] = stream }
      return !sleepers.isDrained
    }
    if !isOpen { stream.end() }
  }

  /// A stream is over.
  func closed(_ stream: EventSubscription) {
    sleepers.withLock { _ = $0.streams.removeValue(forKey: ObjectIdentifier(stream)) }
  }

  /// Refuses what comes from now on.
  func beginStop() { stopping.store(true, ordering: .relaxed) }

  /// Ends the event streams and waits for the answers that are being computed; those that take too long become 503.
  func drain(seconds: Double) {
    for stream in sleepers.withLock({ Array($0.streams.values) }) { stream.end() }
    waitForSleepers(seconds: seconds)
    let (exchanges, streams) = sleepers.withLock { sleepers in
      sleepers.isDrained = true
      return (Array(sleepers.exchanges.values), Array(sleepers.streams.values))
    }
    for stream in streams { stream.end() }
    for exchange in exchanges {
      exchange.give(Problem.busy("the server is stopping", retryAfterSeconds: 5).response)
    }
    // Time for the network threads to send what they were woken for.
    waitForSleepers(seconds: 0.5)
    workers.stop()
  }

  /// How long a stream that has ended may take to be read to its end: a listener that does not read holds up nobody.
  private static let streamSeconds = 1.0

  private func waitForSleepers(seconds: Double) {
    let begin = ContinuousClock.now
    func isBefore(_ seconds: Double) -> Bool { ContinuousClock.now - begin < .seconds(seconds) }
    while isBefore(seconds),
      sleepers.withLock({ sleepers in
        !sleepers.exchanges.isEmpty || (!sleepers.streams.isEmpty && isBefore(Self.streamSeconds))
      })
    {
      Thread.sleep(forTimeInterval: 0.005)
    }
  }
}
