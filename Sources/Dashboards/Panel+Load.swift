internal import Pipelines

extension Panel {
  init?(_ node: YAMLNode, problems: ProblemList) {
    guard var reader = MappingReader(node, what: "the panel", problems: problems) else { return nil }
    let title = reader.requiredText("title")
    self.init(id: reader.name("id") ?? Self.identifier(title ?? ""), title: title ?? "")
    summary = reader.text("description")
    chart = reader.choice("chart", of: Chart.self)
    view = reader.choice("view", of: View.self)
    sql = reader.text("sql")
    x = reader.name("x")
    y = reader.names("y")
    by = reader.name("by")
    label = reader.name("label")
    flag = reader.name("flag")
    choose = reader.name("choose")
    showsPatients = reader.boolean("shows_patients") ?? false
    levels = reader.names("levels")
    unit = reader.text("unit")
    stacked = reader.boolean("stacked") ?? false
    horizontal = reader.boolean("horizontal") ?? false
    tall = reader.boolean("tall") ?? false
    width = reader.integer("width", in: 3...12) ?? 12
    model = reader.name("model")
    example = reader.dictionary("example")
    empty = reader.text("empty")
    reader.finish()
    check(at: node.location, problems)
  }

  /// `Patient Age Overview` becomes `patient_age_overview`.
  static func identifier(_ title: String) -> String {
    let words = title.lowercased().split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
    return words.joined(separator: "_")
  }

  private func check(at location: SourceLocation, _ problems: ProblemList) {
    func add(_ message: String, _ remedy: String) {
      problems.add(at: location, "the panel '\(title)' \(message)", remedy: remedy)
    }
    if id.isEmpty { add("has no id", "add 'id:' with letters, digits and underscores") }
    if ![3, 4, 6, 8, 9, 12].contains(width) { add("is \(width) columns wide", "write 3, 4, 6, 8, 9 or 12") }
    switch (chart, view) {
    case (nil, nil): add("has neither 'chart' nor 'view'", "add 'chart: bar' or 'view: ward'")
    case (.some, .some): add("has both 'chart' and 'view'", "keep one of them")
    case (nil, .prediction?) where model == nil: add("needs 'model'", "add 'model: NAME'")
    case (nil, .some): break
    case (let chart?, nil):
      if sql == nil { add("has no query", "add 'sql: |' and a SELECT") }
      if ![.stat, .table].contains(chart), x == nil { add("has no 'x'", "name the column of the first axis") }
      if ![.stat, .table, .histogram].contains(chart), y.isEmpty { add("has no 'y'", "name the column of values") }
      if [.sankey, .heatmap, .pyramid].contains(chart), by == nil { add("has no 'by'", "name the second column") }
    }
  }
}
