/// What `pipeline.yml` says, before it is compared with the SQL.
struct PipelineDraft {
  struct Table {
    /// Keys for people and tools, which any table that the pipeline names may have.
    static let describing: Set<String> = ["columns", "description", "owner"]

    var name: String
    var location: SourceLocation
    var expectations: [Expectation] = []
    var deduplicate: Deduplication?
    var deduplicateLocation: SourceLocation?
    var refresh: RefreshRule?
    var columns: [String: ColumnCatalogue.Entry] = [:]
    var summary: String?
    var owner: String?
    /// Whether it says more than what the table is, which only tables of this pipeline's SQL take.
    var hasRules = false
  }

  struct Model {
    var definition: ModelDefinition
    var location: SourceLocation
    var trainingFiles: [YAMLNode]
  }

  var name = ""
  var location: SourceLocation
  var summary: String?
  var owner: String?
  var source: SourceDefinition?
  var sourceLocation: SourceLocation?
  var hasSource: Bool { sourceLocation != nil }
  var reads: [String] = []
  var tables: [Table] = []
  var columns: [String: ColumnCatalogue.Entry] = [:]
  var trigger = Trigger()
  var eventTime: EventTime?
  var recents: [RecentDefinition] = []
  var models: [Model] = []
  var sink: SinkDefinition?

  init(_ root: YAMLNode, problems: ProblemList) {
    location = root.location
    guard var reader = MappingReader(root, what: "the pipeline", problems: problems) else { return }
    name = reader.requiredName("pipeline") ?? ""
    summary = reader.text("description")
    owner = reader.text("owner")
    if let node = reader.node("source") {
      sourceLocation = node.location
      source = Self.source(node, pipeline: name, problems)
    }
    reads = reader.names("reads")
    if let node = reader.node("tables") { tables = Self.tables(node, problems) }
    if let node = reader.node("columns") { columns = ColumnCatalogue.Entry.read(node, problems) }
    if let node = reader.node("trigger") { trigger = Self.trigger(node, problems) }
    if let node = reader.node("event_time") { eventTime = Self.eventTime(node, source: source, problems) }
    if let node = reader.node("recent") { recents = Self.recents(node, eventTime: eventTime, problems) }
    if let node = reader.node("models") { models = ModelReader.models(node, problems) }
    if let node = reader.node("sinks") { sink = SinkDefinition(node, problems) }
    reader.finish()
  }

  // MARK: Source

  private static func source(
    _ node: YAMLNode, pipeline: String, _ problems: ProblemList
  ) -> SourceDefinition? {
    guard var reader = MappingReader(node, what: "source", problems: problems) else { return nil }
    var source = SourceDefinition(stream: "", bronzeTable: "", quarantineTable: "", fields: [])
    source.stream = reader.requiredName("stream") ?? ""
    source.bronzeTable = reader.requiredName("bronze") ?? ""
    source.quarantineTable = reader.requiredName("quarantine") ?? ""
    let inputs = (kafka: reader.node("kafka"), landing: reader.node("landing"))
    source.kafka = inputs.kafka.flatMap { SourceReader.kafka($0, problems) }
    source.landing = inputs.landing.flatMap { SourceReader.landing($0, problems) }
    let pushed = (mqtt: reader.node("mqtt"), hl7: reader.node("hl7"), ingest: reader.node("ingest"))
    source.mqtt = pushed.mqtt.flatMap { SourceReader.mqtt($0, problems) }
    source.hl7 = pushed.hl7.flatMap { SourceReader.hl7($0, problems) }
    source.ingest = pushed.ingest.flatMap { SourceReader.ingest($0, problems) } ?? source.ingest
    let isPushed = pushed.mqtt != nil || pushed.hl7 != nil || pushed.ingest != nil
    if source.landing == nil, isPushed { source.landing = LandingInput(path: "landing/\(pipeline)") }
    source.maxRecordBytes = reader.bytes("max_record_size", in: 1024...(1 << 30)) ?? source.maxRecordBytes
    if let record = reader.requiredNode("record") { source.fields = fields(record, problems) }
    if inputs.kafka == nil, inputs.landing == nil, !isPushed {
      problems.add(
        at: node.location, "source names no place where records come from",
        remedy:
          "add 'landing: { path: … }', 'kafka: { topic: … }', 'mqtt: { topics: [ … ] }' or 'ingest: { backlog: … }'")
    }
    reader.finish()
    return source
  }

  private static func fields(_ node: YAMLNode, _ problems: ProblemList) -> [RecordField] {
    guard case .sequence(let nodes) = node.content, !nodes.isEmpty else {
      problems.add(
        at: node.location, "record is \(node.kindInWords)", remedy: "list fields: '- { name: …, type: … }'")
      return []
    }
    var fields: [RecordField] = []
    var lines: [String: Int] = [:]
    var keys: [String: Int] = [:]
    for node in nodes {
      guard let field = field(node, problems) else { continue }
      if let line = lines[field.name.lowercased()] {
        problems.add(
          at: node.location, "the column '\(field.name)' is already on line \(line)", remedy: "name one differently")
      }
      if let line = keys[field.field] {
        problems.add(
          at: node.location, "the key '\(field.field)' is already read on line \(line)", remedy: "keep one of the two")
      }
      lines[field.name.lowercased()] = node.location.line
      keys[field.field] = node.location.line
      fields.append(field)
    }
    return fields
  }

  private static func field(_ node: YAMLNode, _ problems: ProblemList) -> RecordField? {
    guard var reader = MappingReader(node, what: "the field", problems: problems) else { return nil }
    let name = reader.requiredName("name")
    let key = reader.text("field")
    let typeNode = reader.requiredNode("type")
    let type = typeNode == nil ? nil : reader.choice("type", of: FieldType.self)
    let isRequired = reader.boolean("required") ?? false
    let unit = reader.text("unit")
    let summary = reader.text("description")
    reader.finish()
    guard let name, let type else { return nil }
    if SourceDefinition.systemColumns.contains(name.lowercased()) {
      problems.add(
        at: node.location, "the stream has a column '\(name)' of its own",
        remedy: "name this field's column differently")
    }
    return RecordField(name: name, field: key, type: type, isRequired: isRequired, unit: unit, summary: summary)
  }

  // MARK: Tables

  private static func tables(_ node: YAMLNode, _ problems: ProblemList) -> [Table] {
    guard let reader = MappingReader(node, what: "tables", problems: problems) else { return [] }
    return reader.pairs.compactMap { pair in
      guard var reader = MappingReader(pair.value, what: pair.key, problems: problems) else { return nil }
      var table = Table(name: pair.key, location: pair.location)
      if let rules = reader.node("expectations") { table.expectations = expectations(rules, problems) }
      if let rule = reader.node("deduplicate") {
        table.deduplicate = deduplication(rule, problems)
        table.deduplicateLocation = rule.location
      }
      if let rule = reader.node("refresh") { table.refresh = RefreshRule(rule, problems) }
      table.hasRules = reader.pairs.isEmpty || reader.pairs.contains { !Table.describing.contains($0.key) }
      table.summary = reader.text("description")
      table.owner = reader.text("owner")
      if let columns = reader.node("columns") { table.columns = ColumnCatalogue.Entry.read(columns, problems) }
      reader.finish()
      return table
    }
  }

  private static func expectations(_ node: YAMLNode, _ problems: ProblemList) -> [Expectation] {
    guard let reader = MappingReader(node, what: "expectations", problems: problems) else { return [] }
    return reader.pairs.compactMap { pair in
      if !Scalars.isName(pair.key) {
        problems.add(
          at: pair.location, "the rule '\(pair.key)' is not a plain name",
          remedy: "use letters, digits and underscores, beginning with a letter")
      }
      guard var reader = MappingReader(pair.value, what: pair.key, problems: problems) else { return nil }
      let expect = reader.requiredNode("expect")
      let action = reader.choice("on_violation", of: Expectation.Action.self)
      let summary = reader.text("description")
      reader.finish()
      guard let expect, let text = Scalars.text(expect, of: "expect", problems),
        SQLExpression.check(text, at: expect.location, problems)
      else { return nil }
      return Expectation(
        name: pair.key, expression: text, action: action ?? .quarantine, summary: summary, location: expect.location)
    }
  }

  private static func deduplication(_ node: YAMLNode, _ problems: ProblemList) -> Deduplication? {
    guard var reader = MappingReader(node, what: "deduplicate", problems: problems) else { return nil }
    let hasKeys = reader.requiredNode("keys") != nil
    let keys = reader.names("keys")
    let eventTime = reader.name("event_time") ?? "event_time"
    let within = reader.requiredNode("within") == nil ? nil : reader.seconds("within", in: 1...315_360_000)
    reader.finish()
    guard hasKeys, !keys.isEmpty, let within else { return nil }
    if !keys.contains(where: { $0.lowercased() == eventTime.lowercased() }) {
      problems.add(
        at: node.location, "'\(eventTime)' is not one of the keys",
        remedy: "add it to keys, or name the key that is event time: 'event_time: …'")
      return nil
    }
    return Deduplication(keys: keys, eventTime: eventTime, withinSeconds: within)
  }

  private static func trigger(_ node: YAMLNode, _ problems: ProblemList) -> Trigger {
    var trigger = Trigger()
    guard var reader = MappingReader(node, what: "trigger", problems: problems) else { return trigger }
    trigger.intervalSeconds = reader.seconds("interval", in: 0...86_400) ?? trigger.intervalSeconds
    trigger.maxRecords = reader.integer("max_records", in: 1...100_000_000) ?? trigger.maxRecords
    trigger.maxBytes = reader.bytes("max_size", in: 1024...(1 << 34)) ?? trigger.maxBytes
    reader.finish()
    return trigger
  }
}
