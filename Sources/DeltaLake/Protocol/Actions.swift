public import JSON

/// The reader and writer requirements of a table (PROTOCOL.md, "Protocol Evolution").
public struct TableProtocol: Sendable, Hashable {
  /// Lowest reader version that may read the table.
  public var minReaderVersion: Int32
  /// Lowest writer version that may write to the table.
  public var minWriterVersion: Int32
  /// Features that a reader must know; only with reader version 3.
  public var readerFeatures: [String]?
  /// Features that a writer must know; only with writer version 7.
  public var writerFeatures: [String]?

  /// A protocol of these versions and features.
  public init(
    minReaderVersion: Int32 = 1, minWriterVersion: Int32 = 2, readerFeatures: [String]? = nil,
    writerFeatures: [String]? = nil
  ) {
    self.minReaderVersion = minReaderVersion
    self.minWriterVersion = minWriterVersion
    self.readerFeatures = readerFeatures
    self.writerFeatures = writerFeatures
  }
}

/// Identity, schema, partitioning and properties of a table (PROTOCOL.md, "Change Metadata").
public struct TableMetadata: Sendable, Hashable {
  /// Unique id of the table.
  public var id: String
  /// Name given by the user.
  public var name: String?
  /// Description given by the user.
  public var description: String?
  /// File format; always `parquet`.
  public var provider: String = "parquet"
  /// Options of the file format.
  public var formatOptions: [String: String] = [:]
  /// The schema as the log holds it.
  public var schemaString: String
  /// Logical names of the partition columns, in order.
  public var partitionColumns: [String]
  /// Table properties.
  public var configuration: [String: String]
  /// When the metadata was made, milliseconds since 1970.
  public var createdTime: Int64?
}

/// Rows of a file that count as deleted (PROTOCOL.md, "Deletion Vectors").
public struct DeletionVectorDescriptor: Sendable, Hashable {
  /// `u` = file named by a UUID under the table, `p` = absolute path, `i` = inline.
  public var storageType: String
  /// The Z85 text (after an optional folder prefix) or the path.
  public var pathOrInlineDv: String
  /// Byte offset in the file.
  public var offset: Int32?
  /// Size of the bitmap, bytes, without length and checksum.
  public var sizeInBytes: Int32
  /// Number of deleted rows.
  public var cardinality: Int64

  /// Makes a descriptor from its parts.
  public init(storageType: String, pathOrInlineDv: String, offset: Int32? = nil, sizeInBytes: Int32, cardinality: Int64)
  {
    self.storageType = storageType
    self.pathOrInlineDv = pathOrInlineDv
    self.offset = offset
    self.sizeInBytes = sizeInBytes
    self.cardinality = cardinality
  }

  /// The id that tells apart versions of a file: storage type, path and `@offset`.
  public var uniqueId: String {
    guard let offset else { return storageType + pathOrInlineDv }
    return "\(storageType)\(pathOrInlineDv)@\(offset)"
  }
}

/// What identifies a logical file: its path as logged and its deletion vector (PROTOCOL.md, "Action Reconciliation").
public struct FileKey: Sendable, Hashable {
  /// Path as the log holds it.
  public var path: String
  /// Id of the deletion vector.
  public var deletionVectorId: String?

  /// The key of a file with these parts; a `file:` URI and the plain absolute path are the same file.
  public init(path: String, deletionVectorId: String? = nil) {
    self.path = path.hasPrefix("file:/") ? "/" + path.dropFirst(5).drop { $0 == "/" } : path
    self.deletionVectorId = deletionVectorId
  }
}

/// A data file of the table.
public struct AddFile: Sendable, Hashable {
  /// URI-encoded path, relative to the table unless absolute.
  public var path: String
  /// Partition values by physical column name; nil is null.
  public var partitionValues: [String: String?]
  /// Bytes.
  public var size: Int64
  /// Milliseconds since 1970.
  public var modificationTime: Int64
  /// False when the action only moves rows that were there already.
  public var dataChange: Bool
  /// Statistics, held as JSON text or left in the checkpoint that they came from.
  public var statistics: StoredStatistics
  /// Free tags.
  public var tags: [String: String?]?
  /// Rows that are deleted.
  public var deletionVector: DeletionVectorDescriptor?
  /// Row tracking: id of the first row.
  public var baseRowId: Int64?
  /// Row tracking: version that first held the file.
  public var defaultRowCommitVersion: Int64?
  /// Which clustering wrote the file.
  public var clusteringProvider: String?

  /// A data file with these facts.
  public init(
    path: String, partitionValues: [String: String?] = [:], size: Int64, modificationTime: Int64,
    dataChange: Bool = true, stats: String? = nil, tags: [String: String?]? = nil,
    deletionVector: DeletionVectorDescriptor? = nil
  ) {
    self.path = path
    self.partitionValues = partitionValues
    self.size = size
    self.modificationTime = modificationTime
    self.dataChange = dataChange
    self.statistics = stats.map(StoredStatistics.text) ?? .absent
    self.tags = tags
    self.deletionVector = deletionVector
  }

  /// The path without percent escapes.
  public var decodedPath: String { FilePath.decode(path) }

  /// The logical file that this is.
  public var key: FileKey { FileKey(path: path, deletionVectorId: deletionVector?.uniqueId) }
}

/// Where the statistics of a file are.
public enum StoredStatistics: Sendable, Hashable {
  case absent
  /// JSON text.
  case text(String)
  /// In a row of a checkpoint, read when needed.
  case stored(StatisticsColumn, row: Int)
}

/// The statistics column of a checkpoint, read from its files only when a scan or a rewrite needs it.
public final class StatisticsColumn: Sendable, Hashable {
  private let load: @Sendable () throws -> [String?]

  init(load: @escaping @Sendable () throws -> [String?]) { self.load = load }

  /// Statistics of all rows in row order.
  func texts() throws -> [String?] { try load() }

  /// Whether both are the same column.
  public static func == (left: StatisticsColumn, right: StatisticsColumn) -> Bool { left === right }

  /// Hashes the identity.
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// A data file that has left the table; kept as a tombstone until retention has passed.
public struct RemoveFile: Sendable, Hashable {
  /// Path as the log holds it.
  public var path: String
  /// Milliseconds since 1970.
  public var deletionTimestamp: Int64?
  /// False when its rows live on in other files.
  public var dataChange: Bool
  /// Whether the three members below are filled.
  public var extendedFileMetadata: Bool?
  /// Partition values of the file.
  public var partitionValues: [String: String?]?
  /// Bytes.
  public var size: Int64?
  /// The deletion vector that the file had.
  public var deletionVector: DeletionVectorDescriptor?
  /// Row tracking: id of the first row.
  public var baseRowId: Int64?
  /// Row tracking: version that first held the file.
  public var defaultRowCommitVersion: Int64?

  /// The logical file that this removes.
  public var key: FileKey { FileKey(path: path, deletionVectorId: deletionVector?.uniqueId) }

  /// The tombstone of a live file.
  public init(_ file: AddFile, at timestamp: Int64, dataChange: Bool = true) {
    path = file.path
    deletionTimestamp = timestamp
    self.dataChange = dataChange
    extendedFileMetadata = true
    partitionValues = file.partitionValues
    size = file.size
    deletionVector = file.deletionVector
    baseRowId = file.baseRowId
    defaultRowCommitVersion = file.defaultRowCommitVersion
  }

  init(path: String) {
    self.path = path
    dataChange = true
  }
}

/// A file of the change data feed.
public struct ChangeFile: Sendable, Hashable {
  /// URI-encoded path.
  public var path: String
  /// Partition values by physical column name; nil is null.
  public var partitionValues: [String: String?]
  /// Bytes.
  public var size: Int64
  /// Free tags.
  public var tags: [String: String?]?

  /// A change file with these facts.
  public init(path: String, partitionValues: [String: String?], size: Int64, tags: [String: String?]? = nil) {
    self.path = path
    self.partitionValues = partitionValues
    self.size = size
    self.tags = tags
  }
}

/// How far an application has come; written in the same commit as its data, so that nothing is written twice.
public struct AppTransaction: Sendable, Hashable {
  /// Name of the application or flow.
  public var appId: String
  /// Its own version, growing with each commit.
  public var version: Int64
  /// Milliseconds since 1970.
  public var lastUpdated: Int64?

  /// The transaction of an application.
  public init(appId: String, version: Int64, lastUpdated: Int64? = nil) {
    self.appId = appId
    self.version = version
    self.lastUpdated = lastUpdated
  }
}

/// Configuration of a named domain.
public struct DomainMetadata: Sendable, Hashable {
  /// Name of the domain.
  public var domain: String
  /// Its configuration, free text.
  public var configuration: String
  /// Whether the domain is gone.
  public var removed: Bool
}

/// What a commit says about itself.
public struct CommitInfo: Sendable, Hashable {
  /// Version of the commit.
  public var version: Int64
  /// Milliseconds since 1970.
  public var timestamp: Int64?
  /// In-commit timestamp, milliseconds since 1970.
  public var inCommitTimestamp: Int64?
  /// Name of the operation.
  public var operation: String?
  /// Parameters of the operation.
  public var operationParameters: [String: String]
  /// Measures of the operation.
  public var operationMetrics: [String: String]
  /// Version that the writer had read.
  public var readVersion: Int64?
  /// Whether the commit added rows without reading any.
  public var isBlindAppend: Bool?
  /// Which program wrote.
  public var engineInfo: String?
  /// Free text of the user.
  public var userMetadata: String?
  /// Everything that was said, as JSON.
  public var fields: JSONObject
}

/// One file of file actions of a version 2 checkpoint.
struct Sidecar: Sendable, Hashable {
  var path: String
  var sizeInBytes: Int64
  var modificationTime: Int64
}

/// One line of a commit.
enum Action: Sendable {
  case add(AddFile)
  case remove(RemoveFile)
  case cdc(ChangeFile)
  case metadata(TableMetadata)
  case tableProtocol(TableProtocol)
  case transaction(AppTransaction)
  case domain(DomainMetadata)
  case commitInfo(CommitInfo)
  case sidecar(Sidecar)
  case checkpointMetadata(version: Int64)
}
