internal import Foundation

/// The files of one folder, and nothing outside it.
public struct StaticFiles: Sendable {
  /// The folder, without links in its path.
  public let folder: String
  private let cacheControl: String

  /// The files of `folder`; nil if there is no such folder. Browsers ask each time whether a file has changed unless
  /// `maxAgeSeconds` is given.
  public init?(folder: String, maxAgeSeconds: Int = 0) {
    guard let path = realpath(folder, nil) else { return nil }
    self.folder = String(cString: path)
    free(path)
    cacheControl = maxAgeSeconds > 0 ? "public, max-age=\(maxAgeSeconds)" : "no-cache"
  }

  /// The file of a decoded relative path such as `charts/plotly.min.js`; 404 as a problem if there is none.
  ///
  /// Paths with empty segments, with names that begin with a dot, or that leave the folder over a link have no file. A
  /// browser that has the file already gets 304. Where `NAME.gz` lies beside the file, browsers that can take it get that.
  public func response(_ path: String, _ head: RequestHead) -> ServerResponse {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let isPlain = parts.allSatisfy { part in
      !part.isEmpty && !part.hasPrefix(".") && !part.utf8.contains { $0 < 0x20 || $0 == UInt8(ascii: "\\") }
    }
    guard isPlain else { return Self.missing }
    let accepts = head.headers["accept-encoding"]?.contains("gzip") ?? false
    let name = parts.joined(separator: "/")
    let packed = accepts ? open(name + ".gz") : nil
    guard let file = packed ?? open(name) else { return Self.missing }
    var headers: HTTPHeaders = [
      "content-type": Self.mediaType(of: name), "etag": file.tag, "cache-control": cacheControl,
      "vary": "accept-encoding",
    ]
    if head.headers["if-none-match"] == file.tag { return ServerResponse(304, headers: headers) }
    if packed != nil { headers.add("content-encoding", "gzip") }
    return ServerResponse(200, headers: headers, body: .file(file.content))
  }

  private func open(_ name: String) -> (content: ServedFile, tag: String)? {
    guard let real = realpath("\(folder)/\(name)", nil) else { return nil }
    defer { free(real) }
    let path = String(cString: real)
    guard path.hasPrefix(folder == "/" ? "/" : folder + "/") else { return nil }
    let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return nil }
    var facts = stat()
    guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      return nil
    }
    let stamp = "\(facts.st_size)-\(facts.st_mtim.tv_sec)-\(facts.st_mtim.tv_nsec)"
    return (ServedFile(descriptor: descriptor, size: Int(facts.st_size)), "\"\(stamp)\"")
  }

  private static var missing: ServerResponse { Problem.notFound("there is no such file").response }

  private static func mediaType(of name: String) -> String {
    switch name.split(separator: ".").last.map(String.init) ?? "" {
    case "html": "text/html; charset=utf-8"
    case "css": "text/css; charset=utf-8"
    case "js", "mjs": "text/javascript; charset=utf-8"
    case "json", "map": "application/json"
    case "svg": "image/svg+xml"
    case "png": "image/png"
    case "ico": "image/x-icon"
    case "woff2": "font/woff2"
    case "txt": "text/plain; charset=utf-8"
    case "webmanifest": "application/manifest+json"
    default: "application/octet-stream"
    }
  }
}
