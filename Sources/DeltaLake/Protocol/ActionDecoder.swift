internal import JSON

/// Which actions a reader of a commit wants; the others are skipped without being built.
struct ActionSelection: OptionSet, Sendable {
  let rawValue: Int
  static let state = ActionSelection(rawValue: 1)
  static let commitInfo = ActionSelection(rawValue: 2)
  static let changes = ActionSelection(rawValue: 4)
}

/// Turns commit files (one JSON action per line) into actions.
enum ActionDecoder {
  /// Decodes every line of a commit.
  ///
  /// - Throws: `DeltaError` (`corruptLog`) naming the file, the line and the byte in it.
  static func decode(
    _ bytes: [UInt8], file: String, version: Int64 = -1, wanted: ActionSelection = .state,
    each: (Action) -> Void
  ) throws(DeltaError) {
    let failure: (line: Int, error: JSONError)? = bytes.withUnsafeBufferPointer { buffer in
      var start = 0
      var line = 0
      while start < buffer.count {
        line += 1
        var end = start
        while end < buffer.count, buffer[end] != 0x0A { end += 1 }
        var reader = JSONReader(UnsafeBufferPointer(rebasing: buffer[start..<end]))
        start = end + 1
        if reader.isAtEnd() { continue }
        do throws(JSONError) {
          try decodeLine(&reader, version: version, wanted: wanted, each: each)
          guard reader.isAtEnd() else { throw reader.failure("text follows the action") }
        } catch {
          return (line, error)
        }
      }
      return nil
    }
    if let failure {
      throw DeltaError(
        .corruptLog, "\(file), line \(failure.line), byte \(failure.error.offset): \(failure.error.reason)",
        hint: "the commit file is damaged; restore it from a backup or read an earlier version")
    }
  }

  private static func decodeLine(
    _ reader: inout JSONReader, version: Int64, wanted: ActionSelection, each: (Action) -> Void
  ) throws(JSONError) {
    try reader.readObject { (reader, name) throws(JSONError) in
      if try reader.readNull() { return }
      switch name {
      case "add" where wanted.contains(.state): each(.add(try decodeAdd(&reader)))
      case "remove" where wanted.contains(.state): each(.remove(try decodeRemove(&reader)))
      case "metaData" where wanted.contains(.state): each(.metadata(try decodeMetadata(&reader)))
      case "protocol" where wanted.contains(.state): each(.tableProtocol(try decodeProtocol(&reader)))
      case "txn" where wanted.contains(.state): each(.transaction(try decodeTransaction(&reader)))
      case "domainMetadata" where wanted.contains(.state): each(.domain(try decodeDomain(&reader)))
      case "sidecar" where wanted.contains(.state): each(.sidecar(try decodeSidecar(&reader)))
      case "checkpointMetadata" where wanted.contains(.state):
        var checkpointVersion: Int64 = -1
        try reader.readObject { (reader, key) throws(JSONError) in
          if key == "version" { checkpointVersion = try reader.readInt64() } else { try reader.skipValue() }
        }
        each(.checkpointMetadata(version: checkpointVersion))
      case "cdc" where wanted.contains(.changes): each(.cdc(try decodeChange(&reader)))
      case "commitInfo" where wanted.contains(.commitInfo):
        guard case .object(let fields) = try reader.readValue() else { throw reader.failure("an object is expected") }
        each(.commitInfo(CommitInfo(version: version, fields: fields)))
      default: try reader.skipValue()
      }
    }
  }

  private static func decodeAdd(_ reader: inout JSONReader) throws(JSONError) -> AddFile {
    var file = AddFile(path: "", size: -1, modificationTime: 0)
    try reader.readObject { (reader, key) throws(JSONError) in
      if try reader.readNull() { return }
      switch key {
      case "path": file.path = try reader.readString()
      case "partitionValues": file.partitionValues = try reader.readStringMap()
      case "size": file.size = try reader.readInt64()
      case "modificationTime": file.modificationTime = try reader.readInt64()
      case "dataChange": file.dataChange = try reader.readBool()
      case "stats": file.statistics = .text(try reader.readString())
      case "tags": file.tags = try reader.readStringMap()
      case "deletionVector": file.deletionVector = try decodeDeletionVector(&reader)
      case "baseRowId": file.baseRowId = try reader.readInt64()
      case "defaultRowCommitVersion": file.defaultRowCommitVersion = try reader.readInt64()
      case "clusteringProvider": file.clusteringProvider = try reader.readString()
      default: try reader.skipValue()
      }
    }
    guard !file.path.isEmpty else { throw reader.failure("the add action has no path") }
    return file
  }

  private static func decodeRemove(_ reader: inout JSONReader) throws(JSONError) -> RemoveFile {
    var file = RemoveFile(path: "")
    try reader.readObject { (reader, key) throws(JSONError) in
      if try reader.readNull() { return }
      switch key {
      case "path": file.path = try reader.readString()
      case "deletionTimestamp": file.deletionTimestamp = try reader.readInt64()
      case "dataChange": file.dataChange = try reader.readBool()
      case "extendedFileMetadata": file.extendedFileMetadata = try reader.readBool()
      case "partitionValues": file.partitionValues = try reader.readStringMap()
      case "size": file.size = try reader.readInt64()
      case "deletionVector": file.deletionVector = try decodeDeletionVector(&reader)
      case "baseRowId": file.baseRowId = try reader.readInt64()
      case "defaultRowCommitVersion": file.defaultRowCommitVersion = try reader.readInt64()
      default: try reader.skipValue()
      }
    }
    guard !file.path.isEmpty else { throw reader.failure("the remove action has no path") }
    return file
  }

  private static func decodeDeletionVector(
    _ reader: inout JSONReader
  ) throws(JSONError) -> DeletionVectorDescriptor {
    var vector = DeletionVectorDescriptor(storageType: "", pathOrInlineDv: "", sizeInBytes: 0, cardinality: 0)
    try reader.readObject { (reader, key) throws(JSONError) in
      if try reader.readNull() { return }
      switch key {
      case "storageType": vector.storageType = try reader.readString()
      case "pathOrInlineDv": vector.pathOrInlineDv = try reader.readString()
      case "offset": vector.offset = try reader.readInt32()
      case "sizeInBytes": vector.sizeInBytes = try reader.readInt32()
      case "cardinality": vector.cardinality = try reader.readInt64()
      default: try reader.skipValue()
      }
    }
    return vector
  }

  private static func decodeMetadata(_ reader: inout JSONReader) throws(JSONError) -> TableMetadata {
    var metadata = TableMetadata(id: "", schemaString: "", partitionColumns: [], configuration: [:])
    try reader.readObject { (reader, key) throws(JSONError) in
      if try reader.readNull() { return }
      switch key {
      case "id": metadata.id = try reader.readString()
      case "name": metadata.name = try reader.readString()
      case "description": metadata.description = try reader.readString()
      case "schemaString": metadata.schemaString = try reader.readString()
      case "partitionColumns": metadata.partitionColumns = try reader.readStrings()
      case "configuration": metadata.configuration = try reader.readStringMap().compactMapValues { $0 }
      case "createdTime": metadata.createdTime = try reader.readInt64()
      case "format":
        try reader.readObject { (reader, key) throws(JSONError) in
          switch key {
          case "provider": metadata.provider = try reader.readString()
          case "options": metadata.formatOptions = try reader.readStringMap().compactMapValues { $0 }
          default: try reader.skipValue()
          }
        }
      default: try reader.skipValue()
      }
    }
    return metadata
  }

  private static func decodeProtocol(_ reader: inout JSONReader) throws(JSONError) -> TableProtocol {
    var table = TableProtocol(minReaderVersion: 0, minWriterVersion: 0)
    try reader.readObject { (reader, key) throws(JSONError) in
      if try reader.readNull() { return }
      switch key {
      case "minReaderVersion": table.minReaderVersion = try reader.readInt32()
      case "minWriterVersion": table.minWriterVersion = try reader.readInt32()
      case "readerFeatures": table.readerFeatures = try reader.readStrings()
      case "writerFeatures": table.writerFeatures = try reader.readStrings()
      default: try reader.skipValue()
      }
    }
    return table
  }

  private static func decodeTransaction(_ reader: inout JSONReader) throws(JSONError) -> AppTransaction {
    var transaction = AppTransaction(appId: "", version: 0)
    try reader.readObject { (reader, key) throws(JSONError) in
      if try reader.readNull() { return }
      switch key {
      case "appId": transaction.appId = try reader.readString()
      case "version": transaction.version = try reader.readInt64()
      case "lastUpdated": transaction.lastUpdated = try reader.readInt64()
      default: try reader.skipValue()
      }
    }
    return transaction
  }

  private static func decodeDomain(_ reader: inout JSONReader) throws(JSONError) -> DomainMetadata {
    var domain = DomainMetadata(domain: "", configuration: "", removed: false)
    try reader.readObject { (reader, key) throws(JSONError) in
      if try reader.readNull() { return }
      switch key {
      case "domain": domain.domain = try reader.readString()
      case "configuration": domain.configuration = try reader.readString()
      case "removed": domain.removed = try reader.readBool()
      default: try reader.skipValue()
      }
    }
    return domain
  }

  private static func decodeSidecar(_ reader: inout JSONReader) throws(JSONError) -> Sidecar {
    var sidecar = Sidecar(path: "", sizeInBytes: 0, modificationTime: 0)
    try reader.readObject { (reader, key) throws(JSONError) in
      if try reader.readNull() { return }
      switch key {
      case "path": sidecar.path = try reader.readString()
      case "sizeInBytes": sidecar.sizeInBytes = try reader.readInt64()
      case "modificationTime": sidecar.modificationTime = try reader.readInt64()
      default: try reader.skipValue()
      }
    }
    return sidecar
  }

  private static func decodeChange(_ reader: inout JSONReader) throws(JSONError) -> ChangeFile {
    var file = ChangeFile(path: "", partitionValues: [:], size: 0)
    try reader.readObject { (reader, key) throws(JSONError) in
      if try reader.readNull() { return }
      switch key {
      case "path": file.path = try reader.readString()
      case "partitionValues": file.partitionValues = try reader.readStringMap()
      case "size": file.size = try reader.readInt64()
      case "tags": file.tags = try reader.readStringMap()
      default: try reader.skipValue()
      }
    }
    return file
  }
}

extension JSONReader {
  /// Reads an object whose values are strings or null; other values become their JSON text.
  mutating func readStringMap() throws(JSONError) -> [String: String?] {
    var result: [String: String?] = [:]
    try readObject { (reader, key) throws(JSONError) in
      if try reader.readNull() {
        result.updateValue(nil, forKey: key)
      } else if try reader.peek() == UInt8(ascii: "\"") {
        result[key] = try reader.readString()
      } else {
        result[key] = try reader.readValue().text
      }
    }
    return result
  }

  mutating func readStrings() throws(JSONError) -> [String] {
    var result: [String] = []
    try readArray { (reader) throws(JSONError) in result.append(try reader.readString()) }
    return result
  }
}

extension CommitInfo {
  init(version: Int64, fields: JSONObject) {
    self.version = version
    self.fields = fields
    timestamp = fields["timestamp"]?.int
    inCommitTimestamp = fields["inCommitTimestamp"]?.int
    operation = fields["operation"]?.string
    operationParameters = Self.strings(fields["operationParameters"])
    operationMetrics = Self.strings(fields["operationMetrics"])
    readVersion = fields["readVersion"]?.int
    isBlindAppend = fields["isBlindAppend"]?.bool
    engineInfo = fields["engineInfo"]?.string
    userMetadata = fields["userMetadata"]?.string
  }

  private static func strings(_ value: JSONValue?) -> [String: String] {
    var result: [String: String] = [:]
    for (key, value) in value?.object?.members ?? [] where value != .null {
      result[key] = value.string ?? value.text
    }
    return result
  }
}
