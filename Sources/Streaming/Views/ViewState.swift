internal import DeltaLake
internal import DuckDB
internal import Pipelines

/// What a view's table says about itself: who defines it, by which definition its rows were computed, and which version
/// of each input they reflect.
///
/// Positions are `txn` actions, in the commit of the rows themselves. There is no other store.
struct ViewState {
  /// The property that names the pipeline whose view a table is.
  static let ownerProperty = "lakeward.view"
  /// The property that holds the fingerprint of the definition by which the rows were computed.
  static let definitionProperty = "lakeward.view.definition"
  /// Grows by one with each refresh, so that of two at once only one is committed.
  static let refreshId = "view"

  /// The application id of the position in an input; a table that was made anew has another one.
  static func appId(input: String, id: String) -> String { "view/\(input.lowercased())/\(id)" }

  private let snapshot: Snapshot

  init(_ snapshot: Snapshot) { self.snapshot = snapshot }

  /// The pipeline that the table is a view of; nil if it is none.
  var owner: String? { snapshot.metadata.configuration[Self.ownerProperty] }

  /// The fingerprint of the definition; nil before the first refresh.
  var definition: String? { snapshot.metadata.configuration[Self.definitionProperty] }

  /// The version of an input that the rows reflect; nil if they reflect none of this table.
  func position(in input: Snapshot, named name: String) -> Int64? {
    snapshot.transactions[Self.appId(input: name, id: input.metadata.id)]
  }

  /// The transaction of the refresh after this version.
  var next: AppTransaction {
    AppTransaction(appId: Self.refreshId, version: (snapshot.transactions[Self.refreshId] ?? 0) + 1)
  }

  /// A text that differs where the same inputs would give other rows, or rows in another shape.
  static func fingerprint(
    of view: TableDefinition, in pipeline: Pipeline, columns: [Column], modelVersions: [String: String]
  ) throws -> String {
    let sql = try pipeline.select(view) { SQL.quote(identifier: $0.name.lowercased()) }
    var parts = [sql]
    parts += view.partitionedBy.map { "partition \($0)" } + view.clusteredBy.map { "cluster \($0)" }
    parts += columns.map { "\($0.name) \($0.type.description)" }
    parts += modelVersions.sorted { $0.key < $1.key }.map { "model \($0.key) \($0.value)" }
    // FNV-1a over the parts: it finds changes, not forgery.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for part in parts {
      for byte in part.utf8 + [0xFF] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    return String(hash, radix: 16)
  }

  /// The models that a view's SQL asks.
  static func models(of view: TableDefinition, in pipeline: Pipeline) throws -> [String] {
    let sql = try pipeline.select(view) { $0.name }.lowercased()
    return pipeline.models.map(\.name).filter { name in
      ["predict_\(name)", "anomaly_\(name)", "explain_\(name)", "'\(name)'"].contains { sql.contains($0.lowercased()) }
    }
  }
}
