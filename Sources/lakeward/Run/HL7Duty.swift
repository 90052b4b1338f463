internal import DeltaLake
internal import Foundation
internal import Intake
internal import Observability
internal import Pipelines
internal import Streaming

/// What a run does for HL7: it listens for messages on behalf of its pipelines, and makes tables of those that are kept.
final class HL7Duty: @unchecked Sendable {
  // Safe to share: nothing mutable but the semaphore and `versions`, which belongs to whoever takes messages: the thread,
  // or a run over what is there.
  private let feed: HL7Feed?
  private let listener: MLLPListener?
  private let tables: [String]
  private let workspace: Workspace
  private let zone: TimeZone
  private let done = DispatchSemaphore(value: 0)
  private let log: Logger
  /// The versions of the tables whose messages are taken.
  private var versions: [String: Int64] = [:]

  /// The duty of a run; nil if none of its pipelines takes HL7.
  ///
  /// - Parameter isListening: Whether messages are listened for, where `lakeward.yml` says so.
  init?(
    _ pipelines: [Pipeline], _ workspace: Workspace, brokers: String?, operations: Operations, isListening: Bool
  ) throws {
    let takers = pipelines.filter { $0.source?.hl7 != nil }
    guard !takers.isEmpty else { return nil }
    self.workspace = workspace
    log = operations.log
    let listening = workspace.configuration.hl7
    guard let zone = ImportZone.named(listening?.timeZone ?? "UTC") else {
      throw CommandFailure(
        "lakeward.yml: hl7.time_zone is no zone; write a name such as Europe/Vienna, or an offset such as +01:00")
    }
    self.zone = zone
    tables = takers.filter { $0.source?.hl7?.records == .messages }.flatMap { $0.streamingTables.map(\.name) }
    guard isListening, let listening else {
      (feed, listener) = (nil, nil)
      return
    }
    let destinations = try takers.compactMap {
      try workspace.inputs($0, brokers: brokers).hl7Destination(log: operations.log)
    }
    let messages = operations.metrics.counter(
      "lakeward_hl7_messages_total", "HL7 messages by answer: AA, AE or AR", labels: "answer")
    let feed = HL7Feed(destinations, zone: zone) { [log] event in
      switch event {
      case .taken: messages["AA"].add()
      case .faulty(let reason):
        messages["AE"].add()
        log.warning("HL7: a message cannot be read and is in quarantine", ["reason": .name(reason)])
      case .rejected(let reason):
        messages["AR"].add()
        log.warning("HL7: a message was not taken", ["reason": .name(reason)])
      }
    }
    self.feed = feed
    listener = try MLLPListener(host: listening.host, port: listening.port) { feed.answer($0) }
    Console.warn("HL7 (MLLP) on \(listening.host):\(listener?.port ?? 0)")
  }

  /// Makes tables of new messages every few seconds, on a thread of its own, until the stop.
  func start(stop: StopSignal) {
    let thread = Thread { [self] in
      var pause = 2.0
      while !stop.isStopped {
        stop.wait(seconds: pause)
        do {
          try takeMessages()
          pause = 2
        } catch {
          pause = min(60, pause * 2)
          log.warning(
            "HL7: tables could not be made; trying again", ["after": .seconds(pause), "reason": .error(error)])
        }
      }
      done.signal()
    }
    thread.name = "hl7 tables"
    thread.start()
  }

  /// Ends listening; messages in hand are answered.
  func finish() {
    listener?.stop()
    feed?.close()
    done.wait()
  }

  /// Brings patients, encounters and observations up to what the pipelines have kept.
  func takeMessages() throws {
    let places = tables.map { ($0, workspace.lake.location(ofTable: $0)) }.filter { DeltaTable.exists(at: $0.1) }
    var newest: [String: Int64] = [:]
    for (name, place) in places { newest[name] = try DeltaTable(at: place).snapshot().version }
    guard newest != versions else { return }
    // An import in another process goes first; the next round takes the rest.
    guard let lock = try? workspace.importLock() else { return }
    try withExtendedLifetime(lock) {
      let importer = try workspace.importer(zone: zone)
      for (name, place) in places { _ = try importer.takeMessages(ofTable: name, at: place) }
    }
    versions = newest
  }
}
