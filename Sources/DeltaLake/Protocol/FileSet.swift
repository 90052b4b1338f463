import Synchronization

/// Files of a checkpoint: loaded once, never changed, shared by all snapshots that build on it.
final class FileSegment: Sendable {
  let files: [AddFile]
  private let positions = Mutex<[FileKey: Int]?>(nil)

  init(_ files: [AddFile]) { self.files = files }

  static let empty = FileSegment([])

  func position(of key: FileKey) -> Int? {
    guard !files.isEmpty else { return nil }
    return positions.withLock { positions in
      if let positions { return positions[key] }
      var built = [FileKey: Int](minimumCapacity: files.count)
      for (index, file) in files.enumerated() { built[file.key] = index }
      positions = built
      return built[key]
    }
  }
}

/// The live files of a version: a shared base less what has left it, and what came since.
public struct FileSet: Sendable, Sequence {
  private(set) var base: FileSegment
  private(set) var removedFromBase: Set<Int> = []
  private(set) var added: [FileKey: AddFile] = [:]
  private var order: [FileKey] = []
  private var stale = 0

  init(base: FileSegment = .empty) { self.base = base }

  /// Number of live files.
  public var count: Int { base.files.count - removedFromBase.count + added.count }

  /// Whether there is no file.
  public var isEmpty: Bool { count == 0 }

  mutating func insert(_ file: AddFile) {
    let key = file.key
    if let position = base.position(of: key) { removedFromBase.insert(position) }
    if added.updateValue(file, forKey: key) == nil { order.append(key) }
  }

  mutating func remove(_ key: FileKey) {
    if added.removeValue(forKey: key) != nil {
      stale += 1
      if stale > 64, stale > order.count / 2 {
        order.removeAll { added[$0] == nil }
        stale = 0
      }
    } else if let position = base.position(of: key) {
      removedFromBase.insert(position)
    }
  }

  /// The live file of a key.
  public subscript(key: FileKey) -> AddFile? {
    if let file = added[key] { return file }
    guard let position = base.position(of: key), !removedFromBase.contains(position) else { return nil }
    return base.files[position]
  }

  /// The live files: those of the checkpoint first, then in the order of the commits.
  public func makeIterator() -> AnyIterator<AddFile> {
    var position = 0
    var keys = order.makeIterator()
    var seen: Set<FileKey> = []
    let hasStale = stale > 0
    return AnyIterator {
      while position < base.files.count {
        defer { position += 1 }
        if !removedFromBase.contains(position) { return base.files[position] }
      }
      while let key = keys.next() {
        guard let file = added[key] else { continue }
        if hasStale, !seen.insert(key).inserted { continue }
        return file
      }
      return nil
    }
  }
}
