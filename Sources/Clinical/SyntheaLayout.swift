/// The column layout of one of Synthea's CSV files, newest names first, with the names of earlier versions as aliases.
///
/// Public data sets come from many versions, mostly unreleased ones: a file's layout is recognised by its header, never
/// by a version or a date. Lakeward's column names are the newest ones in lower case.
public struct SyntheaLayout: Sendable, Hashable {
  /// How a column's text is read.
  public enum Kind: Sendable, Hashable {
    /// As it is. Codes and postal codes stay text, so that no leading zero is lost.
    case text
    /// `YYYY-MM-DD`, the generating machine's local date.
    case date
    /// `YYYY-MM-DDTHH:MM:SSZ`; only a date in files of early versions.
    case timestamp
    /// A timestamp, a year alone, or a moment after the year 9999 that means "never" (Synthea issue 1360).
    case openTimestamp
  }

  /// A column.
  public struct Column: Sendable, Hashable {
    /// Lakeward's name: the newest name in lower case.
    public let name: String
    /// How its text is read.
    public let kind: Kind
    /// Names of earlier versions, in upper case.
    public let aliases: [String]
  }

  /// File name without `.csv`; the table is called `synthea_` and this.
  public let name: String
  /// Columns in the newest order.
  public let columns: [Column]

  /// Columns are written as `NAME`, `NAME:kind` and `NAME|ALIAS`, where kind is d(ate), t(imestamp) or o(pen timestamp).
  init(_ name: String, _ specification: String) {
    self.name = name
    columns = specification.split(separator: " ").map { word in
      let names = word.split(separator: "|")
      let parts = names[0].split(separator: ":")
      let kind: Kind =
        switch parts.count > 1 ? parts[1] : "" {
        case "d": .date
        case "t": .timestamp
        case "o": .openTimestamp
        default: .text
        }
      return Column(name: parts[0].lowercased(), kind: kind, aliases: names.dropFirst().map(String.init))
    }
  }

  /// Where each column stands in a file with this header, and which fields of the header belong to no column.
  public struct Mapping: Sendable, Hashable {
    /// For each column of the layout its position in a line, from 0; `nil` if the file does not have it.
    public let positions: [Int?]
    /// Positions of fields that the layout does not know.
    public let unknown: [Int]
  }

  /// Maps a header to this layout, without regard to letter case.
  public func map(header: [String]) -> Mapping {
    var free: [String: Int] = [:]
    for (position, name) in header.enumerated().reversed() {
      free[name.uppercased()] = position
    }
    var positions: [Int?] = columns.map { free.removeValue(forKey: $0.name.uppercased()) }
    for (index, column) in columns.enumerated() where positions[index] == nil {
      for alias in column.aliases where positions[index] == nil {
        positions[index] = free.removeValue(forKey: alias)
      }
    }
    let used = Set(positions.compactMap { $0 })
    return Mapping(positions: positions, unknown: header.indices.filter { !used.contains($0) })
  }

  /// The layout that a header belongs to; `nil` if it is none of Synthea's.
  ///
  /// - Parameter fileName: The file's name without `.csv`, which decides between layouts that fit equally well (early
  ///   versions of conditions and careplans, supplies and devices share their columns).
  public static func recognise(header: [String], fileName: String) -> SyntheaLayout? {
    var best: (layout: SyntheaLayout, score: Int)?
    for layout in all {
      let mapping = layout.map(header: header)
      let known = header.count - mapping.unknown.count
      let missing = layout.columns.count - known
      // Most of the header must be known; a missing column costs less than an unknown one.
      guard known >= 3, known * 3 >= header.count * 2 else { continue }
      let score = known * 4 - mapping.unknown.count * 4 - missing + (layout.name == fileName.lowercased() ? 12 : 0)
      if score > best?.score ?? .min { best = (layout, score) }
    }
    return best?.layout
  }
}
