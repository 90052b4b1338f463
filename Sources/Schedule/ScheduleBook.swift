internal import Foundation

/// Decides which jobs start when. Pure: it is told the time, and what became of each run. Times are seconds since 1970.
public struct ScheduleBook: Sendable {
  /// A run that is to start now.
  public struct Start: Sendable, Hashable {
    /// The job's name.
    public var job: String
    /// The time that it was due at.
    public var due: Double
    /// 1 for the first attempt.
    public var attempt: Int

    /// A run from its parts.
    public init(job: String, due: Double, attempt: Int = 1) {
      self.job = job
      self.due = due
      self.attempt = attempt
    }
  }

  /// What the book decides.
  public enum Decision: Sendable, Hashable {
    /// The run starts.
    case start(Start)
    /// The time passes without a run, for this reason.
    case skip(Start, String)
  }

  /// What is known of a job from runs before: when it began last, and when it succeeded last.
  public struct Memory: Sendable, Hashable {
    /// The time that the last run was due at.
    public var lastDue: Double?
    /// When the last run began.
    public var lastStart: Double?
    /// When it last succeeded.
    public var lastSuccess: Double?

    /// Nothing is known.
    public init() {}
  }

  private struct Entry: Sendable {
    var job: ScheduledJob
    var memory: Memory
    var next: Double?
    var running: Start?
    var queued: Double?
    var retry: (at: Double, start: Start)?
    var isIdle: Bool { running == nil && retry == nil }
  }

  private var entries: [Entry]

  /// A book over jobs.
  /// - Parameters:
  ///   - memories: What is known of jobs from the history, by name.
  ///   - now: The time at which the scheduler begins.
  public init(_ jobs: [ScheduledJob], memories: [String: Memory] = [:], now: Double) {
    entries = jobs.map { job in
      let memory = memories[job.name] ?? Memory()
      let from = job.catchesUp ? memory.lastDue ?? now : now
      return Entry(job: job, memory: memory, next: Self.next(job, after: from))
    }
  }

  /// When a job is due next after a time; nil if it only follows others.
  public static func next(_ job: ScheduledJob, after time: Double) -> Double? {
    job.cron?.next(after: Int64(time.rounded(.down))) { instant in
      job.timeZone.secondsFromGMT(for: .init(timeIntervalSince1970: Double(instant)))
    }.map(Double.init)
  }

  /// What is to be done at this time.
  public mutating func decide(at now: Double) -> [Decision] {
    var decisions: [Decision] = []
    for index in entries.indices {
      if let retry = entries[index].retry, retry.at <= now {
        entries[index].retry = nil
        decisions.append(begin(index, retry.start, at: now))
      }
      if let due = entries[index].next, due <= now {
        // Of several times that passed, the last one counts.
        var last = due
        while let later = Self.next(entries[index].job, after: last), later <= now { last = later }
        entries[index].next = Self.next(entries[index].job, after: now)
        decisions += isDue(index, Start(job: entries[index].job.name, due: last), at: now)
      } else if entries[index].job.cron == nil, entries[index].isIdle, waits(index).isEmpty {
        decisions.append(begin(index, Start(job: entries[index].job.name, due: now), at: now))
      }
    }
    return decisions
  }

  private mutating func isDue(_ index: Int, _ start: Start, at now: Double) -> [Decision] {
    guard entries[index].isIdle else {
      if entries[index].job.overlap == .queue, entries[index].queued == nil {
        entries[index].queued = start.due
        return []
      }
      return [.skip(start, "the run before is not over")]
    }
    let waiting = waits(index)
    if !waiting.isEmpty {
      return [.skip(start, "not succeeded since the last run: \(waiting.joined(separator: ", "))")]
    }
    return [begin(index, start, at: now)]
  }

  /// Names of jobs that must succeed first.
  private func waits(_ index: Int) -> [String] {
    entries[index].job.after.filter { name in
      guard let success = entries.first(where: { $0.job.name == name })?.memory.lastSuccess else { return true }
      return entries[index].memory.lastStart.map { success <= $0 } ?? false
    }
  }

  private mutating func begin(_ index: Int, _ start: Start, at now: Double) -> Decision {
    entries[index].running = start
    entries[index].memory.lastDue = start.due
    if start.attempt == 1 { entries[index].memory.lastStart = now }
    return .start(start)
  }

  /// Notes the end of a run. A failure is tried again later if the job says so.
  public mutating func ended(_ start: Start, succeeded: Bool, at now: Double) {
    guard let index = entries.firstIndex(where: { $0.job.name == start.job }) else { return }
    entries[index].running = nil
    let job = entries[index].job
    if succeeded {
      entries[index].memory.lastSuccess = now
    } else if start.attempt <= job.retries {
      var again = start
      again.attempt += 1
      entries[index].retry = (now + Self.pause(job, attempt: start.attempt), again)
      return
    }
    if let due = entries[index].queued {
      entries[index].queued = nil
      entries[index].next = min(due, entries[index].next ?? due)
    }
  }

  /// Seconds between an attempt that failed and the next one.
  static func pause(_ job: ScheduledJob, attempt: Int) -> Double {
    min(3_600, job.retryDelaySeconds * Double(1 << min(30, attempt - 1)))
  }

  /// The next time at which there may be something to do; nil if only the end of a run can bring it.
  public var nextTime: Double? {
    entries.flatMap { [$0.next, $0.retry?.at].compactMap { $0 } }.min()
  }
}
