import Foundation

extension Pipeline {
  /// A file of a pipeline's folder.
  public struct File: Sendable, Hashable {
    /// The file's name in the folder.
    public var name: String
    /// Its text.
    public var text: String

    /// A file from its parts.
    public init(name: String, text: String) {
      self.name = name
      self.text = text
    }
  }

  /// The name of the YAML file in a pipeline's folder.
  public static let definitionFile = "pipeline.yml"

  /// Reads and checks a pipeline's folder.
  /// - Parameter folder: A folder with `pipeline.yml` and `.sql` files.
  /// - Throws: A ``DefinitionError`` with every problem that was found, each with file, line, column and remedy.
  public static func load(folder: String) throws(DefinitionError) -> Pipeline {
    let place = SourceLocation(file: folder, line: 1, column: 1)
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
      throw DefinitionError([
        DefinitionProblem(
          at: place, "the folder cannot be read", remedy: "name a folder that holds \(definitionFile) and .sql files")
      ])
    }
    let problems = ProblemList()
    let files = names.filter { ($0 == definitionFile || $0.hasSuffix(".sql")) && !$0.hasPrefix(".") }.sorted()
      .compactMap { name -> File? in
        let path = folder + "/" + name
        guard let data = FileManager.default.contents(atPath: path) else {
          problems.add(
            at: SourceLocation(file: path, line: 1, column: 1), "the file cannot be read",
            remedy: "check its permissions")
          return nil
        }
        guard let text = String(validating: data, as: UTF8.self) else {
          problems.add(
            at: SourceLocation(file: path, line: 1, column: 1), "the file is not UTF-8 text",
            remedy: "save it as UTF-8")
          return nil
        }
        return File(name: name, text: text)
      }
    try problems.throwIfAny()
    return try Pipeline(folder: folder, files: files)
  }

  /// A checked pipeline from the texts of its files.
  /// - Parameters:
  ///   - folder: Where the files are, for messages.
  ///   - files: `pipeline.yml` and the `.sql` files, in the order in which they are read.
  /// - Throws: A ``DefinitionError`` with every problem that was found.
  public init(folder: String, files: [File]) throws(DefinitionError) {
    let problems = ProblemList()
    let yamlPath = folder + "/" + Self.definitionFile
    guard let yaml = files.first(where: { $0.name == Self.definitionFile }),
      let root = try YAML.parse(yaml.text, file: yamlPath)
    else {
      throw DefinitionError([
        DefinitionProblem(
          at: SourceLocation(file: yamlPath, line: 1, column: 1), "there is no definition",
          remedy: "write a file \(Self.definitionFile) with 'pipeline: NAME' and 'source:'")
      ])
    }
    let draft = PipelineDraft(root, problems: problems)
    let trainingNodes = draft.models.flatMap(\.trainingFiles)
    let trainingNames = Set(trainingNodes.compactMap(\.text))
    var scripts: [SQLScript] = []
    var training: [String: SQLScript] = [:]
    for file in files where file.name != Self.definitionFile {
      let script = SQLScript(file.text, file: folder + "/" + file.name, problems: problems)
      if trainingNames.contains(file.name) { training[file.name] = script } else { scripts.append(script) }
    }
    for node in trainingNodes {
      guard let name = node.text, training[name] == nil else { continue }
      problems.add(
        at: node.location, "there is no file '\(name)' in the folder",
        remedy: Suggestion.remedy(for: name, among: files.map(\.name).filter { $0 != Self.definitionFile }))
    }
    if draft.hasSource, draft.source == nil { throw DefinitionError(problems.problems) }
    let assembly = PipelineAssembly(draft, source: draft.source, scripts: scripts, problems: problems)
    let queries = (scripts + training.values).flatMap { $0.definitions.map(\.query) + $0.queries }
    let warnings = queries.flatMap(SQLPortability.findings).sorted { $0.location < $1.location }
    self.init(
      name: draft.name, summary: draft.summary, folder: folder, source: draft.source, tables: assembly.tables(),
      externalTables: draft.reads, trigger: draft.trigger, eventTime: draft.eventTime, recents: draft.recents,
      models: assembly.models(training: training), catalogue: assembly.catalogue(), sink: draft.sink,
      warnings: warnings)
    try problems.throwIfAny()
  }
}
