internal import CRDKafka
internal import Synchronization

/// What a consumer group did to a member's partitions.
public enum KafkaGroupChange: Sendable, Hashable {
  /// The member gets these partitions, which nobody else reads any more; none at all is an assignment too.
  case assigned(Set<Int32>)
  /// The member has to give these partitions back. `isLost`: they may belong to somebody else already.
  case revoked(Set<Int32>, isLost: Bool)
}

/// Called by librdkafka on the thread that consumes. The change is noted only: the reader finishes what it has in hand, and
/// the group waits until the assignment is changed (rdkafka.h, "rebalance_cb").
func noteRebalance(
  _ handle: OpaquePointer?, _ code: rd_kafka_resp_err_t,
  _ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?, _ opaque: UnsafeMutableRawPointer?
) {
  guard let handle, let partitions, let opaque else { return }
  let events = Unmanaged<KafkaClientEvents>.fromOpaque(opaque).takeUnretainedValue()
  let numbers = Set((0..<Int(partitions.pointee.cnt)).map { partitions.pointee.elems[$0].partition })
  if events.isClosing.load(ordering: .acquiring) {
    if code != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
      if let error = rd_kafka_incremental_unassign(handle, partitions) { rd_kafka_error_destroy(error) }
    }
    return
  }
  let isLost = rd_kafka_assignment_lost(handle) != 0
  events.changes.withLock { changes in
    changes.append(
      code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS ? .assigned(numbers) : .revoked(numbers, isLost: isLost))
  }
}

extension KafkaConsumer {
  /// Joins the group `group.id` by cooperative rebalancing: members keep reading what they keep.
  ///
  /// From now on `consume` returns early when the group has changed the assignment. Then `groupChange` tells it, and
  /// `accept` carries it out.
  public func join() throws(KafkaError) {
    let list = PartitionList(topic: topic, [-1: -1001])
    let code = rd_kafka_subscribe(client.handle, list.list)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw client.error(code, doing: "subscribing to topic \"\(topic)\"", topic: topic)
    }
  }

  /// The oldest change that was not accepted yet.
  public var groupChange: KafkaGroupChange? { client.events.changes.withLock { $0.first } }

  var hasGroupChange: Bool { client.events.changes.withLock { !$0.isEmpty } }

  /// Carries out the oldest change: reads assigned partitions at these positions, or gives the revoked ones back.
  public func accept(at positions: [Int32: KafkaPosition] = [:]) throws(KafkaError) {
    switch client.events.changes.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
    case .assigned(let partitions):
      try assignMore(
        Dictionary(uniqueKeysWithValues: partitions.map { ($0, positions[$0] ?? .beginning) }))
    case .revoked(let partitions, _): try unassign(partitions)
    case nil: break
    }
  }

  /// Goes to other positions in partitions that the member has.
  public func rewind(to positions: [Int32: KafkaPosition]) throws(KafkaError) {
    forgetFailure()
    guard !positions.isEmpty else { return }
    try unassign(positions.keys)
    try assignMore(positions)
  }

  /// Gives all partitions back and leaves the group, so that others take them at once.
  func leave() {
    client.events.isClosing.store(true, ordering: .releasing)
    // A change that was noted and never accepted keeps the group waiting.
    for change in client.events.changes.withLock({ $0 }) {
      switch change {
      case .assigned: rd_kafka_assign(client.handle, nil)
      case .revoked(let partitions, _): try? unassign(partitions)
      }
    }
    rd_kafka_consumer_close(client.handle)
  }
}
