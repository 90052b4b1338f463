internal import DuckDB
internal import Foundation
internal import Streaming

/// Keeps the state of policies in a file, so that a start need not read the whole history again.
///
/// The file is a shortcut and nothing more: the state follows from the table's rows. One that is missing, broken, or made
/// by other policies is passed over, and it may be deleted at any time.
struct StateCheckpoint {
  private let folder: String
  private let file: String

  /// The file of one group of policies.
  init(lake: Lake, pipeline: String, schema: String) {
    folder = lake.root + "/_alerts"
    file = "\(folder)/\(pipeline)-\(schema).parquet"
  }

  /// Writes the state that belongs to positions.
  func save(_ evaluator: PolicyEvaluator, _ positions: Positions, _ run: PolicyEvaluator.Run) throws {
    guard !positions.isEmpty else { return }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let temporary = "\(file).\(ProcessInfo.processInfo.processIdentifier).tmp"
    let schema = evaluator.schema
    let rows = positions.sorted { $0.key < $1.key }.map { "(\($0.key), \($0.value))" }
    _ = try run(
      """
      COPY (
        SELECT 'seen' AS kind, CAST(NULL AS VARCHAR) AS policy, patient, live AS a, CAST(NULL AS BIGINT) AS b,
          CAST(NULL AS BIGINT) AS c, CAST(NULL AS BIGINT) AS d, CAST(NULL AS BOOLEAN) AS latch,
          CAST(NULL AS VARCHAR) AS ward, part, tail
        FROM \(schema).seen
        UNION ALL SELECT 'state', policy, patient, t_since, t_count, c_since, c_count, latch, NULL, NULL, NULL
        FROM \(schema).state
        UNION ALL SELECT 'heard', NULL, patient, last, NULL, NULL, NULL, NULL, ward, part, NULL FROM \(schema).heard
        UNION ALL SELECT 'clock', NULL, NULL, newest, NULL, NULL, NULL, NULL, NULL, part, tail FROM \(schema).clocks
        UNION ALL SELECT 'position', \(SQL.quote(literal: evaluator.digest)), NULL, next, NULL, NULL, NULL, NULL, NULL,
          part, NULL
        FROM (VALUES \(rows.joined(separator: ", "))) AS v(part, next)
      ) TO \(SQL.quote(literal: temporary)) (FORMAT parquet)
      """)
    // A name appears only with a whole file behind it.
    guard rename(temporary, file) == 0 else {
      try? FileManager.default.removeItem(atPath: temporary)
      return
    }
  }

  /// Reads the state back into an evaluator that was reset.
  /// - Returns: the positions that it belongs to; nil if there is nothing of use.
  func load(into evaluator: PolicyEvaluator, _ run: PolicyEvaluator.Run) -> Positions? {
    guard FileManager.default.fileExists(atPath: file) else { return nil }
    let scan = "read_parquet(\(SQL.quote(literal: file)))"
    let schema = evaluator.schema
    do {
      var positions: Positions = [:]
      for row in try run("SELECT policy, part, a FROM \(scan) WHERE kind = 'position'") {
        guard row[0].stringValue == evaluator.digest, let part = row[1].intValue, let next = row[2].intValue else {
          return nil
        }
        positions[Int32(part)] = Int64(next)
      }
      guard !positions.isEmpty else { return nil }
      _ = try run(
        """
        INSERT INTO \(schema).seen SELECT patient, part, tail, a FROM \(scan) WHERE kind = 'seen';
        INSERT INTO \(schema).state SELECT policy, patient, a, b, c, d, latch FROM \(scan) WHERE kind = 'state';
        INSERT INTO \(schema).heard SELECT patient, a, ward, part FROM \(scan) WHERE kind = 'heard';
        INSERT INTO \(schema).clocks SELECT part, a, tail FROM \(scan) WHERE kind = 'clock'
        """)
      return positions
    } catch {
      return nil
    }
  }
}
