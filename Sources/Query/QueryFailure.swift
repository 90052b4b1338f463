internal import DuckDB

/// Says what is wrong with a query.
enum QueryFailure {
  /// DuckDB's text, and what the lake has instead of a table that is not there.
  static func text(_ error: DuckDBError, tables: [String], lake: String) -> String {
    let lines = error.detail.split(separator: "\n", omittingEmptySubsequences: false)
    let place = lines.firstIndex { $0.hasPrefix("LINE ") }.map { "\n" + lines[$0...].joined(separator: "\n") } ?? ""
    guard let name = missingTable(error) else {
      let body = lines.prefix { !$0.hasPrefix("LINE ") }.filter { !$0.isEmpty }
      return body.joined(separator: "\n") + place
    }
    let remedy: String
    if let guess = NearestWord.find(name.lowercased(), among: tables) {
      remedy = "did you mean \(guess)?"
    } else if tables.isEmpty {
      remedy = "the lake has no tables yet; lakeward run and lakeward import make them"
    } else {
      remedy = "there are: \(tables.joined(separator: ", "))"
    }
    return "\(lake)/tables holds no table \(name); \(remedy)\(place)"
  }

  /// The table that an error misses; nil if it is about something else.
  static func missingTable(_ error: DuckDBError) -> String? {
    guard error.kind == .catalog else { return nil }
    let detail = error.detail
    let start = "Table with name "
    guard let begin = detail.firstRange(of: start)?.upperBound,
      let end = detail[begin...].firstRange(of: " does not exist")?.lowerBound
    else { return nil }
    return String(detail[begin..<end])
  }
}
