import Testing

@testable import Streaming

@Suite struct BatchSizeTests {
  private let maximum = BatchLimit(records: 200_000, bytes: 256 << 20)

  private func size(interval: Double = 1) -> BatchSize { BatchSize(maximum: maximum, intervalSeconds: interval) }

  @Test func aBacklogGrowsTheLimitToTheMaximum() {
    var size = size()
    #expect(size.records == 50_000)
    for expected in [100_000, 200_000, 200_000] {
      size.took(size.records, seconds: 0.2, isCut: true, lagSeconds: nil)
      #expect(size.records == expected)
    }
    #expect(size.limit == maximum)
  }

  /// A machine that takes 40,000 records a second settles at batches of about a second.
  @Test(arguments: [1, 5] as [Double]) func theLimitSettlesAtTheTargetTime(interval: Double) {
    var size = size(interval: interval)
    for _ in 0..<20 {
      size.took(size.records, seconds: Double(size.records) / 40_000, isCut: true, lagSeconds: 3)
    }
    #expect(abs(Double(size.records) / 40_000 - interval) < 0.05)
  }

  @Test func aLongLagAllowsLongerBatches() {
    for (lag, seconds) in [(5.0, 1.0), (30, 3), (600, 10)] {
      var size = size()
      for _ in 0..<20 { size.took(size.records, seconds: Double(size.records) / 10_000, isCut: true, lagSeconds: lag) }
      #expect(abs(Double(size.records) / 10_000 - seconds) < 0.05, "\(lag) s behind")
    }
  }

  @Test func aStreamThatKeepsUpChangesNothing() {
    var size = size()
    for _ in 0..<20 { size.took(900, seconds: 4, isCut: false, lagSeconds: 1) }
    #expect(size.records == 50_000)
    // Large batches that took all there was do not grow it, and slow ones shrink it.
    size.took(49_000, seconds: 0.1, isCut: false, lagSeconds: 1)
    #expect(size.records == 50_000)
    size.took(49_000, seconds: 8, isCut: false, lagSeconds: 1)
    #expect(size.records == 25_000)
  }

  @Test func limitsHold() {
    var size = size()
    for _ in 0..<20 { size.took(size.records, seconds: 60, isCut: true, lagSeconds: nil) }
    #expect(size.records == BatchSize.smallest)
    #expect(size.limit.bytes == maximum.bytes / 20)
    var small = BatchSize(maximum: BatchLimit(records: 23, bytes: 1_000), intervalSeconds: 0)
    #expect(small.limit == BatchLimit(records: 23, bytes: 1_000))
    small.took(23, seconds: 100, isCut: true, lagSeconds: nil)
    #expect(small.limit == BatchLimit(records: 23, bytes: 1_000))
    small.took(0, seconds: 0, isCut: false, lagSeconds: nil)
    #expect(small.records == 23)
  }
}
