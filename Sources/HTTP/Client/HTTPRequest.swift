internal import CCurl
import Foundation

/// No answer came: the server cannot be reached, or broke off.
public struct HTTPError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Host of the request.
  public let host: String
  /// What libcurl says.
  public let reason: String

  /// Host and reason.
  public var description: String { "no answer from \(host): \(reason)" }
}

/// One HTTP exchange over libcurl; blocks the calling thread.
public struct HTTPRequest: Sendable {
  /// An answer with any status.
  public struct Response: Sendable {
    /// Status code.
    public var status: Int
    /// Headers, names in lower case.
    public var headers: [String: String]
    /// The whole body.
    public var body: [UInt8]
  }

  private let method: String
  private let url: String
  private let headers: [(name: String, value: String)]
  private let body: [UInt8]?
  private let timeoutSeconds: Int

  /// A request; nothing is sent yet. Redirects are not followed.
  public init(
    method: String, url: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil,
    timeoutSeconds: Int = 300
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeoutSeconds = timeoutSeconds
  }

  /// Sends the request and waits for the whole answer.
  ///
  /// - Throws: `HTTPError` when there is no answer; a status such as 404 is an answer.
  public func send() throws(HTTPError) -> Response {
    _ = Self.initialised
    guard let handle = curl_easy_init() else { throw HTTPError(host: "", reason: "libcurl could not be started") }
    defer { curl_easy_cleanup(handle) }
    let sink = Sink()
    let context = Unmanaged.passUnretained(sink).toOpaque()
    var list: UnsafeMutablePointer<curl_slist>?
    defer { curl_slist_free_all(list) }
    for header in headers { list = curl_slist_append(list, "\(header.name): \(header.value)") }
    for silenced in ["Expect:", "Content-Type:"] { list = curl_slist_append(list, silenced) }
    _ = ccurl_set_string(handle, CURLOPT_URL, url)
    _ = ccurl_set_headers(handle, list)
    _ = ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1)
    _ = ccurl_set_long(handle, CURLOPT_CONNECTTIMEOUT, 10)
    _ = ccurl_set_long(handle, CURLOPT_TIMEOUT, timeoutSeconds)
    _ = ccurl_set_sink(handle, CURLOPT_WRITEFUNCTION, Sink.body, CURLOPT_WRITEDATA, context)
    _ = ccurl_set_sink(handle, CURLOPT_HEADERFUNCTION, Sink.header, CURLOPT_HEADERDATA, context)
    if method == "HEAD" { _ = ccurl_set_long(handle, CURLOPT_NOBODY, 1) }
    let code = (body ?? []).withUnsafeBytes { bytes in
      if body != nil {
        _ = ccurl_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
        // libcurl reads the body in place; an empty array has no address of its own.
        if let start = bytes.baseAddress {
          _ = ccurl_set_pointer(handle, CURLOPT_POSTFIELDS, start)
        } else {
          _ = ccurl_set_string(handle, CURLOPT_COPYPOSTFIELDS, "")
        }
      }
      if method != "HEAD" { _ = ccurl_set_string(handle, CURLOPT_CUSTOMREQUEST, method) }
      return curl_easy_perform(handle)
    }
    guard code == CURLE_OK else {
      throw HTTPError(
        host: URL(string: url)?.host ?? "the server", reason: String(cString: curl_easy_strerror(code)))
    }
    return Response(status: Int(ccurl_status(handle)), headers: sink.headers, body: sink.bytes)
  }

  static let initialised: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  /// Collects an answer; libcurl calls back on the thread that sends.
  private final class Sink {
    var bytes: [UInt8] = []
    var headers: [String: String] = [:]

    static let body: ccurl_sink = { start, size, count, context in
      guard let context else { return 0 }
      let sink = Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue()
      sink.bytes += UnsafeRawBufferPointer(start: start, count: size * count)
      return size * count
    }

    static let header: ccurl_sink = { start, size, count, context in
      guard let context else { return 0 }
      let sink = Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue()
      let line = String(decoding: UnsafeRawBufferPointer(start: start, count: size * count), as: UTF8.self)
      if let colon = line.firstIndex(of: ":") {
        sink.headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
          in: .whitespacesAndNewlines)
      }
      return size * count
    }
  }
}
