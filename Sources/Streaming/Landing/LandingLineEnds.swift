internal import DuckDB

/// Line ends found by reading the files.
final class LandingLineEnds: LineEnds {
  private let directory: LandingDirectory
  /// Why the last file that could not be read could not.
  private(set) var failure: LandingError?
  private static let piece: Int64 = 1 << 16

  init(_ directory: LandingDirectory) { self.directory = directory }

  func last(in path: String, _ range: Range<Int64>) throws -> Int64? {
    if LandingFormat.of(path).format == .csv { return try rowEnd(in: path, range, from: nil) }
    var end = range.upperBound
    // Most ranges end with a line end, so the first look is a short one.
    var length: Int64 = 4096
    while end > range.lowerBound {
      let begin = max(range.lowerBound, end - length)
      let bytes = try bytes(path, begin..<end)
      if let index = bytes.lastIndex(of: UInt8(ascii: "\n")) { return begin + Int64(index) + 1 }
      end = begin
      length = Self.piece
    }
    return nil
  }

  func first(in path: String, _ range: Range<Int64>, from: Int64) throws -> Int64? {
    if LandingFormat.of(path).format == .csv { return try rowEnd(in: path, range, from: from) }
    var begin = from
    while begin < range.upperBound {
      let end = min(range.upperBound, begin + Self.piece)
      let bytes = try bytes(path, begin..<end)
      if let index = bytes.firstIndex(of: UInt8(ascii: "\n")) { return begin + Int64(index) + 1 }
      begin = end
    }
    return nil
  }

  /// In CSV a line end between quotes ends no row, so the text is read from a row's beginning: the last row end of the
  /// range, or the first one that is not before `from`.
  private func rowEnd(in path: String, _ range: Range<Int64>, from: Int64?) throws -> Int64? {
    let head = try bytes(path, 0..<min(range.upperBound, Self.piece))
    let delimiter = head.withUnsafeBytes { CSVHeader.delimiter(of: $0) }
    var state: UInt8 = 0
    var begin = range.lowerBound
    var found: Int64?
    while begin < range.upperBound {
      let end = min(range.upperBound, begin + 16 * Self.piece)
      let text = try bytes(path, begin..<end)
      let (piece, last) = text.withUnsafeBytes { text -> (Int, Int64?) in
        let isWanted = from.map { end > $0 } ?? false
        let position = CSVColumns.rowEnd(in: text, delimiter: delimiter, first: isWanted, state: &state)
        return (isWanted ? position ?? text.count : text.count, position.map { begin + Int64($0) })
      }
      begin += Int64(piece)
      if let last {
        found = last
        if let from, last > from { return last }
      }
    }
    return from == nil ? found : nil
  }

  func fingerprint(of path: String, before end: Int64) throws -> Int64? {
    try noted { try directory.fingerprint(of: path, before: end) }
  }

  /// A Parquet file ends in its magic number (Apache Parquet, "File format").
  func isComplete(_ path: String, size: Int64) throws -> Bool {
    guard LandingFormat.of(path).format == .parquet, size >= 12 else { return false }
    return try bytes(path, (size - 4)..<size) == Array("PAR1".utf8)
  }

  private func bytes(_ path: String, _ range: Range<Int64>) throws -> [UInt8] {
    try noted { try directory.bytes(path, range) }
  }

  private func noted<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as LandingError {
      failure = error
      throw error
    }
  }
}
