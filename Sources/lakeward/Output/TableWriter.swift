internal import Query
internal import DuckDB

/// Aligned columns for people.
///
/// Column widths come from the first rows; a terminal's width is kept by cutting the widest columns and, if that is not
/// enough, leaving out columns in the middle. Control characters are shown escaped, so that no value can steer the
/// terminal.
struct TableWriter: RowWriter {
  /// Rows that are looked at before the first is written.
  private static let sample = 1_000
  /// A column that is cut keeps at least this many characters.
  private static let narrowest = 6
  private static let gap = 2

  private let sink: OutputSink
  private let width: Int?
  private let rowLimit: Int?
  private var columns: [Column] = []
  private var held: [[String]] = []
  private var layout: Layout?
  private var shown = 0
  private var total = 0

  /// - Parameters:
  ///   - width: The terminal's width; nil: columns are as wide as they need.
  ///   - rowLimit: Rows to show; nil: all.
  init(_ sink: OutputSink, width: Int?, rowLimit: Int? = nil) {
    self.sink = sink
    self.width = width
    self.rowLimit = rowLimit
  }

  mutating func begin(_ columns: [Column]) throws { self.columns = columns }

  mutating func write(_ batch: RowBatch) throws {
    let wanted = min(batch.count, max(0, (rowLimit ?? .max) - shown))
    total += batch.count
    for row in 0..<wanted {
      let cells = batch.columns.map { Self.printable(ValueText.cell($0[row]) ?? "NULL") }
      shown += 1
      if let layout {
        try sink.write(layout.line(cells))
      } else {
        held.append(cells)
        if held.count == Self.sample { try writeHeld() }
      }
    }
  }

  mutating func end(note: String) throws {
    if layout == nil { try writeHeld() }
    let rows = total == 1 ? "1 row" : "\(Console.grouped(total)) rows"
    let rest = shown < total ? ", the first \(Console.grouped(shown)) shown" : ""
    let columns = layout?.hidden ?? 0
    let left = columns == 0 ? "" : ", \(columns == 1 ? "1 column" : "\(columns) columns") left out"
    try sink.write("(\([rows + rest + left, note].filter { !$0.isEmpty }.joined(separator: ", ")))\n")
  }

  private mutating func writeHeld() throws {
    let headers = columns.map { Self.printable($0.name) }
    let layout = Layout(headers, columns.map { Self.isNumeric($0.type) }, held, width: width)
    if !columns.isEmpty {
      try sink.write(layout.line(headers))
      try sink.write(layout.rule())
    }
    for cells in held { try sink.write(layout.line(cells)) }
    held = []
    self.layout = layout
  }

  private static func isNumeric(_ type: LogicalType) -> Bool {
    switch type {
    case .tinyint, .smallint, .integer, .bigint, .hugeint, .utinyint, .usmallint, .uinteger, .ubigint, .uhugeint,
      .float, .double, .decimal, .bignum:
      true
    default: false
    }
  }

  /// Text without control characters.
  static func printable(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isUnprintable) else { return text }
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case _ where isUnprintable(scalar): out += "\\u{\(String(scalar.value, radix: 16))}"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  private static func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    // C0, DEL and C1 controls; marks that turn the direction of what follows.
    case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  /// Columns on a terminal that a text takes.
  static func displayWidth(_ text: String) -> Int {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
    return text.reduce(0) { $0 + characterWidth($1) }
  }

  private static func characterWidth(_ character: Character) -> Int {
    guard let scalar = character.unicodeScalars.first else { return 0 }
    switch scalar.value {
    // East Asian Wide and Fullwidth (Unicode Standard Annex 11), in its large blocks.
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      return 2
    case 0x300...0x36F, 0x200B...0x200F: return 0
    default: return 1
    }
  }

  /// The text cut to a width, with `…` where something is missing.
  static func cut(_ text: String, to width: Int) -> String {
    guard displayWidth(text) > width else { return text }
    var out = ""
    var used = 1
    for character in text {
      let next = characterWidth(character)
      guard used + next <= width else { break }
      out.append(character)
      used += next
    }
    return out + "…"
  }

  /// Which columns are shown, how wide, and on which side their text stands.
  struct Layout {
    private(set) var widths: [Int]
    private let rightAligned: [Bool]
    /// Columns that are shown, in order; a gap in their numbers is drawn as `…`.
    private(set) var visible: [Int]
    private let isCut: Bool

    /// Columns for which there was no room.
    var hidden: Int { widths.count - visible.count }

    init(_ headers: [String], _ rightAligned: [Bool], _ rows: [[String]], width limit: Int?) {
      self.rightAligned = rightAligned
      var widths = headers.map(displayWidth)
      for row in rows {
        for (index, cell) in row.enumerated() { widths[index] = max(widths[index], displayWidth(cell)) }
      }
      visible = Array(headers.indices)
      isCut = limit != nil
      if let limit {
        Self.shrink(&widths, to: limit)
        while visible.count > 2, Self.total(visible.map { widths[$0] }, isGapped: visible.count < widths.count) > limit
        {
          visible.remove(at: visible.count / 2)
        }
      }
      self.widths = widths
    }

    private static func total(_ widths: [Int], isGapped: Bool = false) -> Int {
      widths.reduce(0, +) + gap * max(0, widths.count - 1) + (isGapped ? 1 + gap : 0)
    }

    /// Takes from the widest columns, one character at a time, until the table fits or all are narrow.
    private static func shrink(_ widths: inout [Int], to limit: Int) {
      var excess = total(widths) - limit
      while excess > 0, let widest = widths.indices.max(by: { widths[$0] < widths[$1] }), widths[widest] > narrowest {
        let next = widths.filter { $0 < widths[widest] }.max() ?? narrowest
        let peers = widths.count { $0 == widths[widest] }
        let step = max(1, min((excess + peers - 1) / peers, widths[widest] - max(next, narrowest)))
        widths[widest] -= step
        excess -= step
      }
    }

    func line(_ cells: [String]) -> String {
      assemble(cells) { cell, width, isRight in
        let text = isCut ? cut(cell, to: width) : cell
        let padding = String(repeating: " ", count: max(0, width - displayWidth(text)))
        return isRight ? padding + text : text + padding
      }
    }

    /// The line between the header and the rows.
    func rule() -> String {
      assemble(widths.map { _ in "" }) { _, width, _ in String(repeating: "─", count: width) }
    }

    private func assemble(_ cells: [String], _ draw: (String, Int, Bool) -> String) -> String {
      var parts: [String] = []
      var last = -1
      for index in visible {
        if index != last + 1 { parts.append("…") }
        parts.append(draw(cells[index], widths[index], rightAligned[index]))
        last = index
      }
      var text = parts.joined(separator: String(repeating: " ", count: gap))
      while text.last == " " { text.removeLast() }
      return text + "\n"
    }
  }
}
