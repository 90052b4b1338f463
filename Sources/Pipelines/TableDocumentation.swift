/// What a table is, for people and for tools: the catalogue's entry.
public struct TableDocumentation: Sendable, Hashable {
  /// What the table holds, in a sentence.
  public var summary: String?
  /// Who answers for it: a team or an address.
  public var owner: String?
  /// What is known of its columns, in the order in which it was said.
  public var columns: [ColumnDocumentation]

  /// An entry from its parts.
  public init(summary: String? = nil, owner: String? = nil, columns: [ColumnDocumentation] = []) {
    self.summary = summary
    self.owner = owner
    self.columns = columns
  }

  /// What is known of a column. Names are compared without case, as SQL does.
  public subscript(column: String) -> ColumnDocumentation? {
    columns.first { $0.name.lowercased() == column.lowercased() }
  }

  /// This entry, with what it does not say taken from another.
  public func filled(from other: TableDocumentation) -> TableDocumentation {
    var result = self
    result.summary = summary ?? other.summary
    result.owner = owner ?? other.owner
    for column in other.columns {
      if let index = result.columns.firstIndex(where: { $0.name.lowercased() == column.name.lowercased() }) {
        result.columns[index].fill(from: column)
      } else {
        result.columns.append(column)
      }
    }
    return result
  }
}

/// What a column is.
public struct ColumnDocumentation: Sendable, Hashable {
  /// The column's name.
  public var name: String
  /// What it means, for people.
  public var summary: String?
  /// The unit as a UCUM code, where it has one.
  public var unit: String?
  /// What it tells about who a patient is; nil if nobody has said.
  public var phi: PHIClass?

  /// An entry from its parts.
  public init(_ name: String, summary: String? = nil, unit: String? = nil, phi: PHIClass? = nil) {
    self.name = name
    self.summary = summary
    self.unit = unit
    self.phi = phi
  }

  /// Takes what this entry does not say from another, whatever that one's name is.
  public mutating func fill(from other: ColumnDocumentation) {
    summary = summary ?? other.summary
    unit = unit ?? other.unit
    phi = phi ?? other.phi
  }

  /// Meaning and unit in one line, as a comment of a column has it; nil if neither is known.
  public var comment: String? {
    switch (summary, unit) {
    case (let summary?, let unit?): "\(summary) (\(unit))"
    case (let text?, nil), (nil, let text?): text
    case (nil, nil): nil
    }
  }
}

extension TableDocumentation {
  /// The columns that every stream's relation has beside the record's own.
  static let systemColumns = [
    ColumnDocumentation("_source", summary: "The topic, or the file in the landing folder", phi: PHIClass.none),
    ColumnDocumentation("_partition", summary: "The record's partition in the source", phi: PHIClass.none),
    ColumnDocumentation("_offset", summary: "The record's offset in its partition", phi: PHIClass.none),
    ColumnDocumentation("_ingest_time", summary: "When the micro-batch with the record was read", phi: .date),
  ]

  /// A source's table of raw records.
  static func bronze(_ source: SourceDefinition) -> TableDocumentation {
    TableDocumentation(
      summary: "Raw records of \(source.stream), one row each",
      columns: [
        ColumnDocumentation("raw", summary: "The record as it came", phi: .freeText),
        ColumnDocumentation(
          "raw_encoding", summary: "utf-8, or base64 where the record is not UTF-8 text", phi: PHIClass.none),
      ] + coordinates)
  }

  /// A source's table of records that could not be used.
  static func quarantine(_ source: SourceDefinition) -> TableDocumentation {
    TableDocumentation(
      summary: "Whole records of \(source.stream) that could not be used, with the reason",
      columns: [
        ColumnDocumentation("record", summary: "The record as it came", phi: .freeText),
        ColumnDocumentation(
          "record_encoding", summary: "utf-8, or base64 where the record is not UTF-8 text", phi: PHIClass.none),
        ColumnDocumentation(
          "reason", summary: "What is wrong with it: a field or a rule, never a value", phi: PHIClass.none),
      ] + coordinates)
  }

  private static var coordinates: [ColumnDocumentation] {
    systemColumns.map { column in
      var column = column
      column.name = String(column.name.dropFirst())
      return column
    }
  }
}

extension Pipeline {
  /// What the definition says about a relation of the pipeline: a table that it makes, its stream, or one that it reads.
  ///
  /// What it says of a column of that one table counts more than what it says of all columns of that name. `columns` are
  /// the relation's, where they are known; without them only those that the definition names are listed.
  public func documentation(of name: String, columns: [String]? = nil) -> TableDocumentation {
    let lowered = name.lowercased()
    let isForeign = externalTables.contains { $0.lowercased() == lowered }
    var result = TableDocumentation(
      summary: table(named: name)?.comment ?? catalogue.summaries[lowered],
      owner: catalogue.owners[lowered] ?? (isForeign ? nil : catalogue.owner))
    let own = catalogue.tables[lowered] ?? [:]
    let known = columns ?? table(named: name)?.columns
    for column in known ?? own.keys.sorted() {
      guard let entry = own[column.lowercased()] else { continue }
      result.columns.append(ColumnDocumentation(column, entry))
    }
    guard let source else { return result.filled(from: shared(known)) }
    switch lowered {
    case source.bronzeTable.lowercased(): result = result.filled(from: .bronze(source))
    case source.quarantineTable.lowercased(): result = result.filled(from: .quarantine(source))
    case source.stream.lowercased():
      let fields = source.fields.map { ColumnDocumentation($0.name, summary: $0.summary, unit: $0.unit) }
      result = result.filled(from: TableDocumentation(columns: fields + TableDocumentation.systemColumns))
    default: break
    }
    return result.filled(from: shared(known ?? result.columns.map(\.name)))
  }

  /// What is said of all columns of a name.
  private func shared(_ columns: [String]?) -> TableDocumentation {
    TableDocumentation(
      columns: (columns ?? []).compactMap { name in
        catalogue.shared[name.lowercased()].map { ColumnDocumentation(name, $0) }
      })
  }
}

extension ColumnDocumentation {
  init(_ name: String, _ entry: ColumnCatalogue.Entry) {
    self.init(name, summary: entry.summary, unit: entry.unit, phi: entry.phi)
  }
}
