internal import DeltaLake
internal import Foundation
internal import JSON

/// Folders of earlier records that a pipeline takes beside its stream, each as a partition of its own.
///
/// A backfill is a landing directory with another number: its splits are registered, its offsets never change, its positions
/// are in the tables. `_backfills/PIPELINE/PARTITION.json` says which folder a number belongs to, and is never removed.
public struct Backfills: Sendable {
  /// One folder.
  public struct Entry: Sendable, Hashable {
    /// The partition of its records.
    public var partition: Int32
    /// The folder, an absolute path.
    public var directory: String
    /// Whether all its records are in the tables.
    public var isDone: Bool
  }

  /// The partition of the first backfill; no topic has as many.
  public static let firstPartition: Int32 = 1_000_000

  private let lake: Lake
  private let pipeline: String
  private var folder: String { lake.backfillFolder(pipeline: pipeline) }

  /// The backfills of a pipeline of a lake.
  public init(lake: Lake, pipeline: String) {
    self.lake = lake
    self.pipeline = pipeline
  }

  /// Every backfill, by partition.
  public func entries() -> [Entry] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.compactMap { name in
      guard name.hasSuffix(".json"), let partition = Int32(name.dropLast(5)),
        let text = try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8),
        let object = JSONValue(parsing: text)?.object, let directory = object["directory"]?.string
      else { return nil }
      return Entry(partition: partition, directory: directory, isDone: object["done"]?.bool ?? false)
    }.sorted { $0.partition < $1.partition }
  }

  /// Makes a folder a backfill. A folder that is one already keeps its number, and what came to it since is taken.
  public func register(_ directory: String) throws -> Entry {
    let store = LocalStore(folder)
    if var known = entries().first(where: { $0.directory == directory }) {
      known.isDone = false
      try store.put(Self.name(known.partition), Self.bytes(known))
      return known
    }
    var entry = Entry(
      partition: (entries().last?.partition ?? Self.firstPartition - 1) + 1, directory: directory, isDone: false)
    // Somebody else may take the number first.
    while try !store.putIfAbsent(Self.name(entry.partition), Self.bytes(entry)) { entry.partition += 1 }
    return entry
  }

  /// Notes that all records of a backfill are in the tables.
  func finish(_ entry: Entry) throws {
    var entry = entry
    entry.isDone = true
    try LocalStore(folder).put(Self.name(entry.partition), Self.bytes(entry))
  }

  /// The right to work on a backfill; nil if another process does.
  func lock(_ entry: Entry) throws(StreamingError) -> FileLock? {
    try FileLock.take("\(folder)/\(entry.partition).lock", .exclusive)
  }

  /// Where the splits of a backfill are registered.
  func splits(_ entry: Entry) -> String { lake.splitsLocation(pipeline: "\(pipeline).backfill-\(entry.partition)") }

  private static func name(_ partition: Int32) -> String { "\(partition).json" }

  private static func bytes(_ entry: Entry) -> [UInt8] {
    let object: JSONObject = ["directory": .string(entry.directory), "done": .bool(entry.isDone)]
    return Array((JSONValue.object(object).text + "\n").utf8)
  }
}
