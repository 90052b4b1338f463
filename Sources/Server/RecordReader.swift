internal import HTTP
internal import JSON
internal import Models

/// Reads records of JSON straight into rows of features, and says what is wrong with them.
struct RecordReader {
  let model: ServedModel
  /// Rows so far, NaN for missing.
  private(set) var rows: [Float] = []
  private(set) var errors: [Problem.FieldError] = []

  /// Errors beyond these are not listed.
  static let listedErrors = 100

  init(_ model: ServedModel) { self.model = model }

  /// Reads one record.
  /// - Parameter prefix: What its fields' JSON pointers begin with.
  mutating func read(_ reader: inout JSONReader, prefix: String) throws(JSONError) {
    let start = rows.count
    rows.append(contentsOf: repeatElement(.nan, count: model.features.count))
    guard try reader.peek() == UInt8(ascii: "{") else {
      try reader.skipValue()
      add(prefix, "type", "a JSON object is wanted")
      return
    }
    var found = 0
    var seen: Set<String> = []
    try reader.readObject { (reader, key) throws(JSONError) in
      if !seen.insert(key).inserted { add("\(prefix)/\(key.prefix(64))", "once", "give it once") }
      guard let place = model.places[key] else {
        if key == "age", model.takesAge {
          if let age = try number(&reader, prefix, key) {
            found += 1
            for group in model.ageGroups { rows[start + group.place] = group.ages.contains(age) ? 1 : 0 }
            if !(0...200).contains(age) { add("\(prefix)/age", "range", "from 0 to 200") }
          }
          return
        }
        try reader.skipValue()
        add(
          "\(prefix)/\(key.prefix(64))", "unknown", "known here: \(model.features.map(\.name).joined(separator: ", "))")
        return
      }
      guard let value = try number(&reader, prefix, key) else { return }
      let feature = model.features[place]
      if feature.zeroIsMissing, value == 0 { return }
      found += 1
      if let minimum = feature.minimum, value < minimum {
        add("\(prefix)/\(key)", "minimum", "at least \(minimum)" + (feature.unit.map { " \($0)" } ?? ""))
      } else if let maximum = feature.maximum, value > maximum {
        add("\(prefix)/\(key)", "maximum", "at most \(maximum)" + (feature.unit.map { " \($0)" } ?? ""))
      }
      let single = Float(value)
      if !single.isFinite { add("\(prefix)/\(key)", "range", "the number is too large") }
      rows[start + place] = single
    }
    if found == 0 {
      add(prefix, "required", "give at least one of \(model.features.map(\.name).joined(separator: ", "))")
    }
  }

  /// A number; nil for null, or for what is none.
  private mutating func number(_ reader: inout JSONReader, _ prefix: String, _ key: String) throws(JSONError) -> Double?
  {
    switch try reader.peek() {
    case UInt8(ascii: "n"):
      _ = try reader.readNull()
      return nil
    case UInt8(ascii: "-"), 0x30...0x39: return try reader.readNumber().number
    default:
      try reader.skipValue()
      add("\(prefix)/\(key)", "type", "a number is wanted")
      return nil
    }
  }

  private mutating func add(_ field: String, _ rule: String, _ message: String) {
    if errors.count < Self.listedErrors { errors.append(.init(field: field, rule: rule, message: message)) }
  }
}
