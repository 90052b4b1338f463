internal import Foundation

/// The durable log of a landing directory: files of NDJSON that the pipeline reads like any others.
///
/// Callers that come while a sync is under way are written and synced together afterwards (group commit). Files are closed
/// by size and age; the reader deletes them once they are in all tables. After a crash the last line of a file may be
/// torn: nobody was told that it is durable, the reader never takes it for a record, and the next log that is opened cuts
/// it off. No file is ever appended to by two processes, so half a record never meets the beginning of another.
public final class IngestLog: RecordIngest, @unchecked Sendable {
  // Safe to share: everything mutable is read and written under the condition's lock, except `file` and `sequence`, which
  // belong to the one caller that set `isWriting`.

  /// How a log is kept.
  public struct Options: Sendable, Hashable {
    /// A file is closed at this size, in bytes.
    public var fileBytes: Int64 = 64 << 20
    /// A file is closed at this age.
    public var fileAge: Duration = .seconds(3600)
    /// Appends are refused while more bytes than this wait to be in all tables.
    public var backlogBytes: Int64 = 1 << 30
    /// The most bytes that one append may hold.
    public var appendBytes = 64 << 20

    /// The usual limits.
    public init() {}
  }

  /// Appends that are written and synced together.
  private final class Group {
    var bytes: [UInt8] = []
    var outcome: Result<Void, IngestError>?
  }

  private let folder: IngestFolder
  private let channel: String
  private let options: Options
  private let condition = NSCondition()
  private var gathering = Group()
  private var isWriting = false
  private var isClosed = false
  private var file: IngestLogFile?
  private var sequence = 0
  private var backlog: BacklogEstimate

  /// The files of which a torn line that a crash had left was cut off when this log was opened.
  public let tornFiles: [String]

  /// The log of a landing directory; its folder is made if it is not there.
  ///
  /// - Parameters:
  ///   - landing: The pipeline's landing directory.
  ///   - channel: How the records come (`http`, `mqtt`, …): files begin with it, so bronze's `source` tells it.
  /// - Throws: `IngestError.unavailable` if the folder cannot be made.
  public init(landing: String, channel: String, options: Options = Options()) throws(IngestError) {
    let folder = IngestFolder(landing: landing)
    try folder.prepare()
    tornFiles = folder.cutTornLines()
    self.folder = folder
    self.channel = channel
    self.options = options
    backlog = BacklogEstimate(limit: options.backlogBytes)
  }

  /// Writes the records and returns after they are synced.
  ///
  /// - Throws: `IngestError`: `backlog`, `unavailable` (a full disk), `tooLarge`, `closed`.
  public func append(_ records: IngestRecords) throws(IngestError) -> IngestReceipt {
    guard records.bytes.count <= options.appendBytes else {
      throw .tooLarge(bytes: records.bytes.count, limit: options.appendBytes)
    }
    guard records.count > 0 else { return IngestReceipt(records: 0, bytes: 0) }
    condition.lock()
    defer { condition.unlock() }
    guard !isClosed else { throw .closed }
    try backlog.admit(records.bytes.count, folder, now: .now)
    let group = gathering
    group.bytes += records.bytes
    while true {
      if let outcome = group.outcome {
        try outcome.get()
        return IngestReceipt(records: records.count, bytes: records.bytes.count)
      }
      if isWriting { condition.wait() } else { write(group) }
    }
  }

  /// Bytes that are not in all tables yet, looked up now.
  public func backlogBytes() -> Int64 { folder.backlog() }

  /// Finishes the file in hand after the appends under way.
  public func close() {
    condition.lock()
    defer { condition.unlock() }
    isClosed = true
    while isWriting || !gathering.bytes.isEmpty {
      if isWriting { condition.wait() } else { write(gathering) }
    }
    file = nil
  }

  /// Writes a group while others gather in the next one. Called and left with the lock held.
  private func write(_ group: Group) {
    isWriting = true
    gathering = Group()
    condition.unlock()
    let outcome: Result<Void, IngestError>
    do throws(IngestWriteFailure) {
      try write(group.bytes)
      outcome = .success(())
    } catch {
      if error.isSpoiled { file = nil }
      outcome = .failure(.unavailable(reason: error.reason, retryAfterSeconds: 5))
    }
    condition.lock()
    group.outcome = outcome
    group.bytes = []
    isWriting = false
    condition.broadcast()
  }

  private func write(_ lines: [UInt8]) throws(IngestWriteFailure) {
    if let current = file {
      let isFull = current.bytes > 0 && current.bytes + Int64(lines.count) > options.fileBytes
      if isFull || .now - current.created > options.fileAge { file = nil }
    }
    if file == nil {
      sequence += 1
      let time = Int64(Date().timeIntervalSince1970 * 1e6)
      file = try IngestLogFile(
        folder: folder.path, name: "\(channel)-\(time)-\(ProcessInfo.processInfo.processIdentifier)-\(sequence).ndjson")
    }
    try file?.append(lines)
  }
}

/// Decides whether more may be appended, looking at the folder ten times a second at most.
struct BacklogEstimate {
  private let limit: Int64
  private var known: Int64 = 0
  /// Appended since the last look.
  private var added: Int64 = 0
  private var looked: ContinuousClock.Instant?
  /// Bytes per second that the pipeline took, between the last two looks that saw it take some.
  private var rate = 0.0

  init(limit: Int64) { self.limit = limit }

  /// Counts an append, or refuses it.
  mutating func admit(
    _ bytes: Int, _ folder: IngestFolder, now: ContinuousClock.Instant
  ) throws(IngestError) {
    if looked.map({ now - $0 >= .milliseconds(100) }) ?? true { look(folder, now) }
    let waiting = known + added
    guard waiting == 0 || waiting + Int64(bytes) <= limit else {
      throw .backlog(bytes: waiting, limit: limit, retryAfterSeconds: retryAfter(waiting + Int64(bytes)))
    }
    added += Int64(bytes)
  }

  private mutating func look(_ folder: IngestFolder, _ now: ContinuousClock.Instant) {
    let bytes = folder.backlog()
    if let looked, now - looked < .seconds(60) {
      let taken = known + added - bytes
      if taken > 0 { rate = Double(taken) / ((now - looked) / .seconds(1)) }
    }
    known = bytes
    added = 0
    looked = now
  }

  private func retryAfter(_ wanted: Int64) -> Int {
    guard rate > 0 else { return 10 }
    return max(1, min(60, Int((Double(wanted - limit) / rate).rounded(.up))))
  }
}
