/// Reads the models of pipeline.yml.
enum ModelReader {
  static func models(_ node: YAMLNode, _ problems: ProblemList) -> [PipelineDraft.Model] {
    guard let reader = MappingReader(node, what: "models", problems: problems) else { return [] }
    return reader.pairs.compactMap { pair in
      if !Scalars.isName(pair.key) {
        problems.add(
          at: pair.location, "the model '\(pair.key)' is not a plain name",
          remedy: "use letters, digits and underscores, beginning with a letter")
      }
      return model(pair, problems)
    }
  }

  private static func model(_ pair: YAMLEntry, _ problems: ProblemList) -> PipelineDraft.Model? {
    guard var reader = MappingReader(pair.value, what: pair.key, problems: problems) else { return nil }
    var model = ModelDefinition(name: pair.key, features: [], trainingSQL: "", label: "", group: "")
    if reader.requiredNode("features") != nil { model.features = reader.names("features") }
    let training = reader.requiredNode("training") == nil ? [] : reader.texts("training")
    model.trainingFiles = training.compactMap(\.text)
    model.algorithms = algorithms(&reader, problems) ?? model.algorithms
    let findsAnomalies = model.algorithm.findsAnomalies
    model.label = (findsAnomalies ? reader.name("label") : reader.requiredName("label")) ?? ""
    model.group = reader.requiredName("group") ?? ""
    model.time = reader.name("time")
    model.classes = classes(&reader, problems)
    let fairness = reader.node("fairness")
    model.fairness = reader.names("fairness")
    if let fairness, findsAnomalies {
      problems.add(
        at: fairness.location, "\(pair.key) has no figures by kinds of patients, because it finds anomalies",
        remedy: "remove 'fairness'")
    }
    model.balance = reader.choice("balance", of: ModelDefinition.Balance.self) ?? model.balance
    model.calibration = reader.choice("calibration", of: ModelDefinition.Calibration.self) ?? model.calibration
    readSettings(&reader, into: &model, problems)
    model.testFraction = reader.number("test_fraction", in: 0.05...0.5) ?? model.testFraction
    model.seed = reader.integer("seed", in: 0...Int.max).map(UInt64.init) ?? model.seed
    model.threshold = reader.number("threshold", in: 0...1)
    model.contamination = reader.number("contamination", in: 1e-6...0.5) ?? model.contamination
    model.isOptional = reader.boolean("optional") ?? false
    model.scoreColumns = scores(&reader, of: model, problems)
    readUpkeep(&reader, into: &model, problems)
    if findsAnomalies, model.time == nil {
      problems.add(
        at: pair.location, "\(pair.key) has no 'time'", remedy: "name the column that says when a reading was taken")
    }
    reader.finish()
    return PipelineDraft.Model(definition: model, location: pair.location, trainingFiles: training)
  }

  private static func readUpkeep(
    _ reader: inout MappingReader, into model: inout ModelDefinition, _ problems: ProblemList
  ) {
    if let node = reader.node("online"), var online = MappingReader(node, what: "online", problems: problems) {
      var rule = OnlineRule()
      rule.versionEvery = online.integer("version_every", in: 1...1_000_000_000) ?? rule.versionEvery
      rule.rate = online.number("rate", in: 1e-6...10) ?? rule.rate
      online.finish()
      model.online = rule
      if !model.classes.isEmpty || model.algorithm.findsAnomalies {
        problems.add(
          at: node.location, "\(model.name) cannot learn online, because it has not two classes", remedy: "remove it")
      }
    }
    if let node = reader.node("retrain"), var retrain = MappingReader(node, what: "retrain", problems: problems) {
      var rule = RetrainingRule()
      rule.everySeconds = retrain.seconds("every", in: 60...3.2e9)
      rule.onDrift = retrain.boolean("on_drift") ?? false
      rule.atMostEverySeconds = retrain.seconds("at_most_every", in: 1...3.2e9) ?? rule.atMostEverySeconds
      retrain.finish()
      model.retraining = rule
    }
  }

  private static func scores(
    _ reader: inout MappingReader, of model: ModelDefinition, _ problems: ProblemList
  ) -> ScoreColumns? {
    guard let node = reader.node("scores"), var scores = MappingReader(node, what: "scores", problems: problems)
    else { return nil }
    var columns = model.scores
    columns.patient = scores.name("patient") ?? columns.patient
    columns.time = scores.name("time") ?? columns.time
    columns.probability = scores.name("probability") ?? columns.probability
    columns.alert = scores.text("alert") ?? columns.alert
    columns.positive = scores.text("positive") ?? columns.positive
    columns.outcomes = scores.name("outcomes") ?? columns.outcomes
    scores.finish()
    return columns
  }

  private static func algorithms(
    _ reader: inout MappingReader, _ problems: ProblemList
  ) -> [ModelDefinition.Algorithm]? {
    var found: [ModelDefinition.Algorithm] = []
    for node in reader.texts("algorithm") {
      guard let text = node.text else { continue }
      if let algorithm = ModelDefinition.Algorithm(rawValue: text) {
        found.append(algorithm)
      } else {
        problems.add(
          at: node.location, "algorithm cannot be '\(text)'",
          remedy: Suggestion.remedy(for: text, among: ModelDefinition.Algorithm.allCases.map(\.rawValue)))
      }
      if found.count > 1, found.contains(where: \.findsAnomalies) {
        problems.add(
          at: node.location, "'\(text)' cannot be compared with others, because nothing is predicted",
          remedy: "name one algorithm")
      }
    }
    return found.isEmpty ? nil : found
  }

  private static func classes(_ reader: inout MappingReader, _ problems: ProblemList) -> [String] {
    let nodes = reader.texts("classes")
    let classes = nodes.compactMap(\.text)
    guard let first = nodes.first else { return [] }
    let names = Set(classes.map { $0.lowercased() })
    if classes.count < 3 || names.count < classes.count {
      problems.add(
        at: first.location, "classes must be three or more different ones",
        remedy: "leave them out for a label of 0 and 1")
    }
    // They become columns beside these two.
    for node in nodes where ["label", "probability"].contains(node.text?.lowercased()) {
      problems.add(at: node.location, "a class cannot be called '\(node.text ?? "")'", remedy: "choose another name")
    }
    return classes
  }

  private static func readSettings(
    _ reader: inout MappingReader, into model: inout ModelDefinition, _ problems: ProblemList
  ) {
    var ranges: [String: ClosedRange<Double>] = [:]
    for algorithm in model.algorithms { ranges.merge(algorithm.parameterRanges) { first, _ in first } }
    let sorted = ranges.sorted { $0.key < $1.key }
    if let node = reader.node("parameters"),
      var parameters = MappingReader(node, what: "parameters", problems: problems)
    {
      for (name, range) in sorted { model.parameters[name] = parameters.number(name, in: range) }
      parameters.finish()
    }
    if let node = reader.node("search"), var search = MappingReader(node, what: "search", problems: problems) {
      for (name, range) in sorted {
        let values = search.texts(name).compactMap { Scalars.number($0, of: name, in: range, problems) }
        if !values.isEmpty { model.search[name] = values }
      }
      search.finish()
      if model.algorithm.findsAnomalies {
        problems.add(
          at: node.location, "settings cannot be searched for without labels", remedy: "set them under 'parameters'")
      }
    }
  }
}
