internal import HTTP
internal import JSON
internal import Observability

/// Health, readiness and metrics.
enum SystemRoutes {
  static func endpoints(_ context: ServerContext) -> [Endpoint] {
    let surroundings = context.surroundings
    let health = Schema.object(
      [
        "healthy": .boolean, "ready": .boolean, "version": .text(),
        "pipelines": .list(of: .object(["pipeline": .text(), "state": .text()], required: ["pipeline", "state"])),
      ], required: ["healthy", "ready", "pipelines"])
    func report(_ isWell: @escaping @Sendable (HealthReport) -> Bool) -> @Sendable (Call) throws -> ServerResponse {
      { _ in
        let report = (surroundings.health ?? Health()).report
        return .json(Array(report.json.utf8), status: isWell(report) ? 200 : 503)
      }
    }
    return [
      Endpoint(
        .get, "/health", group: "About", "Whether the process is well", needs: nil,
        answers: [.init(200, "Well", health), .init(503, "A pipeline has failed", health)],
        handle: report { $0.isHealthy }
      ).with { $0.isQuick = true },
      Endpoint(
        .get, "/ready", group: "About", "Whether every pipeline of this process takes records", needs: nil,
        answers: [.init(200, "Ready", health), .init(503, "Not ready", health)], handle: report { $0.isReady }
      ).with { $0.isQuick = true },
      Endpoint(
        .get, "/metrics", group: "About", "Metrics in Prometheus' text format", needs: .catalog,
        answers: [.init(200, "Metrics", [("text/plain", .text())])]
      ) { _ in
        ServerResponse(200, MetricRegistry.contentType, Array(surroundings.metrics.exposition().utf8))
      },
    ]
  }
}
