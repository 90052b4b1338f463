internal import JSON
internal import DuckDB
internal import Models
internal import Pipelines

/// Finds out by which values a view can be computed piecewise, by asking DuckDB's optimizer.
///
/// That is by its partitions, or by a key of its rows. A condition on a column of the view is put behind the view's SQL,
/// over empty tables. Where the optimizer carries that condition down to the scan of an input, it has proved that only
/// rows of the input that meet it matter for rows of the view that do. So the condition's argument at the scan is the key that a row of the input belongs to. The proof
/// covers groups, windows, joins, set operations and anything else; where there is none (a window across keys, a
/// LIMIT), the condition stays above.
struct LineageFinder {
  /// Two conditions. Both mean nothing to the optimizer beyond what they say.
  private enum Probe {
    /// `hash(p) <> N`: goes where the column itself goes, NULL and all.
    case opaque
    /// `p = constant`: goes through equalities of joins too, but leaves NULL out.
    case constant(String)
  }

  private static let number = "7342915568021346"
  /// The optimizer must neither rewrite the probe nor conclude from the tables' being empty. The window elimination fails
  /// on an internal error where a probe meets it (DuckDB 1.5.5).
  private static let disabled = [
    "expression_rewriter", "statistics_propagation", "join_order", "build_side_probe_side",
    "compressed_materialization",
    "late_materialization", "top_n_window_elimination", "empty_result_pullup",
  ]

  private let pipeline: Pipeline
  private let view: TableDefinition
  private let connection: Connection
  private var tables: [String] = []
  private let sql: String

  /// A connection to a database of its own, since what the optimizer must not do is set for a whole database.
  /// - Parameter models: The models that the views' SQL asks.
  static func probingConnection(models: LiveModels?) throws -> Connection {
    let connection = try QueryEngine(lake: Lake(root: "."), threads: 1).connect()
    try connection.execute("SET disabled_optimizers = \(SQL.quote(literal: disabled.joined(separator: ",")))")
    if let models { try ScoringFunctions.register(models, on: connection) }
    return connection
  }

  /// - Parameters:
  ///   - probing: What `probingConnection` made; it may serve one view after the other.
  ///   - columns: Gives the columns of a table that the view reads.
  init(
    _ view: TableDefinition, of pipeline: Pipeline, probing: Connection, columns: (String) throws -> [Column]
  ) throws {
    self.pipeline = pipeline
    self.view = view
    connection = probing
    var tables: [String] = []
    let connection = connection
    sql = try pipeline.select(view) { reference in
      let stub = "r\(tables.count)"
      let list = try columns(reference.name).map { "\(SQL.quote(identifier: $0.name)) \($0.type.description)" }
      try connection.execute("CREATE OR REPLACE TABLE \(stub) (\(list.joined(separator: ", ")))")
      tables.append(reference.name)
      return stub
    }
    self.tables = tables
  }

  /// - Parameters:
  ///   - names: The columns to look at, as far as the view has them: those are taken that most places tell.
  ///   - key: A column that must be among them; nil for none.
  /// - Throws: the view's SQL does not bind.
  func find(by names: [String], with key: String? = nil) throws -> ViewLineage {
    let columns = try connection.columns(of: sql)
    var lineage = ViewLineage(columns: columns, keyColumns: [], inputs: tables.map { ViewInput(table: $0, keys: []) })
    var found: [(column: Column, expressions: [[String]])] = []
    for name in names + (key.map { [$0] } ?? []) {
      guard let column = columns.first(where: { $0.name.lowercased() == name.lowercased() }) else { continue }
      found.append((column, expressions(for: column)))
    }
    // The columns that most places tell, and of these all that the same places tell.
    func places(_ expressions: [[String]]) -> [Bool] { expressions.map { !$0.isEmpty } }
    let wanted = key.map { key in found.filter { $0.column.name.lowercased() == key.lowercased() } } ?? found
    let most = wanted.map { places($0.expressions) }.max { one, other in
      one.count { $0 } < other.count { $0 }
    }
    guard let most, most.contains(true) else { return lineage }
    let keys = found.filter { places($0.expressions) == most }
    lineage.keyColumns = keys.map(\.column.name)
    for place in tables.indices where most[place] {
      lineage.inputs[place].keys = keys.map { $0.expressions[place] }
    }
    return lineage
  }

  /// For each place, the expressions that stand for a column there; none where the optimizer proves nothing.
  private func expressions(for column: Column) -> [[String]] {
    let opaque = scans(.opaque, column)
    var result = tables.indices.map { proved(opaque.scans[$0], at: $0, column) }
    // Through an equality NULL is left out, which is sound if the column comes from an input that tells it, NULL and all.
    if opaque.isAtLeaf, result.contains(where: \.isEmpty), let literal = Self.literal(column.type) {
      let constant = scans(.constant(literal), column)
      for place in tables.indices where result[place].isEmpty {
        result[place] = proved(constant.scans[place], at: place, column)
      }
    }
    return result
  }

  /// The different expressions of all scans of a place, if each has one that means here what it meant there.
  private func proved(_ scans: [String?]?, at place: Int, _ column: Column) -> [String] {
    guard let scans, !scans.isEmpty else { return [] }
    var expressions: [String] = []
    for scan in scans {
      guard let scan else { return [] }
      if !expressions.contains(scan) { expressions.append(scan) }
    }
    let bind = expressions.allSatisfy {
      (try? connection.columns(of: "SELECT (\($0)) FROM r\(place)"))?.first?.type == column.type
    }
    return bind ? expressions : []
  }

  /// A constant of a type that no condition of a pipeline will name; nil for types that have none here.
  private static func literal(_ type: LogicalType) -> String? {
    switch type {
    case .date: "DATE '1234-05-06'"
    case .integer, .bigint: "1239875"
    case .varchar: "'lakeward 1239875'"
    default: nil
    }
  }

  // MARK: Plans

  /// What a plan shows: for each place the probe's argument at each of its scans, nil where the probe is not; and whether
  /// the probe has come down to rows as an input gives them anywhere.
  private struct Shown {
    var scans: [[String?]?]
    var isAtLeaf = false
  }

  private func scans(_ probe: Probe, _ column: Column) -> Shown {
    var shown = Shown(scans: tables.map { _ in nil })
    let name = "v.\(SQL.quote(identifier: column.name))"
    let condition =
      switch probe {
      case .opaque: "hash(\(name)) <> \(Self.number)"
      case .constant(let literal): "\(name) = \(literal)"
      }
    let explain = "EXPLAIN (FORMAT json) SELECT * FROM (\(sql)\n) AS v WHERE \(condition)"
    // An error here only means that nothing is proved.
    guard let text = try? connection.query(explain).rows().first?.last?.stringValue,
      let nodes = JSONValue(parsing: text)?.array
    else { return shown }
    func argument(_ filters: [String]) -> String? {
      filters.lazy.compactMap { filter in
        switch probe {
        case .opaque: PlanText.opaqueArgument(filter, number: Self.number)
        case .constant: PlanText.comparedWithConstant(filter, mark: Self.mark(column.type))
        }
      }.first
    }
    func visit(_ node: JSONObject, above: [String]) {
      let name = (node["name"]?.string ?? "").trimmingSpaces
      let info = node["extra_info"]?.object
      let children = (node["children"]?.array ?? []).compactMap(\.object)
      switch name {
      case "SEQ_SCAN":
        let filters = PlanText.texts(info?["Filters"]) + above
        let found = argument(filters)
        if found != nil { shown.isAtLeaf = true }
        if let table = info?["Table"]?.string, let place = Int(table.split(separator: ".").last?.dropFirst() ?? ""),
          tables.indices.contains(place)
        {
          shown.scans[place] = (shown.scans[place] ?? []) + [found]
        }
      case "CTE_SCAN": if argument(above) != nil { shown.isAtLeaf = true }
      default:
        let passed = name == "FILTER" ? PlanText.texts(info?["Expression"]) : []
        for child in children { visit(child, above: passed) }
      }
    }
    for node in nodes.compactMap(\.object) { visit(node, above: []) }
    return shown
  }

  /// How a plan writes the constant.
  private static func mark(_ type: LogicalType) -> String {
    switch type {
    case .date: "'1234-05-06'::DATE"
    case .varchar: "'lakeward 1239875'"
    default: "1239875"
    }
  }
}

/// Reads the conditions of a plan. Pure.
enum PlanText {
  /// One text or a list of them.
  static func texts(_ value: JSONValue?) -> [String] {
    value?.string.map { [$0] } ?? value?.array?.compactMap(\.string) ?? []
  }

  /// The argument of `hash(…) != number`.
  static func opaqueArgument(_ filter: String, number: String) -> String? {
    let bytes = Array(filter.utf8)
    let call = Array("(hash(".utf8)
    let end = Array(") != \(number))".utf8)
    var start = 0
    while let range = bytes[start...].firstRange(of: call) {
      if let close = closing(bytes, from: range.upperBound), bytes[close...].starts(with: end) {
        return String(decoding: bytes[range.upperBound..<close], as: UTF8.self)
      }
      start = range.lowerBound + 1
    }
    return nil
  }

  /// What `(… = mark)` or, for a plain column, `…=mark` compares.
  static func comparedWithConstant(_ filter: String, mark: String) -> String? {
    if filter.hasSuffix("=" + mark) {
      let column = String(filter.dropLast(mark.count + 1))
      return isPlainName(column) ? column : nil
    }
    let bytes = Array(filter.utf8)
    let end = Array(" = \(mark))".utf8)
    for start in bytes.indices where bytes[start] == UInt8(ascii: "(") {
      guard let close = closing(bytes, from: start + 1), close + 1 >= end.count else { continue }
      let tail = close + 1 - end.count
      // The comparison must be the outermost thing in these parentheses.
      guard tail > start, bytes[tail...close].elementsEqual(end), isBalanced(bytes[(start + 1)..<tail]) else {
        continue
      }
      let text = String(decoding: bytes[(start + 1)..<tail], as: UTF8.self)
      return text.contains(" AND ") || text.contains(" OR ") ? nil : text
    }
    return nil
  }

  /// A name that means the same without quotes.
  static func isPlainName(_ text: String) -> Bool {
    guard let first = text.utf8.first, first == UInt8(ascii: "_") || isLetter(first) else { return false }
    return text.utf8.allSatisfy { $0 == UInt8(ascii: "_") || isLetter($0) || (0x30...0x39).contains($0) }
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }

  /// The place of the parenthesis that closes what is open before `start`; texts and quoted names are stepped over.
  private static func closing(_ bytes: [UInt8], from start: Int) -> Int? {
    var depth = 0
    var index = start
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        guard let end = bytes[(index + 1)...].firstIndex(of: bytes[index]) else { return nil }
        index = end
      case UInt8(ascii: "("): depth += 1
      case UInt8(ascii: ")"):
        if depth == 0 { return index }
        depth -= 1
      default: break
      }
      index += 1
    }
    return nil
  }

  private static func isBalanced(_ bytes: ArraySlice<UInt8>) -> Bool {
    closing(Array(bytes) + [UInt8(ascii: ")")], from: 0) == bytes.count
  }
}

extension String {
  fileprivate var trimmingSpaces: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}
