internal import DuckDB
internal import Models
internal import Streaming

/// `lakeward models promote|rollback|stage|history`
extension ModelsCommand {
  static func promote(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let words = try Subcommand.require(words, ["MODEL", "VERSION"], command: "models promote")
    let workspace = try Workspace(arguments)
    try requireModel(workspace, words[0])
    let registry = workspace.registry
    let before = try registry.liveVersion(of: words[0])
    let candidate = try registry.version(words[1], of: words[0])
    var reason = arguments.text("reason") ?? ""
    if let text = arguments.text("if") {
      let rule = try PromotionRule(text)
      let outcome = rule.evaluate(try figures(workspace, candidate, names: rule.names))
      for line in outcome.comparisons { Console.write(line) }
      guard outcome.holds else {
        Console.warn("\(words[0]): version \(words[1]) is not promoted: the condition does not hold")
        return 1
      }
      if reason.isEmpty { reason = "if \(text)" }
    }
    try registry.promote(words[0], version: words[1], reason: reason)
    Console.write("\(words[0]): version \(words[1]) is live\(Self.change(from: before, to: words[1]))")
    return 0
  }

  static func rollback(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let name = try Subcommand.require(words, ["MODEL"], command: "models rollback")[0]
    let workspace = try Workspace(arguments)
    try requireModel(workspace, name)
    let before = try workspace.registry.liveVersion(of: name)
    let entry = try workspace.registry.rollback(name, reason: arguments.text("reason") ?? "")
    Console.write("\(name): version \(entry.card.version) is live\(Self.change(from: before, to: entry.card.version))")
    return 0
  }

  static func stage(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let words = try Subcommand.require(words, ["MODEL", "VERSION", "STAGE"], command: "models stage")
    guard let stage = ModelStage(rawValue: words[2]) else {
      let names = ModelStage.allCases.map(\.rawValue)
      let guess = nearest(to: words[2], among: names).map { "; did you mean \($0)?" } ?? ""
      throw UsageError("\(words[2]) is no stage\(guess) (there are: \(names.joined(separator: ", ")))")
    }
    let workspace = try Workspace(arguments)
    try requireModel(workspace, words[0])
    try workspace.registry.setStage(stage, of: words[0], version: words[1], reason: arguments.text("reason") ?? "")
    Console.write("\(words[0]): version \(words[1]) is \(stage.rawValue)")
    return 0
  }

  static func history(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let name = try Subcommand.require(words, ["MODEL"], command: "models history")[0]
    let format = try format(arguments)
    let workspace = try Workspace(arguments)
    try requireModel(workspace, name)
    let rows = try workspace.registry.history(of: name).map { event -> [Value] in
      [
        .string(event.time), .int(Int64(event.version) ?? 0), .string(event.stage.rawValue), .bool(event.isRollback),
        .string(event.reason),
      ]
    }
    try format.write(
      TableFacts.columns([
        ("time", .varchar), ("version", .bigint), ("stage", .varchar), ("rollback", .boolean), ("reason", .varchar),
      ]), rows, to: .standardOutput(), note: "")
    return 0
  }

  /// What a promotion rule may ask for: the version's own figures, `live.…` of the version that scores now, and
  /// `trial.…` of its silent trial.
  private static func figures(
    _ workspace: Workspace, _ candidate: ModelRegistry.Entry, names: [String]
  ) throws -> [String: Double] {
    var figures = candidate.card.figures
    if names.contains(where: { $0.hasPrefix("live.") }),
      try workspace.registry.liveVersion(of: candidate.card.name) != nil
    {
      let live = try workspace.registry.live(candidate.card.name)
      for (name, value) in live.card.figures { figures["live.\(name)"] = value }
    }
    if names.contains(where: { $0.hasPrefix("trial.") }),
      let comparison = try workspace.comparison(candidate.card.name, version: candidate.card.version)
    {
      figures.merge(comparison.figures) { $1 }
    }
    return figures
  }

  private static func change(from before: String?, to after: String) -> String {
    before.map { $0 == after ? "" : ", before it was \($0)" } ?? ""
  }
}
