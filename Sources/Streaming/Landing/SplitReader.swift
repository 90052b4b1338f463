internal import DuckDB
internal import Pipelines

/// Reads one registered split piece by piece, so that a batch may end within it.
protocol SplitReader: AnyObject {
  /// Line (or row) of the split that comes next.
  var nextLine: Int64 { get }
  /// Appends records, at most `records` of them, and stops soon after `bytes` of text. True: the split is at its end.
  ///
  /// - Throws: `LandingError`; `Vanished` if the bytes are gone; `Unreadable` if the file is not what its name says.
  func read(into batch: RecordBatch, source: Int, records: Int, bytes: Int) throws -> Bool
}

/// The bytes of a split are gone or were replaced.
struct Vanished: Error {}

/// The file is not what its name says.
struct Unreadable: Error {}

/// What all readers of a source's splits have in common.
struct SplitReading {
  var directory: LandingDirectory
  var partition: Int32
  var maxRecordBytes: Int
  var fields: [RecordField]

  /// A reader that begins at a line of a split.
  func open(_ split: LandingSplit, line: Int64) throws -> any SplitReader {
    guard try directory.isUnchanged(split) else { throw Vanished() }
    let (format, isCompressed) = LandingFormat.of(split.path)
    switch (format, isCompressed) {
    case (.ndjson, false): return try LineReader(split, self, line: line)
    case (.parquet, _): return try ParquetReader(split, self, row: line)
    default: return try TextReader(split, self, line: line)
    }
  }
}

/// Lines of NDJSON, read straight into the batch.
private final class LineReader: SplitReader {
  private let split: LandingSplit
  private let reading: SplitReading
  /// Next byte of the file.
  private var byte: Int64
  private(set) var nextLine: Int64 = 0
  private var bytesPerRecord = 256.0

  init(_ split: LandingSplit, _ reading: SplitReading, line: Int64) throws {
    self.split = split
    self.reading = reading
    byte = split.from
    while nextLine < line, byte < split.to {
      let end = min(split.to, byte + (1 << 20))
      let text = try reading.directory.bytes(split.path, byte..<end)
      for (index, value) in text.enumerated() where value == UInt8(ascii: "\n") {
        nextLine += 1
        if nextLine == line {
          byte += Int64(index) + 1
          return
        }
      }
      byte = end
    }
  }

  func read(into batch: RecordBatch, source: Int, records: Int, bytes: Int) throws -> Bool {
    var left = records
    let before = batch.byteCount
    var least = 1 << 16
    while byte < split.to, left > 0 {
      let bytesLeft = bytes - (batch.byteCount - before)
      guard bytesLeft > 0 || batch.isEmpty else { break }
      let wanted = max(least, min(Int(Double(left) * bytesPerRecord * 1.1), 32 << 20))
      // A record that is too large for the batch is given alone.
      let allowed = batch.isEmpty ? max(bytesLeft, least) : bytesLeft
      let length = min(Int(split.to - byte), wanted, allowed)
      let taken = try batch.appendLines(
        reading: length, source: source, partition: reading.partition,
        firstOffset: split.firstOffset + nextLine, takeRest: Int64(length) == split.to - byte,
        maxRecordBytes: reading.maxRecordBytes, maxRecords: bytesLeft < least ? min(left, 1) : left
      ) { buffer in
        guard try reading.directory.read(split.path, from: byte, into: buffer) == .whole else { throw Vanished() }
        return buffer.count
      }
      if taken.lines == 0 {
        // One line is longer than the piece: it goes alone into a batch of its own, or a longer piece is read.
        if !batch.isEmpty, length >= bytesLeft { break }
        least = length * 2
        continue
      }
      if taken.records > 0 { bytesPerRecord = max(16, Double(taken.consumedBytes) / Double(taken.records)) }
      byte += Int64(taken.consumedBytes)
      nextLine += Int64(taken.lines)
      left -= taken.records
    }
    return byte >= split.to
  }
}

/// Lines or rows of text that is decompressed or translated on its way: gzip, CSV.
private final class TextReader: SplitReader {
  private let split: LandingSplit
  private let reading: SplitReading
  private let gzip: GzipFile?
  private var header: CSVHeader?
  /// What was read and not taken yet.
  private var text: [UInt8] = []
  private var start = 0
  private var isAtEnd = false
  /// Next byte of an uncompressed file.
  private var byte: Int64
  private(set) var nextLine: Int64 = 0
  private var bytesPerRecord = 256.0
  private static let piece = 1 << 20

  init(_ split: LandingSplit, _ reading: SplitReading, line: Int64) throws {
    self.split = split
    self.reading = reading
    byte = split.from
    let (format, isCompressed) = LandingFormat.of(split.path)
    if isCompressed {
      guard let file = try GzipFile(path: reading.directory.root + "/" + split.path) else { throw Vanished() }
      gzip = file
    } else {
      gzip = nil
    }
    if format == .csv { try readHeader() }
    // Nothing remembers where a line begins in such text: read up to it.
    let skipped = RecordBatch()
    while nextLine < line, try !take(into: skipped, source: skipped.source(""), lines: Int(line - nextLine)) {
      try skipped.removeAll()
    }
  }

  /// The header stands at the file's beginning, wherever the split is.
  private func readHeader() throws {
    if split.from == 0 || gzip != nil {
      repeat {
        try more()
        header = text.withUnsafeBytes { CSVHeader($0, isWhole: isAtEnd, fields: reading.fields) }
      } while header == nil && !isAtEnd && text.count < 16 << 20
      guard let header else { throw Unreadable() }
      start = header.byteCount
      // The header is row 0.
      nextLine = 1
    } else {
      let head = try reading.directory.bytes(split.path, 0..<min(split.from, 1 << 20))
      header = head.withUnsafeBytes { CSVHeader($0, isWhole: true, fields: reading.fields) }
      guard header != nil else { throw Unreadable() }
    }
  }

  func read(into batch: RecordBatch, source: Int, records: Int, bytes: Int) throws -> Bool {
    var left = records
    let before = batch.byteCount
    while left > 0 {
      let count = batch.count
      let bytesLeft = bytes - (batch.byteCount - before)
      guard bytesLeft > 0 || batch.isEmpty else { break }
      let room = max(1, Int(Double(max(0, bytesLeft)) / bytesPerRecord))
      if try take(into: batch, source: source, records: min(left, room)) { return true }
      left -= batch.count - count
      if batch.count > 0 { bytesPerRecord = max(16, Double(batch.byteCount) / Double(batch.count)) }
    }
    return false
  }

  /// Takes records from the text in hand, reading more when there is no whole line; true at the split's end.
  private func take(
    into batch: RecordBatch, source: Int, records: Int = .max, lines: Int = .max
  ) throws -> Bool {
    if start == text.count {
      if isAtEnd { return true }
      try more()
    }
    let taken = try text.withUnsafeBytes { text in
      let rest = UnsafeRawBufferPointer(rebasing: text[start...])
      let offset = split.firstOffset + nextLine
      if let header {
        return try batch.appendRows(
          in: rest, columns: header.columns, source: source, partition: reading.partition, firstOffset: offset,
          takeRest: isAtEnd, maxRecordBytes: reading.maxRecordBytes, maxRecords: records, maxLines: lines)
      }
      return try batch.appendLines(
        in: rest, source: source, partition: reading.partition, firstOffset: offset, takeRest: isAtEnd,
        maxRecordBytes: reading.maxRecordBytes, maxRecords: records, maxLines: lines)
    }
    start += taken.consumedBytes
    nextLine += Int64(taken.lines)
    if taken.lines == 0, !isAtEnd { try more() }
    return isAtEnd && start == text.count
  }

  private func more() throws {
    text.removeFirst(start)
    start = 0
    let room = max(Self.piece, text.count)
    if let gzip {
      let old = text.count
      text.append(contentsOf: repeatElement(0, count: room))
      let count: Int
      do throws(GzipFile.Damaged) {
        let result = text.withUnsafeMutableBytes { buffer in
          Result { () throws(GzipFile.Damaged) in
            try gzip.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[old...]))
          }
        }
        count = try result.get()
      } catch {
        throw Unreadable()
      }
      text.removeLast(room - count)
      isAtEnd = count == 0
    } else {
      let end = min(split.to, byte + Int64(room))
      text += try reading.directory.bytes(split.path, byte..<end)
      byte = end
      isAtEnd = byte == split.to
    }
  }
}
