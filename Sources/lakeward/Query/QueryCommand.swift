internal import Query
internal import DuckDB
internal import Foundation

/// `lakeward query`
enum QueryCommand: Command {
  static let name = "query"
  static let summary = "SQL over every table of the lake, and over any Delta table by its folder"
  static let help = """
    usage: lakeward query ["SQL" | -] [--file FILE] [--format FORMAT] [--output FILE]

    Runs one query and writes its rows. Tables of the lake go by their names. delta('DIR') stands for any Delta table;
    delta('DIR', version => 3) and delta('DIR', timestamp => '2026-01-31T08:00:00Z') for an earlier state of it. DIR
    may also be the name of a table of the lake. Without SQL the query comes from standard input.

    A query only reads: INSERT, CREATE, COPY, ATTACH and the like are refused. Time zone is UTC.

    formats: table (default), csv, json (one array), ndjson (an object per line), parquet (needs --output). With
    --output FILE the file's ending chooses. NULL is an empty CSV field, an empty string is "".

    examples:
      lakeward query "SELECT age_group, avg(prediction) FROM gold_patient_data GROUP BY 1 ORDER BY 1"
      lakeward query "SELECT count(*) FROM delta('gold_patient_data', version => 0)"
      lakeward query "FROM gold_patient_data" --output gold.parquet
      lakeward query --file report.sql --format csv > report.csv
    """
  static let options = [
    Option("format", "FORMAT", "table, csv, json, ndjson or parquet"),
    Option("output", "FILE", "write into this file, which appears when it is complete"),
    Option("file", "FILE", "read the query from this file"),
    Option("rows", "N", "how many rows a table shows (default 200 on a terminal, else all)"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let format = try OutputFormat(arguments)
    let output = arguments.text("output")
    if format == .parquet, output == nil {
      throw UsageError("lakeward query: Parquet goes into a file: --output FILE")
    }
    let rowLimit = try arguments.integer("rows", minimum: 0)
    let query = try QueryText(try text(arguments))
    let workspace = try Workspace(arguments)
    let session = try QuerySession(workspace, query)
    let interruption = InterruptOnSignal(session.connection)
    defer { interruption.cancel() }
    do {
      if format == .parquet, let output {
        try session.writeParquet(to: output)
      } else {
        let sink = try OutputSink.open(output)
        let limit = rowLimit ?? (sink.terminalWidth == nil ? nil : 200)
        if format == .table, query.explained != nil {
          try session.writePlan(to: sink)
        } else if let writer = format.writer(to: sink, rowLimit: limit) {
          try session.write(with: writer)
        }
        try sink.finish()
      }
      if let output { Console.write("\(output): \(session.closingLine)") }
      return 0
    } catch is OutputSink.ReaderLeft {
      return 0
    } catch let error as DuckDBError where error.kind == .interrupt && interruption.hasCome {
      Console.warn("interrupted")
      return 130
    }
  }

  /// The query of the command line, of a file or of standard input.
  private static func text(_ arguments: Arguments) throws -> String {
    let words = arguments.positionals
    if let file = arguments.text("file") {
      guard words.isEmpty else { throw UsageError("lakeward query: give SQL or --file, not both") }
      return try read(FileHandle(forReadingAtPath: file), file)
    }
    guard words.count <= 1 else {
      throw UsageError("lakeward query: put the SQL in quotes, so that it is one word")
    }
    if let sql = words.first, sql != "-" { return sql }
    if isatty(STDIN_FILENO) == 1 { Console.warn("reading the query from the terminal; Ctrl-D ends it") }
    return try read(FileHandle.standardInput, "standard input")
  }

  private static func read(_ handle: FileHandle?, _ name: String) throws -> String {
    guard let bytes = try? handle?.readToEnd() ?? (handle == nil ? nil : Data()) else {
      throw CommandFailure("\(name) cannot be read: is there such a file?")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CommandFailure("\(name) is not UTF-8 text")
    }
    return text
  }
}

/// Turns Ctrl-C into an interrupt of the running statement; a second one ends the process at once.
final class InterruptOnSignal {
  private let source: any DispatchSourceSignal
  private let count = SignalCount()

  init(_ connection: Connection) {
    signal(SIGINT, SIG_IGN)
    source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    source.setEventHandler { [count] in
      if count.increment() > 1 { exit(130) }
      count.interruptRepeatedly(connection)
    }
    source.resume()
  }

  /// Whether Ctrl-C was pressed.
  var hasCome: Bool { count.value > 0 }

  func cancel() {
    count.end()
    source.cancel()
  }
}
