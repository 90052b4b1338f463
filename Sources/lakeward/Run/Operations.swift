internal import Observability

/// What a process that runs pipelines tells about itself: metrics, health and log.
struct Operations: Sendable {
  let metrics = MetricRegistry()
  let health = Health()
  let log: Logger
  private let isJSON: Bool

  static let options = [
    Option("log", "FORMAT", "how the log on standard error looks: text (default) or json, one object per line"),
    Option("log-level", "LEVEL", "what it holds: debug, info, warning, error (default info; warning with --once)"),
  ]

  /// - Parameter level: The least level that is logged unless an option says otherwise.
  init(_ arguments: Arguments? = nil, level: LogLevel) throws {
    var format = Logger.Format.text
    if let text = arguments?.text("log") {
      guard let chosen = Logger.Format(rawValue: text) else { throw UsageError("--log \(text): write text or json") }
      format = chosen
    }
    var level = level
    if let text = arguments?.text("log-level") {
      guard let chosen = LogLevel(name: text) else {
        throw UsageError("--log-level \(text): write debug, info, warning or error")
      }
      level = chosen
    }
    isJSON = format == .json
    log = Logger(format: format, level: level) { Console.warnRaw($0) }
    ProcessMetrics.register(in: metrics, version: Lakeward.version)
  }

  /// Says that a pipeline cannot start, or ended with an error.
  func report(_ error: any Error, pipeline: String) {
    health.set(pipeline, .failed, reason: "\(error)")
    if isJSON {
      log.error("pipeline failed", ["pipeline": .name(pipeline), "reason": .error(error)])
    } else {
      Console.warn("lakeward run: \(error)")
    }
  }
}
