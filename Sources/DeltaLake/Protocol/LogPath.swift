/// The names of everything under `_delta_log` (PROTOCOL.md, "Delta Table Specification").
enum LogPath: Sendable, Hashable {
  static let folder = "_delta_log"
  static let lastCheckpoint = folder + "/_last_checkpoint"
  static let sidecarFolder = folder + "/_sidecars"
  static let changeDataFolder = "_change_data"

  case commit(Int64)
  case classicCheckpoint(Int64)
  case multiPartCheckpoint(Int64, part: Int, of: Int)
  case uuidCheckpoint(Int64, uuid: String, isJSON: Bool)
  case compaction(from: Int64, to: Int64)
  case checksum(Int64)

  /// Reads a file name (without the folder); nil for files that are none of these.
  init?(name: String) {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard let first = parts.first, let version = Self.version(first) else { return nil }
    switch (parts.count, parts.last) {
    case (2, "json"): self = .commit(version)
    case (2, "crc"): self = .checksum(version)
    case (3, "parquet") where parts[1] == "checkpoint": self = .classicCheckpoint(version)
    case (4, "json") where parts[2] == "compacted":
      guard let end = Self.version(parts[1]), end >= version else { return nil }
      self = .compaction(from: version, to: end)
    case (4, "parquet") where parts[1] == "checkpoint":
      self = .uuidCheckpoint(version, uuid: String(parts[2]), isJSON: false)
    case (4, "json") where parts[1] == "checkpoint":
      self = .uuidCheckpoint(version, uuid: String(parts[2]), isJSON: true)
    case (5, "parquet") where parts[1] == "checkpoint":
      guard let part = Int(parts[2]), let count = Int(parts[3]), parts[2].count == 10, parts[3].count == 10,
        part >= 1, part <= count
      else { return nil }
      self = .multiPartCheckpoint(version, part: part, of: count)
    default: return nil
    }
  }

  private static func version(_ text: Substring) -> Int64? {
    guard text.utf8.count == 20, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int64(text)
  }

  /// The file name without the folder.
  var name: String {
    switch self {
    case .commit(let version): "\(Self.padded(version)).json"
    case .classicCheckpoint(let version): "\(Self.padded(version)).checkpoint.parquet"
    case .multiPartCheckpoint(let version, let part, let count):
      "\(Self.padded(version)).checkpoint.\(Self.padded(Int64(part), 10)).\(Self.padded(Int64(count), 10)).parquet"
    case .uuidCheckpoint(let version, let uuid, let isJSON):
      "\(Self.padded(version)).checkpoint.\(uuid).\(isJSON ? "json" : "parquet")"
    case .compaction(let from, let to): "\(Self.padded(from)).\(Self.padded(to)).compacted.json"
    case .checksum(let version): "\(Self.padded(version)).crc"
    }
  }

  /// The version of a checkpoint file; nil for other files.
  var checkpointVersion: Int64? {
    switch self {
    case .classicCheckpoint(let version), .multiPartCheckpoint(let version, _, _), .uuidCheckpoint(let version, _, _):
      version
    default: nil
    }
  }

  /// The path under the table.
  var path: String { Self.folder + "/" + name }

  private static func padded(_ number: Int64, _ width: Int = 20) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
