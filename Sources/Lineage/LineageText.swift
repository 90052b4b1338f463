/// Draws lineage as a tree for a terminal.
public struct LineageText {
  private let lineage: LakeLineage
  /// What stands behind a node's or column's name.
  private let note: (ColumnName) -> String?

  /// - Parameter note: A few words about a column (its unit, its PHI class), or about a table if the column is empty.
  public init(_ lineage: LakeLineage, note: @escaping (ColumnName) -> String? = { _ in nil }) {
    self.lineage = lineage
    self.note = note
  }

  /// What a table is made of, and what is made of it.
  public func table(_ id: String) -> String {
    guard let node = lineage.node(id) else { return "" }
    var lines = [title(node)]
    lines += tree(node.id, \.above)
    let below = tree(node.id, \.below)
    if !below.isEmpty { lines += ["", "read by"] + below }
    return lines.joined(separator: "\n") + "\n"
  }

  /// What a column is made of, and what is made of it.
  public func column(_ name: ColumnName) -> String {
    var lines = [self.name(name) + (note(name).map { "  \($0)" } ?? "")]
    append(branches(above(name), name, above, [name]), to: &lines)
    let deciding = lineage.node(name.table)?.rows.keys.sorted() ?? []
    if !deciding.isEmpty {
      lines += ["", "rows decided by " + deciding.map { self.name($0) }.joined(separator: ", ")]
    }
    var readers: [String] = []
    append(branches(below(name), name, below, [name]), to: &readers)
    if !readers.isEmpty { lines += ["", "used by"] + readers }
    return lines.joined(separator: "\n") + "\n"
  }

  // MARK: Tables

  private struct Neighbours {
    var above: [String]
    var below: [String]
  }

  private func neighbours(_ id: String) -> Neighbours {
    let node = lineage.node(id)
    return Neighbours(
      above: (node?.inputs ?? []) + (node?.models ?? []), below: lineage.readers(of: id).map(\.id))
  }

  private func tree(_ id: String, _ side: KeyPath<Neighbours, [String]>) -> [String] {
    var drawn: Set<String> = [id]
    func draw(_ id: String, _ indent: String) -> [String] {
      let next = neighbours(id)[keyPath: side]
      return next.enumerated().flatMap { index, child -> [String] in
        let isLast = index == next.count - 1
        let head = indent + (isLast ? "└─ " : "├─ ") + (lineage.node(child).map(title) ?? child)
        // A node that stands higher up is not drawn again.
        guard drawn.insert(child).inserted else {
          return [neighbours(child)[keyPath: side].isEmpty ? head : head + "  (see above)"]
        }
        return [head] + draw(child, indent + (isLast ? "   " : "│  "))
      }
    }
    return draw(id, "")
  }

  private func title(_ node: LineageNode) -> String {
    let words = node.kind == .source ? "" : "  \(node.kind.rawValue)"
    return node.name + words + (note(ColumnName(node.id, "")).map { ", \($0)" } ?? "")
  }

  // MARK: Columns

  private struct Branch {
    var text: String
    var children: [Branch]
  }

  private func above(_ name: ColumnName) -> [(ColumnName, Set<ColumnUse>)] {
    (lineage.node(name.table)?[name.column]?.uses ?? [:]).sorted { left, right in
      (left.value.contains(where: \.isDirect) ? 0 : 1, left.key) < (
        right.value.contains(where: \.isDirect) ? 0 : 1, right.key
      )
    }.map { ($0.key, $0.value) }
  }

  private func below(_ name: ColumnName) -> [(ColumnName, Set<ColumnUse>)] {
    lineage.readers(of: name).map { ($0.column, $0.uses) }
  }

  private func branches(
    _ next: [(ColumnName, Set<ColumnUse>)], _ name: ColumnName,
    _ step: (ColumnName) -> [(ColumnName, Set<ColumnUse>)], _ path: Set<ColumnName>
  ) -> [Branch] {
    next.map { column, uses in
      let text = "\(self.name(column))  \(Self.words(uses))\(note(column).map { ", \($0)" } ?? "")"
      guard !path.contains(column) else { return Branch(text: text + " (itself)", children: []) }
      return Branch(text: text, children: branches(step(column), column, step, path.union([column])))
    }
  }

  private func append(_ branches: [Branch], indent: String = "", to lines: inout [String]) {
    for (index, branch) in branches.enumerated() {
      let isLast = index == branches.count - 1
      lines.append(indent + (isLast ? "└─ " : "├─ ") + branch.text)
      append(branch.children, indent: indent + (isLast ? "   " : "│  "), to: &lines)
    }
  }

  private func name(_ column: ColumnName) -> String {
    "\(lineage.node(column.table)?.name ?? column.table).\(column.column)"
  }

  /// What is done with a column, in words.
  private static func words(_ uses: Set<ColumnUse>) -> String {
    ColumnUse.allCases.filter(uses.contains).map { use in
      switch use {
      case .identity: "as it is"
      case .transformation: "computed"
      case .aggregation: "over many rows"
      case .conditional: "decides which value"
      case .window: "divides or orders a window"
      case .join: "joins rows"
      case .filter: "selects rows"
      case .groupBy: "groups rows"
      case .sort: "orders rows"
      }
    }.joined(separator: ", ")
  }
}
