/// What a model's answers look like in the table that holds them, and how they are judged.
public struct ScoreColumns: Sendable, Hashable {
  /// The column that names the patient.
  public var patient: String
  /// The column of event time.
  public var time: String
  /// The column of the probability of the positive outcome, or of an anomaly's score.
  public var probability: String
  /// A condition over the table's columns: whether somebody would be alerted.
  public var alert: String
  /// The outcome that counts as positive, as outcome tables spell it.
  public var positive: String
  /// The table in which outcomes arrive, with the columns `patient_id`, `time`, `outcome` and `event_at`.
  public var outcomes: String

  /// The columns that tables of a model have unless the YAML says otherwise.
  public init(
    model: String, patient: String = "patient_id", time: String = "event_time", probability: String = "probability",
    alert: String = "prediction = 1", positive: String = "1", outcomes: String? = nil
  ) {
    self.patient = patient
    self.time = time
    self.probability = probability
    self.alert = alert
    self.positive = positive
    self.outcomes = outcomes ?? "outcomes_\(model)"
  }
}

/// Learning from outcomes as they arrive.
public struct OnlineRule: Sendable, Hashable {
  /// Updates between two versions.
  public var versionEvery: Int
  /// Size of the first steps.
  public var rate: Double

  /// A rule from its parts.
  public init(versionEvery: Int = 1_000, rate: Double = 0.1) {
    self.versionEvery = versionEvery
    self.rate = rate
  }
}

/// When a model is trained again by itself; what comes of it is a candidate.
public struct RetrainingRule: Sendable, Hashable {
  /// Seconds after the newest version; nil: not by time.
  public var everySeconds: Double?
  /// Whether drift is a reason.
  public var onDrift: Bool
  /// Seconds that a version must be old before drift is a reason to train again.
  public var atMostEverySeconds: Double

  /// A rule from its parts.
  public init(everySeconds: Double? = nil, onDrift: Bool = false, atMostEverySeconds: Double = 86_400) {
    self.everySeconds = everySeconds
    self.onDrift = onDrift
    self.atMostEverySeconds = atMostEverySeconds
  }

  /// Why to train now, or nil.
  /// - Parameters:
  ///   - age: Seconds since the newest version was registered.
  ///   - hasDrifted: Whether the last look found drift.
  public func reason(age: Double, hasDrifted: Bool) -> String? {
    if let everySeconds, age >= everySeconds { return "schedule" }
    if onDrift, hasDrifted, age >= atMostEverySeconds { return "drift" }
    return nil
  }
}

extension Pipeline {
  /// The streaming table whose SELECT calls `predict_MODEL` or `anomaly_MODEL` itself; nil if there is none.
  public func scoringTable(of model: String) -> TableDefinition? {
    streamingTables.first { $0.asks(model) }
  }
}

extension TableDefinition {
  /// Whether the SELECT text calls `predict_MODEL` or `anomaly_MODEL`.
  public func asks(_ model: String) -> Bool {
    // Once: the text is read anew whenever the property is asked.
    let tokens = tokens
    let names = ["predict_", "anomaly_"].map { $0 + model.lowercased() }
    return tokens.indices.dropLast().contains { index in
      tokens[index].isName && tokens[index + 1].isSymbol("(") && names.contains(tokens[index].text.lowercased())
    }
  }

  /// The same relation with another model's functions in place of this one's: `predict_OTHER`, `explain_OTHER`,
  /// `model_version('OTHER')` and so on.
  public func asking(_ other: String, insteadOf model: String) -> TableDefinition {
    let tokens = tokens
    var changes: [(range: Range<Int>, text: String)] = []
    for index in tokens.indices.dropLast() where tokens[index].isName && tokens[index + 1].isSymbol("(") {
      let name = tokens[index].text.lowercased()
      if let prefix = ["predict_", "explain_", "anomaly_"].first(where: { name == $0 + model.lowercased() }) {
        changes.append((tokens[index].range, prefix + other))
      }
      if name.hasPrefix("model_"), index + 2 < tokens.endIndex, tokens[index + 2].kind == .string,
        tokens[index + 2].text == model
      {
        changes.append((tokens[index + 2].range, "'\(other)'"))
      }
    }
    return replacing(changes)
  }

  /// The relation with some bytes of its text replaced; the places of its inputs move along.
  private func replacing(_ changes: [(range: Range<Int>, text: String)]) -> TableDefinition {
    var bytes = Array(sql.utf8)
    var copy = self
    for change in changes.reversed() {
      bytes.replaceSubrange(change.range, with: Array(change.text.utf8))
      let growth = change.text.utf8.count - change.range.count
      for index in copy.references.indices where copy.references[index].range.lowerBound >= change.range.upperBound {
        let range = copy.references[index].range
        copy.references[index].range = range.lowerBound + growth..<range.upperBound + growth
      }
    }
    copy.sql = String(decoding: bytes, as: UTF8.self)
    return copy
  }

  private var tokens: [SQLToken] {
    SQLLexer.tokens(of: SQLText(sql, file: location.file), problems: ProblemList())
  }
}
