import Foundation
import LakewardTesting

/// One text file of the project.
struct SourceFile {
  /// Path relative to the package root.
  let path: String
  /// Its lines, without line ends.
  let lines: [String]

  /// The room (target) it belongs to, for a file of `Sources`.
  var room: String? {
    let parts = path.split(separator: "/")
    return parts.first == "Sources" && parts.count > 2 ? String(parts[1]) : nil
  }

  /// Swift code alone: the same lines with comments and the text of string literals blanked; empty for other files.
  let code: [String]

  /// Every Swift file of `Sources`.
  static let sources = all(in: ["Sources"], endings: [".swift"])

  /// The modules that a Swift file imports.
  var imports: [String] {
    code.compactMap { line in
      let words = line.split(separator: " ").map(String.init)
      guard let at = words.firstIndex(of: "import"), at + 1 < words.count,
        words[..<at].allSatisfy({
          ["public", "internal", "package", "private", "fileprivate"].contains($0) || $0.hasPrefix("@")
        })
      else { return nil }
      return words[at + 1].split(separator: ".").first.map(String.init)
    }
  }

  /// Every text file under these folders and files of the package whose name ends in one of `endings`.
  static func all(in places: [String], endings: [String]) -> [SourceFile] {
    let root = Places.packageRoot()
    var found: [String] = []
    for place in places {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: root + "/" + place, isDirectory: &isFolder) else { continue }
      guard isFolder.boolValue else {
        found.append(place)
        continue
      }
      let walk = FileManager.default.enumerator(atPath: root + "/" + place)
      while let name = walk?.nextObject() as? String {
        if [".work", "__pycache__"].contains(URL(fileURLWithPath: name).lastPathComponent) {
          walk?.skipDescendants()
        } else {
          found.append(place + "/" + name)
        }
      }
    }
    return found.sorted().compactMap { path in
      guard endings.contains(where: { path.hasSuffix($0) }),
        let text = try? String(contentsOfFile: root + "/" + path, encoding: .utf8)
      else { return nil }
      return SourceFile(path: path, text: text)
    }
  }

  init(path: String, text: String) {
    self.path = path
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last == "" { lines.removeLast() }
    self.lines = lines
    code = path.hasSuffix(".swift") ? Self.blanked(lines) : []
  }

  /// Blanks line comments, block comments (nested) and string literals (also multi-line and raw ones).
  static func blanked(_ lines: [String]) -> [String] {
    var scanner = Blanker()
    return lines.map { scanner.blank($0) }
  }
}

/// Walks over Swift source line by line and remembers what it is inside of.
private struct Blanker {
  private enum Inside {
    case code
    case comment(depth: Int)
    case multilineString(hashes: Int)
  }

  private var inside = Inside.code

  mutating func blank(_ line: String) -> String {
    let text = Array(line.utf8)
    var kept: [UInt8] = []
    var at = 0
    while at < text.count {
      switch inside {
      case .comment(let depth):
        if starts(text, at, "*/") {
          inside = depth == 1 ? .code : .comment(depth: depth - 1)
          at += 2
        } else if starts(text, at, "/*") {
          inside = .comment(depth: depth + 1)
          at += 2
        } else {
          at += 1
        }
      case .multilineString(let hashes):
        if starts(text, at, "\"\"\"", hashes: hashes) {
          inside = .code
          at += 3 + hashes
        } else {
          at += 1
        }
      case .code:
        if starts(text, at, "//") { return String(decoding: kept, as: UTF8.self) }
        at = code(text, at, &kept)
      }
    }
    return String(decoding: kept, as: UTF8.self)
  }

  private mutating func code(_ text: [UInt8], _ start: Int, _ kept: inout [UInt8]) -> Int {
    let quote = UInt8(ascii: "\"")
    var at = start
    if starts(text, at, "/*") {
      inside = .comment(depth: 1)
      return at + 2
    }
    var hashes = 0
    while at + hashes < text.count, text[at + hashes] == UInt8(ascii: "#") { hashes += 1 }
    guard at + hashes < text.count, text[at + hashes] == quote else {
      kept.append(text[at])
      return at + 1
    }
    at += hashes
    kept.append(quote)
    if starts(text, at, "\"\"\"") {
      inside = .multilineString(hashes: hashes)
      return at + 3
    }
    at += 1
    while at < text.count, !starts(text, at, "\"", hashes: hashes) {
      at += text[at] == UInt8(ascii: "\\") && hashes == 0 ? 2 : 1
    }
    kept.append(quote)
    return at + 1 + hashes
  }

  /// Whether `wanted` and then `hashes` number signs stand at `at`.
  private func starts(_ text: [UInt8], _ at: Int, _ wanted: StaticString, hashes: Int = 0) -> Bool {
    let length = wanted.utf8CodeUnitCount
    guard at + length + hashes <= text.count else { return false }
    for index in 0..<length where text[at + index] != wanted.utf8Start[index] { return false }
    for index in 0..<hashes where text[at + length + index] != UInt8(ascii: "#") { return false }
    return true
  }
}
