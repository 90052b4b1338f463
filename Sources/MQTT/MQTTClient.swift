internal import CMosquitto
internal import Glibc

/// One `struct mosquitto` that is worked by hand: nothing is read or written but by the thread that owns this object.
///
/// `mosquitto_threaded_set` makes the library queue what it wants to send, acknowledgements too, until `mosquitto_loop_write`
/// is called (packet_mosq.c, packet__queue). So an acknowledgement leaves when this code lets it.
final class MQTTClient {
  private let handle: OpaquePointer
  private let broker: String
  /// What the callbacks report. They run on the owner's thread, inside its calls into the library.
  final class Events {
    var message: (UnsafePointer<mosquitto_message>) -> Void = { _ in }
    var connected: Int32?
    var granted: [Int32]?
    var published = 0
    var unsubscribed = false
    var refused = 0
    var messages = 0
  }
  let events = Events()

  private static let library = mosquitto_lib_init()

  /// - Parameters:
  ///   - clientId: The session's name.
  ///   - isPersistent: Whether the broker keeps the session while nobody is connected.
  ///   - version: 5 or 4 (which is 3.1.1).
  init(_ configuration: MQTTConfiguration, clientId: String, isPersistent: Bool, version: Int32) throws(MQTTError) {
    broker = configuration.description
    _ = Self.library
    guard let handle = mosquitto_new(clientId, !isPersistent, Unmanaged.passUnretained(events).toOpaque()) else {
      throw MQTTError(errno == ENOMEM ? .other : .invalidConfiguration, broker: broker, "the client id cannot be used")
    }
    self.handle = handle
    mosquitto_threaded_set(handle, true)
    mosquitto_int_option(handle, MOSQ_OPT_PROTOCOL_VERSION, version)
    mosquitto_int_option(handle, MOSQ_OPT_RECEIVE_MAXIMUM, Int32(Self.receiveMaximum))
    mosquitto_int_option(handle, MOSQ_OPT_SEND_MAXIMUM, 100)
    mosquitto_int_option(handle, MOSQ_OPT_TCP_NODELAY, 1)
    if let user = configuration.username {
      try check(mosquitto_username_pw_set(handle, user, configuration.password))
    }
    if configuration.usesTLS {
      let folder = configuration.caFile == nil ? "/etc/ssl/certs" : nil
      let code = mosquitto_tls_set(
        handle, configuration.caFile, folder, configuration.certificateFile, configuration.keyFile, nil)
      guard code == 0 else {
        throw MQTTError(.invalidConfiguration, broker: broker, "a file of certificates or keys cannot be read")
      }
    }
    setCallbacks()
    try connect(configuration, isPersistent: isPersistent, version: version)
  }

  /// Without a word to the broker: what was not acknowledged comes again.
  deinit { mosquitto_destroy(handle) }

  /// Messages that the broker may have under way to us without an acknowledgement (MQTT 5 only; MQTT 3.1.1 brokers have a
  /// limit of their own). It bounds how many share one sync.
  private static let receiveMaximum: UInt16 = 2_000

  private func setCallbacks() {
    mosquitto_connect_v5_callback_set(handle) { _, object, code, _, _ in MQTTClient.events(object)?.connected = code }
    mosquitto_subscribe_v5_callback_set(handle) { _, object, _, count, granted, _ in
      MQTTClient.events(object)?.granted = (0..<Int(count)).map { granted?[$0] ?? 128 }
    }
    mosquitto_unsubscribe_v5_callback_set(handle) { _, object, _, _ in MQTTClient.events(object)?.unsubscribed = true }
    mosquitto_message_v5_callback_set(handle) { _, object, message, _ in
      guard let message, let events = MQTTClient.events(object) else { return }
      events.messages += 1
      events.message(message)
    }
    mosquitto_publish_v5_callback_set(handle) { _, object, _, code, _ in
      guard let events = MQTTClient.events(object) else { return }
      if code < 128 { events.published += 1 } else { events.refused += 1 }
    }
  }

  private static func events(_ object: UnsafeMutableRawPointer?) -> Events? {
    object.map { Unmanaged<Events>.fromOpaque($0).takeUnretainedValue() }
  }

  private func connect(_ configuration: MQTTConfiguration, isPersistent: Bool, version: Int32) throws(MQTTError) {
    var properties: OpaquePointer?
    defer { mosquitto_property_free_all(&properties) }
    if version == 5 {
      // MQTT 5 ends a session at once unless it is told how long to keep it: for good.
      if isPersistent {
        mosquitto_property_add_int32(&properties, Int32(MQTT_PROP_SESSION_EXPIRY_INTERVAL.rawValue), .max)
      }
      mosquitto_property_add_int16(&properties, Int32(MQTT_PROP_RECEIVE_MAXIMUM.rawValue), Self.receiveMaximum)
    }
    try check(
      mosquitto_connect_bind_v5(
        handle, configuration.host, Int32(configuration.port), Int32(configuration.keepAliveSeconds), nil, properties))
  }

  /// Asks for these topics with QoS 1. The broker's answer comes in `events.granted`.
  func subscribe(_ topics: [String], isVersion5: Bool) throws(MQTTError) {
    var texts: [UnsafeMutablePointer<CChar>?] = topics.map { strdup($0) }
    defer { for text in texts { free(text) } }
    // A retained message comes once, not at every connection.
    let options = isVersion5 ? Int32(MQTT_SUB_OPT_SEND_RETAIN_NEW.rawValue) : 0
    try check(mosquitto_subscribe_multiple(handle, nil, Int32(texts.count), &texts, 1, options, nil))
  }

  /// Queues a message with QoS 1.
  func publish(_ payload: UnsafeRawBufferPointer, to topic: String) throws(MQTTError) {
    try check(mosquitto_publish(handle, nil, topic, Int32(payload.count), payload.baseAddress, 1, false))
  }

  /// Waits for the socket and reads at most this many messages; writes nothing.
  func read(waitMilliseconds: Int32, atMost limit: Int) throws(MQTTError) {
    let socket = mosquitto_socket(handle)
    guard socket >= 0 else { throw MQTTError(MOSQ_ERR_CONN_LOST.rawValue, broker: broker) }
    var wanted = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    poll(&wanted, 1, waitMilliseconds)
    // TLS may hold decrypted messages that no poll tells of: read until a call brings none.
    let start = events.messages
    var before: Int
    repeat {
      before = events.messages
      try check(mosquitto_loop_read(handle, 1))
    } while events.messages > before && events.messages - start < limit
  }

  /// Sends what is queued: acknowledgements, subscriptions, pings.
  func write() throws(MQTTError) {
    try check(mosquitto_loop_misc(handle))
    let deadline = ContinuousClock().now + .seconds(10)
    while mosquitto_want_write(handle) {
      var wanted = pollfd(fd: mosquitto_socket(handle), events: Int16(POLLOUT), revents: 0)
      poll(&wanted, 1, 100)
      try check(mosquitto_loop_write(handle, 1))
      guard ContinuousClock().now < deadline else {
        throw MQTTError(.brokerUnavailable, broker: broker, "the broker takes nothing")
      }
    }
  }

  /// Waits until the broker has worked through everything that was sent: it answers in order. What comes in meanwhile is
  /// not acknowledged, so this is the last thing that is done with a subscriber's client.
  func settle(seconds: Int) throws(MQTTError) {
    try check(mosquitto_unsubscribe(handle, nil, "lakeward/never-subscribed"))
    try write()
    let deadline = ContinuousClock().now + .seconds(seconds)
    while !events.unsubscribed, ContinuousClock().now < deadline { try read(waitMilliseconds: 50, atMost: 1) }
  }

  /// Says good-bye after everything that is queued.
  func disconnect() throws(MQTTError) {
    try check(mosquitto_disconnect_v5(handle, 0, nil))
    try? write()
  }

  private func check(_ code: Int32) throws(MQTTError) {
    guard code != 0 else { return }
    if let refusal = events.connected, refusal != 0 { throw .refused(refusal, broker: broker) }
    throw MQTTError(code, broker: broker)
  }

  /// Works until the broker has answered CONNECT.
  func waitForConnection(seconds: Int) throws(MQTTError) {
    let deadline = ContinuousClock().now + .seconds(seconds)
    while events.connected == nil {
      try write()
      try read(waitMilliseconds: 100, atMost: 1)
      guard ContinuousClock().now < deadline else {
        throw MQTTError(.brokerUnavailable, broker: broker, "no answer within \(seconds) s")
      }
    }
    if let code = events.connected, code != 0 { throw .refused(code, broker: broker) }
  }
}
