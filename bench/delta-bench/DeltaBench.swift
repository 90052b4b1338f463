internal import DeltaLake
internal import DuckDB
internal import Foundation

/// One measurement of the Delta Lake room in a process of its own; `bench/delta` runs it beside delta-rs.
///
/// Prints one JSON object with numbers.
@main enum DeltaBench {
  static func main() throws {
    let words = Array(CommandLine.arguments.dropFirst())
    guard words.count >= 2 else { throw Usage() }
    let location = words[1]
    func number(_ index: Int) throws -> Int {
      guard words.count > index, let value = Int(words[index]) else { throw Usage() }
      return value
    }
    switch words[0] {
    case "append": report(try append(location, rows: try number(2), compression: words.last ?? "zstd"))
    case "appends": report(try appends(location, count: try number(2)))
    case "commits": report(try commits(location, count: try number(2)))
    case "log": report(try log(location, commits: try number(2), filesEach: try number(3)))
    case "load": report(try load(location))
    case "writer": report(try writer(location, number: try number(2), commits: try number(3)))
    case "compact": report(try compact(location))
    default: throw Usage()
    }
  }

  struct Usage: Error, CustomStringConvertible {
    let description = "delta-bench append|appends|commits|log|load|writer|compact TABLE …: see bench/delta"
  }

  private static func report(_ numbers: [(String, Double)]) {
    print("{" + numbers.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") + "}")
  }

  // MARK: Clocks

  private static func coreSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }

  private static func timed(_ work: () throws -> Void) rethrows -> (seconds: Double, core: Double) {
    let core = coreSeconds()
    let start = ContinuousClock.now
    try work()
    return ((ContinuousClock.now - start) / .seconds(1), coreSeconds() - core)
  }

  /// Milliseconds: median and 99th of a hundred.
  private static func percentiles(_ seconds: [Double]) -> [(String, Double)] {
    let sorted = seconds.sorted()
    guard let last = sorted.last else { return [] }
    return [
      ("p50_ms", sorted[sorted.count / 2] * 1e3), ("p99_ms", sorted[sorted.count * 99 / 100] * 1e3),
      ("max_ms", last * 1e3),
    ]
  }

  // MARK: Measurements

  /// The rows of the append; `bench/delta` gives delta-rs the same ones.
  static func rowsSQL(_ rows: Int) -> String {
    """
    SELECT (i // 20)::BIGINT AS patient, make_timestamptz(1767225600000000 + i * 50000) AS event_time,
      round(40 + (hash(i) % 1200) / 10, 1)::DOUBLE AS heart_rate,
      round(80 + (hash(i + 1) % 900) / 10, 1)::DOUBLE AS systolic_blood_pressure,
      'ward ' || (hash(i + 2) % 12)::VARCHAR AS ward, substr(md5(i::VARCHAR), 1, 12) AS device
    FROM range(\(rows)) AS r(i)
    """
  }

  /// Rows that are in memory already become one file and one commit.
  private static func append(_ location: String, rows: Int, compression: String) throws -> [(String, Double)] {
    let connection = try Database().connect()
    try connection.execute("SET TimeZone = 'UTC'; CREATE TEMP TABLE source AS \(rowsSQL(rows))")
    let columns = try connection.query("SELECT * FROM source LIMIT 0").columns
    let schema = try Schema(columns: columns.map { ($0.name, $0.type.description) })
    let time = try timed {
      let table = try DeltaTable.create(at: location, schema: schema)
      let writer = DeltaWriter(connection: connection, options: .init(compression: compression))
      _ = try table.append(writer.write("SELECT * FROM source", into: table))
    }
    let bytes = try DeltaTable(at: location).snapshot().sizeInBytes
    return [("seconds", time.seconds), ("core_seconds", time.core), ("bytes", Double(bytes))]
  }

  /// Whole appends of ten rows: a file and a commit each.
  private static func appends(_ location: String, count: Int) throws -> [(String, Double)] {
    let connection = try Database(settings: ["threads": "1"]).connect()
    let table = try DeltaTable.create(at: location, schema: Schema([StructField("id", .long)]))
    let writer = DeltaWriter(connection: connection)
    var seconds: [Double] = []
    let time = try timed {
      for index in 0..<count {
        seconds.append(
          try timed {
            _ = try table.append(writer.write("SELECT \(index) + i AS id FROM range(10) AS r(i)", into: table))
          }
          .seconds)
      }
    }
    return percentiles(seconds) + [("core_seconds", time.core)]
  }

  /// Commits alone: the file that each names was written before.
  private static func commits(_ location: String, count: Int) throws -> [(String, Double)] {
    let table = try DeltaTable.create(at: location, schema: Schema([StructField("id", .long)]))
    var seconds: [Double] = []
    let time = try timed {
      for index in 0..<count { seconds.append(try timed { _ = try table.append([file(index)]) }.seconds) }
    }
    return percentiles(seconds) + [("core_seconds", time.core)]
  }

  private static func file(_ index: Int) -> AddFile {
    AddFile(
      path: "part-\(index)-5f0c9c1e-7a8d-4f6b-9f3e-1c2d3e4f5a6b.parquet", size: 1_048_576,
      modificationTime: 1_767_225_600_000,
      stats:
        "{\"numRecords\":1000,\"minValues\":{\"id\":\(index * 1000)},\"maxValues\":{\"id\":\(index * 1000 + 999)},\"nullCount\":{\"id\":0}}"
    )
  }

  /// A table whose log has so many commits of so many files; a single commit is followed by a checkpoint.
  private static func log(_ location: String, commits: Int, filesEach: Int) throws -> [(String, Double)] {
    let table = try DeltaTable.create(
      at: location, schema: Schema([StructField("id", .long)]),
      configuration: ["delta.checkpointInterval": "1000000"])
    for commit in 0..<commits {
      _ = try table.append((0..<filesEach).map { file(commit * filesEach + $0) })
    }
    if commits == 1 { try table.checkpoint() }
    return [("files", Double(try table.snapshot().files.count))]
  }

  /// Opens a table that this process has not seen.
  private static func load(_ location: String) throws -> [(String, Double)] {
    var files = 0
    let time = try timed { files = try DeltaTable(at: location).snapshot().files.count }
    return [("seconds", time.seconds), ("core_seconds", time.core), ("files", Double(files))]
  }

  /// One of several writers: appends numbered rows; a failed append ends it with an error.
  private static func writer(_ location: String, number: Int, commits: Int) throws -> [(String, Double)] {
    let connection = try Database(settings: ["threads": "1"]).connect()
    let table = try DeltaTable(at: location)
    let writer = DeltaWriter(connection: connection)
    var seconds: [Double] = []
    for index in 0..<commits {
      seconds.append(
        try timed {
          let files = try writer.write("SELECT \(number * 1_000_000 + index)::BIGINT AS id", into: table)
          let transaction = AppTransaction(appId: "writer-\(number)", version: Int64(index))
          guard case .committed = try table.append(files, transactions: [transaction]) else {
            throw DeltaError(.conflict, "writer \(number): append \(index) was not committed")
          }
        }.seconds)
    }
    return percentiles(seconds) + [("commits", Double(commits))]
  }

  /// Joins small files again and again until standard input ends.
  private static func compact(_ location: String) throws -> [(String, Double)] {
    let connection = try Database(settings: ["threads": "1"]).connect()
    let table = try DeltaTable(at: location)
    let editor = DeltaEditor(connection: connection)
    _ = fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK)
    var rounds = 0
    var byte: UInt8 = 0
    while read(STDIN_FILENO, &byte, 1) != 0 {
      if try editor.optimize(table, minimumFiles: 8).filesRemoved > 0 { rounds += 1 } else { usleep(20_000) }
    }
    _ = try editor.optimize(table)
    return [("commits", Double(rounds))]
  }
}
