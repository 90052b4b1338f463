internal import JSON
internal import Clinical
internal import DeltaLake
internal import Foundation
internal import Pipelines

/// A record of one patient as the features of a model; NaN is missing.
struct FeatureRecord {
  /// One value per feature, in the model's order.
  private(set) var values: [Float]
  /// What was strange about the record. Names fields, never values.
  private(set) var warnings: [String] = []

  /// Reads a JSON object from a file, or from standard input for `-`.
  ///
  /// - Parameter fields: The source's fields: a record may use their keys instead of the features' names.
  init(file: String, features: [String], fields: [RecordField]) throws {
    let handle = file == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: file)
    guard let handle, let data = try? handle.readToEnd() ?? Data() else {
      throw CommandFailure("\(file) cannot be read: is there such a file?")
    }
    guard let text = String(validating: data, as: UTF8.self), let object = JSONValue(parsing: text)?.object else {
      throw CommandFailure("\(file) does not hold one JSON object")
    }
    try self.init(object, file: file, features: features, fields: fields)
  }

  /// Takes the features from an object.
  init(_ object: JSONObject, file: String, features: [String], fields: [RecordField]) throws {
    values = Array(repeating: .nan, count: features.count)
    let names = Dictionary(fields.map { ($0.field, $0.name) }) { first, _ in first }
    var members: [String: JSONValue] = [:]
    for member in object.members { members[names[member.key] ?? member.key] = member.value }
    let ageGroup = Self.ageGroup(members)
    var found = 0
    for (index, feature) in features.enumerated() {
      if let value = members[feature] {
        values[index] = try Self.number(value, feature, file)
        found += 1
      } else if let ageGroup, let group = Self.ageGroup(ofFeature: feature) {
        values[index] = group == ageGroup ? 1 : 0
        found += 1
      }
    }
    guard found > 0 else {
      throw CommandFailure("\(file) holds none of the model's features: \(features.joined(separator: ", "))")
    }
    let known = Set(features).union(fields.map(\.name)).union(["age_group"])
    for name in members.keys.sorted() where !known.contains(name) {
      if let guess = nearest(to: name, among: features) {
        warnings.append("\(file): \(name) is no feature; did you mean \(guess)?")
      }
    }
  }

  private static func number(_ value: JSONValue, _ feature: String, _ file: String) throws -> Float {
    switch value {
    case .null: return .nan
    case .bool(let flag): return flag ? 1 : 0
    default:
      guard let number = value.number else { throw CommandFailure("\(file): \(feature) is not a number") }
      return Float(number)
    }
  }

  /// The age group that a record gives, or that its birthday and time make.
  private static func ageGroup(_ members: [String: JSONValue]) -> AgeGroup? {
    if let text = members["age_group"]?.string { return AgeGroup(rawValue: text) }
    guard let birthday = members["birthday"]?.string.flatMap(date),
      let day = (members["event_time"] ?? members["timestamp"])?.string.flatMap(date)
    else { return nil }
    return AgeGroup(completedYears: day.completedYears(since: birthday))
  }

  /// `age_50_64` and `age_80_plus` stand for the groups 50-64 and 80+.
  private static func ageGroup(ofFeature name: String) -> AgeGroup? {
    AgeGroup.allCases.first { group in
      name == "age_" + group.rawValue.replacing("-", with: "_").replacing("+", with: "_plus")
    }
  }

  private static func date(_ text: String) -> CivilDate? {
    let parts = text.prefix(10).split(separator: "-").compactMap { Int($0) }
    guard parts.count == 3, (1...12).contains(parts[1]), (1...31).contains(parts[2]) else { return nil }
    return CivilDate(year: parts[0], month: parts[1], day: parts[2])
  }
}
