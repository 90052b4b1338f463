internal import CDuckDB

extension Connection {
  /// Makes a temporary table of the rows of an Arrow C stream, with the columns that the stream has.
  ///
  /// - Parameter fill: gets zeroed room for an `ArrowArrayStream`, which it fills, before it returns. The room is this
  ///   connection's; what is in it is released when the rows have been read or reading has failed.
  /// - Throws: what `fill` throws; `DuckDBError` if the stream breaks off or has types that DuckDB lacks.
  public func createTable(_ name: String, fromArrow fill: (UnsafeMutableRawPointer) throws -> Void) throws {
    let source = UnsafeMutablePointer<ArrowStream>.allocate(capacity: 1)
    source.initialize(to: ArrowStream())
    defer {
      source.pointee.release?(source)
      source.deallocate()
    }
    try fill(UnsafeMutableRawPointer(source))
    // DuckDB moves a stream, and streams of Go's runtime do not survive that: it gets one that asks the first.
    let stream = UnsafeMutablePointer<ArrowStream>.allocate(capacity: 1)
    stream.initialize(to: ArrowStream(asking: source))
    defer { stream.deallocate() }
    let view = "\(name)_stream"
    let room = UnsafeMutableRawPointer(stream).assumingMemoryBound(to: _duckdb_arrow_stream.self)
    guard duckdb_arrow_scan(raw, view, room) == DuckDBSuccess else {
      throw DuckDBError(.usage, "the Arrow stream cannot be read")
    }
    defer { try? execute("DROP VIEW IF EXISTS \(SQL.quote(identifier: view))") }
    try execute(
      "CREATE OR REPLACE TEMP TABLE \(SQL.quote(identifier: name)) AS SELECT * FROM \(SQL.quote(identifier: view))")
  }
}

/// The layout of `ArrowArrayStream` (Arrow C stream interface). Called by the thread that reads.
private struct ArrowStream {
  typealias Get = @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Int32
  typealias Text = @convention(c) (UnsafeMutableRawPointer?) -> UnsafePointer<CChar>?
  typealias Release = @convention(c) (UnsafeMutableRawPointer?) -> Void

  var getSchema: Get?
  var getNext: Get?
  var getLastError: Text?
  var release: Release?
  var privateData: UnsafeMutableRawPointer?

  init() {}

  /// A stream that gives what another one gives, and leaves releasing to the other's owner.
  init(asking source: UnsafeMutablePointer<ArrowStream>) {
    getSchema = { stream, schema in
      guard let source = ArrowStream.source(stream) else { return 22 }
      return source.pointee.getSchema?(source, schema) ?? 22
    }
    getNext = { stream, array in
      guard let source = ArrowStream.source(stream) else { return 22 }
      return source.pointee.getNext?(source, array) ?? 22
    }
    getLastError = { stream in
      guard let source = ArrowStream.source(stream), let text = source.pointee.getLastError?(source) else {
        return ArrowStream.noReason
      }
      return text
    }
    release = { $0?.assumingMemoryBound(to: ArrowStream.self).pointee.release = nil }
    privateData = UnsafeMutableRawPointer(source)
  }

  /// DuckDB reads the text of an error whether there is one or not.
  nonisolated(unsafe) private static let noReason: UnsafePointer<CChar> = {
    let text = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
    text.initialize(to: 0)
    return UnsafePointer(text)
  }()

  private static func source(_ stream: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<ArrowStream>? {
    let own = stream?.assumingMemoryBound(to: ArrowStream.self)
    return own?.pointee.privateData?.assumingMemoryBound(to: ArrowStream.self)
  }
}
