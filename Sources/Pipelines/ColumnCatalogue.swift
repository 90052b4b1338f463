/// What a pipeline's YAML says of columns: under `columns:` for every table of the pipeline, under
/// `tables: NAME: columns:` for one table alone, which wins.
public struct ColumnCatalogue: Sendable, Hashable {
  /// What is said of one column.
  public struct Entry: Sendable, Hashable {
    /// What the column says of a person; nil: nobody has said.
    public var phi: PHIClass?
    /// What it means, for people.
    public var summary: String?
    /// The unit as a UCUM code, where it has one.
    public var unit: String?
    /// Where the entry stands.
    public var location: SourceLocation

    /// An entry from its parts.
    public init(
      phi: PHIClass? = nil, summary: String? = nil, unit: String? = nil,
      location: SourceLocation = SourceLocation(file: "", line: 1, column: 1)
    ) {
      self.phi = phi
      self.summary = summary
      self.unit = unit
      self.location = location
    }
  }

  /// Entries for every table, by the column's name in small letters.
  public var shared: [String: Entry]
  /// Entries for one table, by the names of table and column in small letters.
  public var tables: [String: [String: Entry]]

  /// Who answers for the tables that the pipeline makes, unless a table says otherwise.
  public var owner: String?
  /// What tables hold, by their names in small letters, where no COMMENT in SQL says it.
  public var summaries: [String: String] = [:]
  /// Who answers for a table, by its name in small letters.
  public var owners: [String: String] = [:]

  /// A catalogue from its parts.
  public init(shared: [String: Entry] = [:], tables: [String: [String: Entry]] = [:]) {
    self.shared = shared
    self.tables = tables
  }

  /// What a column says of a person; nil if nobody has said.
  public func phi(ofColumn column: String, table: String) -> PHIClass? {
    tables[table.lowercased()]?[column.lowercased()]?.phi ?? shared[column.lowercased()]?.phi
  }
}

extension ColumnCatalogue.Entry {
  /// Reads `columns:`, a mapping of column names.
  static func read(_ node: YAMLNode, _ problems: ProblemList) -> [String: Self] {
    guard let reader = MappingReader(node, what: "columns", problems: problems) else { return [:] }
    var entries: [String: Self] = [:]
    for pair in reader.pairs {
      guard var column = MappingReader(pair.value, what: pair.key, problems: problems) else { continue }
      let entry = Self(
        phi: column.choice("phi", of: PHIClass.self), summary: column.text("description"), unit: column.text("unit"),
        location: pair.location)
      column.finish()
      if entries.updateValue(entry, forKey: pair.key.lowercased()) != nil {
        problems.add(
          at: pair.location, "columns lists '\(pair.key)' twice", remedy: "keep one: case makes no difference")
      }
    }
    return entries
  }
}
