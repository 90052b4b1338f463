internal import Foundation
public import Pipelines

/// Reads `alerts.yml`.
public enum PolicyFile {
  /// The file's name in a pipeline's folder.
  public static let name = "alerts.yml"

  /// The policies in a pipeline's folder, and ``ModelPolicies/standard(for:)`` if it has models and no policy about them.
  /// - Throws: a `DefinitionError` with every problem that was found, each with file, line, column and remedy.
  public static func load(_ pipeline: Pipeline) throws(DefinitionError) -> [AlertPolicy] {
    let path = pipeline.folder + "/" + name
    let own = FileManager.default.fileExists(atPath: path) ? try load(path, pipeline) : []
    guard ModelPolicies.concern(pipeline), !own.contains(where: \.isAboutModels) else { return own }
    let standard = ModelPolicies.standard(for: pipeline.name)
    return own.contains { $0.name == standard.name } ? own : own + [standard]
  }

  /// The policies in any file, checked against a pipeline.
  /// - Throws: a `DefinitionError`, also if the file cannot be read.
  public static func load(_ path: String, _ pipeline: Pipeline) throws(DefinitionError) -> [AlertPolicy] {
    guard let data = FileManager.default.contents(atPath: path), let text = String(validating: data, as: UTF8.self)
    else {
      throw DefinitionError([
        DefinitionProblem(
          at: SourceLocation(file: path, line: 1, column: 1), "the file cannot be read as UTF-8 text",
          remedy: "check its name, permissions and encoding")
      ])
    }
    return try policies(yaml: text, file: path, pipeline: pipeline)
  }

  /// The policies in a text, checked against a pipeline.
  /// - Parameter file: The name that problems carry.
  /// - Throws: a `DefinitionError` with every problem that was found.
  public static func policies(
    yaml text: String, file: String, pipeline: Pipeline
  ) throws(DefinitionError) -> [AlertPolicy] {
    guard let root = try YAML.parse(text, file: file), !root.isNull else { return [] }
    let problems = ProblemList()
    var policies: [AlertPolicy] = []
    if var reader = MappingReader(root, what: "the file", problems: problems) {
      let defaults = reader.node("defaults")
      let quiet = reader.node("quiet_hours").map { PolicyParts.quietHours($0, problems) } ?? []
      let suppressions = reader.node("suppress").map { PolicyParts.suppressions($0, problems) } ?? []
      if let node = reader.requiredNode("policies"),
        let entries = MappingReader(node, what: "policies", problems: problems)
      {
        policies = entries.pairs.compactMap { entry in
          var policy = PolicyReader(pipeline: pipeline, problems: problems).policy(entry, defaults: defaults)
          policy?.quiet = quiet
          policy?.suppressions = suppressions.filter { $0.policies.isEmpty || $0.policies.contains(entry.key) }
            .map(\.window)
          return policy
        }
      }
      reader.finish()
      PolicyCheck(pipeline: pipeline, problems: problems).check(policies, suppressed: suppressions)
    }
    try problems.throwIfAny()
    return policies
  }
}

/// Reads one policy.
struct PolicyReader {
  let pipeline: Pipeline
  let problems: ProblemList

  private static let month: ClosedRange<Double> = 0...2_678_400

  func policy(_ entry: YAMLEntry, defaults: YAMLNode?) -> AlertPolicy? {
    let isName = entry.key.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    if entry.key.isEmpty || !isName {
      problems.add(
        at: entry.location, "the policy '\(entry.key)' is not a plain name",
        remedy: "use letters, digits and underscores")
    }
    guard var reader = MappingReader(entry.value, what: entry.key, problems: problems) else { return nil }
    let table = reader.requiredName("on")
    let hasSeverity = reader.requiredNode("severity") != nil
    let severity = hasSeverity ? reader.choice("severity", of: AlertSeverity.self) : nil
    let title = template(&reader, "title")
    let message = template(&reader, "message")
    let trigger = trigger(&reader, entry)
    guard let table, let severity, let trigger else {
      // Whatever else is there is still checked for its keys.
      return finish(&reader, AlertPolicy.placeholder(entry.key, pipeline.name), defaults, isWhole: false)
    }
    var policy = AlertPolicy(
      name: entry.key, pipeline: pipeline.name, table: table, severity: severity,
      title: title ?? entry.key.replacing("_", with: " "), message: message ?? "", trigger: trigger)
    policy.location = entry.location
    guard var whole = finish(&reader, policy, defaults, isWhole: true) else { return nil }
    if whole.isAboutModels {
      // Defaults are about patients.
      whole.patient = "model"
      whole.ward = nil
    }
    return whole
  }

  private func finish(
    _ reader: inout MappingReader, _ draft: AlertPolicy, _ defaults: YAMLNode?, isWhole: Bool
  ) -> AlertPolicy? {
    var policy = draft
    policy.source = reader.text("source")
    policy.ignore = reader.condition("ignore")
    policy.delay = AlertPolicy.Persistence(
      seconds: reader.seconds("for", in: Self.month) ?? 0, readings: reader.integer("readings", in: 1...1_000) ?? 1)
    if let node = reader.node("clear"), var clear = MappingReader(node, what: "clear", problems: problems) {
      policy.clear = clear.condition("condition")
      policy.clearDelay = AlertPolicy.Persistence(
        seconds: clear.seconds("for", in: Self.month) ?? 0, readings: clear.integer("readings", in: 1...1_000) ?? 1)
      clear.finish()
    }
    policy.isLatching = reader.boolean("latching") ?? false
    policy.show = reader.names("show")
    policy.covers = reader.names("covers")
    if let defaults, var shared = MappingReader(defaults, what: "defaults", problems: problems) {
      common(&shared, &policy)
      shared.finish()
    }
    common(&reader, &policy)
    reader.finish()
    return isWhole ? policy : nil
  }

  /// What may stand under `defaults` too.
  private func common(_ reader: inout MappingReader, _ policy: inout AlertPolicy) {
    policy.patient = reader.name("patient") ?? policy.patient
    policy.time = reader.name("time") ?? policy.time
    policy.ward = reader.name("ward") ?? policy.ward
    policy.holdOffSeconds = reader.seconds("hold_off", in: 0...86_400) ?? policy.holdOffSeconds
    policy.retrospectiveSeconds = reader.seconds("retrospective", in: Self.month) ?? policy.retrospectiveSeconds
    policy.groupSeconds = reader.seconds("group", in: 0...3_600) ?? policy.groupSeconds
    if let node = reader.node("escalate") { policy.levels = PolicyParts.levels(node, problems) }
  }

  private func trigger(_ reader: inout MappingReader, _ entry: YAMLEntry) -> AlertPolicy.Trigger? {
    let condition = reader.node("condition")
    let text = reader.condition("condition")
    let missing = reader.node("missing")
    let seconds = reader.seconds("missing", in: 1...2_678_400)
    let thresholdNode = reader.node("threshold")
    let threshold = thresholdNode.flatMap { PolicyParts.threshold($0, problems) }
    guard (condition == nil) != (missing == nil) else {
      problems.add(
        at: entry.location,
        "\(entry.key) has \(condition == nil ? "neither a condition nor" : "both a condition and") a time of silence",
        remedy: "write 'condition: SQL', or 'missing: 30 min' for a patient without readings")
      return nil
    }
    if missing != nil {
      for key in ["clear", "for", "readings", "ignore", "show"] where reader.node(key) != nil {
        problems.add(
          at: reader.node(key)?.location ?? entry.location, "a policy with 'missing' has no '\(key)'",
          remedy: "remove it")
      }
      return seconds.map { .missing(seconds: $0) }
    }
    if let thresholdNode, let text, !text.contains("threshold") {
      problems.add(
        at: thresholdNode.location, "the condition does not use the threshold",
        remedy: "write 'threshold' in the condition where the number belongs, or remove it")
    }
    return text.map { .condition($0, threshold: threshold) }
  }

  private func template(_ reader: inout MappingReader, _ key: String) -> String? {
    guard let node = reader.node(key), let text = reader.text(key) else { return nil }
    guard let names = PolicyText.names(in: text) else {
      problems.add(at: node.location, "a brace in \(key) is not closed", remedy: "write '{ward}'")
      return text
    }
    let known = ["patient", "ward", "policy", "severity", "pipeline", "time", "id"]
    for name in names where !known.contains(name) {
      problems.add(
        at: node.location, "\(key) has no placeholder '{\(name)}'",
        remedy: "known here: \(known.map { "{\($0)}" }.joined(separator: ", ")); measured values belong under show")
    }
    return text
  }
}

extension AlertPolicy {
  /// Stands in while the keys of a policy are checked that lacks what it needs.
  static func placeholder(_ name: String, _ pipeline: String) -> AlertPolicy {
    AlertPolicy(
      name: name, pipeline: pipeline, table: "", severity: .low, title: "", message: "",
      trigger: .condition("false", threshold: nil))
  }
}
