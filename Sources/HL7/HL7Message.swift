internal import Foundation

/// Why bytes are no HL7 version 2 message. Names segment and field, never a value.
public struct HL7Error: Error, Sendable, Hashable, CustomStringConvertible {
  /// HL7 table 0357, such as 101 (required field missing).
  public let code: Int
  /// The segment, such as `MSH`.
  public let segment: String
  /// The field's number in it; nil: the whole segment.
  public let field: Int?
  /// What is wrong and what would be right.
  public let reason: String

  init(_ code: Int, _ segment: String, _ field: Int? = nil, _ reason: String) {
    self.code = code
    self.segment = segment
    self.field = field
    self.reason = reason
  }

  /// One line: the place, then the reason.
  public var description: String { "\(segment)\(field.map { "-\($0)" } ?? ""): \(reason)" }
}

/// The characters that separate the parts of a message, as its MSH-1 and MSH-2 declare them.
public struct HL7Delimiters: Sendable, Hashable {
  var field: Character = "|"
  var component: Character = "^"
  var repetition: Character = "~"
  var escape: Character = "\\"
  var subcomponent: Character = "&"
}

/// An HL7 version 2 message in its segments (HL7 v2.5.1, chapter 2).
public struct HL7Message: Sendable, Hashable {
  /// Segments in order; the first is MSH.
  public let segments: [HL7Segment]
  /// The message as text.
  public let text: String

  /// The longest message that is taken, in bytes.
  public static let longest = 16 << 20

  /// Reads a message. Segments end with a carriage return; line feeds are taken for the same, since files hold them.
  ///
  /// - Throws: `HL7Error` for bytes that do not begin with an MSH segment, declare unusable separators, hold characters
  ///   that are not of the declared set, or lack message type or control id.
  public init(_ bytes: some Collection<UInt8>) throws(HL7Error) {
    let header = String(decoding: bytes.prefix(4_096).prefix { $0 != 0x0D && $0 != 0x0A }, as: UTF8.self)
    guard header.hasPrefix("MSH"), header.count > 8 else {
      throw HL7Error(100, "MSH", nil, "the message does not begin with an MSH segment")
    }
    let delimiters = try Self.delimiters(header)
    text = try Self.decode(bytes, HL7Segment(header, delimiters)[18].first?.text)
    segments = text.split { $0 == "\r" || $0 == "\n" || $0 == "\r\n" }.compactMap {
      let segment = HL7Segment(String($0), delimiters)
      return segment.name.isEmpty ? nil : segment
    }
    guard type.code != nil else { throw HL7Error(101, "MSH", 9, "the message type is missing") }
    guard controlId != nil else { throw HL7Error(101, "MSH", 10, "the message control id is missing") }
    // The number alone: what stands there may be anything.
    if let wrong = segments.firstIndex(where: { !Self.isName($0.name) }) {
      throw HL7Error(100, "MSH", nil, "line \(wrong + 1) of the message is no segment")
    }
  }

  /// The MSH segment.
  public var header: HL7Segment { segments[0] }
  /// Message type and trigger event of MSH-9, such as `ORU` and `R01`.
  public var type: (code: String?, event: String?) { (header[9].first?[1], header[9].first?[2]) }
  /// MSH-10.
  public var controlId: String? { header[10].first?.text }
  /// Whether MSH-11 says that this is no production message.
  public var isTest: Bool { ["T", "D"].contains(header[11].first?[1] ?? "P") }

  private static func delimiters(_ header: String) throws(HL7Error) -> HL7Delimiters {
    let characters = Array(header.dropFirst(3).prefix(5))
    let unusable = characters.contains { $0.isLetter || $0.isNumber || $0.isWhitespace || !$0.isASCII }
    guard characters.count == 5, Set(characters.prefix(4)).count == 4, !unusable else {
      throw HL7Error(102, "MSH", 2, "the separators are missing, alike, or letters; usual are |^~\\&")
    }
    // Some senders leave the subcomponent's separator out: the next character is the field separator then.
    return HL7Delimiters(
      field: characters[0], component: characters[1], repetition: characters[2], escape: characters[3],
      subcomponent: characters[4] == characters[0] ? "&" : characters[4])
  }

  /// MSH-18 by HL7 table 0211. Without it ASCII is meant, and UTF-8, of which ASCII is a part, is understood.
  private static func decode(_ bytes: some Collection<UInt8>, _ charset: String?) throws(HL7Error) -> String {
    switch charset?.uppercased() ?? "" {
    case "", "ASCII", "UNICODE UTF-8", "UTF-8", "UNICODE":
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw HL7Error(102, "MSH", 18, "the message holds characters that are not of its character set (UTF-8)")
      }
      return text
    case "8859/1", "ISO 8859/1", "ISO-8859-1":
      return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    default:
      throw HL7Error(103, "MSH", 18, "the character set is not known here; send UNICODE UTF-8, ASCII or 8859/1")
    }
  }

  private static func isName(_ name: String) -> Bool {
    name.count == 3 && name.allSatisfy { $0.isASCII && ($0.isUppercase || $0.isNumber) }
  }
}

/// A segment: a name and fields.
public struct HL7Segment: Sendable, Hashable {
  /// Three characters, such as `PID`.
  public let name: String
  private let fields: [Substring]
  private let delimiters: HL7Delimiters

  init(_ text: String, _ delimiters: HL7Delimiters) {
    let parts = text.split(separator: delimiters.field, omittingEmptySubsequences: false)
    name = String(parts[0])
    fields = parts
    self.delimiters = delimiters
  }

  /// The repetitions of a field that hold something, by its number in the standard.
  ///
  /// MSH-1 is the field separator itself, so numbers in MSH are one higher than the place.
  public subscript(_ number: Int) -> [HL7Value] {
    let place = name == "MSH" ? number - 1 : number
    guard place > 0, place < fields.count else { return [] }
    if name == "MSH", number == 2 { return [] }
    return fields[place].split(separator: delimiters.repetition).compactMap { part in
      // Two quotes mean that there is nothing on purpose.
      part == "\"\"" ? nil : HL7Value(raw: part, delimiters: delimiters)
    }
  }

  /// The first component of the field's first repetition.
  public func text(_ number: Int) -> String? { self[number].first?[1] }
}

/// One repetition of a field.
public struct HL7Value: Sendable, Hashable {
  fileprivate let raw: Substring
  fileprivate let delimiters: HL7Delimiters

  /// A component by its number, from 1: its first subcomponent, without escapes; nil if it is empty.
  public subscript(_ component: Int) -> String? {
    let parts = raw.split(separator: delimiters.component, omittingEmptySubsequences: false)
    guard component > 0, component <= parts.count else { return nil }
    let first = parts[component - 1].split(
      separator: delimiters.subcomponent, maxSplits: 1, omittingEmptySubsequences: false)
    return Self.unescaped(first.first ?? "", delimiters)
  }

  /// The whole value without escapes; nil if it is empty.
  public var text: String? { Self.unescaped(raw, delimiters) }

  /// HL7 v2.5.1, 2.7: separators, line breaks, bytes; highlighting and what is not known is left out.
  private static func unescaped(_ raw: Substring, _ delimiters: HL7Delimiters) -> String? {
    guard raw.contains(delimiters.escape) else { return raw.isEmpty ? nil : String(raw) }
    var out = ""
    var rest = raw
    while let start = rest.firstIndex(of: delimiters.escape) {
      out += rest[..<start]
      let after = rest[rest.index(after: start)...]
      // A lone escape character is a character.
      guard let end = after.firstIndex(of: delimiters.escape) else {
        out += rest[start...]
        rest = ""
        break
      }
      out += replacement(after[..<end], delimiters)
      rest = after[after.index(after: end)...]
    }
    out += rest
    return out.isEmpty ? nil : out
  }

  private static func replacement(_ code: Substring, _ delimiters: HL7Delimiters) -> String {
    switch code {
    case "F": return String(delimiters.field)
    case "S": return String(delimiters.component)
    case "T": return String(delimiters.subcomponent)
    case "R": return String(delimiters.repetition)
    case "E": return String(delimiters.escape)
    case ".br", ".sp": return "\n"
    default:
      guard code.first == "X" else { return "" }
      let digits = Array(code.dropFirst())
      let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
        UInt8(String(digits[$0...$0 + 1]), radix: 16)
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}
