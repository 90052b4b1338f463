internal import Foundation
internal import Synchronization

/// Sends events to any number of clients (server-sent events, HTML Living Standard, section 9.2).
///
/// All clients read from one ring of the newest events, and each holds no more than its place in it: memory does not
/// grow with clients that are slow. A client that the ring has left behind gets one `lost` event with the number of
/// events that it missed and goes on with the oldest that there are.
public final class EventBroadcaster: Sendable {
  /// What the ring holds and when clients are woken.
  public struct Settings: Sendable {
    /// The most events in the ring.
    public var events = 4_096
    /// The most bytes in the ring.
    public var bytes = 8 << 20
    /// How often a client hears something even if nothing happens, so that dead connections are found.
    public var heartbeatSeconds = 15.0
    /// Clients are woken at most once in this time; events that come meanwhile go out together.
    public var gatherSeconds = 0.05
    /// The most clients; more get 503.
    public var clients = 2_000

    /// The usual sizes.
    public init() {}
  }

  struct Event {
    var name: String
    var bytes: [UInt8]
    /// Whom it is about.
    var subjects: [String]
  }

  struct Ring {
    var events: [Event?]
    var first: UInt64 = 1
    var next: UInt64 = 1
    var bytes = 0
    var clients: [ObjectIdentifier: EventSubscription] = [:]
    var isClosed = false

    func event(_ number: UInt64) -> Event? { events[Int(number % UInt64(events.count))] }
  }

  let ring: Mutex<Ring>
  private let settings: Settings
  /// Tells streams of one process from those of another, so that a client's last number is not taken for one of ours.
  private let epoch: String
  private let signal = DispatchSemaphore(value: 0)
  private let isSignalled = Atomic(false)

  /// A broadcaster without events, with a thread that wakes its clients.
  public init(settings: Settings = Settings()) {
    self.settings = settings
    ring = Mutex(Ring(events: Array(repeating: nil, count: max(1, settings.events))))
    epoch = String(UInt32.random(in: 0 ... .max), radix: 36)
    let thread = Thread { [weak self, signal, settings] in
      var lastHeartbeat = ContinuousClock.now
      while true {
        let came = signal.wait(timeout: .now() + min(1, settings.heartbeatSeconds / 4)) == .success
        guard let self else { return }
        if came { isSignalled.store(false, ordering: .sequentiallyConsistent) }
        let beats = ContinuousClock.now - lastHeartbeat > .seconds(settings.heartbeatSeconds)
        if beats { lastHeartbeat = .now }
        guard wake(came: came, beats: beats) else { return }
        if came { Thread.sleep(forTimeInterval: settings.gatherSeconds) }
      }
    }
    thread.name = "http events"
    thread.start()
  }

  /// Sends an event to all clients that want events of this name. `data` is one line, usually JSON; `subjects` are those
  /// whom it is about, for whoever keeps a record of who was told what.
  public func publish(_ name: String, _ data: some Sequence<UInt8>, about subjects: [String] = []) {
    ring.withLock { ring in
      guard !ring.isClosed else { return }
      var bytes: [UInt8] = Array("id: \(epoch)-\(ring.next)\nevent: \(name)\ndata: ".utf8)
      bytes.append(contentsOf: data.lazy.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 })
      bytes.append(contentsOf: [0x0A, 0x0A])
      let capacity = UInt64(ring.events.count)
      while ring.next - ring.first >= capacity || (ring.bytes + bytes.count > settings.bytes && ring.first < ring.next)
      {
        let place = Int(ring.first % capacity)
        ring.bytes -= ring.events[place]?.bytes.count ?? 0
        ring.events[place] = nil
        ring.first += 1
      }
      ring.bytes += bytes.count
      ring.events[Int(ring.next % capacity)] = Event(name: name, bytes: bytes, subjects: subjects)
      ring.next += 1
    }
    if !isSignalled.exchange(true, ordering: .sequentiallyConsistent) { signal.signal() }
  }

  /// Clients that listen now.
  public var clientCount: Int { ring.withLock { $0.clients.count } }

  /// An answer that goes on until either side ends it.
  ///
  /// - Parameters:
  ///   - names: The events that the client wants; nil: all.
  ///   - lastEventID: What the client has seen before (`Last-Event-ID`): it gets what came since, as far as the ring
  ///     still holds it.
  ///   - isWelcome: Whether the client may still listen; asked by `dismissUnwelcome`.
  ///   - told: Called now and then, and at the stream's end, with those whom the events were about that were handed to
  ///     this client since the last call; never with an empty set. It must not wait.
  public func response(
    names: Set<String>? = nil, lastEventID: String? = nil, isWelcome: @escaping @Sendable () -> Bool = { true },
    told: (@Sendable (Set<String>) -> Void)? = nil
  ) -> ServerResponse {
    let subscription = ring.withLock { ring -> EventSubscription? in
      guard !ring.isClosed, ring.clients.count < settings.clients else { return nil }
      let seen = lastEventID.flatMap { number(of: $0, in: ring) }
      let subscription = EventSubscription(
        self, names: names, next: seen.map { $0 + 1 } ?? ring.next, isWelcome: isWelcome, told: told)
      ring.clients[ObjectIdentifier(subscription)] = subscription
      return subscription
    }
    guard let subscription else {
      return Problem.busy("too many clients listen to events", retryAfterSeconds: 10).response
    }
    return ServerResponse(
      200,
      headers: [
        "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no",
      ],
      body: .events(subscription))
  }

  /// Ends all streams; what is published afterwards goes nowhere.
  public func close() {
    let clients = ring.withLock { ring in
      ring.isClosed = true
      return Array(ring.clients.values)
    }
    for client in clients {
      client.end()
      client.report()
    }
    signal.signal()
  }

  /// Ends the streams of those who may not listen any more.
  public func dismissUnwelcome() {
    for client in ring.withLock({ Array($0.clients.values) }) where !client.isWelcome() { client.end() }
  }

  /// Says for each client whom it was told about since the last time.
  public func report() {
    for client in ring.withLock({ Array($0.clients.values) }) { client.report() }
  }

  func remove(_ subscription: EventSubscription) {
    ring.withLock { _ = $0.clients.removeValue(forKey: ObjectIdentifier(subscription)) }
  }

  private func wake(came: Bool, beats: Bool) -> Bool {
    let clients = ring.withLock { ring -> [EventSubscription]? in
      ring.isClosed ? nil : (came || beats ? Array(ring.clients.values) : [])
    }
    guard let clients else { return false }
    for client in clients { client.wake(beats: beats) }
    return true
  }

  private func number(of identifier: String, in ring: Ring) -> UInt64? {
    guard identifier.hasPrefix(epoch + "-"), let number = UInt64(identifier.dropFirst(epoch.count + 1)),
      number < ring.next
    else { return nil }
    return number
  }
}
