import DeltaLake
import Testing

@testable import Streaming

@Suite struct FlowPositionTests {
  private let flow = FlowIdentity(pipeline: "p", stream: "s")

  @Test func positionsAreReadFromTheFlowsOwnTransactions() {
    let positions = flow.positions(in: ["p/s/0": 7, "p/s/12": 3, "p/other/0": 9, "p/s/x": 1, "q/s/0": 2])
    #expect(positions == [0: 7, 12: 3])
    #expect(flow.transactions(positions).map(\.appId) == ["p/s/0", "p/s/12"])
  }

  @Test func spansLeaveOutEmptyRanges() {
    let span = OffsetSpan(from: [0: 5, 1: 2], to: [0: 5, 1: 4])
    #expect(span.ranges == [1: 2..<4])
    #expect(span.next == [1: 4])
  }

  @Test func nothingLags() {
    #expect(CatchUpStep.next(bronze: [0: 5], tables: ["silver": [0: 5], "gold": [0: 5]]) == nil)
    #expect(CatchUpStep.next(bronze: [:], tables: ["silver": [:]]) == nil)
  }

  @Test func aCrashAfterBronzeIsRepairedForAllTablesAtOnce() {
    let step = CatchUpStep.next(bronze: [0: 9], tables: ["silver": [0: 5], "quarantine": [0: 5], "gold": [0: 5]])
    #expect(step == CatchUpStep(partition: 0, range: 5..<9, tables: ["silver", "quarantine", "gold"]))
  }

  @Test func aCrashBetweenSilverAndGoldIsRepairedForGoldAlone() {
    let step = CatchUpStep.next(bronze: [0: 9], tables: ["silver": [0: 9], "gold": [0: 5]])
    #expect(step == CatchUpStep(partition: 0, range: 5..<9, tables: ["gold"]))
  }

  @Test func tablesThatLagDifferentlyAreBroughtLevelStepByStep() {
    var tables: [String: Positions] = ["a": [0: 2], "b": [0: 6], "c": [:]]
    var steps: [CatchUpStep] = []
    while let step = CatchUpStep.next(bronze: [0: 9], tables: tables) {
      steps.append(step)
      for name in step.tables { tables[name, default: [:]][step.partition] = step.range.upperBound }
    }
    #expect(
      steps == [
        CatchUpStep(partition: 0, range: 0..<2, tables: ["c"]),
        CatchUpStep(partition: 0, range: 2..<6, tables: ["a", "c"]),
        CatchUpStep(partition: 0, range: 6..<9, tables: ["a", "b", "c"]),
      ])
  }
}
