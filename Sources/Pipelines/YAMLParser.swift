import CYAML

/// Reads YAML 1.1 text (as libyaml understands it) into a tree whose nodes know their places.
public enum YAML {
  /// Reads one document.
  /// - Parameters:
  ///   - text: The file's content.
  ///   - file: The name that errors carry.
  /// - Returns: The root, or nil for a file that holds nothing but comments.
  /// - Throws: A ``DefinitionError`` for text that is not YAML, a repeated key, a key that is not text, an unknown
  ///   alias, several documents, or nesting and aliases beyond reason.
  public static func parse(_ text: String, file: String) throws(DefinitionError) -> YAMLNode? {
    let bytes = Array(text.utf8)
    if bytes.isEmpty { return nil }
    let result = bytes.withUnsafeBufferPointer { buffer in
      Result { () throws(DefinitionError) in try YAMLEventReader(file: file).document(buffer) }
    }
    return try result.get()
  }
}

/// Turns libyaml's events into nodes. It lives for one document and for as long as the input does.
private final class YAMLEventReader {
  /// Deeper documents are refused: nothing we define nests deeper than a dozen.
  static let deepest = 64
  /// With aliases written out; a tree that is larger is an attack or a mistake.
  static let mostNodes = 100_000

  let file: String
  /// On the heap, because `yaml_parser_set_input_string` stores the parser's own address in it.
  private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
  private var anchors: [String: (node: YAMLNode, size: Int)] = [:]
  private var nodeCount = 0

  init(file: String) {
    self.file = file
    parser.initialize(to: yaml_parser_t())
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  func document(_ input: UnsafeBufferPointer<UInt8>) throws(DefinitionError) -> YAMLNode? {
    guard yaml_parser_initialize(parser) == 1 else {
      throw problem(line: 0, column: 0, "there is no memory to read this file", remedy: "free memory and try again")
    }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, input.baseAddress, input.count)

    var root: YAMLNode?
    while true {
      let event = try next()
      switch event.kind {
      case YAML_STREAM_START_EVENT, YAML_DOCUMENT_END_EVENT: continue
      case YAML_DOCUMENT_START_EVENT:
        if root != nil {
          throw DefinitionError([
            DefinitionProblem(
              at: event.location, "a second document begins here",
              remedy: "keep one document per file and remove the line '---'")
          ])
        }
        root = try node(try next(), depth: 0)
      default: return root
      }
    }
  }

  private func node(_ event: Event, depth: Int) throws(DefinitionError) -> YAMLNode {
    guard depth < Self.deepest else {
      throw DefinitionError([
        DefinitionProblem(
          at: event.location, "values are nested more than \(Self.deepest) deep", remedy: "flatten the definition")
      ])
    }
    let before = nodeCount
    try count(1, at: event.location)
    let content: YAMLNode.Content
    switch event.kind {
    case YAML_ALIAS_EVENT:
      guard let anchored = anchors[event.anchor ?? ""] else {
        throw DefinitionError([
          DefinitionProblem(
            at: event.location, "no anchor &\(event.anchor ?? "") stands before this alias",
            remedy: "define the anchor first, or write the value out")
        ])
      }
      try count(anchored.size, at: event.location)
      return YAMLNode(anchored.node.content, at: event.location)
    case YAML_SCALAR_EVENT:
      content = .scalar(event.text ?? "", isPlain: event.isPlain)
    case YAML_SEQUENCE_START_EVENT:
      content = .sequence(try elements(depth: depth))
    default:
      content = .mapping(try entries(depth: depth))
    }
    let node = YAMLNode(content, at: event.location)
    if let anchor = event.anchor { anchors[anchor] = (node, nodeCount - before) }
    return node
  }

  private func elements(depth: Int) throws(DefinitionError) -> [YAMLNode] {
    var elements: [YAMLNode] = []
    while true {
      let event = try next()
      if event.kind == YAML_SEQUENCE_END_EVENT { return elements }
      elements.append(try node(event, depth: depth + 1))
    }
  }

  private func entries(depth: Int) throws(DefinitionError) -> [YAMLEntry] {
    var entries: [YAMLEntry] = []
    var lines: [String: Int] = [:]
    while true {
      let event = try next()
      if event.kind == YAML_MAPPING_END_EVENT { return entries }
      let keyNode = try node(event, depth: depth + 1)
      guard let key = keyNode.text else {
        throw DefinitionError([
          DefinitionProblem(
            at: keyNode.location, "a key is \(keyNode.kindInWords)",
            remedy: "write one word before the colon; quote a value that begins with { or [")
        ])
      }
      if let line = lines[key] {
        throw DefinitionError([
          DefinitionProblem(
            at: keyNode.location, "the key '\(key)' is already on line \(line)", remedy: "keep one of the two")
        ])
      }
      lines[key] = keyNode.location.line
      entries.append(YAMLEntry(key: key, at: keyNode.location, value: try node(try next(), depth: depth + 1)))
    }
  }

  private func count(_ nodes: Int, at location: SourceLocation) throws(DefinitionError) {
    nodeCount += nodes
    if nodeCount > Self.mostNodes {
      throw DefinitionError([
        DefinitionProblem(
          at: location, "the document holds more than \(Self.mostNodes) values with its aliases written out",
          remedy: "use fewer aliases")
      ])
    }
  }

  private struct Event {
    var kind: yaml_event_type_t
    var location: SourceLocation
    var text: String?
    var isPlain = false
    var anchor: String?
  }

  private func next() throws(DefinitionError) -> Event {
    var raw = yaml_event_t()
    guard yaml_parser_parse(parser, &raw) == 1 else { throw scannerProblem() }
    defer { yaml_event_delete(&raw) }
    var event = Event(kind: raw.type, location: location(raw.start_mark))
    switch raw.type {
    case YAML_SCALAR_EVENT:
      let scalar = raw.data.scalar
      let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      event.text = String(decoding: bytes, as: UTF8.self)
      event.isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
      event.anchor = Self.string(scalar.anchor)
    case YAML_SEQUENCE_START_EVENT: event.anchor = Self.string(raw.data.sequence_start.anchor)
    case YAML_MAPPING_START_EVENT: event.anchor = Self.string(raw.data.mapping_start.anchor)
    case YAML_ALIAS_EVENT: event.anchor = Self.string(raw.data.alias.anchor)
    default: break
    }
    return event
  }

  private static func string(_ bytes: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    bytes.map { String(cString: $0) }
  }

  private func location(_ mark: yaml_mark_t) -> SourceLocation {
    SourceLocation(file: file, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }

  /// libyaml's own words: the problem at its mark, and what it was reading.
  private func scannerProblem() -> DefinitionError {
    let message = parser.pointee.problem.map { String(cString: $0) } ?? "this is not YAML"
    let context = parser.pointee.context.map { " " + String(cString: $0) } ?? ""
    if parser.pointee.error == YAML_READER_ERROR {
      return problem(
        line: 0, column: 0, "\(message) at byte \(parser.pointee.problem_offset)", remedy: "save the file as UTF-8 text"
      )
    }
    return problem(
      line: Int(parser.pointee.problem_mark.line), column: Int(parser.pointee.problem_mark.column), message + context,
      remedy: "check indentation (spaces, no tabs), colons and quotes here")
  }

  private func problem(line: Int, column: Int, _ message: String, remedy: String) -> DefinitionError {
    DefinitionError([
      DefinitionProblem(
        at: SourceLocation(file: file, line: line + 1, column: column + 1), message, remedy: remedy)
    ])
  }
}
