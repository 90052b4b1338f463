internal import JSON

/// A JSON Schema (draft 2020-12, the dialect of OpenAPI 3.1), put together from its parts.
public struct Schema: Sendable {
  let json: JSONValue

  private init(_ members: [(String, JSONValue)]) { json = .object(JSONObject(members)) }

  /// Anything.
  public static let any = Schema([])
  /// `true` or `false`.
  public static let boolean = Schema([("type", .string("boolean"))])

  /// Text. `words` are the only values; `format` such as `date-time`.
  public static func text(
    _ description: String = "", format: String? = nil, words: [String] = [], longest: Int? = nil
  ) -> Schema {
    var members: [(String, JSONValue)] = [("type", .string("string"))]
    if let format { members.append(("format", .string(format))) }
    if !words.isEmpty { members.append(("enum", .array(words.map(JSONValue.string)))) }
    if let longest { members.append(("maxLength", .int(Int64(longest)))) }
    return Schema(members + described(description))
  }

  /// A whole number.
  public static func integer(_ description: String = "", in range: ClosedRange<Int>? = nil) -> Schema {
    var members: [(String, JSONValue)] = [("type", .string("integer"))]
    if let range {
      members += [("minimum", .int(Int64(range.lowerBound))), ("maximum", .int(Int64(range.upperBound)))]
    }
    return Schema(members + described(description))
  }

  /// A number; bounds as they are known.
  public static func number(_ description: String = "", minimum: Double? = nil, maximum: Double? = nil) -> Schema {
    var members: [(String, JSONValue)] = [("type", .string("number"))]
    if let minimum { members.append(("minimum", .double(minimum))) }
    if let maximum { members.append(("maximum", .double(maximum))) }
    return Schema(members + described(description))
  }

  /// A list.
  public static func list(of element: Schema, _ description: String = "", least: Int? = nil, most: Int? = nil) -> Schema
  {
    var members: [(String, JSONValue)] = [("type", .string("array")), ("items", element.json)]
    if let least { members.append(("minItems", .int(Int64(least)))) }
    if let most { members.append(("maxItems", .int(Int64(most)))) }
    return Schema(members + described(description))
  }

  /// An object with these members; `required` names those that are always there.
  public static func object(
    _ properties: KeyValuePairs<String, Schema>, required: [String] = [], isOpen: Bool = true,
    _ description: String = ""
  ) -> Schema {
    object(properties.map { ($0.key, $0.value) }, required: required, isOpen: isOpen, description)
  }

  /// An object with these members; `required` names those that are always there.
  public static func object(
    _ properties: [(String, Schema)], required: [String] = [], isOpen: Bool = true, _ description: String = ""
  ) -> Schema {
    var members: [(String, JSONValue)] = [
      ("type", .string("object")), ("properties", .object(JSONObject(properties.map { ($0.0, $0.1.json) }))),
    ]
    if !required.isEmpty { members.append(("required", .array(required.map(JSONValue.string)))) }
    if !isOpen { members.append(("additionalProperties", .bool(false))) }
    return Schema(members + described(description))
  }

  /// An object whose keys are not known.
  public static func map(of value: Schema, _ description: String = "") -> Schema {
    Schema([("type", .string("object")), ("additionalProperties", value.json)] + described(description))
  }

  /// One of the document's named schemas.
  public static func named(_ name: String) -> Schema { Schema([("$ref", .string("#/components/schemas/\(name)"))]) }

  /// This, or `null`.
  public var orNull: Schema {
    guard let object = json.object, let type = object["type"], object["enum"] == nil else {
      return Schema([("anyOf", .array([json, .object(["type": .string("null")])]))])
    }
    var changed = object
    changed["type"] = .array([type, .string("null")])
    return Schema(changed.members.map { ($0.key, $0.value) })
  }

  private static func described(_ text: String) -> [(String, JSONValue)] {
    text.isEmpty ? [] : [("description", .string(text))]
  }
}
