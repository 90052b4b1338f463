import DeltaLake
import LakewardTesting
import Testing

@testable import Streaming

/// What the policy makes of years of commits, without a file.
@Suite struct CompactionPolicyTests {
  /// One table as a list of file sizes.
  private struct Simulation {
    var policy = CompactionPolicy()
    var files: [CompactionPolicy.File] = []
    var mostFiles = 0
    var bytesWritten: Int64 = 0
    var bytesRewritten: Int64 = 0
    var rounds = 0

    mutating func commit(_ bytes: Int64, partition: Int = 0, at now: Int64) {
      files.append(.init(index: files.count, partition: partition, bytes: bytes, modified: now))
      bytesWritten += bytes
      mostFiles = max(mostFiles, files.count)
    }

    /// One round, as `TableMaintenance` has it.
    mutating func round(at now: Int64) {
      rounds += 1
      for index in files.indices { files[index].index = index }
      func size(_ group: [CompactionPolicy.File]) -> Int64 { group.reduce(0) { $0 + $1.bytes } }
      let chosen = policy.round(files, now: now)
      guard !chosen.isEmpty else { return }
      let gone = Set(chosen.joined().map(\.index))
      files.removeAll { gone.contains($0.index) }
      for group in chosen {
        bytesRewritten += size(group)
        files.append(.init(index: 0, partition: group[0].partition, bytes: size(group), modified: now))
      }
    }
  }

  /// 10 commits/s for an hour: a round after 24 micro-batches, each as late as a slow machine would have it.
  @Test(arguments: [(2_000, 1), (40_000, 1), (400_000, 1), (40_000, 8), (1_000_000, 1)] as [(Int64, Int)])
  func anHourAtTenCommitsASecond(bytes: Int64, partitions: Int) {
    var table = Simulation()
    for commit in 0..<36_000 {
      let now = Int64(commit) * 100
      table.commit(bytes, partition: commit % partitions, at: now)
      if commit % 24 == 23 { table.round(at: now + 1_500) }
    }
    #expect(table.mostFiles < 1_000, "\(table.mostFiles)")
    #expect(table.files.reduce(0) { $0 + $1.bytes } == table.bytesWritten)
    let amplification = Double(table.bytesRewritten) / Double(table.bytesWritten)
    #expect(amplification < 7, "\(amplification)")
    Places.note(
      "compaction: \(bytes) bytes, \(partitions) partitions: at most \(table.mostFiles) files, each byte \(amplification) times"
    )
  }

  @Test func filesThatAreBusyOrLargeOrFewAreLeftAlone() {
    let policy = CompactionPolicy()
    func files(_ count: Int, bytes: Int64 = 1_000, modified: Int64 = 0, partition: Int = 0) -> [CompactionPolicy.File] {
      (0..<count).map { .init(index: $0, partition: partition, bytes: bytes, modified: modified) }
    }
    #expect(policy.groups(files(100, modified: 9_000), now: 10_000).isEmpty)
    #expect(policy.groups(files(100, bytes: 128 << 20), now: 10_000).isEmpty)
    #expect(policy.groups(files(23), now: 10_000).isEmpty)
    #expect(policy.groups(files(24), now: 10_000).map(\.count) == [24])
    #expect(policy.groups(files(12) + files(12, bytes: 1 << 20), now: 10_000).isEmpty)
    #expect(policy.groups(files(12) + files(12, partition: 1), now: 10_000).isEmpty)
    // A group never becomes larger than the target.
    let large = policy.groups(files(30, bytes: 40 << 20), now: 10_000)
    #expect(large.allSatisfy { $0.count == 3 } && large.count == 10)
  }

  @Test func neighboursInTimeAreJoined() {
    var policy = CompactionPolicy()
    policy.targetBytes = 12_000
    let files = (0..<24).map {
      CompactionPolicy.File(index: $0, bytes: 1_000, modified: Int64(($0 * 7) % 24))
    }
    let groups = policy.groups(files, now: 10_000)
    #expect(groups.map { $0.map(\.modified) } == [Array(0..<12), Array(12..<24)])
  }

  @Test func manySmallPartitionsAreJoinedWhenThereAreTooMany() {
    let policy = CompactionPolicy()
    var files: [CompactionPolicy.File] = []
    for index in 0..<600 { files.append(.init(index: index, partition: index % 100, bytes: 5_000, modified: 0)) }
    #expect(policy.groups(files, now: 10_000).count == 100)
  }
}
