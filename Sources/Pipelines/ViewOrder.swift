/// A materialized view and the pipeline that defines it.
public struct ViewInOrder: Sendable {
  /// The pipeline.
  public var pipeline: Pipeline
  /// The view.
  public var view: TableDefinition
  /// Names of the views that it reads, of any pipeline, in small letters.
  public var reads: Set<String>
}

/// The order in which views of several pipelines are refreshed.
public enum ViewOrder {
  /// The views of these pipelines, each after every view that it reads.
  /// - Throws: a ``DefinitionError`` if views of different pipelines read each other in a circle.
  public static func of(_ pipelines: [Pipeline]) throws(DefinitionError) -> [ViewInOrder] {
    let all = pipelines.flatMap { pipeline in pipeline.materializedViews.map { (pipeline, $0) } }
    let names = all.map { $0.1.name.lowercased() }
    let reads = all.map { pipeline, view in
      let queries = [view] + pipeline.temporaryViews(neededBy: view)
      return Set(queries.flatMap(\.inputs).map { $0.lowercased() }).intersection(names)
    }
    let needs = reads.map { reads in names.indices.filter { reads.contains(names[$0]) } }
    do {
      return try PipelineGraph.order(names: names, needs: needs).map {
        ViewInOrder(pipeline: all[$0].0, view: all[$0].1, reads: reads[$0])
      }
    } catch {
      let place = all.first { $0.1.name.lowercased() == error.names.first }?.1.location
      throw DefinitionError([
        DefinitionProblem(
          at: place ?? SourceLocation(file: pipelines.first?.folder ?? "", line: 1, column: 1),
          "views read each other in a circle: \(error.names.joined(separator: " ← "))",
          remedy: "take one of them out of the circle")
      ])
    }
  }

  /// Of views in order, the named ones and all that they read.
  public static func chosen(_ names: Set<String>, of views: [ViewInOrder]) -> [ViewInOrder] {
    var wanted = Set(names.map { $0.lowercased() })
    for view in views.reversed() where wanted.contains(view.view.name.lowercased()) { wanted.formUnion(view.reads) }
    return views.filter { wanted.contains($0.view.name.lowercased()) }
  }
}
