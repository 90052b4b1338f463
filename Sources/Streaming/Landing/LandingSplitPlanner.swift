/// Where lines end in a file; the planner's only view of contents. Throws if the file cannot be read.
public protocol LineEnds {
  /// The position after the last line end within `range` of the file, which begins at a line; nil if there is none.
  func last(in path: String, _ range: Range<Int64>) throws -> Int64?
  /// The position after the first line end of `range` that is not before `from`; nil if there is none. `range` begins at a
  /// line.
  func first(in path: String, _ range: Range<Int64>, from: Int64) throws -> Int64?
  /// A number that differs, in all likelihood, if the file's first bytes or those just before `end` differ; nil if the file
  /// is shorter, or if nobody wants to know.
  func fingerprint(of path: String, before end: Int64) throws -> Int64?
  /// Whether a file that is taken as a whole has its last byte.
  func isComplete(_ path: String, size: Int64) throws -> Bool
}

extension LineEnds {
  /// Nobody wants to know.
  public func fingerprint(of path: String, before end: Int64) throws -> Int64? { nil }
  /// Unknown: it counts as complete when it rests.
  public func isComplete(_ path: String, size: Int64) throws -> Bool { false }
}

/// Decides which new bytes of a landing directory become splits: listing + known splits → new splits.
///
/// Opens no file and reads no clock. A file only grows or is replaced as a whole: when it is smaller than what was registered
/// of it, or its first bytes or the last ones that were registered are others, it holds something else now and is read from
/// its beginning.
public struct SplitPlanner: Sendable {
  /// Sizes and times that decide where files are cut.
  public struct Rules: Sendable, Hashable {
    /// A split is at most this long (bytes), unless one line is longer.
    public var splitBytes: Int64 = 32 << 20
    /// A line longer than this (bytes) is cut into several records, because it has to fit into memory.
    public var longestLineBytes: Int64 = 128 << 20
    /// An unfinished last line counts as finished when its file has not changed for this long.
    public var settle: Duration = .seconds(5)
    /// Files below this folder end in whole lines: what stands behind the last line end was left by a crash, is no
    /// record and never will be. Relative, with its slash; nil: there is no such folder.
    public var logFolder: String?
    /// At most this many splits are planned at once.
    public var splitsPerPlan = 65_536

    /// The usual rules.
    public init() {}
  }

  /// What to register.
  public struct Plan: Sendable, Hashable {
    /// New splits in order of sequence.
    public var splits: [LandingSplit] = []
    /// Files whose last line may still be growing.
    public var unfinished: [String] = []
    /// Files with new bytes that could not be read, or were gone when they were looked at.
    public var unreadable: [String] = []
    /// Files that were replaced by something else of at least the registered size.
    public var replaced: [String] = []
    /// False if `splitsPerPlan` was reached: there is more to plan.
    public var isComplete = true
  }

  /// A file's unfinished line as last seen.
  private struct Tail: Sendable {
    var file: LandingFile
    var since: Int64
  }

  /// The rules in force.
  public let rules: Rules
  /// Sequence number of the next split.
  public private(set) var nextSequence: Int64 = 0
  /// What is registered of a file.
  private struct Known: Sendable {
    /// How far it is registered (bytes).
    var covered: Int64
    var fingerprint: Int64?
    /// A change at this time or later has to be looked at. Clocks of file systems are coarse, hence a margin.
    var checkedAt: Int64

    static let margin: Int64 = 10_000_000
  }

  private var known: [String: Known] = [:]
  private var tails: [String: Tail] = [:]

  /// A planner that knows of no splits yet.
  public init(rules: Rules = Rules()) { self.rules = rules }

  /// Takes note of registered splits, in order of sequence.
  public mutating func register(_ splits: some Sequence<LandingSplit>) {
    for split in splits {
      register(
        path: split.path, to: split.to, nextSequence: split.sequence + 1, fingerprint: split.fingerprint,
        at: split.registered)
    }
  }

  /// Takes note of how far a file is registered and since when, for a table of splits that is read as a summary.
  public mutating func register(
    path: String, to end: Int64, nextSequence next: Int64, fingerprint: Int64? = nil, at time: Int64 = 0
  ) {
    known[path] = Known(covered: end, fingerprint: fingerprint, checkedAt: time - Known.margin)
    nextSequence = max(nextSequence, next)
  }

  /// How far the files below a folder are registered (bytes).
  public func registered(below folder: String) -> [String: Int64] {
    known.filter { $0.key.hasPrefix(folder) }.mapValues(\.covered)
  }

  /// The splits to register for what the listing shows beyond the registered bytes, ordered by time of change and path.
  ///
  /// Call `register` with them once they are durable. `now` is in microseconds since 1970.
  public mutating func plan(_ listing: [LandingFile], now: Int64, _ ends: some LineEnds) -> Plan {
    var plan = Plan()
    var tails: [String: Tail] = [:]
    for file in listing.sorted(by: { ($0.modified, $0.path) < ($1.modified, $1.path) }) {
      var from = 0 as Int64
      do {
        from = try begin(of: file, now: now, ends, &plan)
      } catch {
        plan.unreadable.append(file.path)
        continue
      }
      while from < file.size {
        guard plan.splits.count < rules.splitsPerPlan else {
          plan.isComplete = false
          return plan
        }
        var tail = self.tails[file.path].flatMap { $0.file == file ? $0 : nil } ?? Tail(file: file, since: now)
        tail.since = min(tail.since, now)
        let isLog = rules.logFolder.map(file.path.hasPrefix) ?? false
        let isSettled = !isLog && now - min(file.modified, tail.since) >= rules.settle.microseconds
        let found: Int64?
        var fingerprint: Int64?
        do {
          found = try cut(file, from: from, isSettled: isSettled, ends)
          fingerprint = try found.flatMap { try ends.fingerprint(of: file.path, before: $0) }
        } catch {
          plan.unreadable.append(file.path)
          break
        }
        guard let end = found else {
          if isLog { break }
          plan.unfinished.append(file.path)
          tails[file.path] = tail
          break
        }
        plan.splits.append(
          LandingSplit(
            sequence: nextSequence + Int64(plan.splits.count), path: file.path, from: from, to: end,
            modified: file.modified, registered: now, fingerprint: fingerprint))
        from = end
      }
    }
    self.tails = tails
    return plan
  }

  /// From where on a file is new: behind what is registered of it, or its beginning if it holds something else now.
  private mutating func begin(
    of file: LandingFile, now: Int64, _ ends: some LineEnds, _ plan: inout Plan
  ) throws -> Int64 {
    guard var known = known[file.path], known.covered > 0 else { return 0 }
    if file.size < known.covered || (LandingFormat.isWhole(file.path) && file.size > known.covered) {
      self.known[file.path] = nil
      if file.size > known.covered { plan.replaced.append(file.path) }
      return 0
    }
    guard file.changed >= known.checkedAt, let wanted = known.fingerprint else { return known.covered }
    let found = try ends.fingerprint(of: file.path, before: known.covered)
    if let found, found != wanted {
      plan.replaced.append(file.path)
      self.known[file.path] = nil
      return 0
    }
    known.checkedAt = max(known.checkedAt, min(now - Known.margin, file.changed + 1))
    self.known[file.path] = known
    return known.covered
  }

  /// Where a split that begins at `from` ends; nil if its only line may still be growing.
  private func cut(_ file: LandingFile, from: Int64, isSettled: Bool, _ ends: some LineEnds) throws -> Int64? {
    if LandingFormat.isWhole(file.path) {
      return try isSettled || ends.isComplete(file.path, size: file.size) ? file.size : nil
    }
    let window = min(from + rules.splitBytes, file.size)
    if let end = try ends.last(in: file.path, from..<window) { return end }
    let limit = min(from + rules.longestLineBytes, file.size)
    if window < limit, let end = try ends.first(in: file.path, from..<limit, from: window) { return end }
    if limit - from >= rules.longestLineBytes { return limit }
    return isSettled ? file.size : nil
  }
}

extension Duration {
  /// Whole microseconds, rounded down.
  var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
