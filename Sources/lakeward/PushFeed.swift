internal import Foundation
internal import Observability
internal import Pipelines
internal import Streaming

/// The MQTT messages of one pipeline on their way into its log or topic, on a thread of their own.
final class PushFeed: @unchecked Sendable {
  // Safe to share: nothing mutable but the semaphore.
  private let done = DispatchSemaphore(value: 0)

  /// Starts the feeds of those pipelines that have MQTT topics, if a broker is configured.
  static func start(
    _ pipelines: [Pipeline], _ workspace: Workspace, brokers: String?, operations: Operations, stop: StopSignal
  ) throws -> [PushFeed] {
    try pipelines.compactMap { pipeline in
      guard pipeline.source?.mqtt != nil, workspace.configuration.mqtt != nil else { return nil }
      guard let feed = try workspace.inputs(pipeline, brokers: brokers).mqttFeed(log: operations.log) else {
        return nil
      }
      let push = PushFeed()
      push.start(feed, pipeline: pipeline.name, log: operations.log, stop: stop)
      return push
    }
  }

  private func start(_ feed: MQTTFeed, pipeline: String, log: Logger, stop: StopSignal) {
    let thread = Thread { [self] in
      feed.run(stop: stop) { event in
        switch event {
        case .connected: log.info("the MQTT subscription is granted", ["pipeline": .name(pipeline)])
        case .taken: break
        case .retrying(let error, let pause):
          log.warning(
            "MQTT: trying again", ["pipeline": .name(pipeline), "after": .seconds(pause), "reason": .error(error)])
        }
      }
      done.signal()
    }
    thread.name = "mqtt \(pipeline)"
    thread.start()
  }

  /// Waits until the feed has ended, after the stop signal.
  func wait() { done.wait() }
}
