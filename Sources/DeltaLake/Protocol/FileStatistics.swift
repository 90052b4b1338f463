internal import JSON

/// Statistics of a file as add actions hold them (PROTOCOL.md, "Per-file Statistics").
enum FileStatistics {
  /// What is known of one column of a file.
  struct ColumnStatistics: Sendable, Hashable {
    /// Values as DuckDB prints them; nil if unknown.
    var minimum: String?
    var maximum: String?
    var nullCount: Int64?
  }

  /// Longest string kept as a bound, in Unicode scalars.
  static let stringPrefix = 32

  /// The number of records, without reading the rest.
  static func numRecords(_ text: String?) -> Int64? {
    guard var text else { return nil }
    return text.withUTF8 { bytes in
      var reader = JSONReader(bytes)
      var count: Int64?
      try? reader.readObject { (reader, key) throws(JSONError) in
        if key == "numRecords" {
          if try !reader.readNull() { count = try reader.readInt64() }
        } else {
          try reader.skipValue()
        }
      }
      return count
    }
  }

  /// The JSON of a file with these columns, keyed by their path of physical names.
  ///
  /// - Parameter scope: the leaf columns that get bounds and null counts.
  static func json(
    rows: Int64, columns: [[String]: ColumnStatistics], fields: [StructField], scope: StatisticsScope,
    tightBounds: Bool = true
  ) -> String {
    var leaves = 0
    let tree = collect(fields, [], columns, scope, &leaves)
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("numRecords", rows)
    for (key, value) in [("minValues", tree.minimum), ("maxValues", tree.maximum), ("nullCount", tree.nullCount)]
    where !value.members.isEmpty {
      writer.key(key)
      writeTree(value, &writer)
    }
    writer.member("tightBounds", tightBounds)
    writer.endObject()
    return writer.text
  }

  /// A tree whose leaves are JSON texts, so that decimals keep their digits.
  private struct Tree {
    indirect enum Node {
      case leaf(String)
      case branch(Tree)
    }
    var members: [(String, Node)] = []
  }

  private static func writeTree(_ tree: Tree, _ writer: inout JSONWriter) {
    writer.beginObject()
    for (key, node) in tree.members {
      writer.key(key)
      switch node {
      case .leaf(let text): writer.raw(text)
      case .branch(let branch): writeTree(branch, &writer)
      }
    }
    writer.endObject()
  }

  private static func collect(
    _ fields: [StructField], _ prefix: [String], _ columns: [[String]: ColumnStatistics],
    _ scope: StatisticsScope, _ leaves: inout Int
  ) -> (minimum: Tree, maximum: Tree, nullCount: Tree) {
    var minimum = Tree()
    var maximum = Tree()
    var nullCount = Tree()
    for field in fields {
      let path = prefix + [field.name]
      if case .structure(let members) = field.type {
        let inner = collect(members, path, columns, scope, &leaves)
        if !inner.minimum.members.isEmpty { minimum.members.append((field.name, .branch(inner.minimum))) }
        if !inner.maximum.members.isEmpty { maximum.members.append((field.name, .branch(inner.maximum))) }
        if !inner.nullCount.members.isEmpty { nullCount.members.append((field.name, .branch(inner.nullCount))) }
        continue
      }
      let index = leaves
      leaves += 1
      guard scope.contains(path, index: index), let column = columns[path] else { continue }
      if let count = column.nullCount { nullCount.members.append((field.name, .leaf(String(count)))) }
      if let text = column.minimum, let bound = bound(text, field.type, isMaximum: false) {
        minimum.members.append((field.name, .leaf(bound)))
      }
      if let text = column.maximum, let bound = bound(text, field.type, isMaximum: true) {
        maximum.members.append((field.name, .leaf(bound)))
      }
    }
    return (minimum, maximum, nullCount)
  }

  /// The JSON text of a bound; nil where the type has none or the value cannot be written.
  static func bound(_ text: String, _ type: DataType, isMaximum: Bool) -> String? {
    switch type {
    case .byte, .short, .integer, .long: return Int64(text).map(String.init)
    case .decimal: return isPlainNumber(text) ? text : nil
    case .float, .double:
      guard let value = Double(text), value.isFinite else { return nil }
      return isPlainNumber(text) ? text : "\(value)"
    case .date: return CalendarTime.parseDate(text).map { _ in "\"\(text)\"" }
    case .timestamp:
      return CalendarTime.parseTimestamp(text).flatMap {
        CalendarTime.timestamp(microseconds: $0, digits: 3, suffix: "Z").map { "\"\($0)\"" }
      }
    case .timestampNTZ:
      return CalendarTime.parseTimestamp(text).flatMap {
        CalendarTime.timestamp(microseconds: $0, digits: 3).map { "\"\($0)\"" }
      }
    case .string: return JSONValue.string(truncated(text, isMaximum: isMaximum)).text
    default: return nil
    }
  }

  /// The first 32 scalars; a maximum that loses some gets a tie-breaker above every continuation.
  static func truncated(_ text: String, isMaximum: Bool) -> String {
    let scalars = text.unicodeScalars
    guard let end = scalars.index(scalars.startIndex, offsetBy: stringPrefix, limitedBy: scalars.endIndex),
      end != scalars.endIndex
    else { return text }
    let prefix = String(scalars[..<end])
    return isMaximum ? prefix + "\u{10FFFF}" : prefix
  }

  private static func isPlainNumber(_ text: String) -> Bool {
    var digits = text.utf8[...]
    if digits.first == UInt8(ascii: "-") { digits = digits.dropFirst() }
    guard let first = digits.first, (0x30...0x39).contains(first), let last = digits.last, last != UInt8(ascii: ".")
    else { return false }
    return digits.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
  }

  /// The statistics without the columns that a list leaves out; nil if there is nothing to leave out.
  ///
  /// Numbers are kept digit by digit.
  static func narrowed(_ text: String, to scope: StatisticsScope) -> String? {
    guard case .columns = scope else { return nil }
    var text = text
    var writer = JSONWriter()
    var isNarrowed = false
    let isRead = text.withUTF8 { bytes in
      var reader = JSONReader(bytes)
      func copy(_ reader: inout JSONReader, _ path: [String]?) throws(JSONError) {
        guard try reader.peek() == UInt8(ascii: "{") else {
          let start = reader.offset
          try reader.skipValue()
          writer.raw(String(decoding: bytes[start..<reader.offset], as: UTF8.self))
          return
        }
        writer.beginObject()
        try reader.readObject { (reader, key) throws(JSONError) in
          var inner: [String]?
          if let path {
            inner = path + [key]
          } else if ["minValues", "maxValues", "nullCount"].contains(key) {
            inner = []
          }
          if let inner, !inner.isEmpty, !scope.reaches(inner) {
            isNarrowed = true
            try reader.skipValue()
            return
          }
          writer.key(key)
          try copy(&reader, inner)
        }
        writer.endObject()
      }
      return (try? copy(&reader, nil)) != nil
    }
    return isRead && isNarrowed ? writer.text : nil
  }
}
