import Foundation

extension LakeConfiguration {
  /// The configuration file's usual name.
  public static let fileName = "lakeward.yml"

  /// Reads a configuration file.
  /// - Parameter file: The file's path. Relative folders in it are relative to the file's own folder. Without a path
  ///   `lakeward.yml` in the working directory is read if it is there.
  /// - Throws: A ``DefinitionError`` with every problem that was found; also if a file was named and is not there.
  public static func load(file: String? = nil) throws(DefinitionError) -> LakeConfiguration {
    let path = file ?? fileName
    guard let data = FileManager.default.contents(atPath: path) else {
      if file == nil, !FileManager.default.fileExists(atPath: path) { return LakeConfiguration() }
      throw DefinitionError([
        DefinitionProblem(
          at: SourceLocation(file: path, line: 1, column: 1), "the file cannot be read",
          remedy: "check its name and permissions, or leave it out to use the defaults")
      ])
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw DefinitionError([
        DefinitionProblem(
          at: SourceLocation(file: path, line: 1, column: 1), "the file is not UTF-8 text", remedy: "save it as UTF-8")
      ])
    }
    let folder = path.contains("/") ? (path as NSString).deletingLastPathComponent : ""
    return try LakeConfiguration(yaml: text, file: path, folder: folder)
  }

  /// A configuration from the text of its file.
  /// - Parameters:
  ///   - text: The YAML text; nothing but comments means the defaults.
  ///   - file: The name that errors carry.
  ///   - folder: What relative folders are relative to; empty for the working directory.
  /// - Throws: A ``DefinitionError`` with every problem that was found.
  public init(yaml text: String, file: String, folder: String = "") throws(DefinitionError) {
    func resolved(_ path: String) -> String {
      path.hasPrefix("/") || folder.isEmpty ? path : folder + "/" + path
    }
    let problems = ProblemList()
    let root = try YAML.parse(text, file: file)
    self.init(lake: resolved("lake"), pipelines: resolved("pipelines"), dashboards: resolved("dashboards"))
    self.folder = folder
    if let root, !root.isNull, let reader = MappingReader(root, what: "the configuration", problems: problems) {
      read(reader, problems, resolved)
    }
    try problems.throwIfAny()
  }

  private mutating func read(_ root: MappingReader, _ problems: ProblemList, _ resolved: (String) -> String) {
    var reader = root
    if let path = reader.text("lake") { lake = resolved(path) }
    if let path = reader.text("pipelines") { pipelines = resolved(path) }
    if let path = reader.text("dashboards") { dashboards = resolved(path) }
    models = reader.text("models").map(resolved) ?? lake + "/models"
    if let node = reader.node("kafka"), var kafka = MappingReader(node, what: "kafka", problems: problems) {
      brokers = kafka.requiredText("brokers")
      kafkaProperties = kafka.dictionary("properties")
      kafka.finish()
    }
    if let node = reader.node("server") { server = ServerDefinition(node, problems, resolved) }
    tablePlaces = reader.dictionary("tables").mapValues { $0.contains("://") ? $0 : resolved($0) }
    if let node = reader.node("mlflow"), var settings = MappingReader(node, what: "mlflow", problems: problems) {
      if let address = settings.requiredText("tracking_uri") { mlflow = MLflowSettings(trackingURI: address) }
      if let experiment = settings.text("experiment") { mlflow?.experiment = experiment }
      settings.finish()
    }
    if let node = reader.node("openlineage") { openLineage = OpenLineageSettings(node, problems, resolved) }
    if let node = reader.node("bigquery") { bigquery = BigQueryConfiguration(node, problems, resolved) }
    if let node = reader.node("mqtt") { mqtt = Self.mqtt(node, problems, resolved) }
    if let node = reader.node("hl7") { hl7 = Self.hl7(node, problems) }
    notifiers = reader.node("notifiers")
    alerts = reader.node("alerts")
    schedule = reader.node("schedule")
    if let node = reader.node("engine"), var engine = MappingReader(node, what: "engine", problems: problems) {
      threads = engine.integer("threads", in: 1...1024)
      memoryLimitBytes = engine.bytes("memory_limit", in: (64 << 20)...(1 << 50))
      engine.finish()
    }
    reader.finish()
  }

  private static func hl7(_ node: YAMLNode, _ problems: ProblemList) -> HL7Listening? {
    guard var reader = MappingReader(node, what: "hl7", problems: problems) else { return nil }
    let place = reader.requiredNode("listen")
    let address = place.flatMap { Scalars.text($0, of: "listen", problems) }
    var listening = address.flatMap(HL7Listening.init(address:))
    if let place, let address, listening == nil {
      problems.add(
        at: place.location, "listen is no address: '\(address)'", remedy: "write HOST:PORT, such as 127.0.0.1:2575")
    }
    listening?.timeZone = reader.text("time_zone")
    reader.finish()
    return listening
  }

  private static func mqtt(
    _ node: YAMLNode, _ problems: ProblemList, _ resolved: (String) -> String
  ) -> MQTTBroker? {
    guard var reader = MappingReader(node, what: "mqtt", problems: problems) else { return nil }
    let place = reader.requiredNode("broker")
    let address = place.flatMap { Scalars.text($0, of: "broker", problems) }
    var broker = address.flatMap(MQTTBroker.init(address:))
    if let place, let address, broker == nil {
      problems.add(
        at: place.location, "broker is no address: '\(address)'",
        remedy: "write HOST:PORT, or mqtts://HOST:PORT for TLS")
    }
    broker?.username = reader.text("username")
    broker?.password = reader.text("password")
    broker?.caFile = reader.text("ca_file").map(resolved)
    broker?.certificateFile = reader.text("certificate_file").map(resolved)
    broker?.keyFile = reader.text("key_file").map(resolved)
    reader.finish()
    return broker
  }
}
