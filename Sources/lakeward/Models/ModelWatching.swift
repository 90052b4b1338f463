internal import Foundation
internal import Models
internal import Observability
internal import Pipelines
internal import Streaming
internal import Synchronization

/// Watches the models of running pipelines: silent trials, drift, learning from outcomes, training again.
final class ModelWatching: Sendable {
  private let loops: [(pipeline: Pipeline, loop: ModelWatchLoop)]
  private let workspace: Workspace
  private let operations: Operations
  private let drift: MetricFamily<Gauge>
  private let silent: MetricFamily<Counter>
  /// When training again was last begun, by model: what fails is not tried again at once.
  private let attempts = Mutex<[String: Date]>([:])

  /// Starts a thread for each pipeline with a model whose answers a table holds. A watch that cannot start is said and
  /// stops nothing.
  init(_ pipelines: [Pipeline], _ workspace: Workspace, _ operations: Operations) {
    self.workspace = workspace
    self.operations = operations
    drift = operations.metrics.gauge(
      "lakeward_model_drift", "Newest statistic of drift of a model's column", labels: "pipeline", "model", "column",
      "statistic")
    silent = operations.metrics.counter(
      "lakeward_model_silent_scores_total", "Records scored by versions in silent trial", labels: "pipeline", "model")
    loops = pipelines.filter { !$0.models.isEmpty && $0.source != nil }.compactMap { pipeline in
      do {
        let watch = try ModelWatch(pipeline: pipeline, lake: workspace.lake, registry: workspace.registry)
        return watch.map { (pipeline, ModelWatchLoop($0)) }
      } catch {
        operations.log.warning("models are not watched", ["pipeline": .name(pipeline.name), "reason": .error(error)])
        return nil
      }
    }
    for (pipeline, loop) in loops {
      do {
        try loop.start { [self] result in note(result, pipeline) }
      } catch {
        operations.log.warning("models are not watched", ["pipeline": .name(pipeline.name), "reason": .error(error)])
      }
    }
  }

  /// Ends the threads.
  /// - Parameter lastRound: The streams have ended: look once more.
  func stop(lastRound: Bool) {
    for (pipeline, loop) in loops {
      let result = Result { try loop.stop(lastRound: lastRound) }
      if let result = try? result.get() {
        note(.success(result), pipeline)
      } else if case .failure(let error) = result {
        note(.failure(error), pipeline)
      }
    }
  }

  private func note(_ result: Result<ModelWatch.Report, any Error>, _ pipeline: Pipeline) {
    switch result {
    case .failure(let error):
      operations.log.warning(
        "a look at the models failed", ["pipeline": .name(pipeline.name), "reason": .error(error)])
    case .success(let report):
      for (model, rows) in report.silentRows where rows > 0 { silent[pipeline.name, model].add(rows) }
      for figure in report.figures {
        drift[pipeline.name, figure.model, figure.column, figure.statistic].set(figure.value)
      }
      for figure in report.drift {
        Console.warn(
          "\(pipeline.name): drift of \(figure.model) version \(figure.version) in \(figure.column): "
            + "\(figure.statistic) \(String(format: "%.3f", figure.value)) over \(figure.rows) rows")
      }
      for (model, version) in report.newVersions {
        Console.warn("\(pipeline.name): \(model) version \(version) was learned from outcomes; it is not live")
      }
      retrain(pipeline, report)
    }
  }

  /// Trains again what the pipeline's rules ask for. What comes of it is a candidate.
  private func retrain(_ pipeline: Pipeline, _ report: ModelWatch.Report) {
    for model in pipeline.models {
      guard let rule = model.retraining else { continue }
      do {
        guard let newest = try workspace.registry.versions(of: model.name).last,
          let registered = try? Date(newest.card.createdAt, strategy: .iso8601),
          let reason = rule.reason(
            age: Date().timeIntervalSince(registered), hasDrifted: report.drift.contains { $0.model == model.name })
        else { continue }
        guard attempts.withLock({ Date().timeIntervalSince($0[model.name] ?? .distantPast) > 600 }) else { continue }
        attempts.withLock { $0[model.name] = Date() }
        let outcomes = try workspace.lake.tableNames().contains(model.scores.outcomes)
        let entry = try workspace.train(
          model.name, from: outcomes && model.trainingInputs.count == 1 ? .outcomes : .lake, promote: false
        ) { _ in }
        try workspace.registry.setStage(
          .candidate, of: model.name, version: entry.card.version, reason: "trained again: \(reason)")
        Console.warn(
          "\(pipeline.name): \(model.name) version \(entry.card.version) was trained again (\(reason)); it is a candidate"
        )
        workspace.publishIfAsked(entry)
      } catch {
        operations.log.warning(
          "a model could not be trained again",
          ["pipeline": .name(pipeline.name), "model": .name(model.name), "reason": .error(error)])
      }
    }
  }
}
