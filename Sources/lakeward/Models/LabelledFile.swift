internal import DuckDB
internal import Foundation

/// A file of labelled rows that somebody made: what it must be, and in plain words what is wrong with it.
struct LabelledFile {
  let path: String
  /// What DuckDB reads it by.
  let scan: String

  private let isParquet: Bool

  /// Throws if there is no such file, or nothing in it.
  init(_ path: String) throws {
    self.path = path
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    guard exists, !isFolder.boolValue, FileManager.default.isReadableFile(atPath: path) else {
      throw CommandFailure(
        "\(path): there is no such file, or it cannot be read\(isFolder.boolValue ? " (it is a folder)" : "")")
    }
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
    guard size != 0 else {
      throw CommandFailure("\(path) is empty; give a CSV file with a header line, or a Parquet file")
    }
    isParquet = path.lowercased().hasSuffix(".parquet")
    let literal = SQL.quote(literal: path)
    scan = isParquet ? "read_parquet(\(literal))" : "read_csv(\(literal), header = true)"
  }

  /// The names of its columns. Throws if it is not what its name says, or has no rows.
  func columns(_ connection: Connection) throws -> [String] {
    let kind = isParquet ? "Parquet" : "CSV with a header line"
    let names: [String]
    do {
      names = try connection.columns(of: "SELECT * FROM \(scan)").map(\.name)
    } catch {
      throw CommandFailure("\(path) cannot be read as \(kind); give a CSV or Parquet file")
    }
    if let uneven = unevenLine(names) { throw CommandFailure(uneven) }
    guard try !connection.query("SELECT 1 FROM \(scan) LIMIT 1").rows().isEmpty else {
      throw CommandFailure("\(path) has a header and no rows")
    }
    return names
  }

  /// A CSV file of which a line has more or fewer values than the header is taken by DuckDB for one of one column.
  private func unevenLine(_ names: [String]) -> String? {
    guard !isParquet, names.count == 1, let header = names.first,
      let separator = [",", ";", "\t", "|"].first(where: { header.contains($0) }),
      let text = try? String(contentsOfFile: path, encoding: .utf8)
    else { return nil }
    func values(_ line: Substring) -> Int { line.count { String($0) == separator } + 1 }
    let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
    guard let wanted = lines.first.map(values),
      let place = lines.firstIndex(where: { !$0.isEmpty && values($0) != wanted })
    else { return nil }
    return "\(path): line \(place + 1) has \(values(lines[place])) values where the header has \(wanted); mend the line"
  }

  /// The first value among `columns` of which no number can be made, or which is not finite; nil if there is none.
  /// - Parameter columns: Names in the file.
  func wrongValue(in columns: [String], _ connection: Connection) throws -> String? {
    for column in columns {
      let name = SQL.quote(identifier: column)
      let wrong = """
        SELECT count(*), min(place), bool_or(number IS NULL) FROM (
          SELECT row_number() OVER () AS place, \(name) AS value, TRY_CAST(\(name) AS DOUBLE) AS number FROM \(scan))
        WHERE value IS NOT NULL AND trim(value::VARCHAR) <> '' AND (number IS NULL OR isinf(number))
        """
      guard let row = try connection.query(wrong).rows().first, case .int(let count) = row[0], count > 0,
        case .int(let place) = row[1]
      else { continue }
      let what = row[2] == .bool(true) ? "what is no number" : "infinity"
      return
        "\(path): \(column) holds \(what) in \(count) of its rows, first in row \(place)"
        + "\(isParquet ? "" : " (line \(place + 1))"); write a number, or leave the value empty"
    }
    return nil
  }
}
