internal import Foundation
internal import Kafka
internal import Simulation
internal import Streaming

/// Where simulated records go.
enum FeedTarget {
  case landing(LandingWriter)
  case kafka(KafkaProducer, topic: String)
}

/// When simulated records claim to have been measured.
enum FeedTime {
  /// As they are sent.
  case live
  /// From an instant on, so far apart; microseconds since 1970, microseconds.
  case from(Int64, step: Int64)
}

/// Sends simulated records to a landing directory or a Kafka topic, all at once or at a rate.
final class RecordFeed<Simulator: RecordSimulator> {
  private(set) var simulator: Simulator
  private let target: FeedTarget

  init(simulator: Simulator, target: FeedTarget) {
    self.simulator = simulator
    self.target = target
  }

  /// Sends until `count` records are sent or the stop signal is given.
  /// - Parameters:
  ///   - rate: Records per second; nil: as fast as they can be written.
  ///   - progress: Called about twice a second with the number sent so far.
  func run(rate: Double?, count: Int?, eventTime: FeedTime, stop: StopSignal, progress: (Int) -> Void) throws {
    let began = ContinuousClock.now
    var reported = began
    var sent = 0
    var next: Int64 = 0
    var step: Int64 = rate.map { max(2, Int64(1e6 / $0)) } ?? 1_000
    if case .from(let start, let apart) = eventTime { (next, step) = (start, apart) }
    while !stop.isStopped, sent < count ?? .max {
      let elapsed = (ContinuousClock.now - began) / .seconds(1)
      let due = rate.map { Int(elapsed * $0) - sent } ?? 20_000
      let size = min(max(0, due), 20_000, (count ?? .max) - sent)
      if size > 0 {
        if case .live = eventTime { next = Int64(Date().timeIntervalSince1970 * 1e6) }
        try send(size, startingAt: next, step: step)
        next += Int64(size) * step
        sent += size
      }
      if ContinuousClock.now - reported > .milliseconds(500) {
        reported = .now
        progress(sent)
      }
      if rate != nil { stop.wait(seconds: 0.05) }
    }
    try finish()
    progress(sent)
  }

  private func send(_ count: Int, startingAt time: Int64, step: Int64) throws {
    switch target {
    case .landing(let writer):
      var lines: [UInt8] = []
      simulator.append(count: count, startingAt: time, step: step, to: &lines)
      try writer.write(lines)
    case .kafka(let producer, let topic):
      try simulator.forEachRecord(count: count, startingAt: time, step: step) { record in
        try producer.send(
          UnsafeRawBufferPointer(record.bytes), key: UnsafeRawBufferPointer(record.key), to: topic)
      }
      producer.poll()
    }
  }

  private func finish() throws {
    switch target {
    case .landing(let writer): try writer.close()
    case .kafka(let producer, _): _ = try producer.flush(timeout: .seconds(30))
    }
  }
}
