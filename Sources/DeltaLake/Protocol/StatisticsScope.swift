/// Which columns of a table have bounds and null counts in the log: the columns that
/// `delta.dataSkippingStatsColumns` lists, else the first `delta.dataSkippingNumIndexedCols` (32), counted by leaves.
///
/// Bounds are values of rows and the log is read by more people than the rows are, so nothing may go beyond the list.
enum StatisticsScope: Sendable, Hashable {
  /// So many leaf columns from the left.
  case first(Int)
  /// These columns with all that is inside them, as paths of physical names.
  case columns(Set<[String]>)

  /// - Parameter fields: the columns of the files by their logical names.
  init(_ configuration: [String: String], _ fields: [StructField], _ mapping: ColumnMapping) {
    guard let list = configuration["delta.dataSkippingStatsColumns"] else {
      let limit = configuration["delta.dataSkippingNumIndexedCols"].flatMap { Int($0) } ?? 32
      self = .first(limit < 0 ? Int.max : limit)
      return
    }
    self = .columns(Set(Self.names(list).compactMap { Self.physicalPath($0[...], fields, mapping) }))
  }

  /// Whether a leaf column has statistics.
  ///
  /// - Parameters:
  ///   - path: the column's path of physical names.
  ///   - index: number of leaf columns before it.
  func contains(_ path: [String], index: Int) -> Bool {
    switch self {
    case .first(let limit): index < limit
    case .columns(let columns): (1...path.count).contains { columns.contains(Array(path.prefix($0))) }
    }
  }

  /// Whether a column, or one inside it, has statistics; always true without a list.
  func reaches(_ path: [String]) -> Bool {
    guard case .columns(let columns) = self else { return true }
    return contains(path, index: 0) || columns.contains { $0.starts(with: path) }
  }

  /// The names of a list such as `` id, person.name, `a,b`.`c``d` ``; quotes are backticks, or as in SQL.
  static func names(_ list: String) -> [[String]] {
    var names: [[String]] = []
    var parts: [String] = []
    var part = ""
    var isQuoted = false
    var rest = list[...]
    func trimmed(_ text: String) -> String {
      String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
    func endPart() {
      let name = isQuoted ? part : trimmed(part)
      if !name.isEmpty { parts.append(name) }
      part = ""
      isQuoted = false
    }
    func endName() {
      endPart()
      if !parts.isEmpty { names.append(parts) }
      parts = []
    }
    while let character = rest.popFirst() {
      switch character {
      case ",": endName()
      case ".": endPart()
      case "`" where trimmed(part).isEmpty, "\"" where trimmed(part).isEmpty:
        part = ""
        isQuoted = true
        while let inner = rest.popFirst() {
          if inner == character {
            guard rest.first == character else { break }
            rest.removeFirst()
          }
          part.append(inner)
        }
      case _ where isQuoted && character.isWhitespace: continue
      default: part.append(character)
      }
    }
    endName()
    return names
  }

  /// Names match but for upper and lower case, as everywhere in a table; nil for a column that the files lack.
  private static func physicalPath(
    _ names: ArraySlice<String>, _ fields: [StructField], _ mapping: ColumnMapping
  ) -> [String]? {
    guard let name = names.first, let field = Schema(fields)[name] else { return nil }
    let path = [field.physicalName(mapping)]
    guard names.count > 1 else { return path }
    guard case .structure(let members) = field.type,
      let rest = physicalPath(names.dropFirst(), members, mapping)
    else { return nil }
    return path + rest
  }
}
