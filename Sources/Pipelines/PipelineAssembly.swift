/// Puts a pipeline's YAML and SQL together and checks one against the other.
struct PipelineAssembly {
  private let draft: PipelineDraft
  private let source: SourceDefinition?
  private let scripts: [SQLScript]
  private let problems: ProblemList
  private let definitions: [SQLScript.Definition]
  /// Every relation that SQL may read, by its name in small letters.
  private var relations: [String: Relation] = [:]

  private enum Relation: Equatable { case stream, raw, external, recent, defined(Int) }

  init(_ draft: PipelineDraft, source: SourceDefinition?, scripts: [SQLScript], problems: ProblemList) {
    self.draft = draft
    self.source = source
    self.scripts = scripts
    self.problems = problems
    definitions = scripts.flatMap(\.definitions)
    collectRelations()
  }

  /// The tables in graph order with their rules.
  func tables() -> [TableDefinition] {
    for script in scripts {
      for query in script.queries {
        problems.add(
          at: query.location, "this query defines nothing",
          remedy: "write CREATE … AS before it, or name its file under a model's 'training'")
      }
    }
    if !draft.hasSource, draft.models.isEmpty, !definitions.contains(where: { $0.table.kind == .materialized }) {
      problems.add(
        at: draft.location, "the pipeline has no 'source' and no view",
        remedy: "add 'source: …', or CREATE MATERIALIZED VIEW over tables that 'reads' lists")
    }
    for definition in definitions { check(definition) }
    var tables = definitions.map(\.table)
    for rules in draft.tables { attach(rules, to: &tables) }
    RecentRules.check(draft.recents, tables, models: draft.models.map(\.definition.name), problems)
    return ordered(tables)
  }

  /// What the YAML says of columns. A column that the SQL does not make is a mistake.
  func catalogue() -> ColumnCatalogue {
    var catalogue = ColumnCatalogue(shared: draft.columns)
    catalogue.owner = draft.owner
    for rules in draft.tables {
      let table = definitions.first { $0.table.name.lowercased() == rules.name.lowercased() }?.table
      catalogue.summaries[rules.name.lowercased()] = rules.summary
      catalogue.owners[rules.name.lowercased()] = rules.owner
      if rules.summary != nil, table?.comment != nil {
        problems.add(
          at: rules.location, "'\(rules.name)' has a COMMENT in SQL and a 'description' here",
          remedy: "keep one of the two")
      }
      guard !rules.columns.isEmpty else { continue }
      catalogue.tables[rules.name.lowercased()] = rules.columns
      guard let columns = table?.columns else { continue }
      for (name, entry) in rules.columns where !contains(columns, name) {
        problems.add(
          at: entry.location, "'\(rules.name)' has no column '\(name)'",
          remedy: Suggestion.remedy(for: name, among: columns))
      }
    }
    return catalogue
  }

  /// The models with their training queries.
  func models(training: [String: SQLScript]) -> [ModelDefinition] {
    draft.models.map { model in
      var definition = model.definition
      let scripts = model.trainingFiles.compactMap { node in node.text.flatMap { training[$0] } }
      let views = scripts.flatMap(\.definitions)
      let queries = scripts.flatMap(\.queries)
      for view in views where view.table.kind != .temporary {
        problems.add(
          at: view.table.location, "training makes a table of its own", remedy: "write CREATE TEMPORARY VIEW")
      }
      guard scripts.count == model.trainingFiles.count else { return definition }
      guard let rows = queries.first, queries.count == 1 else {
        problems.add(
          at: model.location, "training of '\(definition.name)' has \(queries.count) closing queries",
          remedy: "end its last file with exactly one SELECT")
        return definition
      }
      checkColumns(of: rows, for: definition)
      definition.trainingSQL = Self.folding(views, into: rows)
      definition.trainingInputs = trainingInputs(views, rows)
      return definition
    }
  }

  // MARK: Names

  private mutating func collectRelations() {
    let place = draft.sourceLocation ?? draft.location
    if let source {
      declare(source.stream, .stream, at: place)
      declare(source.bronzeTable, .raw, at: place)
      declare(source.quarantineTable, .raw, at: place)
    }
    for name in draft.reads { declare(name, .external, at: draft.location) }
    for recent in draft.recents { declare(recent.name, .recent, at: recent.location) }
    for definition in definitions where definition.table.name.lowercased() == "expectations" {
      problems.add(
        at: definition.namePlace, "'expectations' is the lake's own table of what became of every rule",
        remedy: "give this one another name")
    }
    for (index, definition) in definitions.enumerated() {
      declare(definition.table.name, .defined(index), at: definition.namePlace)
    }
  }

  private mutating func declare(_ name: String, _ relation: Relation, at place: SourceLocation) {
    guard !name.isEmpty else { return }
    if let other = relations[name.lowercased()] {
      problems.add(at: place, "'\(name)' is already \(describe(other))", remedy: "give one of them another name")
      return
    }
    relations[name.lowercased()] = relation
  }

  private func describe(_ relation: Relation) -> String {
    switch relation {
    case .stream: "the source's stream"
    case .raw: "the source's bronze or quarantine table"
    case .external: "listed under 'reads'"
    case .recent: "listed under 'recent'"
    case .defined(let index): "defined at \(definitions[index].namePlace)"
    }
  }

  // MARK: Statements

  private func check(_ definition: SQLScript.Definition) {
    let table = definition.table
    checkInputs(of: definition.query, kind: table.kind)
    checkModelCalls(in: definition.query)
    if let place = definition.query.unnamedColumn {
      problems.add(at: place, "an expression of '\(table.name)' has no name", remedy: "write AS name after it")
    }
    if let columns = table.columns {
      var seen: Set<String> = []
      for (column, place) in zip(columns, definition.query.columnPlaces)
      where !seen.insert(column.lowercased()).inserted {
        problems.add(at: place, "'\(table.name)' has two columns '\(column)'", remedy: "rename one by AS")
      }
      for column in table.partitionedBy + table.clusteredBy where !contains(columns, column) {
        problems.add(
          at: definition.namePlace, "'\(table.name)' is divided by '\(column)', which it does not select",
          remedy: Suggestion.remedy(for: column, among: columns))
      }
    }
    if table.kind != .streaming { MomentaryValues.check(definition, problems) }
    if table.kind == .streaming {
      StreamingRules.check(definition, problems)
    } else if table.kind == .temporary, !table.partitionedBy.isEmpty || !table.clusteredBy.isEmpty {
      problems.add(
        at: definition.namePlace, "'\(table.name)' is never stored, so it cannot be divided",
        remedy: "remove PARTITIONED BY and CLUSTER BY")
    }
  }

  private func contains(_ columns: [String], _ name: String) -> Bool {
    columns.contains { $0.lowercased() == name.lowercased() }
  }

  private func checkInputs(of query: SQLScript.Query, kind: TableDefinition.Kind) {
    for (reference, place) in zip(query.references, query.places) {
      let relation = relations[reference.name.lowercased()]
      if reference.isStream {
        checkStream(reference.name, relation, kind, at: place)
      } else {
        checkBatch(reference.name, relation, kind, at: place)
      }
    }
  }

  private func checkStream(
    _ name: String, _ relation: Relation?, _ kind: TableDefinition.Kind, at place: SourceLocation
  ) {
    if kind != .streaming {
      problems.add(
        at: place, "only a streaming table reads a stream", remedy: "write \(name) without STREAM to read it whole")
    }
    switch relation {
    case .stream: break
    case .defined(let index) where definitions[index].table.kind == .streaming:
      let upstream = definitions[index]
      for column in ["partition", "offset"] {
        guard let columns = upstream.table.columns, !contains(columns, column) else { continue }
        problems.add(
          at: upstream.namePlace, "'\(upstream.table.name)' is read as a stream and has no column '\(column)'",
          remedy: "select _\(column) AS \"\(column)\", so that what reads it can catch up after a crash")
      }
    case nil: unknown(name, at: place, among: streamNames)
    default:
      problems.add(
        at: place, "'\(name)' is not a stream",
        remedy: streamNames.isEmpty
          ? "read it without STREAM"
          : "streams here: \(streamNames.joined(separator: ", ")); read other tables without STREAM"
      )
    }
  }

  private func checkBatch(
    _ name: String, _ relation: Relation?, _ kind: TableDefinition.Kind, at place: SourceLocation
  ) {
    switch relation {
    case .stream: problems.add(at: place, "'\(name)' is a stream", remedy: "write STREAM(\(name))")
    case .defined(let index) where kind == .streaming && definitions[index].table.kind != .temporary:
      problems.add(
        at: place, "a streaming table cannot read '\(name)' whole: after a crash its rows would differ",
        remedy: definitions[index].table.kind == .streaming
          ? "write STREAM(\(name)), or make a materialized view" : "join the two in a materialized view")
    case .raw where kind == .streaming:
      problems.add(
        at: place, "a streaming table cannot read '\(name)'", remedy: "read STREAM(\(source?.stream ?? "…"))")
    case nil:
      unknown(name, at: place, among: relations.filter { $0.value != .stream }.keys.sorted())
    default: break
    }
  }

  private var streamNames: [String] {
    (source.map { [$0.stream] } ?? []) + definitions.filter { $0.table.kind == .streaming }.map(\.table.name)
  }

  private func unknown(_ name: String, at place: SourceLocation, among known: [String]) {
    let remedy =
      Suggestion.nearest(to: name, among: known).map { "did you mean '\($0)'?" }
      ?? "define it, or list it under 'reads' if another program or pipeline fills it"
    problems.add(at: place, "nothing here is called '\(name)'", remedy: remedy)
  }

  // MARK: Rules

  private func attach(_ rules: PipelineDraft.Table, to tables: inout [TableDefinition]) {
    guard let index = tables.firstIndex(where: { $0.name.lowercased() == rules.name.lowercased() }) else {
      if !rules.hasRules, let relation = relations[rules.name.lowercased()], [.raw, .external].contains(relation) {
        return
      }
      let remedy = Suggestion.nearest(to: rules.name, among: tables.map(\.name)).map { "did you mean '\($0)'?" }
      problems.add(
        at: rules.location, "no SQL file defines '\(rules.name)'",
        remedy: remedy ?? "add CREATE STREAMING TABLE \(rules.name) AS SELECT …")
      return
    }
    if tables[index].kind != .streaming, !rules.expectations.isEmpty || rules.deduplicate != nil {
      problems.add(
        at: rules.location, "'\(rules.name)' is not a streaming table, so it takes no rules",
        remedy: "put them on the streaming table that it reads")
    }
    for key in rules.deduplicate?.keys ?? [] {
      guard let columns = tables[index].columns, !contains(columns, key) else { continue }
      problems.add(
        at: rules.deduplicateLocation ?? rules.location, "'\(rules.name)' has no column '\(key)'",
        remedy: Suggestion.remedy(for: key, among: columns))
    }
    if tables[index].kind != .materialized, rules.refresh != nil {
      problems.add(
        at: rules.location, "'\(rules.name)' is not a materialized view, so it is never refreshed",
        remedy: "remove 'refresh'")
    }
    if let refresh = rules.refresh { tables[index].refresh = refresh }
    tables[index].expectations = rules.expectations
    tables[index].deduplicate = rules.deduplicate
  }

  private func ordered(_ tables: [TableDefinition]) -> [TableDefinition] {
    let needs = tables.map { table in
      table.inputs.compactMap { input -> Int? in
        if case .defined(let index) = relations[input.lowercased()] { index } else { nil }
      }
    }
    do {
      return try PipelineGraph.order(names: tables.map(\.name), needs: needs).map { tables[$0] }
    } catch {
      let place = definitions.first { $0.table.name == error.names.first }?.namePlace ?? draft.location
      problems.add(
        at: place, "relations read each other in a circle: \(error.names.joined(separator: " ← "))",
        remedy: "take one of them out of the circle")
      return tables
    }
  }

  // MARK: Models

  private func checkModelCalls(in query: SQLScript.Query) {
    let models = draft.models.map(\.definition)
    for call in ModelCalls.find(in: query.tokens) {
      let place = query.source.location(call.offset)
      guard let model = models.first(where: { $0.name.lowercased() == call.model.lowercased() }) else {
        problems.add(
          at: place, "there is no model '\(call.model)'",
          remedy: Suggestion.nearest(to: call.model, among: models.map(\.name)).map { "did you mean '\($0)'?" }
            ?? "define it under 'models' in pipeline.yml")
        continue
      }
      guard let function = call.function else { continue }
      let asked = model.algorithm.findsAnomalies ? "anomaly" : "predict"
      if function != "explain", function != asked {
        problems.add(
          at: place, "'\(model.name)' (\(model.algorithm.rawValue)) is not asked by \(function)_\(model.name)",
          remedy: "write \(asked)_\(model.name)(…)")
      } else if let count = call.arguments, count != model.features.count {
        problems.add(
          at: place, "\(function)_\(model.name) takes \(model.features.count) features and is given \(count)",
          remedy: "give them in this order: \(model.features.joined(separator: ", "))")
      }
    }
  }

  private func checkColumns(of rows: SQLScript.Query, for model: ModelDefinition) {
    guard let columns = rows.columns else { return }
    let named = model.features + [model.label, model.group] + model.fairness + (model.time.map { [$0] } ?? [])
    for name in named where !contains(columns, name) {
      guard !name.isEmpty else { continue }
      problems.add(
        at: rows.location, "training of '\(model.name)' selects no column '\(name)'",
        remedy: Suggestion.nearest(to: name, among: columns).map { "did you mean '\($0)'?" } ?? "select it")
    }
  }

  private func trainingInputs(_ views: [SQLScript.Definition], _ rows: SQLScript.Query) -> [String] {
    var inputs: [String] = []
    var made: Set<String> = []
    for (query, name) in views.map({ ($0.query, $0.table.name) }) + [(rows, "")] {
      for (reference, place) in zip(query.references, query.places) where !made.contains(reference.name.lowercased()) {
        let relation = relations[reference.name.lowercased()]
        if reference.isStream {
          problems.add(at: place, "training reads whole tables", remedy: "write \(reference.name) without STREAM")
        } else {
          checkBatch(reference.name, relation, .materialized, at: place)
          if !inputs.contains(reference.name) { inputs.append(reference.name) }
        }
      }
      made.insert(name.lowercased())
    }
    return inputs
  }

  /// The views as common table expressions before the closing query: one statement that needs no session.
  private static func folding(_ views: [SQLScript.Definition], into rows: SQLScript.Query) -> String {
    if views.isEmpty { return rows.sql }
    let tables = views.map { "\($0.table.name) AS (\n\($0.query.sql)\n)" }.joined(separator: ",\n")
    let tokens = rows.tokens
    guard let with = tokens.first, with.isWord("WITH"), let next = tokens.dropFirst().first else {
      return "WITH \(tables)\n\(rows.sql)"
    }
    let isRecursive = next.isWord("RECURSIVE")
    let rest = rows.sql.utf8.dropFirst((isRecursive ? next : with).range.upperBound - with.range.lowerBound)
    return "WITH \(isRecursive ? "RECURSIVE " : "")\(tables),\(String(decoding: rest, as: UTF8.self))"
  }
}
