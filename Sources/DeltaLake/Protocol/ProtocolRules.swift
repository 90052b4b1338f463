/// Which tables may be read and written here (PROTOCOL.md, "Table Features" and "Requirements for Readers/Writers").
enum ProtocolRules {
  static let readableFeatures: Set<String> = [
    "columnMapping", "deletionVectors", "timestampNtz", "v2Checkpoint", "vacuumProtocolCheck", "typeWidening",
    "typeWidening-preview", "variantType", "variantType-preview", "variantShredding", "variantShredding-preview",
  ]

  static let writableFeatures: Set<String> = [
    "columnMapping", "deletionVectors", "timestampNtz", "v2Checkpoint", "vacuumProtocolCheck", "typeWidening",
    "appendOnly", "invariants", "checkConstraints", "changeDataFeed", "domainMetadata", "inCommitTimestamp",
  ]

  /// Features that writer versions below 7 imply, by the version that brought them.
  private static let legacyWriterFeatures: [(version: Int32, feature: String)] = [
    (2, "appendOnly"), (2, "invariants"), (3, "checkConstraints"), (4, "changeDataFeed"), (4, "generatedColumns"),
    (5, "columnMapping"), (6, "identityColumns"),
  ]

  static func checkReadable(_ table: TableProtocol) throws(DeltaError) {
    guard (1...3).contains(table.minReaderVersion) else {
      throw DeltaError(
        .unsupportedProtocol, "the table needs reader version \(table.minReaderVersion), known are 1 to 3",
        hint: "read it with a newer program")
    }
    guard (1...7).contains(table.minWriterVersion) else {
      throw DeltaError(
        .unsupportedProtocol, "the table names writer version \(table.minWriterVersion), known are 1 to 7",
        hint: "read it with a newer program")
    }
    guard table.minReaderVersion == 3 else {
      guard table.readerFeatures == nil else {
        throw DeltaError(
          .unsupportedProtocol, "the protocol lists reader features at reader version \(table.minReaderVersion)")
      }
      return
    }
    guard table.minWriterVersion == 7 else {
      throw DeltaError(
        .unsupportedProtocol, "reader version 3 needs writer version 7, the table has \(table.minWriterVersion)",
        hint: "the protocol action of the table is damaged")
    }
    guard let features = table.readerFeatures else {
      throw DeltaError(.unsupportedProtocol, "reader version 3 without a list of reader features")
    }
    for feature in features where !readableFeatures.contains(feature) {
      throw DeltaError(
        .unsupportedFeature, "the table needs the reader feature \(feature), which is not supported",
        hint: "read it with a program that knows the feature")
    }
  }

  static func checkWritable(_ table: TableProtocol) throws(DeltaError) {
    try checkReadable(table)
    for feature in writerFeatures(table) where !writableFeatures.contains(feature) {
      // The older versions imply these for every table; columns that use them are refused when rows are written.
      if table.minWriterVersion < 7, feature == "generatedColumns" || feature == "identityColumns" { continue }
      throw DeltaError(
        .unsupportedFeature, "the table needs the writer feature \(feature), which is not supported",
        hint: "write to it with a program that knows the feature")
    }
  }

  /// The writer features in force, spelled out for the older writer versions.
  static func writerFeatures(_ table: TableProtocol) -> [String] {
    if table.minWriterVersion >= 7 { return table.writerFeatures ?? [] }
    return legacyWriterFeatures.filter { $0.version <= table.minWriterVersion }.map(\.feature)
  }

  static func supports(_ feature: String, _ table: TableProtocol) -> Bool {
    if writerFeatures(table).contains(feature) { return true }
    if table.minReaderVersion >= 3 { return table.readerFeatures?.contains(feature) ?? false }
    return false
  }
}
