internal import JSON
import Foundation
internal import HTTP

/// A table in HDFS, reached by the WebHDFS REST protocol of name nodes, or by HttpFS.
///
/// Put-if-absent is CREATE of a file with a name of its own, then RENAME to the wanted name: the name node decides
/// a RENAME in one step under its lock and refuses a name that is taken, and the file has all its bytes by then.
/// CREATE with `overwrite=false` would be decided in one step too, but the file is seen, empty, before its bytes come.
/// What a file holds is as durable as the cluster makes a closed file (replication; `dfs.datanode.synconclose`).
public final class WebHDFSStore: ObjectStore {
  /// How the cluster is reached.
  public struct Configuration: Sendable, Hashable {
    /// `http://HOST:PORT` of every name node; empty takes the host of the table's location.
    public var endpoints: [String]
    /// `user.name` of every request, for clusters without Kerberos.
    public var user: String?
    /// A delegation token, for clusters with Kerberos.
    public var token: String?

    /// A configuration of these parts.
    public init(endpoints: [String] = [], user: String? = nil, token: String? = nil) {
      self.endpoints = endpoints
      self.user = user
      self.token = token
    }

    /// From `LAKEWARD_WEBHDFS` (addresses with commas between them), `LAKEWARD_HDFS_TOKEN`, and `HADOOP_USER_NAME`,
    /// else the user of this process.
    public init(environment given: [String: String]? = nil) {
      let environment = given ?? ProcessInfo.processInfo.environment
      self.init(
        endpoints: (environment["LAKEWARD_WEBHDFS"] ?? "").split(separator: ",").map {
          $0.trimmingCharacters(in: .whitespaces)
        },
        user: environment["HADOOP_USER_NAME"] ?? NSUserName(), token: environment["LAKEWARD_HDFS_TOKEN"])
    }
  }

  /// `hdfs://HOST:PORT/PATH`.
  public let location: String
  private let root: String
  private let client: WebHDFSClient
  private let cache = LocalCopies()

  private static let standardPort = 9870
  private static let remoteCallPorts = [8020, 9000]

  /// The store of an `hdfs://`, `webhdfs://` or `swebhdfs://` location.
  ///
  /// The port is that of WebHDFS; the usual ports of Hadoop's own protocol (8020, 9000) and no port mean 9870.
  /// - Throws: `invalidArgument` for a location without host or path.
  public init(_ location: String, _ configuration: Configuration) throws(DeltaError) {
    guard let colon = location.range(of: "://"),
      case let rest = location[colon.upperBound...], let slash = rest.firstIndex(of: "/")
    else {
      throw DeltaError(.invalidArgument, "\(location) has no path", hint: "write hdfs://HOST:PORT/PATH")
    }
    var endpoints = configuration.endpoints
    if endpoints.isEmpty {
      let parts = rest[..<slash].split(separator: ":")
      guard let host = parts.first else {
        throw DeltaError(
          .invalidArgument, "\(location) names no host",
          hint: "write hdfs://HOST:PORT/PATH, or set LAKEWARD_WEBHDFS to the address of the name node")
      }
      var port = parts.count > 1 ? Int(parts[1]) ?? Self.standardPort : Self.standardPort
      if Self.remoteCallPorts.contains(port) { port = Self.standardPort }
      endpoints = ["\(location.hasPrefix("swebhdfs:") ? "https" : "http")://\(host):\(port)"]
    }
    self.location = location
    root = "/" + rest[slash...].split(separator: "/").joined(separator: "/")
    client = WebHDFSClient(
      location: location, endpoints: endpoints, user: configuration.user, token: configuration.token)
  }

  private func full(_ path: String) -> String { path.isEmpty ? root : root == "/" ? "/" + path : root + "/" + path }

  /// The files of a folder, sorted.
  public func list(_ folder: String, startingAt start: String?) throws(DeltaError) -> [ObjectEntry] {
    try statuses(folder).compactMap { status in
      guard status.isFile else { return nil }
      if let start, status.name < start { return nil }
      return status.entry
    }
    .sorted { $0.path < $1.path }
  }

  /// All files below a folder, sorted.
  public func listAll(_ folder: String) throws(DeltaError) -> [ObjectEntry] {
    var entries: [ObjectEntry] = []
    for status in try statuses(folder) {
      if status.isFile { entries.append(status.entry) } else { entries += try listAll(status.entry.path) }
    }
    return entries.sorted { $0.path < $1.path }
  }

  private struct Status {
    var name: String
    var isFile: Bool
    var entry: ObjectEntry

    init(_ object: JSONObject, in folder: String) {
      name = object["pathSuffix"]?.string ?? ""
      isFile = object["type"]?.string == "FILE"
      entry = ObjectEntry(
        path: folder.isEmpty ? name : "\(folder)/\(name)", size: object["length"]?.int ?? 0,
        modificationTime: object["modificationTime"]?.int ?? 0)
    }
  }

  private func statuses(_ folder: String) throws(DeltaError) -> [Status] {
    guard let response = try client.find("GET", full(folder), "LISTSTATUS", doing: "listed") else { return [] }
    guard let items = object(response)?["FileStatuses"]?.object?["FileStatus"]?.array else {
      throw DeltaError(.storage, "\(location): the answer to LISTSTATUS of \(folder) cannot be read")
    }
    // A file lists as itself, without a name.
    return items.compactMap(\.object).map { Status($0, in: folder) }.filter { !$0.name.isEmpty }
  }

  private func object(_ response: HTTPRequest.Response) -> JSONObject? {
    JSONValue(parsing: String(decoding: response.body, as: UTF8.self))?.object
  }

  private func isTrue(_ response: HTTPRequest.Response) -> Bool { object(response)?["boolean"]?.bool == true }

  /// The whole content.
  public func read(_ path: String) throws(DeltaError) -> [UInt8] {
    try client.perform("GET", full(path), "OPEN", doing: "read").body
  }

  /// A range of bytes of the content.
  public func read(_ path: String, range: Range<Int64>) throws(DeltaError) -> [UInt8] {
    guard !range.isEmpty else { return [] }
    var parameters = [(name: "offset", value: String(range.lowerBound))]
    if range.upperBound != .max { parameters.append(("length", String(range.upperBound - range.lowerBound))) }
    do throws(DeltaError) {
      return try client.perform("GET", full(path), "OPEN", parameters, doing: "read").body
    } catch {
      // An offset behind the end is an error there.
      guard error.code == .storage, let size = try attributes(path)?.size, size <= range.lowerBound else { throw error }
      return []
    }
  }

  /// Size and time of a file; nil if there is none.
  public func attributes(_ path: String) throws(DeltaError) -> ObjectEntry? {
    guard let response = try client.find("GET", full(path), "GETFILESTATUS", doing: "examined") else { return nil }
    guard let object = object(response)?["FileStatus"]?.object else {
      throw DeltaError(.storage, "\(location): the answer to GETFILESTATUS of \(path) cannot be read")
    }
    guard object["type"]?.string == "FILE" else { return nil }
    return ObjectEntry(
      path: path, size: object["length"]?.int ?? 0, modificationTime: object["modificationTime"]?.int ?? 0)
  }

  private func create(_ path: String, _ bytes: [UInt8]) throws(DeltaError) {
    _ = try client.perform("PUT", full(path), "CREATE", [("overwrite", "true")], body: bytes, doing: "written")
  }

  private func writeTemporary(for path: String, _ bytes: [UInt8]) throws(DeltaError) -> String {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    let temporary = folder + ".tmp-" + UUID().uuidString.lowercased()
    try create(temporary, bytes)
    return temporary
  }

  private func rename(
    _ path: String, to name: String, _ options: [(name: String, value: String)] = []
  ) throws(DeltaError) -> HTTPRequest.Response {
    try client.perform("PUT", full(path), "RENAME", [("destination", full(name))] + options, doing: "renamed")
  }

  /// Creates a file unless the path is taken: CREATE under another name, then RENAME, which takes no name that is
  /// taken.
  public func putIfAbsent(_ path: String, _ bytes: [UInt8]) throws(DeltaError) -> Bool {
    if try attributes(path) != nil { return false }
    let temporary = try writeTemporary(for: path, bytes)
    do throws(DeltaError) {
      if isTrue(try rename(temporary, to: path)) { return true }
    } catch  where error.code == .storage || error.code == .missingFile {
      // FileAlreadyExistsException, or the retry of a request whose answer was lost.
    }
    // Nobody else knows the temporary name: when it is gone, the rename was done and only its answer was lost.
    if try attributes(temporary) == nil { return try attributes(path) != nil }
    try delete(temporary)
    guard try attributes(path) != nil else {
      throw DeltaError(.storage, "\(location)/\(path): the file cannot be put in place: RENAME was refused")
    }
    return false
  }

  /// Creates or replaces a file: CREATE under another name, then RENAME with the option OVERWRITE, one step for the
  /// name node. HttpFS lacks that option; there the old file is removed first.
  public func put(_ path: String, _ bytes: [UInt8]) throws(DeltaError) {
    let temporary = try writeTemporary(for: path, bytes)
    do throws(DeltaError) {
      let response = try rename(temporary, to: path, [("renameoptions", "OVERWRITE")])
      // With options a name node answers without a body.
      if !response.body.isEmpty, !isTrue(response) {
        try delete(path)
        guard isTrue(try rename(temporary, to: path)) else {
          throw DeltaError(.storage, "\(location)/\(path): the file cannot be put in place: RENAME was refused")
        }
      }
    } catch {
      // Gone from its temporary name: the rename was done, and only its answer was lost.
      guard error.code == .missingFile, try attributes(path) != nil else { throw error }
    }
    cache.forget(path)
  }

  /// Removes a file.
  public func delete(_ path: String) throws(DeltaError) {
    _ = try client.find("DELETE", full(path), "DELETE", [("recursive", "false")], doing: "removed")
    cache.forget(path)
  }

  /// A local copy of a file.
  public func localPath(_ path: String) throws(DeltaError) -> String {
    try cache.path(path) { () throws(DeltaError) in try read(path) }
  }

  /// A local folder for new files.
  public func stagingFolder() throws(DeltaError) -> String { try cache.folder() }

  /// Uploads files from the staging folder; nobody looks for them before a commit names them.
  public func publish(_ paths: [String]) throws(DeltaError) {
    let folder = LocalStore(try cache.folder())
    for path in paths { try create(path, try folder.read(path)) }
  }

  /// Uploads a local file.
  public func install(localFile: String, as path: String) throws(DeltaError) {
    guard let data = FileManager.default.contents(atPath: localFile) else {
      throw DeltaError(.missingFile, "\(localFile): the file cannot be read")
    }
    try put(path, Array(data))
  }
}
