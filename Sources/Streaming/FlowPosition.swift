public import DeltaLake

/// For each source partition the next offset to read.
public typealias Positions = [Int32: Int64]

/// Names the Delta `txn` application ids of one pipeline's source.
///
/// Every table that the pipeline writes carries, in the commit of the data itself, the next offset of each source
/// partition under `PIPELINE/STREAM/PARTITION`. There is no other checkpoint.
public struct FlowIdentity: Sendable, Hashable {
  /// The pipeline's name.
  public var pipeline: String
  /// The source's stream name.
  public var stream: String

  /// The identity of a pipeline's source.
  public init(pipeline: String, stream: String) {
    self.pipeline = pipeline
    self.stream = stream
  }

  private var prefix: String { "\(pipeline)/\(stream)/" }

  /// The application id of one partition.
  public func appId(partition: Int32) -> String { prefix + String(partition) }

  /// The next offsets that a table's `txn` actions hold for this source.
  public func positions(in transactions: [String: Int64]) -> Positions {
    var positions: Positions = [:]
    for (appId, version) in transactions where appId.hasPrefix(prefix) {
      guard let partition = Int32(appId.dropFirst(prefix.count)) else { continue }
      positions[partition] = version
    }
    return positions
  }

  /// The newest event time of each partition that a table's `txn` actions hold, microseconds since 1970.
  ///
  /// It is committed with the rows, under `PIPELINE/STREAM/PARTITION/event_time`, and covers all records of the
  /// partition before the table's position there: the watermark needs no other memory.
  public func newestEventTimes(in transactions: [String: Int64]) -> [Int32: Int64] {
    var times: [Int32: Int64] = [:]
    for (appId, version) in transactions where appId.hasPrefix(prefix) && appId.hasSuffix(Self.eventTimeSuffix) {
      guard let partition = Int32(appId.dropFirst(prefix.count).dropLast(Self.eventTimeSuffix.count)) else { continue }
      times[partition] = version
    }
    return times
  }

  /// The `txn` actions that record newest event times, in order of partition.
  public func eventTimeTransactions(_ newest: [Int32: Int64]) -> [AppTransaction] {
    newest.sorted { $0.key < $1.key }.map {
      AppTransaction(appId: appId(partition: $0.key) + Self.eventTimeSuffix, version: $0.value)
    }
  }

  private static let eventTimeSuffix = "/event_time"

  /// The `txn` actions that record these positions, in order of partition.
  public func transactions(_ positions: Positions) -> [AppTransaction] {
    positions.sorted { $0.key < $1.key }.map { AppTransaction(appId: appId(partition: $0.key), version: $0.value) }
  }
}

/// The offsets of one micro-batch: a half-open range in each partition.
public struct OffsetSpan: Sendable, Hashable {
  /// The ranges by partition; none is empty.
  public var ranges: [Int32: Range<Int64>]

  /// A span of these ranges; empty ones are left out.
  public init(_ ranges: [Int32: Range<Int64>]) { self.ranges = ranges.filter { !$0.value.isEmpty } }

  /// The span from `first` to `next`, partition by partition.
  public init(from first: Positions, to next: Positions) {
    var ranges: [Int32: Range<Int64>] = [:]
    for (partition, end) in next {
      let start = first[partition] ?? 0
      if start < end { ranges[partition] = start..<end }
    }
    self.init(ranges)
  }

  /// The positions after the span.
  public var next: Positions { ranges.mapValues(\.upperBound) }

  /// Whether it covers nothing.
  public var isEmpty: Bool { ranges.isEmpty }
}

/// What a restarted pipeline has to repair before it reads its source again.
///
/// Bronze is committed first, so after a crash between two commits the tables behind it lag. One step brings the
/// tables that lag most, in one partition, up to the next table's position; steps are taken until none lags.
public struct CatchUpStep: Sendable, Hashable {
  /// The partition that is repaired.
  public var partition: Int32
  /// The offsets that the tables lack.
  public var range: Range<Int64>
  /// The tables that lack them.
  public var tables: Set<String>

  /// The next step, or nil if no table lags.
  /// - Parameters:
  ///   - bronze: The positions of the bronze table.
  ///   - tables: The positions of every table behind it.
  public static func next(bronze: Positions, tables: [String: Positions]) -> CatchUpStep? {
    for partition in bronze.keys.sorted() {
      let end = bronze[partition] ?? 0
      let reached = tables.mapValues { min($0[partition] ?? 0, end) }
      guard let lowest = reached.values.min(), lowest < end else { continue }
      let nextHigher = reached.values.filter { $0 > lowest }.min() ?? end
      return CatchUpStep(
        partition: partition, range: lowest..<nextHigher,
        tables: Set(reached.filter { $0.value == lowest }.keys))
    }
    return nil
  }
}
