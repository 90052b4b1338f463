internal import CMosquitto

/// One message as it lies in the library's buffer: valid only during the call that gives it.
public struct MQTTMessage: ~Copyable {
  /// The topic that it was published to.
  public let topic: String
  /// The payload.
  public let payload: UnsafeRawBufferPointer
}

/// A subscription with QoS 1 in a persistent session: every message comes at least once, whatever crashes.
///
/// Messages are acknowledged in groups, only after `makeDurable` has returned. What was not acknowledged the broker sends
/// again, after a reconnection or a restart, and what arrives while nobody is connected it keeps.
public struct MQTTSubscriber: Sendable {
  private let configuration: MQTTConfiguration
  private let clientId: String
  private let topics: [String]

  /// A subscription to these topic filters. Does not contact the broker yet.
  ///
  /// - Parameter clientId: The session's name at the broker. A second connection of that name ends the first.
  public init(_ configuration: MQTTConfiguration, clientId: String, topics: [String]) {
    self.configuration = configuration
    self.clientId = clientId
    self.topics = topics
  }

  /// What the receiver of messages does. All are called on the thread of `run`.
  public struct Receiver {
    /// The broker has granted the subscription.
    public var connected: () -> Void
    /// Takes note of a message.
    public var take: (borrowing MQTTMessage) -> Void
    /// Makes everything taken since the last call durable; throws if it could not.
    public var makeDurable: () throws -> Void
    /// Whether to go on.
    public var goesOn: () -> Bool

    /// A receiver of these functions.
    public init(
      connected: @escaping () -> Void, take: @escaping (borrowing MQTTMessage) -> Void,
      makeDurable: @escaping () throws -> Void, goesOn: @escaping () -> Bool
    ) {
      self.connected = connected
      self.take = take
      self.makeDurable = makeDurable
      self.goesOn = goesOn
    }
  }

  /// Connects, subscribes and hands over messages until the receiver wants no more. Blocks its thread.
  ///
  /// - Throws: `MQTTError` when the connection fails or breaks; what `makeDurable` throws. In both cases nothing of the last
  ///   group is acknowledged.
  public func run(_ receiver: Receiver) throws {
    do {
      try run(receiver, version: 5)
    } catch let error as MQTTError where error.reason == .unsupportedVersion {
      try run(receiver, version: 4)
    }
  }

  private func run(_ receiver: Receiver, version: Int32) throws {
    let client = try MQTTClient(configuration, clientId: clientId, isPersistent: true, version: version)
    var taken = 0
    client.events.message = { message in
      taken += 1
      let payload = UnsafeRawBufferPointer(start: message.pointee.payload, count: Int(message.pointee.payloadlen))
      receiver.take(
        MQTTMessage(topic: message.pointee.topic.map { String(cString: $0) } ?? "", payload: payload))
    }
    try client.waitForConnection(seconds: 10)
    try client.subscribe(topics, isVersion5: version == 5)
    var isGranted = false
    while receiver.goesOn() {
      if taken > 0 {
        taken = 0
        try receiver.makeDurable()
      }
      // Acknowledgements, subscriptions and pings leave here, and only here.
      try client.write()
      try client.read(waitMilliseconds: 100, atMost: 5_000)
      if !isGranted, let granted = client.events.granted {
        if let index = granted.firstIndex(where: { $0 >= 128 }) {
          throw MQTTError(
            .notAuthorized(topic: topics.indices.contains(index) ? topics[index] : "?"),
            broker: configuration.description, "")
        }
        isGranted = true
        receiver.connected()
      }
    }
    if taken > 0 { try receiver.makeDurable() }
    try client.settle(seconds: 5)
  }
}
