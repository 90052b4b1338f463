/// One node of a YAML document, with its place.
public struct YAMLNode: Sendable, Hashable {
  /// What a node holds.
  public indirect enum Content: Sendable, Hashable {
    /// Text; `isPlain` is false if it was quoted or written as a block, so that `"5"` can be told from `5`.
    case scalar(String, isPlain: Bool)
    /// Nodes in order.
    case sequence([YAMLNode])
    /// Pairs in the order of the file; no key comes twice.
    case mapping([YAMLEntry])
  }

  /// What the node holds.
  public var content: Content
  /// Where it begins.
  public var location: SourceLocation

  /// A node from its parts.
  public init(_ content: Content, at location: SourceLocation) {
    self.content = content
    self.location = location
  }

  /// The text of a scalar, or nil.
  public var text: String? {
    if case .scalar(let text, _) = content { text } else { nil }
  }

  /// Whether this is YAML's null: nothing, `~` or `null` without quotes.
  public var isNull: Bool {
    if case .scalar(let text, isPlain: true) = content {
      ["", "~", "null", "Null", "NULL"].contains(text)
    } else {
      false
    }
  }

  /// What kind of node it is, in words.
  public var kindInWords: String {
    switch content {
    case .scalar: isNull ? "nothing" : "a single value"
    case .sequence: "a list"
    case .mapping: "a set of keys"
    }
  }
}

/// One pair of a YAML mapping.
public struct YAMLEntry: Sendable, Hashable {
  /// The key's text.
  public var key: String
  /// Where the key stands.
  public var location: SourceLocation
  /// The value.
  public var value: YAMLNode

  /// A pair from its parts.
  public init(key: String, at location: SourceLocation, value: YAMLNode) {
    self.key = key
    self.location = location
    self.value = value
  }
}
