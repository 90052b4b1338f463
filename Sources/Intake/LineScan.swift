import DuckDB

/// Gives the lines of a file to SQL, piece by piece, as the table function `lakeward_intake_lines()`.
final class LineScan {
  static let function = "lakeward_intake_lines"
  private let pieceBytes: Int
  private let scan: RecordBatchScan
  private let batch = RecordBatch()

  /// - Parameter pieceBytes: How much of a file is in memory at once.
  init(connection: Connection, pieceBytes: Int) throws {
    self.pieceBytes = max(1 << 10, pieceBytes)
    scan = try connection.registerRecordBatch(name: Self.function)
  }

  /// Binds the file's lines to the function, piece by piece; `body` gets the position after the piece and the number of its
  /// lines that are neither blank nor the header.
  ///
  /// - Parameter headerLine: The number of the header's line, from 0; nil: there is none.
  func forEachPiece(
    of file: SourceFile, headerLine: Int64? = nil, _ body: (_ position: Int64, _ records: Int) throws -> Void
  ) throws {
    var position: Int64 = 0
    var line: Int64 = 0
    var size = pieceBytes
    defer { scan.clear() }
    while position < file.byteCount {
      scan.clear()
      try batch.removeAll()
      let split = try batch.appendLines(
        reading: Int(min(Int64(size), file.byteCount - position)), source: try batch.source(file.path),
        firstOffset: line, takeRest: position + Int64(size) >= file.byteCount
      ) { try file.read(at: position, into: $0) }
      if split.consumedBytes == 0 {
        guard size < RecordBatch.longestRecord / 2 else {
          throw IntakeError.lineTooLong(path: file.path, line: line + 1)
        }
        size *= 2
        continue
      }
      let holdsHeader = headerLine.map { (line..<line + Int64(split.lines)).contains($0) } ?? false
      position += Int64(split.consumedBytes)
      line += Int64(split.lines)
      scan.bind(batch)
      try body(position, split.records - (holdsHeader ? 1 : 0))
    }
  }
}
