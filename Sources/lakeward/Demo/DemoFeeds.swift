internal import Foundation
internal import Pipelines
internal import Simulation
internal import Streaming

/// A simulator of the demo at work.
protocol DemoFeed {
  /// Ends it and waits for its last record.
  func stop()
  /// One line: what was sent; only after `stop`.
  var words: String { get }
}

/// The demo's simulators: what a small hospital sends.
enum DemoFeeds {
  /// Beds of the simulated wards. Each sends a reading every two seconds.
  private static let beds = 36
  /// Hours that bodies live in an hour, so that somebody's course can be seen within minutes.
  private static let speed = 60.0

  /// Starts a simulator for each pipeline, writing into its landing directory.
  /// - Parameter rate: Test results per second.
  static func start(_ workspace: Workspace, _ pipelines: [Pipeline], rate: Double) throws -> [any DemoFeed] {
    // A seed of its own for every run, so that a second demo on the same lake brings new records.
    let seed = UInt64(Date().timeIntervalSince1970)
    return try pipelines.map { pipeline in
      guard let landing = pipeline.source?.landing else { throw StreamingError.noSource(pipeline: pipeline.name) }
      let folder = workspace.lake.resolve(landing.path)
      switch pipeline.name {
      case "vitals":
        return try feed(
          VitalsSimulator(seed: seed, beds: beds, speed: speed, faults: .mixed), pipeline, folder,
          rate: Double(beds) / 2, after: history(seed: seed))
      case "risk":
        return try feed(RiskSimulator(seed: seed, patients: 200, faults: .mixed), pipeline, folder, rate: 20)
      case "diabetes":
        return try feed(DiabetesSimulator(seed: seed, patients: 500, faults: .mixed), pipeline, folder, rate: 5)
      default:
        return try feed(
          IllnessRecordSimulator(seed: seed, patients: 5_000, faults: .mixed), pipeline, folder, rate: rate)
      }
    }
  }

  /// The same ward's last hours, in which little happened: what charts begin with and the model of anomalies learns from.
  private static func history(seed: UInt64) -> [UInt8] {
    let (hours, secondsBetween) = (3, 30)
    let count = beds * hours * 3_600 / secondsBetween
    let step = Int64(secondsBetween) * 1_000_000 / Int64(beds)
    var simulator = VitalsSimulator(seed: seed, beds: beds, speed: 0.2)
    var lines: [UInt8] = []
    let start = Int64(Date().timeIntervalSince1970 * 1e6) - Int64(count) * step
    simulator.append(count: count, startingAt: start, step: step, to: &lines)
    return lines
  }

  private static func feed<Simulator: RecordSimulator>(
    _ simulator: Simulator, _ pipeline: Pipeline, _ folder: String, rate: Double, after earlier: [UInt8] = []
  ) throws -> any DemoFeed {
    let writer = try LandingWriter(folder: folder, prefix: "demo", delivery: .growing, maximumFileBytes: 8 << 20)
    if !earlier.isEmpty { try writer.write(earlier) }
    let feed = BackgroundFeed(
      RecordFeed(simulator: simulator, target: .landing(writer)), name: pipeline.name, truthFolder: folder)
    feed.start(rate: rate)
    return feed
  }
}

/// A record feed on a thread of its own.
final class BackgroundFeed<Simulator: RecordSimulator>: DemoFeed, @unchecked Sendable {
  // Safe to share: the feed belongs to its thread until `stop` has waited for it.
  private let feed: RecordFeed<Simulator>
  private let name: String
  private let truthFolder: String
  private let signal = StopSignal()
  private let done = DispatchSemaphore(value: 0)

  init(_ feed: RecordFeed<Simulator>, name: String, truthFolder: String) {
    self.feed = feed
    self.name = name
    self.truthFolder = truthFolder
  }

  func start(rate: Double) {
    let thread = Thread { [self] in
      do {
        try feed.run(rate: rate, count: nil, eventTime: .live, stop: signal) { _ in }
        try feed.simulator.truth.write(to: truthFolder)
      } catch {
        Console.warn("simulator of \(name): \(error)")
      }
      done.signal()
    }
    thread.name = "simulator \(name)"
    thread.start()
  }

  func stop() {
    signal.stop()
    done.wait()
  }

  var words: String {
    let truth = feed.simulator.truth
    return
      "Simulated \(name): \(Console.grouped(truth.records)) records, \(Console.grouped(truth.quarantined)) broken on purpose, "
      + "\(Console.grouped(truth.records - truth.quarantined - truth.accepted)) duplicates."
  }
}
