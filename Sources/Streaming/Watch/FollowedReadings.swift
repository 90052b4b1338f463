internal import DeltaLake
internal import DuckDB
internal import Pipelines

/// The recent readings that a scoring table looks at, for the rows that a watch follows: what the stream holds in
/// memory, held once more, so that a model of sequences is asked the same by both.
///
/// Only which rows were late is not known any more. They get the readings before them here, and none in the stream.
final class FollowedReadings {
  private let recents: [(name: String, history: RecentHistory)]
  private let input: String
  private let identity: FlowIdentity
  private let lake: Lake
  private let connection: Connection
  private var isMade = false
  private var current: (span: OffsetSpan, rows: String)?

  /// - Parameter follower: Tells the histories of several followers on one connection apart.
  init(
    _ definitions: [RecentDefinition], of input: String, identity: FlowIdentity, latenessSeconds: Double,
    follower: String, lake: Lake, connection: Connection
  ) {
    recents = definitions.map { definition in
      var own = definition
      own.name = "\(definition.name) \(follower)"
      return (
        definition.name.lowercased(),
        RecentHistory(own, latenessSeconds: latenessSeconds, connection: connection)
      )
    }
    self.input = input
    self.identity = identity
    self.lake = lake
    self.connection = connection
  }

  /// The relation that stands for a name in the scoring table's SQL; nil if it is none of recent readings.
  func relation(_ name: String) -> String? {
    recents.first { $0.name == name.lowercased() }?.history.relation
  }

  /// Makes the relations for the rows of a span of the input table.
  /// - Parameter rows: These rows, as SQL that can stand in FROM.
  func prepare(_ span: OffsetSpan, rows: String) throws {
    guard !recents.isEmpty else { return }
    let snapshot = try lake.table(named: input).snapshot()
    if !isMade {
      try connection.execute("CREATE SCHEMA IF NOT EXISTS stage; CREATE SCHEMA IF NOT EXISTS state")
      let none = "(SELECT * FROM \(try DeltaReader.scanSQL(snapshot)) WHERE false)"
      for (_, history) in recents { try history.create(like: none) }
      isMade = true
    }
    // A span that was not taken to its end is taken again.
    if current != nil { for (_, history) in recents { history.forget() } }
    current = (span, rows)
    for (_, history) in recents {
      let oldest = try eventTimes("min", history.definition, rows)
      try history.prepare(for: span, of: snapshot, identity: identity, newest: oldest)
      try history.stage(current: rows, late: nil)
    }
  }

  /// The rows of the span were taken: those that come next look back at them.
  func didTake() throws {
    guard let (span, rows) = current else { return }
    for (_, history) in recents {
      try history.didCommit(rows, span: span, newest: try eventTimes("max", history.definition, rows))
    }
    current = nil
  }

  private func eventTimes(_ function: String, _ recent: RecentDefinition, _ rows: String) throws -> [Int32: Int64] {
    let time = "epoch_us(\(function)(\(SQL.quote(identifier: recent.orderBy))))"
    var times: [Int32: Int64] = [:]
    for row in try connection.query("SELECT \"partition\", \(time) FROM \(rows) GROUP BY ALL").rows() {
      guard let partition = row[0].intValue, let time = row[1].intValue else { continue }
      times[Int32(partition)] = Int64(time)
    }
    return times
  }
}
