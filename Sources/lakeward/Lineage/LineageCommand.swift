internal import Lineage
internal import Pipelines

/// `lakeward lineage`
enum LineageCommand: Command {
  static let name = "lineage"
  static let summary = "draw what a table or a column is made of, and what is made of it"
  static let help = """
    usage: lakeward lineage TABLE
           lakeward lineage TABLE.COLUMN

    Reads the pipelines' definitions, and the lake only for columns that they leave open. TABLE is a table, a stream, a
    temporary view, or model/NAME. Of a column it says what is done with it on the way: as it is, computed, over many
    rows, or that it only decides which value or which rows there are.

    examples:
      lakeward lineage gold_patient_data
      lakeward lineage gold_patient_data.age_group
      lakeward lineage model/illness
    """
  static let options: [Option] = []

  static func run(_ arguments: Arguments) throws -> Int32 {
    let word = try Subcommand.require(arguments.positionals, ["TABLE[.COLUMN]"], command: "lineage")[0]
    let workspace = try Workspace(arguments)
    let catalogue = try workspace.catalogue()
    let text = LineageText(catalogue.lineage) { note($0, in: catalogue) }
    if let node = catalogue.lineage.node(called: word) {
      Console.writeRaw(text.table(node.id))
      return 0
    }
    let parts = word.split(separator: ".", maxSplits: 1).map(String.init)
    guard parts.count == 2, let node = catalogue.lineage.node(called: parts[0]) else {
      let names = catalogue.lineage.nodes.filter { $0.kind != .source }.map(\.name)
      let guess = nearest(to: parts.first ?? word, among: names).map { "; did you mean \($0)?" } ?? ""
      throw CommandFailure("no pipeline makes or reads \(parts.first ?? word)\(guess)")
    }
    guard let column = node[parts[1]] else {
      let names = node.columns.map(\.name)
      let guess = nearest(to: parts[1], among: names).map { "; did you mean \($0)?" } ?? ""
      throw CommandFailure(
        "\(node.name) has no column \(parts[1])\(guess) (there are: \(names.joined(separator: ", ")))")
    }
    Console.writeRaw(text.column(ColumnName(node.id, column.name)))
    return 0
  }

  /// Who answers for a table; unit and PHI class of a column.
  private static func note(_ name: ColumnName, in catalogue: Catalogue) -> String? {
    let entry = catalogue[name.table]
    guard !name.column.isEmpty else { return entry.owner.map { "owner \($0)" } }
    let column = entry[name.column]
    let words = [column?.unit, column?.phi.flatMap { $0 == PHIClass.none ? nil : "phi \($0.rawValue)" }].compactMap {
      $0
    }
    return words.isEmpty ? nil : words.joined(separator: ", ")
  }
}
