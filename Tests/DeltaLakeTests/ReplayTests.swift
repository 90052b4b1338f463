import LakewardTesting
import Testing

@testable import DeltaLake

@Suite struct ReplayTests {
  /// Random commits against a model that keeps plain dictionaries, with the state cut over to a checkpoint's base at
  /// random places.
  @Test(arguments: 0..<20)
  func replayAgreesWithANaiveModel(_ seed: Int) {
    var random = SplitMix(UInt64(seed))
    var state = LogState()
    var model: [FileKey: Int64] = [:]
    var transactions: [String: Int64] = [:]
    for version in 0..<120 {
      var actions: [Action] = []
      for _ in 0..<random.below(6) {
        let path = "f\(random.below(40))"
        if let key = model.keys.first(where: { $0.path == path }) {
          var gone = AddFile(path: path, size: 0, modificationTime: 0)
          gone.deletionVector = vector(key.deletionVectorId)
          guard !actions.contains(where: { $0.path == path }) else { continue }
          actions.append(.remove(RemoveFile(gone, at: 0)))
          model[key] = nil
          if random.below(3) == 0 { continue }
        }
        guard !actions.contains(where: { if case .add(let file) = $0 { file.path == path } else { false } }) else {
          continue
        }
        var file = AddFile(path: path, size: Int64(version), modificationTime: 0)
        file.deletionVector = vector(random.below(2) == 0 ? nil : "i\(version)")
        actions.append(.add(file))
        model[file.key] = file.size
      }
      if random.below(3) == 0 {
        let id = "app\(random.below(4))"
        actions.append(.transaction(AppTransaction(appId: id, version: Int64(version))))
        transactions[id] = Int64(version)
      }
      state.apply(actions, version: Int64(version))
      if random.below(10) == 0 { state.files = FileSet(base: FileSegment(Array(state.files))) }
      #expect(state.files.count == model.count)
      let found = Dictionary(state.files.map { ($0.key, $0.size) }) { _, _ in -1 }
      #expect(found == model)
    }
    #expect(state.transactions.mapValues(\.version) == transactions)
  }

  private func vector(_ id: String?) -> DeletionVectorDescriptor? {
    id.map {
      DeletionVectorDescriptor(storageType: "i", pathOrInlineDv: String($0.dropFirst()), sizeInBytes: 0, cardinality: 0)
    }
  }

  /// Damaged commit files, deletion vectors and JSON give errors, never a trap.
  @Test func damagedBytesNeverTrap() {
    var random = SplitMix(7)
    let commit = Array(
      """
      {"commitInfo":{"timestamp":1,"operation":"WRITE","operationParameters":{"a":"[\\"b\\"]"}}}
      {"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],"writerFeatures":[]}}
      {"metaData":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":"{\\"type\\":\\"struct\\"}","partitionColumns":[],"configuration":{}}}
      {"add":{"path":"a%20b","partitionValues":{"p":null,"q":"\\u00e9"},"size":12,"modificationTime":34,"dataChange":true,"stats":"{}","deletionVector":{"storageType":"u","pathOrInlineDv":"ab^-aqEH.-t@S}K{vb[*k^","offset":4,"sizeInBytes":40,"cardinality":6}}}
      {"remove":{"path":"c","deletionTimestamp":1e3,"dataChange":false}}
      {"txn":{"appId":"a","version":1}}
      """.utf8)
    let vector = DeletionVector.encode((0..<9000).map { Int64($0 * 3) })
    for _ in 0..<4000 {
      var bytes = commit
      random.damage(&bytes)
      try? ActionDecoder.decode(bytes, file: "fuzz", wanted: [.state, .changes, .commitInfo]) { _ in }
      var bitmap = random.below(2) == 0 ? vector : Array(vector.prefix(60))
      random.damage(&bitmap)
      _ = try? DeletionVector.decode(bitmap)
      _ = try? DeletionVector.entry(of: bitmap, sizeInBytes: random.below(100))
      _ = FileStatistics.numRecords(String(decoding: bytes.prefix(80), as: UTF8.self))
      _ = LogPath(name: String(decoding: bytes.prefix(30), as: UTF8.self))
      _ = try? DataType(sqlType: String(decoding: bytes.prefix(20), as: UTF8.self))
    }
  }

  /// Damaged checkpoints give errors or the right rows.
  @Test func damagedCheckpointsNeverTrap() throws {
    let bench = try Bench()
    let table = try bench.filled(100, files: 10)
    let store = LocalStore(table.location)
    let good = try store.read("_delta_log/00000000000000000010.checkpoint.parquet")
    var random = SplitMix(3)
    for _ in 0..<60 {
      var bytes = good
      random.damage(&bytes)
      try store.put("_delta_log/00000000000000000010.checkpoint.parquet", bytes)
      if let damaged = try? DeltaTable(at: table.location) { _ = try? damaged.snapshot().rowCount() }
    }
  }
}

extension Action {
  fileprivate var path: String? {
    switch self {
    case .add(let file): file.path
    case .remove(let file): file.path
    default: nil
    }
  }
}

/// SplitMix64, seeded.
struct SplitMix {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

  /// Flips, cuts, doubles or removes a few bytes.
  mutating func damage(_ bytes: inout [UInt8]) {
    for _ in 0...below(4) where !bytes.isEmpty {
      let place = below(bytes.count)
      switch below(4) {
      case 0: bytes[place] ^= UInt8(1 << below(8))
      case 1: bytes.removeSubrange(place..<min(bytes.count, place + 1 + below(20)))
      case 2: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 8)], at: below(bytes.count))
      default: bytes = Array(bytes.prefix(place))
      }
    }
  }
}
