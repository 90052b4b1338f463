import Foundation
import Kafka

struct Coordinate: Hashable, Comparable {
  var partition: Int32
  var offset: Int64

  static func < (a: Coordinate, b: Coordinate) -> Bool { (a.partition, a.offset) < (b.partition, b.offset) }
}

struct ReadRecord: Hashable {
  var coordinate: Coordinate
  var key: String
  var text: String
}

extension MockCluster {
  func consumer(_ topic: String) throws -> KafkaConsumer {
    try KafkaConsumer(topic: topic, KafkaConfiguration(brokers: brokers, connectTimeout: .seconds(5)))
  }

  func producer() throws -> KafkaProducer { try KafkaProducer(KafkaConfiguration(brokers: brokers)) }

  /// Sends records round-robin to the first partitions and returns them by coordinate, for a topic that was empty.
  @discardableResult
  func produce(count: Int, to topic: String, partitions: Int32) throws -> [Coordinate: String] {
    let producer = try producer()
    var sent: [Coordinate: String] = [:]
    for i in 0..<count {
      let partition = Int32(i) % partitions
      let text = "record \(i)"
      try producer.send(Array(text.utf8), to: topic, partition: partition)
      sent[Coordinate(partition: partition, offset: Int64(i) / Int64(partitions))] = text
    }
    try producer.flush(timeout: .seconds(20))
    return sent
  }
}

extension KafkaConsumer {
  /// One span with at least one record, unless `waiting` passes.
  func next(records: Int, bytes: Int = 1 << 20, waiting: Duration = .seconds(20)) throws -> KafkaSpan {
    try consume(maxRecords: records, maxBytes: bytes, deadline: .now + waiting) { _ in }
  }

  /// Whether the end is reached, without any further record, within 10 s.
  func reachesEnd() throws -> Bool {
    for _ in 0..<200 {
      if try isAtEnd() { return true }
      if try next(records: 1, waiting: .milliseconds(50)).records > 0 { return false }
    }
    return false
  }

  /// Reads from these positions until `count` records have come or 20 s have passed.
  func collect(_ positions: [Int32: KafkaPosition], count: Int) throws -> [ReadRecord] {
    try assign(positions)
    var read: [ReadRecord] = []
    let deadline = ContinuousClock.now + .seconds(20)
    while read.count < count, .now < deadline {
      _ = try consume(maxRecords: 1000, maxBytes: 1 << 24, deadline: deadline) { record in
        read.append(
          ReadRecord(
            coordinate: Coordinate(partition: record.partition, offset: record.offset),
            key: String(decoding: record.key, as: UTF8.self), text: String(decoding: record.payload, as: UTF8.self)))
      }
    }
    return read
  }
}

/// A TCP listener that speaks just enough of the Kafka protocol to refuse a SASL login: it answers ApiVersions and
/// SaslHandshake, and SaslAuthenticate with error 58 (SASL_AUTHENTICATION_FAILED).
final class RefusingBroker: Sendable {
  let address: String
  private let listener: Int32

  init() throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &place) { [listener] pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
        bind(listener, general, length) | getsockname(listener, general, &length)
      }
    }
    guard status == 0, listen(listener, 8) == 0 else { throw POSIXError(.EADDRINUSE) }
    address = "127.0.0.1:\(UInt16(bigEndian: place.sin_port))"
    Thread.detachNewThread { [listener] in
      while case let connection = accept(listener, nil, nil), connection >= 0 {
        Thread.detachNewThread { Self.serve(connection) }
      }
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  private static func serve(_ connection: Int32) {
    defer { close(connection) }
    while let header = receive(connection, 4) {
      let size = header.reduce(0) { $0 << 8 | Int($1) }
      guard let request = receive(connection, size), size >= 8 else { return }
      let body: [UInt8]
      switch Int(request[0]) << 8 | Int(request[1]) {
      case 18:
        // ApiVersions v0: error, then (key, min, max) of Metadata, SaslHandshake, ApiVersions and SaslAuthenticate. A
        // newer version is asked for first and refused with UNSUPPORTED_VERSION, as the protocol wants.
        let apis: [[UInt8]] = [[0, 3, 0, 0, 0, 2], [0, 17, 0, 0, 0, 1], [0, 18, 0, 0, 0, 0], [0, 36, 0, 0, 0, 0]]
        let isOld = request[2] == 0 && request[3] == 0
        body = (isOld ? [0, 0] : [0, 35]) + [0, 0, 0, 4] + apis.flatMap { $0 }
      case 17: body = [0, 0, 0, 0, 0, 1, 0, 5] + Array("PLAIN".utf8)
      case 36: body = [0, 58, 0, 7] + Array("refused".utf8) + [0, 0, 0, 0]
      default: return
      }
      let answer = Array(request[4..<8]) + body
      let framed = withUnsafeBytes(of: UInt32(answer.count).bigEndian) { Array($0) } + answer
      guard send(connection, framed, framed.count, Int32(MSG_NOSIGNAL)) == framed.count else { return }
    }
  }

  private static func receive(_ connection: Int32, _ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var have = 0
    while have < count {
      let got = bytes.withUnsafeMutableBytes { recv(connection, $0.baseAddress?.advanced(by: have), count - have, 0) }
      guard got > 0 else { return nil }
      have += got
    }
    return bytes
  }
}
