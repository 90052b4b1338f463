internal import DeltaLake
internal import Streaming
internal import Synchronization

/// Tables of a lake that lie on another machine, kept open between requests: their files are copied once, not for each
/// query.
final class RemoteTables: Sendable {
  private struct Open {
    var table: DeltaTable
    /// The version at which it was opened.
    var first: Int64
  }

  /// A table that has moved on by so many versions is opened afresh, so that copies of files that are no longer part of
  /// it go away.
  private static let versions: Int64 = 200

  private let lake: Lake
  private let open = Mutex<[String: Open]>([:])

  init(_ lake: Lake) { self.lake = lake }

  /// The table of that name.
  func table(named name: String) throws -> DeltaTable {
    guard lake.places[name] != nil else { return try lake.table(named: name) }
    if let known = open.withLock({ $0[name] }),
      try known.table.snapshot().version - known.first < Self.versions
    {
      return known.table
    }
    let table = try lake.table(named: name)
    let version = try table.snapshot().version
    open.withLock { $0[name] = Open(table: table, first: version) }
    return table
  }

  /// Folders in which files of such tables lie while they are read.
  var folders: [String] {
    Set(lake.places.values.flatMap { DeltaTable.readableFolders(of: $0) }).sorted()
  }
}
