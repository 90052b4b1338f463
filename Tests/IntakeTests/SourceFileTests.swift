import LakewardTesting
import Testing

@testable import Intake

@Suite struct SourceFileTests {
  @Test func theFingerprintTellsContentsApart() throws {
    let directory = try TemporaryDirectory("intake")
    var seen: Set<String> = []
    let contents: [[UInt8]] = [
      [], [0], [0, 0], Array(repeating: 0, count: 8), Array(repeating: 0, count: 16), [1], [0, 1], [1, 0],
      Array("abcdefgh".utf8), Array("abcdefgi".utf8), Array("abcdefghi".utf8), Array("hgfedcba".utf8),
    ]
    for (number, bytes) in contents.enumerated() {
      let path = try directory.write(bytes, to: "\(number)")
      let once = try SourceFile(path: path).fingerprint()
      let again = try SourceFile(path: path).fingerprint()
      #expect(once.count == 32 && once == again)
      seen.insert(once)
    }
    #expect(seen.count == contents.count)
  }

  @Test func theFirstLineMayComeAfterAMarkAndBlankLines() throws {
    let directory = try TemporaryDirectory("intake")
    let path = try directory.write([0xEF, 0xBB, 0xBF] + Array("\r\nId,START\r\nx".utf8), to: "file")
    let first = try SourceFile(path: path).firstLine()
    #expect(first?.text == "Id,START" && first?.line == 1)
    #expect(try SourceFile(path: directory.write("\n\n", to: "blank")).firstLine() == nil)
    #expect(throws: IntakeError.self) { try SourceFile(path: directory.file("none")) }
  }
}
