internal import CMicroHTTPD
internal import Synchronization

/// One client of a broadcaster.
///
/// libmicrohttpd asks for bytes on its own thread; where there are none, the connection is put to sleep until the
/// broadcaster wakes it. The library's rule that a sleeping connection is never closed makes the pointer valid whenever
/// `isAsleep` holds.
public final class EventSubscription: Sendable {
  private struct State {
    var next: UInt64
    /// What is left of an event that did not fit into the library's buffer.
    var rest: [UInt8] = []
    var sent = 0
    var mustBeat = true
    var hasEnded = false
    /// Whom the events were about that were handed out since the last report, a list for each event.
    var subjects: [[String]] = []
    var isAsleep = false
    nonisolated(unsafe) var connection: OpaquePointer?
  }

  private let broadcaster: EventBroadcaster
  private let names: Set<String>?
  let isWelcome: @Sendable () -> Bool
  private let told: (@Sendable (Set<String>) -> Void)?
  private let state: Mutex<State>

  init(
    _ broadcaster: EventBroadcaster, names: Set<String>?, next: UInt64, isWelcome: @escaping @Sendable () -> Bool,
    told: (@Sendable (Set<String>) -> Void)?
  ) {
    self.broadcaster = broadcaster
    self.names = names
    self.isWelcome = isWelcome
    self.told = told
    state = Mutex(State(next: next))
  }

  func attach(_ connection: OpaquePointer) { state.withLock { $0.connection = connection } }

  /// The connection is gone. Called by the library when the answer is freed.
  func detach() {
    state.withLock { $0.connection = nil }
    broadcaster.remove(self)
    report()
  }

  /// Says whom the client was told about since the last time.
  func report() {
    guard let told else { return }
    let subjects = state.withLock { state in
      defer { state.subjects = [] }
      return state.subjects
    }
    if !subjects.isEmpty { told(Set(subjects.joined())) }
  }

  /// Tells the client that the stream is at its end.
  func end() {
    state.withLock { state in
      state.hasEnded = true
      Self.resume(&state)
    }
  }

  func wake(beats: Bool) {
    state.withLock { state in
      if beats { state.mustBeat = true }
      Self.resume(&state)
    }
  }

  private static func resume(_ state: inout State) {
    guard state.isAsleep, let connection = state.connection else { return }
    state.isAsleep = false
    MHD_resume_connection(connection)
  }

  /// Writes what there is, or puts the connection to sleep. -1 ends the stream.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    state.withLock { state in
      var written = 0
      while written < buffer.count {
        if state.sent == state.rest.count {
          guard let event = nextEvent(&state) else { break }
          state.rest = event
          state.sent = 0
        }
        let count = min(buffer.count - written, state.rest.count - state.sent)
        let target = UnsafeMutableRawBufferPointer(rebasing: buffer[written..<written + count])
        target.copyBytes(from: state.rest[state.sent..<state.sent + count])
        state.sent += count
        written += count
      }
      if written > 0 { return written }
      if state.hasEnded { return -1 }
      if let connection = state.connection {
        state.isAsleep = true
        MHD_suspend_connection(connection)
      }
      return 0
    }
  }

  private func nextEvent(_ state: inout State) -> [UInt8]? {
    let isNoted = told != nil
    let found = broadcaster.ring.withLock { ring -> [UInt8]? in
      if state.next < ring.first {
        let lost = ring.first - state.next
        state.next = ring.first
        return Array("event: lost\ndata: {\"events\":\(lost)}\n\n".utf8)
      }
      while state.next < ring.next {
        let event = ring.event(state.next)
        state.next += 1
        if let event, names?.contains(event.name) ?? true {
          if isNoted, !event.subjects.isEmpty { state.subjects.append(event.subjects) }
          return event.bytes
        }
      }
      return nil
    }
    if let found {
      state.mustBeat = false
      return found
    }
    guard state.mustBeat, !state.hasEnded else { return nil }
    state.mustBeat = false
    return Array(": listening\n\n".utf8)
  }
}
