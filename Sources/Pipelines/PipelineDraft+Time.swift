/// The parts of `pipeline.yml` about time: `event_time` and `recent`.
extension PipelineDraft {
  static func eventTime(
    _ node: YAMLNode, source: SourceDefinition?, _ problems: ProblemList
  ) -> EventTime? {
    guard var reader = MappingReader(node, what: "event_time", problems: problems) else { return nil }
    let columnNode = reader.node("column")
    let column = reader.name("column") ?? "event_time"
    let lateness = reader.seconds("allowed_lateness", in: 0...315_360_000)
    let late = reader.choice("late", of: EventTime.LateAction.self)
    let tolerance = reader.seconds("future_tolerance", in: 0...315_360_000)
    reader.finish()
    let place = columnNode?.location ?? node.location
    if source == nil {
      problems.add(
        at: node.location, "a pipeline without a source has no event time", remedy: "remove it, or add 'source:'")
    }
    if let fields = source?.fields, !fields.isEmpty {
      if let field = fields.first(where: { $0.name.lowercased() == column.lowercased() }) {
        if field.type != .timestamp {
          problems.add(
            at: place, "'\(column)' is a \(field.type.rawValue), and event time is an instant",
            remedy: "declare the field as 'type: timestamp', or name another with 'column: …'")
        }
      } else {
        problems.add(
          at: place, "the record has no field '\(column)'",
          remedy: Suggestion.remedy(for: column, among: fields.filter { $0.type == .timestamp }.map(\.name)))
      }
    }
    if late == .quarantine, lateness == nil {
      problems.add(
        at: node.location, "nothing is late without 'allowed_lateness'",
        remedy: "add 'allowed_lateness: 1 hour', or remove 'late'")
    }
    return EventTime(
      column: column, allowedLatenessSeconds: lateness, late: late ?? .table, futureToleranceSeconds: tolerance)
  }

  static func recents(_ node: YAMLNode, eventTime: EventTime?, _ problems: ProblemList) -> [RecentDefinition] {
    guard let reader = MappingReader(node, what: "recent", problems: problems) else { return [] }
    if eventTime?.allowedLatenessSeconds == nil {
      problems.add(
        at: node.location, "recent readings need to know how late a record may come",
        remedy: "add 'event_time: { column: …, allowed_lateness: … }' to the pipeline")
    }
    return reader.pairs.compactMap { pair in
      if !Scalars.isName(pair.key) {
        problems.add(
          at: pair.location, "the relation '\(pair.key)' is not a plain name",
          remedy: "use letters, digits and underscores, beginning with a letter")
      }
      return recent(pair, eventTime: eventTime, problems)
    }
  }

  private static func recent(
    _ pair: YAMLEntry, eventTime: EventTime?, _ problems: ProblemList
  ) -> RecentDefinition? {
    guard var reader = MappingReader(pair.value, what: pair.key, problems: problems) else { return nil }
    let table = reader.requiredName("table")
    let hasKey = reader.requiredNode("key") != nil
    let keys = reader.names("key")
    let orderBy = reader.name("order_by") ?? eventTime?.column ?? "event_time"
    let hasColumns = reader.requiredNode("columns") != nil
    let columns = reader.names("columns")
    let hasRows = reader.requiredNode("rows") != nil
    let rows = reader.integer("rows", in: 1...1_000)
    let hasWithin = reader.requiredNode("within") != nil
    let within = reader.seconds("within", in: 0.001...315_360_000)
    let includesCurrent = reader.boolean("current") ?? false
    let model = reader.name("model")
    reader.finish()
    guard let table, hasKey, !keys.isEmpty, hasColumns, !columns.isEmpty, hasRows, let rows, hasWithin, let within
    else { return nil }
    for column in columns where ["partition", "offset"].contains(column.lowercased()) {
      problems.add(
        at: pair.location, "'\(pair.key)' has a column '\(column)' of its own", remedy: "leave it out of columns")
    }
    return RecentDefinition(
      name: pair.key, table: table, keys: keys, orderBy: orderBy, columns: columns, rows: rows, withinSeconds: within,
      includesCurrent: includesCurrent, model: model, location: pair.location)
  }
}
