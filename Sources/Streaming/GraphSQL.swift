internal import DuckDB
internal import Pipelines

/// Builds the SQL of a pipeline's steps, whatever their inputs stand for: a micro-batch in memory, or whole tables.
struct GraphSQL {
  private let pipeline: Pipeline
  private let source: SourceDefinition
  private let parser: RecordParser

  init(_ pipeline: Pipeline, source: SourceDefinition) {
    self.pipeline = pipeline
    self.source = source
    parser = RecordParser(fields: source.fields)
  }

  /// Makes the functions that the SQL calls known to a connection's database.
  func register(on connection: Connection) throws { try parser.register(on: connection) }

  /// Parses the records of a bronze relation.
  ///
  /// Those of clocks that run ahead get a reason too.
  func parse(_ bronze: String) -> String {
    let parsed = parser.select(from: bronze)
    return pipeline.eventTime.map { EventTimeJudge.withoutFuture(parsed, rule: $0) } ?? parsed
  }

  /// Fields that records had since the last call and that the definition does not name.
  func takeUnknownFields(on connection: Connection) throws -> [UnknownField] {
    try parser.takeUnknownFields(on: connection)
  }

  /// The stream's good records in a relation that `parse` gave.
  func stream(of records: String) -> String {
    let fields = source.fields.map { SQL.quote(identifier: $0.name) } + SourceDefinition.systemColumns
    return "(SELECT \(fields.joined(separator: ", ")) FROM \(records) WHERE \(RecordParser.reasonColumn) IS NULL)"
  }

  /// A table's SELECT over its inputs, with the column that names the rules each row breaks.
  func rows(
    of definition: TableDefinition, reading input: (TableReference) throws -> String
  ) throws -> String {
    let violation = RowSelection.violation(definition.expectations, table: definition.name)
    return """
      SELECT *, \(violation) AS \(RowSelection.violationColumn) FROM (
      \(try pipeline.select(definition, reading: input))
      )
      """
  }

  /// Whether a reference means the source's parsed records.
  func isSource(_ reference: TableReference) -> Bool {
    reference.name.lowercased() == source.stream.lowercased()
  }
}

extension Pipeline {
  /// A relation's SELECT over its inputs; temporary views are folded in.
  ///
  /// `input` is asked once for each place in the folded text that names an input.
  func select(
    _ definition: TableDefinition, reading input: (TableReference) throws -> String
  ) throws -> String {
    var relations: [TableReference: String] = [:]
    for reference in definition.references {
      if let view = table(named: reference.name), view.kind == .temporary {
        relations[reference] = "(\(try select(view, reading: input)))"
      } else {
        relations[reference] = try input(reference)
      }
    }
    return definition.sql { relations[$0] }
  }
}
