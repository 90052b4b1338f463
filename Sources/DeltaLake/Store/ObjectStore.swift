/// A file that a store holds.
public struct ObjectEntry: Sendable, Hashable {
  /// Path below the table.
  public var path: String
  /// Bytes.
  public var size: Int64
  /// Milliseconds since 1970.
  public var modificationTime: Int64

  /// A file of a store.
  public init(path: String, size: Int64, modificationTime: Int64) {
    self.path = path
    self.size = size
    self.modificationTime = modificationTime
  }
}

/// Where a table's files are. Paths are below the table, decoded, with `/` between folders.
///
/// A store gives the three guarantees that the protocol needs: a file appears whole or not at all, only one writer can
/// create a path (put-if-absent), and a listing shows every file that was there when it began.
public protocol ObjectStore: Sendable {
  /// The table's place, as given by the user.
  var location: String { get }

  /// The files of a folder (not of its subfolders) sorted by path, from the first whose name is not below `start`.
  /// A folder that does not exist is empty.
  func list(_ folder: String, startingAt start: String?) throws(DeltaError) -> [ObjectEntry]

  /// All files at any depth below a folder, sorted by path.
  func listAll(_ folder: String) throws(DeltaError) -> [ObjectEntry]

  /// The whole content; `missingFile` if there is none.
  func read(_ path: String) throws(DeltaError) -> [UInt8]

  /// A range of bytes of the content, shorter at the end of the file.
  func read(_ path: String, range: Range<Int64>) throws(DeltaError) -> [UInt8]

  /// Size and time of a file; nil if there is none.
  func attributes(_ path: String) throws(DeltaError) -> ObjectEntry?

  /// Creates a file unless the path is taken; false if it is. Durable on return.
  func putIfAbsent(_ path: String, _ bytes: [UInt8]) throws(DeltaError) -> Bool

  /// Creates or replaces a file atomically. Durable on return.
  func put(_ path: String, _ bytes: [UInt8]) throws(DeltaError)

  /// Removes a file; one that is gone already is no error.
  func delete(_ path: String) throws(DeltaError)

  /// A path of the local file system with the content of a file that never changes (data, checkpoints).
  func localPath(_ path: String) throws(DeltaError) -> String

  /// A local folder into which new data files may be written before `publish`.
  func stagingFolder() throws(DeltaError) -> String

  /// Puts files that were written below the staging folder at the same paths below the table, durably.
  func publish(_ paths: [String]) throws(DeltaError)

  /// Moves a local file (beside the table or anywhere) to a path below the table, replacing it; durable on return.
  func install(localFile: String, as path: String) throws(DeltaError)
}
