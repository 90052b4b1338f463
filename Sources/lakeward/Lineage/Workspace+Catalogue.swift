internal import DeltaLake
internal import DuckDB
internal import Lineage
internal import Pipelines
internal import Streaming

extension Workspace {
  /// What is known of every table and column, and where they come from.
  func catalogue() throws -> Catalogue {
    Catalogue(try pipelines([]), lake: lake, connection: try Database(settings: ["threads": "1"]).connect())
  }

  /// What is known of a stored table: what the pipelines say, then what it says itself.
  func documentation(of table: String, _ snapshot: Snapshot) -> TableDocumentation {
    let columns = snapshot.schema.names
    let known = readablePipelines.filter {
      ($0.streamTableNames + $0.tables.map(\.name) + $0.externalTables).contains {
        $0.lowercased() == table.lowercased()
      }
    }
    return known.reduce(TableDocumentation()) { $0.filled(from: $1.documentation(of: table, columns: columns)) }
      .filled(from: TableDocumentation(snapshot))
  }
}
