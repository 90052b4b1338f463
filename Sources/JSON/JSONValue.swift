/// A JSON value as a tree, for the parts of the log whose shape is open (schemas, commit information, field metadata).
public indirect enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// Parses one JSON text; nil if it is not JSON.
  public init?(parsing text: String) {
    guard let value = try? Self.parse(text) else { return nil }
    self = value
  }

  /// The value of one JSON text; throws where and why it is not JSON.
  public static func parse(_ text: String) throws(JSONError) -> JSONValue {
    var copy = text
    let result: Result<JSONValue, JSONError> = copy.withUTF8 { bytes in
      var reader = JSONReader(bytes)
      do throws(JSONError) {
        let value = try reader.readValue()
        guard reader.isAtEnd() else { throw reader.failure("text follows the value") }
        return .success(value)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// The text of a string.
  public var string: String? {
    guard case .string(let value) = self else { return nil }
    return value
  }

  /// The value of an integer.
  public var int: Int64? {
    guard case .int(let value) = self else { return nil }
    return value
  }

  /// The value of a boolean.
  public var bool: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  /// The value of any number.
  public var number: Double? {
    switch self {
    case .int(let value): return Double(value)
    case .double(let value): return value
    default: return nil
    }
  }

  /// The elements of an array.
  public var array: [JSONValue]? {
    guard case .array(let value) = self else { return nil }
    return value
  }

  /// The members of an object.
  public var object: JSONObject? {
    guard case .object(let value) = self else { return nil }
    return value
  }

  /// The value as compact JSON text.
  public var text: String {
    var writer = JSONWriter()
    writer.write(self)
    return writer.text
  }
}

/// The members of a JSON object in their order.
public struct JSONObject: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  /// The members; a key given twice counts with its last value.
  public private(set) var members: [(key: String, value: JSONValue)]

  /// An object with these members.
  public init(_ members: [(String, JSONValue)] = []) { self.members = members.map { (key: $0.0, value: $0.1) } }

  /// An object with these members.
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }

  /// The value of a member; nil if there is none. Setting nil removes it.
  public subscript(key: String) -> JSONValue? {
    get { members.last { $0.key == key }?.value }
    set {
      guard let newValue else {
        members.removeAll { $0.key == key }
        return
      }
      if let index = members.lastIndex(where: { $0.key == key }) {
        members[index].value = newValue
      } else {
        members.append((key: key, value: newValue))
      }
    }
  }

  /// Whether both hold the same members in the same order.
  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.members.elementsEqual(right.members) { $0.key == $1.key && $0.value == $1.value }
  }

  /// Hashes the members in their order.
  public func hash(into hasher: inout Hasher) {
    for member in members {
      hasher.combine(member.key)
      hasher.combine(member.value)
    }
  }
}
