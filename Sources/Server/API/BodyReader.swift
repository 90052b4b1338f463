internal import HTTP
internal import JSON

/// Takes the members of a JSON object one after the other and gathers what is wrong with them.
struct BodyReader {
  private let object: JSONObject
  private var known: Set<String> = []
  private(set) var errors: [Problem.FieldError] = []

  init(_ object: JSONObject) { self.object = object }

  /// The object that a body is.
  static func object(_ body: [UInt8]) throws -> JSONObject {
    guard let object = try value(body).object else {
      throw invalid([.init(field: "", rule: "type", message: "a JSON object is wanted")])
    }
    return object
  }

  /// The JSON value that a body is.
  static func value(_ body: [UInt8]) throws -> JSONValue {
    guard let text = String(validating: body, as: UTF8.self) else {
      throw Problem(400, "not-json", "The body is not JSON", detail: "it is not UTF-8 text")
    }
    return try JSONValue.parse(text)
  }

  /// A problem with these errors.
  static func invalid(_ errors: [Problem.FieldError]) -> Problem {
    Problem(422, "invalid-body", "The body is not what is wanted", errors: errors)
  }

  /// Text of at most `longest` characters.
  mutating func text(_ name: String, required: Bool = false, longest: Int) -> String? {
    guard let value = member(name, required) else { return nil }
    guard let text = value.string else { return fail(name, "type", "text is wanted") }
    guard text.unicodeScalars.count <= longest else { return fail(name, "maxLength", "at most \(longest) characters") }
    return text
  }

  /// A whole number.
  mutating func integer(_ name: String, required: Bool = false, in range: ClosedRange<Int>) -> Int? {
    guard let value = member(name, required) else { return nil }
    guard let number = value.number, let whole = Int(exactly: number) else {
      return fail(name, "type", "a whole number is wanted")
    }
    guard range.contains(whole) else {
      return fail(name, "range", "from \(range.lowerBound) to \(range.upperBound)")
    }
    return whole
  }

  /// A number.
  mutating func number(_ name: String, in range: ClosedRange<Double>) -> Double? {
    guard let value = member(name, false) else { return nil }
    guard let number = value.number else { return fail(name, "type", "a number is wanted") }
    guard range.contains(number) else {
      return fail(name, "range", "from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// Throws what was wrong, members that nobody asked for included.
  mutating func finish() throws(Problem) {
    for member in object.members where !known.contains(member.key) {
      errors.append(
        .init(
          field: "/" + String(member.key.prefix(64)), rule: "unknown",
          message: "known here: \(known.sorted().joined(separator: ", "))"))
    }
    if !errors.isEmpty { throw Self.invalid(errors) }
  }

  private mutating func member(_ name: String, _ required: Bool) -> JSONValue? {
    known.insert(name)
    if let value = object[name] { return value }
    if required { errors.append(.init(field: "/\(name)", rule: "required", message: "it is missing")) }
    return nil
  }

  private mutating func fail<T>(_ name: String, _ rule: String, _ message: String) -> T? {
    errors.append(.init(field: "/\(name)", rule: rule, message: message))
    return nil
  }
}
