internal import JSON

/// Writes actions as the lines of a commit.
enum ActionEncoder {
  /// One JSON object per line. `statistics` gives the text for statistics that lie in a checkpoint.
  static func encode(
    _ actions: [Action], statistics: (StoredStatistics) -> String? = Self.inlineStatistics
  ) -> [UInt8] {
    var writer = JSONWriter()
    for action in actions {
      writer.beginObject()
      encode(action, into: &writer, statistics: statistics)
      writer.endObject()
      writer.newline()
    }
    return writer.bytes
  }

  static func inlineStatistics(_ statistics: StoredStatistics) -> String? {
    guard case .text(let text) = statistics else { return nil }
    return text
  }

  private static func encode(
    _ action: Action, into writer: inout JSONWriter, statistics: (StoredStatistics) -> String?
  ) {
    switch action {
    case .add(let file): encode(file, stats: statistics(file.statistics), into: &writer)
    case .remove(let file): encode(file, into: &writer)
    case .cdc(let file):
      writer.key("cdc")
      writer.beginObject()
      writer.member("path", file.path)
      writer.member("partitionValues", file.partitionValues)
      writer.member("size", file.size)
      writer.member("dataChange", false)
      writer.member("tags", file.tags)
      writer.endObject()
    case .metadata(let metadata): encode(metadata, into: &writer)
    case .tableProtocol(let table):
      writer.key("protocol")
      writer.beginObject()
      writer.member("minReaderVersion", Int64(table.minReaderVersion))
      writer.member("minWriterVersion", Int64(table.minWriterVersion))
      writer.member("readerFeatures", table.readerFeatures)
      writer.member("writerFeatures", table.writerFeatures)
      writer.endObject()
    case .transaction(let transaction):
      writer.key("txn")
      writer.beginObject()
      writer.member("appId", transaction.appId)
      writer.member("version", transaction.version)
      writer.member("lastUpdated", transaction.lastUpdated)
      writer.endObject()
    case .domain(let domain):
      writer.key("domainMetadata")
      writer.beginObject()
      writer.member("domain", domain.domain)
      writer.member("configuration", domain.configuration)
      writer.member("removed", domain.removed)
      writer.endObject()
    case .commitInfo(let info):
      writer.key("commitInfo")
      writer.write(.object(info.fields))
    case .sidecar(let sidecar):
      writer.key("sidecar")
      writer.beginObject()
      writer.member("path", sidecar.path)
      writer.member("sizeInBytes", sidecar.sizeInBytes)
      writer.member("modificationTime", sidecar.modificationTime)
      writer.endObject()
    case .checkpointMetadata(let version):
      writer.key("checkpointMetadata")
      writer.beginObject()
      writer.member("version", version)
      writer.endObject()
    }
  }

  private static func encode(_ file: AddFile, stats: String?, into writer: inout JSONWriter) {
    writer.key("add")
    writer.beginObject()
    writer.member("path", file.path)
    writer.member("partitionValues", file.partitionValues)
    writer.member("size", file.size)
    writer.member("modificationTime", file.modificationTime)
    writer.member("dataChange", file.dataChange)
    writer.member("stats", stats)
    writer.member("tags", file.tags)
    if let vector = file.deletionVector { encode(vector, into: &writer) }
    writer.member("baseRowId", file.baseRowId)
    writer.member("defaultRowCommitVersion", file.defaultRowCommitVersion)
    writer.member("clusteringProvider", file.clusteringProvider)
    writer.endObject()
  }

  private static func encode(_ file: RemoveFile, into writer: inout JSONWriter) {
    writer.key("remove")
    writer.beginObject()
    writer.member("path", file.path)
    writer.member("deletionTimestamp", file.deletionTimestamp)
    writer.member("dataChange", file.dataChange)
    writer.member("extendedFileMetadata", file.extendedFileMetadata)
    writer.member("partitionValues", file.partitionValues)
    writer.member("size", file.size)
    if let vector = file.deletionVector { encode(vector, into: &writer) }
    writer.member("baseRowId", file.baseRowId)
    writer.member("defaultRowCommitVersion", file.defaultRowCommitVersion)
    writer.endObject()
  }

  private static func encode(_ vector: DeletionVectorDescriptor, into writer: inout JSONWriter) {
    writer.key("deletionVector")
    writer.beginObject()
    writer.member("storageType", vector.storageType)
    writer.member("pathOrInlineDv", vector.pathOrInlineDv)
    writer.member("offset", vector.offset.map(Int64.init))
    writer.member("sizeInBytes", Int64(vector.sizeInBytes))
    writer.member("cardinality", vector.cardinality)
    writer.endObject()
  }

  private static func encode(_ metadata: TableMetadata, into writer: inout JSONWriter) {
    writer.key("metaData")
    writer.beginObject()
    writer.member("id", metadata.id)
    writer.member("name", metadata.name)
    writer.member("description", metadata.description)
    writer.key("format")
    writer.beginObject()
    writer.member("provider", metadata.provider)
    writer.member("options", metadata.formatOptions.mapValues(Optional.some))
    writer.endObject()
    writer.member("schemaString", metadata.schemaString)
    writer.member("partitionColumns", metadata.partitionColumns)
    writer.member("configuration", metadata.configuration.mapValues(Optional.some))
    writer.member("createdTime", metadata.createdTime)
    writer.endObject()
  }
}
