internal import DeltaLake
internal import DuckDB

/// Raw records on their way through the graph: where they come from and which tables get them.
struct MicroBatch {
  /// A relation with the columns of a bronze table, as SQL that can stand in FROM.
  var bronze: String
  /// The offsets that it covers.
  var span: OffsetSpan
  /// The tables to write; the others have these rows already.
  var tables: Set<String>
  /// Whether only the rules are counted, of rows that the tables have already, from these newest event times on.
  var counted: [Int32: Int64]?
}

/// What one micro-batch adds to one table: written files that no commit names yet.
struct TableChange {
  var table: String
  var files: [AddFile]
  var rows: Int64
  var metrics: [String: String]
}

/// What a committed micro-batch did, for people and for metrics. It holds counts only, no patient data.
public struct BatchReport: Sendable {
  /// The pipeline.
  public var pipeline: String
  /// Records that were read.
  public var records: Int64 = 0
  /// Rows that each table got.
  public var rows: [String: Int64] = [:]
  /// Records that repeat an earlier one, dropped by a table.
  public var duplicates: Int64 = 0
  /// Records that came after their partition's watermark.
  public var late: Int64 = 0
  /// The newest event time of each source partition so far, microseconds since 1970; empty without `event_time`.
  public var newestEventTimes: [Int32: Int64] = [:]
  /// The pipeline's watermark, microseconds since 1970: no record before it is in time in every partition. That of the
  /// partition which is furthest behind; nil without `event_time`, or before the first record.
  public var watermark: Int64?
  /// Rows that broke each rule, as `TABLE.RULE`.
  public var breaches: [String: Int64] = [:]
  /// Every rule of the tables that got rows: how many rows it was asked about, and how many broke it.
  public var expectations: [ExpectationCount] = []
  /// Files that each table got, and their bytes.
  public var written: [String: (files: Int, bytes: Int64)] = [:]
  /// When each table's commit was durable, microseconds since 1970.
  public var committedAt: [String: Int64] = [:]
  /// Records that are known to wait in the source; nil if the source does not know.
  public var waitingRecords: Int64?
  /// The most records that the batch was allowed to hold; nil where nothing was read.
  public var batchLimit: Int?
  /// When the oldest record of the batch came to the source, microseconds since 1970; nil if the source does not know.
  public var oldestArrival: Int64?
  /// The version that each table has now.
  public var versions: [String: Int64] = [:]
  /// Whether the batch repaired tables that lagged after a crash, rather than reading the source.
  public var isCatchUp = false
  /// Seconds by stage: `read`, `bronze`, `parse`, a table's name, `quarantine`, `commit`.
  public var seconds: [String: Double] = [:]

  /// A report without counts.
  public init(pipeline: String) { self.pipeline = pipeline }
}
