public import JSON

/// What a table says about itself for people and tools. Only what is given here is set; nothing is taken away.
public struct TableDescription: Sendable, Hashable {
  /// What the table holds.
  public var summary: String?
  /// Members of columns' metadata, such as `comment`, by column name in small letters.
  public var columns: [String: JSONObject]
  /// Table properties that have no effect on how the table is read or written.
  public var properties: [String: String]

  /// A description from its parts.
  public init(summary: String? = nil, columns: [String: JSONObject] = [:], properties: [String: String] = [:]) {
    self.summary = summary
    self.columns = columns
    self.properties = properties
  }
}

extension Schema {
  /// The same columns with what a description says about them.
  public func described(by description: TableDescription) -> Schema {
    Schema(
      fields.map { field in
        var field = field
        for (key, value) in description.columns[field.name.lowercased()]?.members ?? [] { field.metadata[key] = value }
        return field
      })
  }

  /// The same columns without what is only said about them, to see whether two schemas hold the same data.
  var withoutDescription: Schema {
    Schema(
      fields.map { field in
        var field = field
        field.metadata = JSONObject(
          field.metadata.members.filter {
            $0.key != "comment" && !$0.key.hasPrefix("lakeward.phi") && $0.key != "lakeward.unit"
          }
          .map { ($0.key, $0.value) })
        return field
      })
  }
}

extension DeltaTable {
  /// Writes a description into the table's metadata, unless it is there already.
  ///
  /// - Returns: the new version; nil if nothing had to change.
  /// - Throws: errors of the store, `conflict`.
  @discardableResult
  public func describe(_ description: TableDescription) throws(DeltaError) -> Int64? {
    let snapshot = try update()
    let metadata = snapshot.metadata
    let isSame =
      snapshot.schema.described(by: description) == snapshot.schema
      && (description.summary ?? metadata.description) == metadata.description
      && description.properties.allSatisfy { metadata.configuration[$0.key] == $0.value }
    if isSame { return nil }
    return try alter("SET TABLE DESCRIPTION", [:]) { _, schema, metadata throws(DeltaError) in
      schema = schema.described(by: description)
      metadata.description = description.summary ?? metadata.description
      metadata.configuration.merge(description.properties) { $1 }
    }
  }
}
