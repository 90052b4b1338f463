import Foundation
import LakewardTesting
import Testing

/// The clinical test vectors that lie beside the project, as rows by column name.
enum SharedVectors {
  /// Rows of a CSV file of the shared data (quoted fields allowed); empty, with a printed note, if it is not there.
  static func rows(_ name: String) throws -> [[String: String]] {
    guard let path = Places.shared("data/" + name) else { return [] }
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(whereSeparator: \.isNewline).map(fields)
    let header = try #require(lines.first)
    try #require(lines.count > 1)
    return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(header, $0)) }
  }

  private static func fields(_ line: Substring) -> [String] {
    var fields = [""]
    var isQuoted = false
    for character in line {
      switch character {
      case "\"": isQuoted.toggle()
      case "," where !isQuoted: fields.append("")
      default: fields[fields.count - 1].append(character)
      }
    }
    return fields
  }
}

extension [String: String] {
  func number(_ name: String) -> Double? {
    self[name].flatMap(Double.init)
  }
}
