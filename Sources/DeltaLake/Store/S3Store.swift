import Foundation
internal import HTTP

/// A table in an S3 bucket, or in a store that speaks S3's protocol (MinIO, SeaweedFS, GCS interoperability).
///
/// Put-if-absent is a conditional PUT (`If-None-Match: *`). Files that DuckDB reads or writes pass through a folder of
/// this process on the local disk; they never change, so a copy is good for as long as the process lives.
public final class S3Store: ObjectStore {
  /// How the store is reached.
  public struct Configuration: Sendable, Hashable {
    /// `https://HOST:PORT` of a store other than AWS; the bucket is then part of the path.
    public var endpoint: String?
    /// AWS region.
    public var region: String
    /// Access key id.
    public var accessKey: String
    /// Secret key.
    public var secretKey: String
    /// Token of temporary credentials.
    public var sessionToken: String?

    /// A configuration of these parts.
    public init(
      endpoint: String? = nil, region: String = "us-east-1", accessKey: String, secretKey: String,
      sessionToken: String? = nil
    ) {
      self.endpoint = endpoint
      self.region = region
      self.accessKey = accessKey
      self.secretKey = secretKey
      self.sessionToken = sessionToken
    }

    /// From `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`;
    /// nil without keys.
    public init?(environment given: [String: String]? = nil) {
      let environment = given ?? ProcessInfo.processInfo.environment
      guard let key = environment["AWS_ACCESS_KEY_ID"], let secret = environment["AWS_SECRET_ACCESS_KEY"] else {
        return nil
      }
      self.init(
        endpoint: environment["AWS_ENDPOINT_URL_S3"] ?? environment["AWS_ENDPOINT_URL"],
        region: environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? "us-east-1", accessKey: key,
        secretKey: secret, sessionToken: environment["AWS_SESSION_TOKEN"])
    }
  }

  /// `s3://BUCKET/PREFIX`.
  public let location: String
  private let prefix: String
  private let base: String
  private let host: String
  private let bucketPath: String
  private let signature: S3Signature
  private let cache: LocalCopies

  /// The store of an `s3://BUCKET/PREFIX` (also `s3a://`, `gs://` with an endpoint).
  ///
  /// - Throws: `invalidArgument` for a location without a bucket or a bad endpoint.
  public init(_ location: String, _ configuration: Configuration) throws(DeltaError) {
    let rest = location.split(separator: "/", omittingEmptySubsequences: true)
    guard rest.count >= 2, let bucket = rest.dropFirst().first else {
      throw DeltaError(.invalidArgument, "\(location) names no bucket", hint: "write s3://BUCKET/PATH")
    }
    self.location = location
    prefix = rest.dropFirst(2).joined(separator: "/")
    if let endpoint = configuration.endpoint {
      guard let url = URL(string: endpoint), let name = url.host, let scheme = url.scheme else {
        throw DeltaError(
          .invalidArgument, "the endpoint of the object store is not a URL", hint: "write https://HOST:PORT")
      }
      host = name + (url.port.map { ":\($0)" } ?? "")
      base = "\(scheme)://\(host)"
      bucketPath = "/\(bucket)"
    } else {
      host = "\(bucket).s3.\(configuration.region).amazonaws.com"
      base = "https://\(host)"
      bucketPath = ""
    }
    signature = S3Signature(
      accessKey: configuration.accessKey, secretKey: configuration.secretKey,
      sessionToken: configuration.sessionToken, region: configuration.region)
    cache = LocalCopies()
  }

  private func key(_ path: String) -> String { prefix.isEmpty ? path : path.isEmpty ? prefix : "\(prefix)/\(path)" }

  private func send(
    _ method: String, _ path: String?, query: [(name: String, value: String)] = [],
    headers: [(name: String, value: String)] = [], body: [UInt8]? = nil
  ) throws(DeltaError) -> HTTPRequest.Response {
    let target = bucketPath + (path.map { "/" + S3Signature.encode(key($0), keepSlash: true) } ?? "/")
    let hash = SHA256.hexadecimal(SHA256.hash(body ?? []))
    var failure: DeltaError?
    for attempt in 0..<4 {
      let signed = signature.headers(
        method: method, host: host, path: target, query: query, headers: headers, bodyHash: hash,
        seconds: DeltaTable.systemClock() / 1000)
      let text = S3Signature.queryText(query)
      let request = HTTPRequest(
        method: method, url: base + target + (text.isEmpty ? "" : "?" + text), headers: signed, body: body)
      do throws(HTTPError) {
        let response = try request.send()
        if response.status < 500, response.status != 429 { return response }
        failure = DeltaError(.storage, "\(location): \(method) was answered with status \(response.status)")
      } catch {
        failure = DeltaError(
          .storage, "\(location): \(error)", hint: "check the address of the object store and the network")
      }
      Thread.sleep(forTimeInterval: 0.1 * Double(1 << attempt))
    }
    throw failure ?? DeltaError(.storage, "\(location): \(method) had no answer")
  }

  private func failure(_ response: HTTPRequest.Response, _ path: String, _ doing: String) -> DeltaError {
    let place = "\(location)/\(path)"
    switch response.status {
    case 404: return DeltaError(.missingFile, "\(place): the object cannot be \(doing): there is none")
    case 401, 403:
      return DeltaError(.permissionDenied, "\(place): the object cannot be \(doing): refused", hint: "check the keys")
    default: return DeltaError(.storage, "\(place): the object cannot be \(doing): status \(response.status)")
    }
  }

  /// The objects directly below a folder, sorted.
  public func list(_ folder: String, startingAt start: String?) throws(DeltaError) -> [ObjectEntry] {
    try list(folder, delimiter: "/", startingAt: start)
  }

  /// All objects below a folder, sorted.
  public func listAll(_ folder: String) throws(DeltaError) -> [ObjectEntry] {
    try list(folder, delimiter: nil, startingAt: nil)
  }

  private func list(_ folder: String, delimiter: String?, startingAt start: String?) throws(DeltaError) -> [ObjectEntry]
  {
    let root = key(folder).isEmpty ? "" : key(folder) + "/"
    var entries: [ObjectEntry] = []
    var token: String?
    repeat {
      var query = [(name: "list-type", value: "2"), (name: "prefix", value: root)]
      if let delimiter { query.append(("delimiter", delimiter)) }
      if let token { query.append(("continuation-token", token)) }
      let response = try send("GET", nil, query: query)
      guard response.status == 200 else { throw failure(response, folder, "listed") }
      let page = S3Listing(String(decoding: response.body, as: UTF8.self))
      for object in page.objects where object.key.hasPrefix(root) {
        let name = String(object.key.dropFirst(root.count))
        if name.isEmpty || name.hasSuffix("/") { continue }
        if let start, name < start { continue }
        entries.append(
          ObjectEntry(
            path: folder.isEmpty ? name : "\(folder)/\(name)", size: object.size, modificationTime: object.time))
      }
      token = page.next
    } while token != nil
    return entries.sorted { $0.path < $1.path }
  }

  /// The whole content.
  public func read(_ path: String) throws(DeltaError) -> [UInt8] {
    let response = try send("GET", path)
    guard response.status == 200 else { throw failure(response, path, "read") }
    return response.body
  }

  /// A range of bytes of the content.
  public func read(_ path: String, range: Range<Int64>) throws(DeltaError) -> [UInt8] {
    guard !range.isEmpty else { return [] }
    let response = try send("GET", path, headers: [("range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)")])
    if response.status == 416 { return [] }
    guard response.status == 206 || response.status == 200 else { throw failure(response, path, "read") }
    guard response.status == 200 else { return response.body }
    return Array(response.body.dropFirst(Int(range.lowerBound)).prefix(range.count))
  }

  /// Size and time of an object; nil if there is none.
  public func attributes(_ path: String) throws(DeltaError) -> ObjectEntry? {
    let response = try send("HEAD", path)
    if response.status == 404 { return nil }
    guard response.status == 200 else { throw failure(response, path, "examined") }
    return ObjectEntry(
      path: path, size: response.headers["content-length"].flatMap { Int64($0) } ?? 0,
      modificationTime: response.headers["last-modified"].flatMap(HTTPDate.milliseconds) ?? 0)
  }

  /// Creates an object unless the key is taken. After an answer was lost, the object itself tells whose it is.
  public func putIfAbsent(_ path: String, _ bytes: [UInt8]) throws(DeltaError) -> Bool {
    for _ in 0..<5 {
      let response = try send("PUT", path, headers: [("if-none-match", "*")], body: bytes)
      switch response.status {
      case 200, 201: return true
      case 412: return try read(path) == bytes && !bytes.isEmpty
      case 409: continue
      default: throw failure(response, path, "written")
      }
    }
    return false
  }

  /// Creates or replaces an object.
  public func put(_ path: String, _ bytes: [UInt8]) throws(DeltaError) {
    let response = try send("PUT", path, body: bytes)
    guard response.status == 200 || response.status == 201 else { throw failure(response, path, "written") }
    cache.forget(path)
  }

  /// Removes an object.
  public func delete(_ path: String) throws(DeltaError) {
    let response = try send("DELETE", path)
    guard [200, 204, 404].contains(response.status) else { throw failure(response, path, "removed") }
    cache.forget(path)
  }

  /// A local copy of an object.
  public func localPath(_ path: String) throws(DeltaError) -> String {
    try cache.path(path) { () throws(DeltaError) in try read(path) }
  }

  /// A local folder for new files.
  public func stagingFolder() throws(DeltaError) -> String { try cache.folder() }

  /// Uploads files from the staging folder.
  public func publish(_ paths: [String]) throws(DeltaError) {
    let folder = LocalStore(try cache.folder())
    for path in paths {
      let bytes = try folder.read(path)
      let response = try send("PUT", path, body: bytes)
      guard response.status == 200 || response.status == 201 else { throw failure(response, path, "written") }
    }
  }

  /// Uploads a local file.
  public func install(localFile: String, as path: String) throws(DeltaError) {
    guard let data = FileManager.default.contents(atPath: localFile) else {
      throw DeltaError(.missingFile, "\(localFile): the file cannot be read")
    }
    try put(path, Array(data))
  }
}
