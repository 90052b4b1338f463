/// Publishes messages with QoS 1 and waits for the broker's acknowledgements. Used from one thread.
public final class MQTTPublisher {
  private let client: MQTTClient
  private let broker: String
  private var sent = 0

  /// Connects.
  ///
  /// - Throws: `MQTTError` if there is no broker, or if it refuses.
  public init(_ configuration: MQTTConfiguration, clientId: String) throws(MQTTError) {
    broker = configuration.description
    client = try MQTTClient(configuration, clientId: clientId, isPersistent: false, version: 4)
    try client.waitForConnection(seconds: 10)
  }

  /// Queues one message.
  public func publish(_ payload: UnsafeRawBufferPointer, to topic: String) throws(MQTTError) {
    try client.publish(payload, to: topic)
    sent += 1
    // The library keeps what it has sent until it is acknowledged.
    if sent - client.events.published > 1_000 { try flush(seconds: 30, leaving: 500) }
  }

  /// Waits until the broker has acknowledged everything.
  ///
  /// - Throws: `MQTTError` if the connection breaks or the time is over: then some messages may not have arrived.
  public func flush(seconds: Int = 30) throws(MQTTError) {
    try flush(seconds: seconds, leaving: 0)
  }

  private func flush(seconds: Int, leaving rest: Int) throws(MQTTError) {
    let deadline = ContinuousClock().now + .seconds(seconds)
    while sent - client.events.published > rest {
      try client.write()
      try client.read(waitMilliseconds: 20, atMost: 1_000)
      if client.events.refused > 0 {
        throw MQTTError(.notAuthorized(topic: "a published message"), broker: broker, "refused")
      }
      guard ContinuousClock().now < deadline else {
        throw MQTTError(.brokerUnavailable, broker: broker, "\(sent - client.events.published) messages unacknowledged")
      }
    }
  }

  /// Says good-bye after everything that is acknowledged.
  public func close() { try? client.disconnect() }
}
