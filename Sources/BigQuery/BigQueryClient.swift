internal import Foundation
internal import HTTP
internal import JSON

/// Where BigQuery is, and which dataset of which project tables are mirrored to.
public struct BigQuerySettings: Sendable, Hashable {
  /// Google Cloud project.
  public var project: String
  /// Dataset; made when it is not there.
  public var dataset: String
  /// Where a new dataset lies, such as `EU`; nil: BigQuery's own choice.
  public var location: String?
  /// Address of the service, without a slash at the end.
  public var endpoint: String
  /// Pauses before a request is sent again that no answer came to, or 429 or 5xx.
  public var pausesSeconds: [Double] = [1, 4, 10]

  /// Settings.
  public init(
    project: String, dataset: String = "patient_data", location: String? = nil,
    endpoint: String = "https://bigquery.googleapis.com"
  ) {
    self.project = project
    self.dataset = dataset
    self.location = location
    self.endpoint = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
  }
}

/// BigQuery's REST API, version 2.
struct BigQueryClient {
  let settings: BigQuerySettings
  let credentials: GoogleCredentials

  /// Bytes that are sent at once; a multiple of 256 KiB, as resumable uploads want it.
  static let uploadChunk = 8 << 20

  // MARK: Datasets, tables, views

  /// Makes the dataset unless it is there.
  func ensureDataset() throws {
    if try get("datasets/\(settings.dataset)") != nil { return }
    var body: JSONObject = [
      "datasetReference": .object(["projectId": .string(settings.project), "datasetId": .string(settings.dataset)]),
      "description": .string("Tables mirrored by Lakeward"),
    ]
    if let location = settings.location { body["location"] = .string(location) }
    _ = try create("datasets", body, what: "dataset \(settings.dataset)")
  }

  /// The table or view of a name; nil if there is none.
  func table(_ name: String) throws -> JSONObject? { try get("datasets/\(settings.dataset)/tables/\(name)") }

  /// Makes a table; one that is there is left as it is.
  func createTable(_ name: String, _ body: JSONObject) throws {
    var body = body
    body["tableReference"] = .object(reference(name))
    _ = try create("datasets/\(settings.dataset)/tables", body, what: "table \(name)")
  }

  /// Makes a view, or gives it this query.
  func putView(_ name: String, query: String, description: String) throws {
    let view: JSONObject = ["query": .string(query), "useLegacySql": .bool(false)]
    let body: JSONObject = [
      "tableReference": .object(reference(name)), "description": .string(description), "view": .object(view),
    ]
    guard let there = try table(name) else { return try createTable(name, body) }
    guard let old = there["view"]?.object else {
      throw BigQueryError("view \(name)", "there is a table of that name; rename it, or load to another dataset")
    }
    if old["query"]?.string == query { return }
    _ = try ask("PUT", path("datasets/\(settings.dataset)/tables/\(name)"), body, step: "view \(name)")
  }

  func reference(_ table: String) -> JSONObject {
    [
      "projectId": .string(settings.project), "datasetId": .string(settings.dataset), "tableId": .string(table),
    ]
  }

  // MARK: Jobs

  /// The job of an id; nil if there is none.
  func job(_ id: String) throws -> JSONObject? {
    try get("jobs/\(id)" + (settings.location.map { "?location=\($0)" } ?? ""))
  }

  /// Sends a file for a load job by a resumable upload, which goes on where it was broken off. Nil: there is a job of
  /// that id already.
  func upload(_ file: String, job: JSONObject, step: String) throws -> JSONObject? {
    guard let handle = FileHandle(forReadingAtPath: file) else { throw BigQueryError(step, "\(file) cannot be read") }
    defer { try? handle.close() }
    let size = Int(try handle.seekToEnd())
    let begin = try exchange(
      "POST", "\(settings.endpoint)/upload/bigquery/v2/projects/\(settings.project)/jobs?uploadType=resumable",
      Array(JSONValue.object(job).text.utf8),
      headers: [
        ("X-Upload-Content-Type", "application/octet-stream"), ("X-Upload-Content-Length", "\(size)"),
      ], step: step)
    if begin.status == 409 { return nil }
    guard begin.status == 200, let place = begin.headers["location"] else { throw Self.refusal(begin, step) }
    return try send(handle, size, to: place, step: step)
  }

  /// Sends the parts of a file. After a failure the service is asked what it has: the part may have come although its
  /// answer was lost.
  private func send(_ file: FileHandle, _ size: Int, to place: String, step: String) throws -> JSONObject? {
    var sent = 0
    var isUncertain = false
    var pauses = settings.pausesSeconds
    while true {
      try file.seek(toOffset: UInt64(sent))
      let bytes = isUncertain ? [] : [UInt8](try file.read(upToCount: Self.uploadChunk) ?? Data())
      let range = bytes.isEmpty ? "bytes */\(size)" : "bytes \(sent)-\(sent + bytes.count - 1)/\(size)"
      let answer: HTTPRequest.Response
      do {
        answer = try exchange("PUT", place, bytes, headers: [("Content-Range", range)], step: step, mayRepeat: false)
      } catch let error as BigQueryError where !pauses.isEmpty && (error.status ?? 500) >= 429 {
        Thread.sleep(forTimeInterval: pauses.removeFirst())
        isUncertain = true
        continue
      }
      switch answer.status {
      case 200..<300: return JSONValue(parsing: String(decoding: answer.body, as: UTF8.self))?.object ?? [:]
      case 308:
        // The service says up to where it has the file; without a range it has nothing of it.
        let received = answer.headers["range"]?.split(separator: "-").last.flatMap { Int($0) }.map { $0 + 1 } ?? 0
        if received > sent { pauses = settings.pausesSeconds }
        sent = received
        isUncertain = false
      case 409: return nil
      default: throw Self.refusal(answer, step)
      }
    }
  }

  // MARK: Requests

  private func get(_ path: String) throws -> JSONObject? {
    let answer = try exchange("GET", self.path(path), nil, step: path)
    if answer.status == 404 { return nil }
    guard answer.status == 200 else { throw Self.refusal(answer, path) }
    return JSONValue(parsing: String(decoding: answer.body, as: UTF8.self))?.object ?? [:]
  }

  /// Nil: it is there already.
  private func create(_ path: String, _ body: JSONObject, what: String) throws -> JSONObject? {
    let answer = try exchange("POST", self.path(path), Array(JSONValue.object(body).text.utf8), step: what)
    if answer.status == 409 { return nil }
    guard (200..<300).contains(answer.status) else { throw Self.refusal(answer, what) }
    return JSONValue(parsing: String(decoding: answer.body, as: UTF8.self))?.object ?? [:]
  }

  func ask(_ method: String, _ url: String, _ body: JSONObject, step: String) throws -> JSONObject {
    let answer = try exchange(method, url, Array(JSONValue.object(body).text.utf8), step: step)
    guard (200..<300).contains(answer.status) else { throw Self.refusal(answer, step) }
    return JSONValue(parsing: String(decoding: answer.body, as: UTF8.self))?.object ?? [:]
  }

  func path(_ rest: String) -> String { "\(settings.endpoint)/bigquery/v2/projects/\(settings.project)/\(rest)" }

  private func exchange(
    _ method: String, _ url: String, _ body: [UInt8]?, headers: [(name: String, value: String)] = [], step: String,
    mayRepeat: Bool = true
  ) throws -> HTTPRequest.Response {
    var failure = BigQueryError(step, "it was not asked")
    var mayRenew = true
    var pauses = [0] + (mayRepeat ? settings.pausesSeconds : [])
    while !pauses.isEmpty {
      let pause = pauses.removeFirst()
      if pause > 0 { Thread.sleep(forTimeInterval: pause) }
      var all = headers
      if body != nil, !headers.contains(where: { $0.name == "Content-Range" }) {
        all.append(("Content-Type", "application/json"))
      }
      if let token = try credentials.accessToken() { all.append(("Authorization", "Bearer \(token)")) }
      do {
        let answer = try HTTPRequest(method: method, url: url, headers: all, body: body).send()
        switch answer.status {
        case 401 where mayRenew:
          mayRenew = false
          credentials.forget()
          pauses.insert(0, at: 0)
          failure = Self.refusal(answer, step)
        case 429, 500...: failure = Self.refusal(answer, step)
        default: return answer
        }
      } catch {
        failure = BigQueryError(step, error.description)
      }
    }
    throw failure
  }

  private static func refusal(_ answer: HTTPRequest.Response, _ step: String) -> BigQueryError {
    let object = JSONValue(parsing: String(decoding: answer.body, as: UTF8.self))?.object
    let message = object?["error"]?.object?["message"]?.string
    return BigQueryError(step, message ?? "status \(answer.status)", status: answer.status)
  }
}
