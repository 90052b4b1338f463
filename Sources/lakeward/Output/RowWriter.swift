internal import Query
internal import DuckDB

/// How rows are written.
enum OutputFormat: String, CaseIterable {
  /// Aligned columns for people.
  case table
  /// RFC 4180 with a header; NULL is an empty field, an empty string is `""`.
  case csv
  /// One JSON array, an object per line.
  case json
  /// An object per line.
  case ndjson
  /// A Parquet file.
  case parquet

  /// The format of `--format`, else the one that the output file's name ends with, else a table.
  init(_ arguments: Arguments, among formats: [OutputFormat] = OutputFormat.allCases) throws {
    let words = formats.map(\.rawValue)
    if let word = arguments.text("format") {
      guard let format = Self(rawValue: word.lowercased()), formats.contains(format) else {
        let guess = nearest(to: word, among: words).map { "; did you mean \($0)?" } ?? ""
        throw UsageError("--format \(word): give \(words.joined(separator: ", "))\(guess)")
      }
      self = format
    } else if let file = arguments.text("output") {
      let ending = file.split(separator: ".").last.map { $0.lowercased() } ?? ""
      let aliases = ["jsonl": "ndjson", "txt": "table"]
      guard let format = Self(rawValue: aliases[ending] ?? ending), formats.contains(format), file.contains(".") else {
        throw UsageError("--output \(file): say how it is written: --format \(words.joined(separator: "|"))")
      }
      self = format
    } else {
      self = .table
    }
  }
}

/// Some rows, column by column.
struct RowBatch {
  /// As many values in every column.
  var columns: [[Value]]

  /// Rows.
  var count: Int { columns.first?.count ?? 0 }

  /// Values column by column.
  init(columns: [[Value]]) { self.columns = columns }

  /// Values row by row.
  init(rows: [[Value]], width: Int) {
    columns = (0..<width).map { column in rows.map { $0[column] } }
  }
}

/// Writes a result's rows in one format.
protocol RowWriter {
  /// Starts with the names and types of the columns.
  mutating func begin(_ columns: [Column]) throws
  /// Takes the next rows.
  mutating func write(_ batch: RowBatch) throws
  /// Ends. `note` is the closing line of formats for people.
  mutating func end(note: String) throws
}

extension OutputFormat {
  /// A writer to `sink`; nil for Parquet, which DuckDB writes.
  /// - Parameter rowLimit: How many rows a table shows; nil: all.
  func writer(to sink: OutputSink, rowLimit: Int? = nil) -> (any RowWriter)? {
    switch self {
    case .table: TableWriter(sink, width: sink.terminalWidth, rowLimit: rowLimit)
    case .csv: CSVWriter(sink)
    case .json: JSONRowWriter(sink, isArray: true)
    case .ndjson: JSONRowWriter(sink, isArray: false)
    case .parquet: nil
    }
  }

  /// Writes rows that are in memory already.
  func write(_ columns: [Column], _ rows: [[Value]], to sink: OutputSink, note: String) throws {
    guard var writer = writer(to: sink) else { throw UsageError("--format parquet is for lakeward query") }
    try writer.begin(columns)
    try writer.write(RowBatch(rows: rows, width: columns.count))
    try writer.end(note: note)
    try sink.finish()
  }
}

/// Comma-separated values.
struct CSVWriter: RowWriter {
  private let sink: OutputSink

  init(_ sink: OutputSink) { self.sink = sink }

  mutating func begin(_ columns: [Column]) throws {
    var line: [UInt8] = []
    for (index, column) in columns.enumerated() {
      if index > 0 { line.append(UInt8(ascii: ",")) }
      CSVText.append(column.name, to: &line)
    }
    line.append(UInt8(ascii: "\n"))
    try sink.write(line)
  }

  mutating func write(_ batch: RowBatch) throws {
    var out: [UInt8] = []
    for row in 0..<batch.count {
      for (index, column) in batch.columns.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        if let text = ValueText.cell(column[row]) { CSVText.append(text, to: &out) }
      }
      out.append(UInt8(ascii: "\n"))
    }
    try sink.write(out)
  }

  mutating func end(note: String) throws {}
}

/// JSON objects, one per line, alone or as the elements of an array.
struct JSONRowWriter: RowWriter {
  private let sink: OutputSink
  private let isArray: Bool
  /// `"name":` of every column.
  private var keys: [[UInt8]] = []
  private var isJSON: [Bool] = []
  private var isFirst = true

  init(_ sink: OutputSink, isArray: Bool) {
    self.sink = sink
    self.isArray = isArray
  }

  mutating func begin(_ columns: [Column]) throws {
    // A name that is there twice would make an object with a lost member.
    keys = Self.distinct(columns.map(\.name)).map { name in
      var key: [UInt8] = []
      ValueText.appendJSONString(name, to: &key)
      key.append(UInt8(ascii: ":"))
      return key
    }
    isJSON = columns.map { $0.type == .json }
    if isArray { try sink.write(Array("[".utf8)) }
  }

  mutating func write(_ batch: RowBatch) throws {
    var out: [UInt8] = []
    for row in 0..<batch.count {
      if isArray { out += (isFirst ? "\n" : ",\n").utf8 }
      isFirst = false
      out.append(UInt8(ascii: "{"))
      for (index, column) in batch.columns.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        out += keys[index]
        if isJSON[index], case .string(let text) = column[row] {
          // Line ends outside strings mean nothing in JSON; inside, JSON escapes them.
          out += text.utf8.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
        } else {
          ValueText.appendJSON(column[row], to: &out)
        }
      }
      out.append(UInt8(ascii: "}"))
      if !isArray { out.append(UInt8(ascii: "\n")) }
    }
    try sink.write(out)
  }

  mutating func end(note: String) throws {
    if isArray { try sink.write(Array("\n]\n".utf8)) }
  }

  /// Names of which none is there twice: `a`, `a_1`, `a_2`.
  static func distinct(_ names: [String]) -> [String] {
    var taken = Set(names)
    var seen: Set<String> = []
    return names.map { name in
      if seen.insert(name).inserted { return name }
      var number = 1
      while taken.contains("\(name)_\(number)") { number += 1 }
      taken.insert("\(name)_\(number)")
      return "\(name)_\(number)"
    }
  }
}
