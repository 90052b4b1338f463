/// Compares the relations of recent readings with the tables that they remember and the tables that read them.
enum RecentRules {
  static func check(
    _ recents: [RecentDefinition], _ tables: [TableDefinition], models: [String], _ problems: ProblemList
  ) {
    for recent in recents {
      checkSource(recent, tables, problems)
      checkModel(recent, models, problems)
      for table in tables where table.inputs.contains(where: { $0.lowercased() == recent.name.lowercased() }) {
        check(table, reading: recent, problems)
      }
    }
  }

  private static func checkSource(
    _ recent: RecentDefinition, _ tables: [TableDefinition], _ problems: ProblemList
  ) {
    guard let table = tables.first(where: { $0.name.lowercased() == recent.table.lowercased() }),
      table.kind == .streaming
    else {
      problems.add(
        at: recent.location,
        "'\(recent.name)' remembers '\(recent.table)', which is no streaming table of this pipeline",
        remedy: Suggestion.remedy(for: recent.table, among: tables.filter { $0.kind == .streaming }.map(\.name)))
      return
    }
    guard let columns = table.columns else { return }
    for column in recent.neededColumns where !columns.contains(where: { $0.lowercased() == column.lowercased() }) {
      problems.add(
        at: recent.location, "'\(recent.name)' needs the column '\(column)', which '\(table.name)' does not select",
        remedy: ["partition", "offset"].contains(column)
          ? "select _\(column) AS \"\(column)\"" : Suggestion.remedy(for: column, among: columns))
    }
  }

  private static func checkModel(_ recent: RecentDefinition, _ models: [String], _ problems: ProblemList) {
    guard let name = recent.model, !models.contains(name) else { return }
    problems.add(
      at: recent.location, "'\(recent.name)' is made for the model '\(name)', which the pipeline does not use",
      remedy: Suggestion.remedy(for: name, among: models))
  }

  private static func check(_ table: TableDefinition, reading recent: RecentDefinition, _ problems: ProblemList) {
    guard table.kind == .streaming else {
      problems.add(
        at: table.location, "only a streaming table can read '\(recent.name)'",
        remedy: "read \(recent.table) whole, with a window function, in a materialized view")
      return
    }
    let isItself = table.name.lowercased() == recent.table.lowercased()
    let reads = table.streamInputs.contains { $0.lowercased() == recent.table.lowercased() }
    if !isItself, !reads {
      problems.add(
        at: table.location,
        "'\(table.name)' reads '\(recent.name)', which holds a row for each row of '\(recent.table)'",
        remedy: "read STREAM(\(recent.table)) beside it, and join the two by \"partition\" and \"offset\"")
    }
    if isItself, recent.includesCurrent {
      problems.add(
        at: recent.location, "'\(table.name)' cannot read its own values before they are computed",
        remedy: "remove 'current: true'")
    }
  }
}
