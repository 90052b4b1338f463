internal import DuckDB
internal import Pipelines

/// Builds the SQL of a pipeline's steps, whatever their inputs stand for: a micro-batch in memory, or whole tables.
struct GraphSQL {
  private let pipeline: Pipeline
  private let parser: RecordParser

  init(_ pipeline: Pipeline) {
    self.pipeline = pipeline
    parser = RecordParser(fields: pipeline.source.fields)
  }

  /// Makes the functions that the SQL calls known to a connection's database.
  func register(on connection: Connection) throws { try parser.register(on: connection) }

  /// Parses the records of a bronze relation.
  func parse(_ bronze: String) -> String { parser.select(from: bronze) }

  /// The stream's good records in a relation that `parse` gave.
  func stream(of records: String) -> String {
    let fields = pipeline.source.fields.map { SQL.quote(identifier: $0.name) } + SourceDefinition.systemColumns
    return "(SELECT \(fields.joined(separator: ", ")) FROM \(records) WHERE \(RecordParser.reasonColumn) IS NULL)"
  }

  /// A table's SELECT over its inputs, with the column that names the rules each row breaks.
  func rows(
    of definition: TableDefinition, reading input: (TableReference) throws -> String
  ) throws -> String {
    let violation = RowSelection.violation(definition.expectations, table: definition.name)
    return """
      SELECT *, \(violation) AS \(RowSelection.violationColumn) FROM (
      \(try select(definition, reading: input))
      )
      """
  }

  /// A table's SELECT over its inputs; temporary views are folded in.
  private func select(
    _ definition: TableDefinition, reading input: (TableReference) throws -> String
  ) throws -> String {
    var relations: [TableReference: String] = [:]
    for reference in definition.references {
      if let view = pipeline.table(named: reference.name), view.kind == .temporary {
        relations[reference] = "(\(try select(view, reading: input)))"
      } else {
        relations[reference] = try input(reference)
      }
    }
    return definition.sql { relations[$0] }
  }

  /// Whether a reference means the source's parsed records.
  func isSource(_ reference: TableReference) -> Bool {
    reference.name.lowercased() == pipeline.source.stream.lowercased()
  }
}
