public import Foundation
public import Pipelines

/// One of Lakeward's own commands with when it is to run: an entry of `schedule:` in `lakeward.yml`.
public struct ScheduledJob: Sendable, Hashable {
  /// What becomes of a time that comes while the run before is still going on.
  public enum Overlap: String, Sendable, Hashable, CaseIterable {
    /// It is left out.
    case skip
    /// One more run follows at once.
    case queue
  }

  /// The entry's name.
  public var name: String
  /// The command's words, without `lakeward`.
  public var words: [String]
  /// When it is due; nil if it only follows others.
  public var cron: CronExpression?
  /// The time zone of ``cron``.
  public var timeZone: TimeZone
  /// Jobs that must have succeeded since this one's last run. Without ``cron`` it runs as soon as all have.
  public var after: [String]
  /// Seconds that one attempt may take; nil: as long as it takes.
  public var timeoutSeconds: Double?
  /// How often it is tried again after a failure.
  public var retries: Int
  /// Seconds before the first further attempt; each next pause is twice as long, an hour at most.
  public var retryDelaySeconds: Double
  /// What becomes of a time that comes while it runs.
  public var overlap: Overlap
  /// Whether a time that passed while no scheduler ran is made up for, once.
  public var catchesUp: Bool

  /// The entries under `schedule:`, by name in the order of the file.
  /// - Parameter commands: Words that a job may begin with.
  /// - Throws: A ``DefinitionError`` with every problem.
  public static func read(_ node: YAMLNode, commands: Set<String>) throws(DefinitionError) -> [ScheduledJob] {
    let problems = ProblemList()
    guard let reader = MappingReader(node, what: "schedule", problems: problems) else {
      try problems.throwIfAny()
      return []
    }
    let names = reader.pairs.map(\.key)
    let jobs = reader.pairs.compactMap { pair -> ScheduledJob? in
      guard var reader = MappingReader(pair.value, what: pair.key, problems: problems) else { return nil }
      return ScheduledJob(pair.key, &reader, names: names, commands: commands)
    }
    if let round = circle(jobs) {
      problems.add(
        at: node.location, "jobs wait for each other: \(round.joined(separator: " ← "))",
        remedy: "take one out of 'after'")
    }
    try problems.throwIfAny()
    return jobs
  }

  private init?(_ name: String, _ reader: inout MappingReader, names: [String], commands: Set<String>) {
    self.name = name
    let problems = reader.problems
    let run = reader.requiredNode("run")
    words = run == nil ? [] : reader.texts("run").compactMap(\.text)
    if words.count == 1, let line = words.first { words = line.split(separator: " ").map(String.init) }
    if let run { Self.check(words, at: run.location, commands, problems) }
    timeZone = .gmt
    if let node = reader.node("time_zone"), let text = node.text {
      if let zone = TimeZone(identifier: text) {
        timeZone = zone
      } else {
        problems.add(at: node.location, "there is no time zone '\(text)'", remedy: "write a name such as Europe/Berlin")
      }
    }
    if let node = reader.node("cron"), let text = node.text {
      do {
        cron = try CronExpression(text)
        if cron?.next(after: 0, offset: { _ in 0 }) == nil {
          problems.add(at: node.location, "'\(text)' is never due", remedy: "name a day that the month has")
        }
      } catch {
        problems.add(
          at: node.location, "cron '\(text)': \(error.reason)", remedy: "write five fields, such as '30 2 * * *'")
      }
    }
    after = []
    for node in reader.texts("after") {
      guard let other = node.text else { continue }
      after.append(other)
      if !names.contains(other) || other == name {
        problems.add(
          at: node.location, "'\(name)' cannot follow '\(other)'", remedy: "name another job of the schedule")
      }
    }
    timeoutSeconds = reader.seconds("timeout", in: 1...604_800)
    retries = reader.integer("retries", in: 0...100) ?? 0
    retryDelaySeconds = reader.seconds("retry_delay", in: 0...3_600) ?? 60
    overlap = reader.choice("overlap", of: Overlap.self) ?? .skip
    catchesUp = reader.boolean("catch_up") ?? false
    reader.finish()
    if cron == nil, after.isEmpty, reader.node("cron") == nil {
      problems.add(at: reader.location, "'\(name)' is never due", remedy: "add 'cron: …' or 'after: [ … ]'")
    }
    guard run != nil else { return nil }
  }

  private static func check(
    _ words: [String], at place: SourceLocation, _ commands: Set<String>, _ problems: ProblemList
  ) {
    guard let first = words.first else {
      return problems.add(at: place, "run is empty", remedy: "write a command's words, such as [refresh]")
    }
    if !commands.contains(first) {
      problems.add(
        at: place, "a job cannot run '\(first)'", remedy: "use one of: \(commands.sorted().joined(separator: ", "))")
    } else if first == "run", !words.contains("--once") {
      problems.add(at: place, "'run' without --once never ends", remedy: "add --once")
    }
  }

  /// A way round among jobs that follow each other.
  private static func circle(_ jobs: [ScheduledJob]) -> [String]? {
    let after = Dictionary(jobs.map { ($0.name, $0.after) }) { first, _ in first }
    for job in jobs {
      var path = [job.name]
      var routes = (after[job.name] ?? []).map { [job.name, $0] }
      while let next = routes.popLast() {
        guard let last = next.last, next.count <= jobs.count + 1 else { continue }
        path = next
        if last == job.name { return path }
        routes += (after[last] ?? []).map { next + [$0] }
      }
    }
    return nil
  }
}
