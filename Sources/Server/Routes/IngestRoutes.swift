internal import HTTP
internal import JSON
internal import Pipelines
internal import Streaming

/// Records that clients push into pipelines.
enum IngestRoutes {
  static func endpoints(_ context: ServerContext) -> [Endpoint] {
    [
      Endpoint(
        .post, "/ingest/{pipeline}", group: "Ingest", "Takes records; answers when they are durable", needs: .ingest,
        answers: [
          .init(
            200, "The records are durable",
            .object(["records": .integer(), "bytes": .integer()], required: ["records", "bytes"]))
        ]
      ) { call in try take(call, context) }
      .with {
        $0.details =
          "NDJSON, a record per line, or a JSON array of records. Records are not looked into here: what the "
          + "pipeline cannot use goes whole to quarantine. 429 with Retry-After while the pipeline is too far behind; "
          + "after any error send the same again, repeats are dropped by the pipeline's deduplication."
        $0.parameters = [.init("pipeline", .text(longest: 64), "The pipeline")]
        $0.body = .init(
          [("application/x-ndjson", .text("A record per line")), ("application/json", .list(of: .any, least: 1))],
          limit: 64 << 20)
        $0.problems = [409]
        $0.audit = .change("ingest")
      }
    ]
  }

  private static func take(_ call: Call, _ context: ServerContext) throws -> ServerResponse {
    let pipeline = try context.pipeline(call.path["pipeline"] ?? "")
    let body = call.request.body
    let records: IngestRecords
    if call.request.head.mediaType == "application/json" {
      records = IngestRecords(payloads: try elements(of: body))
    } else {
      records = IngestRecords(lines: body)
    }
    guard records.count > 0 else {
      throw BodyReader.invalid([.init(field: "", rule: "minItems", message: "give at least one record")])
    }
    let receipt = try context.ingest(pipeline).append(records)
    call.trail.note("\(receipt.records) records into \(pipeline.name)")
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("records", Int64(receipt.records))
    writer.member("bytes", Int64(receipt.bytes))
    writer.endObject()
    return .json(writer.bytes)
  }

  /// The elements of a JSON array as they stand in it.
  private static func elements(of body: [UInt8]) throws -> [[UInt8]] {
    var elements: [[UInt8]] = []
    try body.withUnsafeBufferPointer { bytes in
      var reader = JSONReader(bytes)
      guard try reader.peek() == UInt8(ascii: "[") else {
        throw BodyReader.invalid([.init(field: "", rule: "type", message: "a JSON array of records is wanted")])
      }
      try reader.readArray { (reader) throws(JSONError) in
        reader.skipWhitespace()
        let start = reader.offset
        try reader.skipValue()
        elements.append(Array(bytes[start..<reader.offset]))
      }
      guard reader.isAtEnd() else { throw reader.failure("text follows the array") }
    }
    return elements
  }
}
