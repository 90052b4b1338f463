/// When the records of a stream happened, how late they may come, and what becomes of those with a wrong time.
///
/// Everything here depends on the record's own event time, its time of arrival and its coordinate alone, so it is the
/// same however the stream is cut into micro-batches, after a restart, and when it is computed again.
public struct EventTime: Sendable, Hashable {
  /// What becomes of a record that comes too late.
  public enum LateAction: String, Sendable, Hashable, CaseIterable {
    /// It is taken like any other, and counted.
    case table
    /// It goes whole to quarantine.
    case quarantine
  }

  /// The record's field of event time, an instant.
  public var column: String
  /// Seconds of event time by which a record may lie behind the newest earlier record of its source partition. That
  /// newest time less this span is the partition's watermark; a record before it is late. Nil: nothing is ever late.
  public var allowedLatenessSeconds: Double?
  /// What becomes of a late record.
  public var late: LateAction
  /// Seconds by which a device's clock may run ahead of the record's arrival; a record beyond it goes to quarantine
  /// and does not move the watermark. Nil: clocks are believed.
  public var futureToleranceSeconds: Double?

  /// A rule from its parts.
  public init(
    column: String, allowedLatenessSeconds: Double? = nil, late: LateAction = .table,
    futureToleranceSeconds: Double? = nil
  ) {
    self.column = column
    self.allowedLatenessSeconds = allowedLatenessSeconds
    self.late = late
    self.futureToleranceSeconds = futureToleranceSeconds
  }
}

/// The last readings of each key: a relation that a streaming table joins by coordinate.
///
/// It has one row for each row of ``table`` in hand, with that row's `partition` and `offset` and, for each of
/// ``columns``, a list of the values of earlier rows with the same key, oldest first. Earlier rows are the last ``rows``
/// that arrived before it in the same source partition; of these, the ones that are not newer in event time and not
/// older than ``withinSeconds``. A late row has empty lists.
public struct RecentDefinition: Sendable, Hashable {
  /// The relation's name in SQL.
  public var name: String
  /// The streaming table whose rows are remembered.
  public var table: String
  /// The columns that name whose readings they are.
  public var keys: [String]
  /// The column of event time.
  public var orderBy: String
  /// The columns whose earlier values the relation lists.
  public var columns: [String]
  /// The most earlier rows of a key, 1 to 1,000.
  public var rows: Int
  /// Seconds of event time that an earlier row may be older.
  public var withinSeconds: Double
  /// Whether the lists end with the row's own values, beside those of ``rows`` earlier ones.
  public var includesCurrent: Bool
  /// The one model whose functions take the lists: in a running pipeline they are empty while no live version of it
  /// looks at more than one reading. Nil: the lists are always made.
  public var model: String?
  /// Where the definition stands.
  public var location: SourceLocation

  /// A relation from its parts.
  public init(
    name: String, table: String, keys: [String], orderBy: String, columns: [String], rows: Int, withinSeconds: Double,
    includesCurrent: Bool = false, model: String? = nil,
    location: SourceLocation = SourceLocation(file: "", line: 1, column: 1)
  ) {
    self.name = name
    self.table = table
    self.keys = keys
    self.orderBy = orderBy
    self.columns = columns
    self.rows = rows
    self.withinSeconds = withinSeconds
    self.includesCurrent = includesCurrent
    self.model = model
    self.location = location
  }

  /// Every column of the table that is needed, each once.
  public var neededColumns: [String] {
    var seen: Set<String> = []
    return (["partition", "offset"] + keys + [orderBy] + columns).filter { seen.insert($0.lowercased()).inserted }
  }
}

extension Pipeline {
  /// The relation of recent readings of that name, or nil. Names are compared without case, as SQL does.
  public func recent(named name: String) -> RecentDefinition? {
    recents.first { $0.name.lowercased() == name.lowercased() }
  }

  /// The relations of recent readings that a table reads.
  public func recents(neededBy table: TableDefinition) -> [RecentDefinition] {
    table.batchInputs.compactMap { recent(named: $0) }
  }

  /// Whether a table reads the recent readings of itself.
  public func readsItself(_ table: TableDefinition) -> Bool {
    recents(neededBy: table).contains { $0.table.lowercased() == table.name.lowercased() }
  }
}
