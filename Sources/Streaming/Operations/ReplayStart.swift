internal import Foundation

/// Where a replay begins.
public enum ReplayStart: Sendable, Hashable {
  /// With everything.
  case beginning
  /// With the records that were read at this time or later, microseconds since 1970.
  case time(Int64)
  /// At these offsets; partitions that are not named stay as they are.
  case offsets([Int32: Int64])

  /// Reads `beginning`, an offset (of partition 0), `PARTITION:OFFSET,…`, or an instant in ISO 8601; nil for anything else.
  public init?(_ text: String) {
    if text == "beginning" {
      self = .beginning
    } else if let offset = Int64(text), offset >= 0 {
      self = .offsets([0: offset])
    } else if let date = try? Date(text, strategy: .iso8601) {
      self = .time(Int64(date.timeIntervalSince1970 * 1e6))
    } else {
      var offsets: [Int32: Int64] = [:]
      for part in text.split(separator: ",") {
        let pair = part.split(separator: ":", omittingEmptySubsequences: false)
        guard pair.count == 2, let partition = Int32(pair[0]), let offset = Int64(pair[1]), partition >= 0, offset >= 0
        else { return nil }
        offsets[partition] = offset
      }
      guard !offsets.isEmpty else { return nil }
      self = .offsets(offsets)
    }
  }

  /// The offsets to replay. Pure.
  /// - Parameters:
  ///   - end: How far bronze has come.
  ///   - firstAtTime: For `.time`: the first offset of each partition that was read then or later.
  func span(end: Positions, firstAtTime: Positions) -> OffsetSpan {
    var ranges: [Int32: Range<Int64>] = [:]
    for (partition, last) in end {
      let first: Int64? =
        switch self {
        case .beginning: 0
        case .time: firstAtTime[partition]
        case .offsets(let offsets): offsets[partition]
        }
      if let first, first < last { ranges[partition] = first..<last }
    }
    return OffsetSpan(ranges)
  }
}
