internal import Foundation
internal import Pipelines
internal import Streaming

/// Keeps the views of running pipelines fresh.
enum ViewKeeping {
  /// Starts a thread for each pipeline with views that are refreshed by themselves.
  static func start(
    _ pipelines: [Pipeline], _ workspace: Workspace, _ operations: Operations, lineage: LineageDuty? = nil
  ) throws -> [ViewRefreshLoop] {
    try pipelines.compactMap { pipeline in
      let loop = try ViewRefreshLoop(
        pipeline: pipeline, lake: workspace.lake, registry: workspace.registry,
        memoryLimitBytes: workspace.configuration.memoryLimitBytes.map { max(64 << 20, $0 / 4) })
      let meters = ViewMeters(operations.metrics, pipeline: pipeline.name)
      loop?.start { event in
        meters.observe(event)
        if case .refreshed(let report) = event { lineage?.refreshed(report) }
        guard case .failed(let view, let error, let pause) = event else { return }
        lineage?.failed(view: view, error)
        Console.warn("\(view): the refresh failed: \(error); trying again in \(String(format: "%.0f", pause)) s")
      }
      return loop
    }
  }

  /// Brings the views that are refreshed by themselves up to date, after a run over what is there.
  static func refresh(_ pipelines: [Pipeline], _ workspace: Workspace, lineage: LineageDuty? = nil) throws {
    let session = RefreshSession(workspace, lineage: lineage)
    for view in try ViewOrder.of(pipelines) where view.view.refresh.everySeconds != nil {
      let report = try session.refresh(view)
      if report.didWrite { Console.write(report.line) }
    }
    try session.tidy()
  }
}

extension Workspace {
  /// What a pipeline's author should know about its views: where a change costs a whole refresh although the view is
  /// partitioned.
  func notesOnViews(of pipeline: Pipeline) throws -> [String] {
    let views = pipeline.materializedViews.filter { !$0.partitionedBy.isEmpty }
    guard !views.isEmpty else { return [] }
    let refresher = try ViewRefresher(pipeline: pipeline, lake: lake, registry: registry, threads: 1)
    return try views.compactMap { view in
      guard let tables = try refresher.tablesWithoutPartitions(of: view), !tables.isEmpty else { return nil }
      return
        "\(view.location): nothing proves which partitions of \(view.name) a row of \(tables.joined(separator: ", ")) "
        + "belongs to, so that a change there refreshes it whole; derive \(view.partitionedBy.joined(separator: ", ")) "
        + "from every table, or join by it"
    }
  }
}
