import Foundation
import LakewardTesting
import Testing

/// Style that matters, kept by the ordinary test run. Layout is `swift format`'s affair.
@Suite("Tidy")
struct TidyTests {
  private static let ownText = SourceFile.all(
    in: [
      "Package.swift", "Makefile", ".ci", "Sources", "Tests", "scripts", "bench", "pipelines", "dashboards", "docs",
      "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md",
    ],
    endings: [
      ".swift", ".c", ".md", ".py", ".sh", ".yml", ".sql", ".txt", ".html", ".css", ".js", "Makefile", ".modulemap",
      "scripts/setup", "scripts/peers", "bench/stream", "bench/soak", ".ci/run", "shim.h", "record_batch.h",
      "record_parser.h",
    ])

  @Test("No file is longer than 500 lines")
  func fileLength() {
    let limit = 500
    for file in Self.ownText where [".swift", ".c", ".h", ".py"].contains(where: file.path.hasSuffix) {
      #expect(file.lines.count <= limit, "\(file.path) has \(file.lines.count) lines: it is two things")
    }
  }

  @Test("Bad input cannot trap, and only the command line prints")
  func bannedCalls() {
    let banned: [(words: String, instead: String)] = [
      ("fatalError(", "throw a typed error"),
      ("try!", "let the error through"),
      ("as!", "use as? and throw"),
      ("NSLog(", "give the text to the caller"),
    ]
    for file in SourceFile.sources {
      for (number, line) in file.code.enumerated() {
        for (words, instead) in banned where Self.calls(line, words) {
          Issue.record("\(file.path):\(number + 1): \(words) is banned; \(instead)")
        }
        if file.room != "lakeward" && Self.calls(line, "print(") {
          Issue.record("\(file.path):\(number + 1): only the lakeward target prints")
        }
      }
    }
  }

  @Test("What is still to do has its reason beside it")
  func unfinished() {
    // Written in two parts so that this file keeps its own rule.
    for mark in ["TO" + "DO", "FIX" + "ME", "XX" + "X"] {
      for file in Self.ownText {
        for (number, line) in file.lines.enumerated() {
          guard let range = line.range(of: mark), !Self.isInsideWord(line, range) else { continue }
          let reason = line[range.upperBound...].drop { ": ".contains($0) }
          #expect(reason.count > 20, "\(file.path):\(number + 1): \(mark) without a reason")
        }
      }
    }
  }

  @Test("Every public declaration says what it is")
  func documentation() {
    for file in SourceFile.sources where file.room != "lakeward" {
      let code = file.code
      for (number, line) in code.enumerated() where Self.declaresPublic(line) {
        var above = number - 1
        while above >= 0, Self.isAttribute(code[above]), !file.lines[above].contains("///") { above -= 1 }
        let isDocumented =
          above >= 0
          && (file.lines[above].trimmingCharacters(in: .whitespaces).hasPrefix("///")
            || file.lines[above].trimmingCharacters(in: .whitespaces).hasSuffix("*/"))
        #expect(isDocumented, "\(file.path):\(number + 1): a public declaration without a doc comment")
      }
    }
  }

  @Test("Nothing names the machine that it was made on")
  func machinePaths() {
    // Written in two parts so that this file keeps its own rule.
    let banned = [
      "/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "/opt/sw" + "ift", "/tm" + "p/w", "/Us" + "ers/",
      "py" + "pi.org", "pythonhosted" + ".org", "deb.deb" + "ian.org",
    ]
    for file in Self.ownText {
      for (number, line) in file.lines.enumerated() {
        for words in banned where line.contains(words) {
          Issue.record("\(file.path):\(number + 1): names \(words)")
        }
      }
    }
  }

  @Test("Links between the project's pages lead somewhere")
  func links() throws {
    let root = Places.packageRoot()
    for file in Self.ownText where file.path.hasSuffix(".md") {
      let folder = URL(fileURLWithPath: root + "/" + file.path).deletingLastPathComponent()
      for (number, line) in file.lines.enumerated() {
        for target in Self.linkTargets(line) where !target.contains("://") && !target.hasPrefix("mailto:") {
          let path = target.split(separator: "#", omittingEmptySubsequences: false).first.map(String.init) ?? ""
          if path.isEmpty { continue }
          let place = folder.appendingPathComponent(path.removingPercentEncoding ?? path).path
          #expect(
            FileManager.default.fileExists(atPath: place), "\(file.path):\(number + 1): no such file: \(target)")
        }
      }
    }
  }

  @Test("The code-blanking of these checks sees code only")
  func blanking() {
    let text = #"""
      let a = "try! \" // no" + #"raw " try!"# // try!
      /* try! /* nested */ still */ let b = 1
      let c = """
        try! fatalError(
        """ + d
      """#
    let code = SourceFile.blanked(text.split(separator: "\n").map(String.init))
    #expect(!code.joined().contains("try!"))
    #expect(code[0].hasPrefix("let a = "))
    #expect(code[1].hasSuffix("let b = 1"))
    #expect(code[4].hasSuffix(" + d"))
  }

  private static func calls(_ line: String, _ words: String) -> Bool {
    guard let range = line.range(of: words) else { return false }
    guard range.lowerBound > line.startIndex else { return true }
    let before = line[line.index(before: range.lowerBound)]
    return !before.isLetter && !before.isNumber && before != "_" && before != "." && before != "`"
  }

  private static func isInsideWord(_ line: String, _ range: Range<String.Index>) -> Bool {
    let before = range.lowerBound > line.startIndex ? line[line.index(before: range.lowerBound)] : " "
    let after = range.upperBound < line.endIndex ? line[range.upperBound] : " "
    return before.isLetter || before.isNumber || after.isLetter || after.isNumber
  }

  private static func declaresPublic(_ line: String) -> Bool {
    var words = line.split(separator: " ").map(String.init)
    while let first = words.first, first.hasPrefix("@") { words.removeFirst() }
    guard let access = words.first, access == "public" || access == "open" else { return false }
    return !words.contains("import") && words.dropFirst().first != "extension"
  }

  private static func isAttribute(_ line: String) -> Bool {
    line.trimmingCharacters(in: .whitespaces).hasPrefix("@")
  }

  private static func linkTargets(_ line: String) -> [String] {
    var found: [String] = []
    var rest = Substring(line)
    while let open = rest.range(of: "](") {
      rest = rest[open.upperBound...]
      guard let close = rest.firstIndex(of: ")") else { break }
      found.append(String(rest[..<close].split(separator: " ").first ?? ""))
      rest = rest[close...]
    }
    return found
  }
}
