/// Reads the places that records come from out of `pipeline.yml`.
enum SourceReader {
  static func kafka(_ node: YAMLNode, _ problems: ProblemList) -> KafkaInput? {
    guard var reader = MappingReader(node, what: "kafka", problems: problems) else { return nil }
    let topic = reader.requiredText("topic")
    let properties = reader.dictionary("properties")
    let acceptsGaps = reader.boolean("accepts_gaps") ?? false
    let key = reader.text("key")
    reader.finish()
    return topic.map { KafkaInput(topic: $0, properties: properties, acceptsGaps: acceptsGaps, key: key) }
  }

  static func landing(_ node: YAMLNode, _ problems: ProblemList) -> LandingInput? {
    guard var reader = MappingReader(node, what: "landing", problems: problems) else { return nil }
    let path = reader.requiredText("path")
    let settle = reader.seconds("settle", in: 0...86_400)
    reader.finish()
    return path.map { LandingInput(path: $0, settleSeconds: settle ?? 5) }
  }

  static func mqtt(_ node: YAMLNode, _ problems: ProblemList) -> MQTTInput? {
    guard var reader = MappingReader(node, what: "mqtt", problems: problems) else { return nil }
    let hasTopics = reader.requiredNode("topics") != nil
    let topics = reader.texts("topics")
    let clientId = reader.text("client_id")
    let topicField = reader.text("topic_field")
    reader.finish()
    for topic in topics {
      if let text = topic.text, !isFilter(text) {
        problems.add(
          at: topic.location, "'\(text)' is not an MQTT topic filter",
          remedy: "'+' stands for one whole level, '#' for all that follow and only at the end: ward/+/vitals, ward/#")
      }
    }
    guard hasTopics, !topics.isEmpty else { return nil }
    return MQTTInput(topics: topics.compactMap(\.text), clientId: clientId, topicField: topicField)
  }

  static func hl7(_ node: YAMLNode, _ problems: ProblemList) -> HL7Input? {
    guard var reader = MappingReader(node, what: "hl7", problems: problems) else { return nil }
    let place = reader.requiredNode("records")
    let text = place.flatMap { Scalars.text($0, of: "records", problems) }
    reader.finish()
    guard let place, let text else { return nil }
    guard let records = HL7Input.Records(rawValue: text) else {
      problems.add(at: place.location, "records is '\(text)'", remedy: "write messages or vitals")
      return nil
    }
    return HL7Input(records: records)
  }

  /// MQTT 3.1.1, section 4.7: wildcards stand for whole levels.
  private static func isFilter(_ text: String) -> Bool {
    let levels = text.split(separator: "/", omittingEmptySubsequences: false)
    guard !text.isEmpty, text.utf8.count <= 65_535, !text.utf8.contains(0) else { return false }
    for (index, level) in levels.enumerated() where level.contains("+") || level.contains("#") {
      guard level == "+" || (level == "#" && index == levels.count - 1) else { return false }
    }
    return true
  }

  static func ingest(_ node: YAMLNode, _ problems: ProblemList) -> IngestInput? {
    guard var reader = MappingReader(node, what: "ingest", problems: problems) else { return nil }
    var ingest = IngestInput()
    ingest.backlogBytes = reader.bytes("backlog", in: (1 << 16)...(1 << 50)) ?? ingest.backlogBytes
    ingest.keepSeconds = reader.seconds("keep", in: 0...315_360_000) ?? ingest.keepSeconds
    reader.finish()
    return ingest
  }
}
