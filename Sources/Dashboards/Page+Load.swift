internal import Foundation
public import Pipelines

extension Page {
  /// Reads every page of a folder, in the order of the navigation.
  /// - Parameter folder: A folder of `.yml` files; one that does not exist has no pages.
  /// - Throws: A ``DefinitionError`` with every problem that was found, each with file, line, column and remedy.
  public static func load(folder: String) throws(DefinitionError) -> [Page] {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else { return [] }
    let problems = ProblemList()
    var pages: [Page] = []
    for file in names.filter({ $0.hasSuffix(".yml") && !$0.hasPrefix(".") }).sorted() {
      let path = folder + "/" + file
      guard let data = FileManager.default.contents(atPath: path), let text = String(validating: data, as: UTF8.self)
      else {
        problems.add(
          at: SourceLocation(file: path, line: 1, column: 1), "the file cannot be read as UTF-8 text",
          remedy: "check its permissions and encoding")
        continue
      }
      do {
        pages.append(try Page(yaml: text, file: path, name: String(file.dropLast(4))))
      } catch {
        problems.add(error)
      }
    }
    try problems.throwIfAny()
    return pages.sorted { ($0.order, $0.name) < ($1.order, $1.name) }
  }

  /// A page from the text of its file.
  /// - Parameters:
  ///   - text: The YAML text.
  ///   - file: The name that errors carry.
  ///   - name: The page's name in its address.
  /// - Throws: A ``DefinitionError`` with every problem that was found.
  public init(yaml text: String, file: String, name: String) throws(DefinitionError) {
    let problems = ProblemList()
    let start = SourceLocation(file: file, line: 1, column: 1)
    self.init(name: name, title: name)
    if name.isEmpty || !name.utf8.allSatisfy(Self.isAddressByte) {
      problems.add(
        at: start, "'\(name)' cannot stand in an address", remedy: "name the file in a–z, 0–9, hyphen and underscore")
    }
    if let root = try YAML.parse(text, file: file) {
      if let reader = MappingReader(root, what: "the page", problems: problems) { read(reader) }
    } else {
      problems.add(at: start, "the page is empty", remedy: "give it 'title:' and 'panels:'")
    }
    try problems.throwIfAny()
  }

  private static func isAddressByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private mutating func read(_ root: MappingReader) {
    var reader = root
    title = reader.requiredText("title") ?? name
    summary = reader.text("description")
    order = reader.integer("order", in: 0...10_000) ?? order
    showsPatients = reader.boolean("shows_patients") ?? false
    if let node = reader.node("refresh"), var refresh = MappingReader(node, what: "refresh", problems: reader.problems)
    {
      refreshSeconds = refresh.seconds("every", in: 0.5...86_400)
      refreshTables = refresh.names("on")
      refresh.finish()
    }
    parameters = reader.list("parameters").compactMap { PageParameter($0, problems: reader.problems) }
    panels = reader.list("panels").compactMap { Panel($0, problems: reader.problems) }
    if panels.isEmpty {
      reader.problems.add(at: reader.location, "the page has no panels", remedy: "add 'panels:' with at least one")
    }
    for panel in panels {
      guard let parameter = panel.choose, !parameters.contains(where: { $0.name == parameter }) else { continue }
      reader.problems.add(
        at: reader.location, "the panel '\(panel.title)' sets '\(parameter)', which is no parameter of the page",
        remedy: "add it under 'parameters'")
    }
    var seen: Set<String> = []
    for panel in panels where !seen.insert(panel.id).inserted {
      reader.problems.add(
        at: reader.location, "two panels have the id '\(panel.id)'", remedy: "give one of them another 'id:'")
    }
    reader.finish()
  }
}

extension MappingReader {
  /// The nodes of a list; absent, it is empty.
  mutating func list(_ key: String) -> [YAMLNode] {
    guard let node = node(key) else { return [] }
    if case .sequence(let nodes) = node.content { return nodes }
    problems.add(
      at: node.location, "\(key) is \(node.kindInWords)", remedy: "write a list: each entry begins with '- '")
    return []
  }
}

extension PageParameter {
  init?(_ node: YAMLNode, problems: ProblemList) {
    guard var reader = MappingReader(node, what: "the parameter", problems: problems) else { return nil }
    let name = reader.requiredName("name")
    let title = reader.text("title")
    let value = reader.text("default")
    let options = reader.texts("options").compactMap(\.text)
    reader.finish()
    guard let name else { return nil }
    self.init(
      name: name, title: title ?? name, default: value ?? options.first ?? "", options: options.isEmpty ? nil : options)
    if !allows(self.default) {
      problems.add(
        at: node.location, "the default of '\(name)' is not among its options", remedy: "add it to 'options'")
    }
  }
}
