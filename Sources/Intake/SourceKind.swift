import Foundation

/// What a file holds, told by its beginning; its name only tells what it is not.
enum SourceKind: Sendable, Hashable {
  /// A CSV file; its header says which.
  case csv
  /// A Parquet file; its columns say which.
  case parquet
  /// One JSON value: a FHIR bundle or resource.
  case document
  /// A FHIR resource on each line.
  case lines
  /// HL7 version 2 messages.
  case messages
  /// None of these.
  case unknown

  /// Endings of files that are looked at; others in a folder are passed over.
  static let endings = ["csv", "parquet", "json", "ndjson", "jsonl", "hl7", "txt", "dat", "er7"]

  /// Whether a file of this name is looked at in a folder, and what its name is without `.gz`.
  static func base(of name: String) -> (name: String, isPacked: Bool)? {
    let isPacked = name.lowercased().hasSuffix(".gz")
    let base = isPacked ? String(name.dropLast(3)) : name
    let ending = (base as NSString).pathExtension.lowercased()
    return endings.contains(ending) ? (base, isPacked) : nil
  }

  /// - Parameters:
  ///   - name: The file's name without `.gz`.
  ///   - head: Its first bytes.
  static func recognise(name: String, head: [UInt8]) -> SourceKind {
    let ending = (name as NSString).pathExtension.lowercased()
    if head.starts(with: Array("PAR1".utf8)) { return .parquet }
    var start = head[...]
    if start.starts(with: [0xEF, 0xBB, 0xBF]) { start = start.dropFirst(3) }
    let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
    start = start.drop { isSpace($0) || $0 == 0 }
    for mark in ["MSH", "FHS", "BHS"] where start.starts(with: Array(mark.utf8)) { return .messages }
    if ending == "hl7" || ending == "er7" { return .messages }
    if ending == "csv" { return .csv }
    if ending == "ndjson" || ending == "jsonl" { return .lines }
    guard start.first == UInt8(ascii: "{") else { return ending == "json" ? .document : .unknown }
    // A document over several lines does not have a whole object on its first one.
    if let end = start.firstIndex(of: UInt8(ascii: "\n")) {
      let next = start[end...].drop(while: isSpace)
      let isWhole = start[..<end].last { !isSpace($0) } == UInt8(ascii: "}") && end - start.startIndex > 2
      if isWhole, next.first == UInt8(ascii: "{") { return .lines }
    }
    return .document
  }
}
