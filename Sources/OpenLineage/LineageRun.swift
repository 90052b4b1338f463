internal import Foundation

/// A job as OpenLineage knows it: what ran, from which tables, into which tables.
public struct LineageJob: Sendable, Hashable {
  /// Whether it ends by itself.
  public enum Processing: String, Sendable, Hashable {
    case batch = "BATCH"
    case streaming = "STREAMING"
  }

  /// The job's name, such as `illness.silver_patient_data`.
  public var name: String
  /// Whether it ends by itself.
  public var processing: Processing
  /// What it does, for people.
  public var summary: String?
  /// Who answers for it.
  public var owner: String?
  /// The SQL that it runs.
  public var query: String?

  /// A job from its parts.
  public init(
    name: String, processing: Processing, summary: String? = nil, owner: String? = nil, query: String? = nil
  ) {
    self.name = name
    self.processing = processing
    self.summary = summary
    self.owner = owner
    self.query = query
  }
}

/// A table, topic, folder or model that a job reads or writes.
public struct LineageDataset: Sendable, Hashable {
  /// A column with what is known of it.
  public struct Column: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// Its type, as Delta names it; nil if it is not known.
    public var type: String?
    /// Meaning and unit.
    public var comment: String?
    /// Its PHI class.
    public var phi: String?

    /// A column from its parts.
    public init(name: String, type: String? = nil, comment: String? = nil, phi: String? = nil) {
      self.name = name
      self.type = type
      self.comment = comment
      self.phi = phi
    }
  }

  /// Where it is, by OpenLineage's rules of naming.
  public var place: DatasetPlace
  /// The table's name in the lake; nil for what is outside.
  public var table: String?
  /// What it holds.
  public var summary: String?
  /// Who answers for it.
  public var owner: String?
  /// Its columns in order; empty if they are not known.
  public var columns: [Column] = []
  /// The version that was read or written.
  public var version: Int64?

  /// A dataset of which only the place is known.
  public init(_ place: DatasetPlace, table: String? = nil) {
    self.place = place
    self.table = table
  }
}

/// The name of a dataset by OpenLineage's rules: a namespace for where, and a name there.
public struct DatasetPlace: Sendable, Hashable {
  /// Such as `file`, `kafka://broker:9092`, `s3://bucket`.
  public var namespace: String
  /// Such as a folder, a topic.
  public var name: String

  /// A place from its parts.
  public init(namespace: String, name: String) {
    self.namespace = namespace
    self.name = name
  }

  /// A folder or file: an absolute path, or a URI such as `hdfs://HOST:PORT/PATH`.
  public init(location: String) {
    guard let scheme = location.range(of: "://"), !location.hasPrefix("file://") else {
      self.init(
        namespace: "file", name: location.hasPrefix("file://") ? String(location.dropFirst(7)) : location)
      return
    }
    let slash = location[scheme.upperBound...].firstIndex(of: "/") ?? location.endIndex
    let path = location[slash...].drop { $0 == "/" }
    self.init(namespace: String(location[..<slash]), name: path.isEmpty ? "/" : String(path))
  }

  /// A topic of a broker; of several brokers the first names the cluster.
  public init(topic: String, brokers: String) {
    let first = brokers.split(separator: ",").first.map(String.init) ?? brokers
    self.init(namespace: "kafka://\(first)", name: topic)
  }
}

/// A rule and what became of it since the event before.
public struct LineageAssertion: Sendable, Hashable {
  /// The rule's name.
  public var name: String
  /// The SQL condition.
  public var condition: String
  /// What it means, for people.
  public var summary: String?
  /// Whether a breach stops the pipeline or takes the row out; else it is only counted.
  public var isStrict: Bool
  /// Rows that were asked about.
  public var checked: Int64
  /// Rows that broke it.
  public var failed: Int64

  /// A rule from its parts.
  public init(
    name: String, condition: String, summary: String? = nil, isStrict: Bool, checked: Int64 = 0, failed: Int64 = 0
  ) {
    self.name = name
    self.condition = condition
    self.summary = summary
    self.isStrict = isStrict
    self.checked = checked
    self.failed = failed
  }
}

/// What a run did since the event before. It holds counts, never a value of a row.
public struct LineageFigures: Sendable, Hashable {
  /// Rows that were read; nil if nobody counted.
  public var rowsRead: Int64?
  /// Rows that were written.
  public var rowsWritten: Int64?
  /// Bytes of the files that were written.
  public var bytesWritten: Int64?
  /// Files that were written.
  public var filesWritten: Int64?
  /// Rules about the rows.
  public var assertions: [LineageAssertion] = []

  /// Nothing was counted.
  public init() {}
}
