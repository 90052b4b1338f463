/// Header fields in their order; names are compared without regard to case and kept in lower case.
public struct HTTPHeaders: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  /// One field.
  public struct Field: Sendable, Hashable {
    /// The name in lower case.
    public let name: String
    /// The value as it was sent.
    public let value: String
  }

  /// The fields in their order.
  public private(set) var fields: [Field] = []

  /// No fields.
  public init() {}

  /// These fields.
  public init(dictionaryLiteral elements: (String, String)...) {
    for (name, value) in elements { add(name, value) }
  }

  /// Adds a field behind the others.
  public mutating func add(_ name: String, _ value: String) {
    fields.append(Field(name: Self.lowered(name), value: value))
  }

  /// The first value of a field, `name` in lower case; setting replaces all of that name.
  public subscript(name: String) -> String? {
    get {
      for field in fields where field.name == name { return field.value }
      return nil
    }
    set {
      fields.removeAll { $0.name == name }
      if let newValue { add(name, newValue) }
    }
  }

  /// How many fields have that name, in lower case.
  public func count(of name: String) -> Int {
    fields.reduce(0) { $0 + ($1.name == name ? 1 : 0) }
  }

  private static func lowered(_ name: String) -> String {
    name.utf8.contains { (0x41...0x5A).contains($0) } ? name.lowercased() : name
  }
}
