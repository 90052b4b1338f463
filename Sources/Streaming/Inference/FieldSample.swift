internal import JSON
internal import Pipelines

/// What the sampled records hold under one key.
struct FieldSample: Sendable {
  /// How the records are written: text files say less about types than JSON.
  enum Writing: Sendable {
    /// JSON: a text is a text, whatever it looks like.
    case json
    /// CSV: everything came as text.
    case text
  }

  let key: String
  private(set) var present = 0
  private(set) var nulls = 0
  /// Values by the narrowest type that takes them; objects and lists are nil.
  private(set) var counts: [FieldType?: Int] = [:]

  init(key: String) { self.key = key }

  mutating func add(_ value: JSONValue, writing: Writing) {
    present += 1
    if case .null = value {
      nulls += 1
    } else {
      counts[Self.type(of: value, key: key, writing), default: 0] += 1
    }
  }

  /// The type that takes most values, and how many it does not take.
  var type: (type: FieldType, others: Int) {
    let values = present - nulls
    func sum(_ types: [FieldType]) -> Int { types.reduce(0) { $0 + (counts[$1] ?? 0) } }
    // Each type takes what a narrower one takes, so the first that takes everything is the narrowest.
    let candidates: [(FieldType, Int)] = [
      (.int, sum([.int])), (.bigint, sum([.int, .bigint])), (.double, sum([.int, .bigint, .double])),
      (.boolean, sum([.boolean])), (.timestamp, sum([.timestamp])), (.date, sum([.date])), (.uuid, sum([.uuid])),
      (.string, sum([.string, .timestamp, .date, .uuid])),
    ]
    var best = (type: FieldType.string, taken: -1)
    for (type, taken) in candidates where taken > best.taken { best = (type, taken) }
    return values == 0 ? (.string, 0) : (best.type, values - best.taken)
  }

  private static func type(of value: JSONValue, key: String, _ writing: Writing) -> FieldType? {
    switch value {
    case .bool: return .boolean
    case .int(let number): return Int32(exactly: number) == nil ? .bigint : .int
    case .double: return .double
    case .string(let text): return type(ofText: text, key: key, writing)
    case .null, .array, .object: return nil
    }
  }

  private static func type(ofText text: String, key: String, _ writing: Writing) -> FieldType {
    if text.wholeMatch(of: /\d{4}-\d{2}-\d{2}/) != nil { return .date }
    if text.wholeMatch(of: /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?/) != nil {
      return .timestamp
    }
    if text.wholeMatch(of: /[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}/) != nil { return .uuid }
    guard writing == .text, !isIdentifier(key) else { return .string }
    // A leading zero is part of a code, not of a number.
    if text.wholeMatch(of: /-?(0|[1-9]\d{0,17})/) != nil {
      return Int64(text).flatMap(Int32.init(exactly:)) == nil ? .bigint : .int
    }
    if text.wholeMatch(of: /-?(0|[1-9]\d*)\.\d+([eE][+-]?\d+)?/) != nil { return .double }
    if text.lowercased() == "true" || text.lowercased() == "false" { return .boolean }
    return .string
  }

  /// Whether a key names somebody or something: its values stay text.
  static func isIdentifier(_ key: String) -> Bool {
    let lower = key.lowercased()
    return lower == "id" || lower == "mrn" || lower.hasSuffix("_id") || lower.hasSuffix("-id") || key.hasSuffix("Id")
      || lower.hasSuffix("code")
  }
}

/// Looks at records and says which fields they have.
public struct RecordSampler {
  private let writing: FieldSample.Writing
  private var samples: [String: FieldSample] = [:]
  private var order: [String] = []
  /// Records that are JSON objects.
  public private(set) var records = 0
  /// Records that are not.
  public private(set) var others = 0
  private var keys: [String: Set<String>] = [:]

  /// A sampler of records.
  ///
  /// - Parameter fromText: Whether they come from CSV files, where everything is text.
  public init(fromText: Bool) { writing = fromText ? .text : .json }

  /// Looks at one record's text.
  public mutating func add(_ record: String) {
    guard case .object(let object)? = JSONValue(parsing: record) else {
      others += 1
      return
    }
    records += 1
    for (key, value) in object.members {
      if samples[key] == nil {
        samples[key] = FieldSample(key: key)
        order.append(key)
      }
      samples[key]?.add(value, writing: writing)
      // Enough to see whether a field names one thing or many.
      if let text = value.string, keys[key, default: []].count < 10_000 { keys[key, default: []].insert(text) }
    }
  }

  /// The fields in the order in which they were first seen, with the number of values that the type does not take.
  func fields() -> [(field: RecordField, others: Int)] {
    var names: Set<String> = Set(SourceDefinition.systemColumns)
    return order.compactMap { samples[$0] }.filter { $0.counts[nil] == nil || $0.counts.count > 1 }.map { sample in
      let (type, others) = sample.type
      var name = Self.plainName(sample.key)
      while !names.insert(name.lowercased()).inserted { name += "_2" }
      let isRequired = sample.present == records && sample.nulls == 0 && others == 0
      return (RecordField(name: name, field: sample.key, type: type, isRequired: isRequired), others)
    }
  }

  /// Keys whose values are objects or lists only: the record's parser reads the top level alone.
  func nested() -> [String] {
    order.filter { key in samples[key].map { $0.counts[nil] != nil && $0.counts.count == 1 } ?? false }
  }

  /// How many different texts were seen under a key.
  func distinct(_ key: String) -> Int { keys[key]?.count ?? 0 }

  /// A name that SQL takes: lower case with underscores.
  public static func plainName(_ key: String) -> String {
    var name = ""
    var last: Character = "_"
    for character in key {
      if character.isUppercase, last.isLowercase || last.isNumber { name += "_" }
      let isPlain = character.isASCII && (character.isLetter || character.isNumber)
      name += isPlain ? character.lowercased() : "_"
      last = character
    }
    while name.contains("__") { name = name.replacing("__", with: "_") }
    name = String(name.drop { $0 == "_" })
    while name.hasSuffix("_") { name.removeLast() }
    if name.isEmpty || name.first?.isNumber == true { name = "field_" + name }
    return name
  }
}
