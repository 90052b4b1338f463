internal import CCurl
import Foundation

/// Hands one message to a mail server by SMTP over libcurl; blocks the calling thread.
public struct MailTransfer: Sendable {
  /// Whether the connection is encrypted.
  public enum Encryption: String, Sendable, Hashable, CaseIterable {
    /// Never: for a server on the same machine.
    case none
    /// By STARTTLS where the server offers it.
    case opportunistic
    /// By STARTTLS, or from the beginning with `smtps://`; else nothing is sent.
    case required
  }

  private let server: String
  private let encryption: Encryption
  private let username: String?
  private let password: String?
  private let certificateFile: String?
  private let timeoutSeconds: Int

  /// A mail server.
  /// - Parameters:
  ///   - server: `smtp://HOST:PORT` or `smtps://HOST:PORT`.
  ///   - certificateFile: Certificates of authorities in PEM that are trusted beside the system's; nil: the system's.
  public init(
    server: String, encryption: Encryption = .required, username: String? = nil, password: String? = nil,
    certificateFile: String? = nil, timeoutSeconds: Int = 30
  ) {
    self.server = server
    self.encryption = encryption
    self.username = username
    self.password = password
    self.certificateFile = certificateFile
    self.timeoutSeconds = timeoutSeconds
  }

  /// How a server answered.
  public enum Answer: Sendable, Hashable {
    /// It has taken the message.
    case accepted
    /// It said no, with its last reply code (RFC 5321): 4xx may pass, 5xx does not.
    case refused(code: Int)
  }

  /// Sends a message.
  /// - Parameters:
  ///   - message: The message with its headers (RFC 5322), lines ended by CR LF.
  /// - Throws: `HTTPError` when the server cannot be reached, breaks off, or encryption or login fails without an answer.
  public func send(_ message: [UInt8], from: String, to recipients: [String]) throws(HTTPError) -> Answer {
    _ = HTTPRequest.initialised
    guard let handle = curl_easy_init() else { throw HTTPError(host: "", reason: "libcurl could not be started") }
    defer { curl_easy_cleanup(handle) }
    let source = Source(message)
    let context = Unmanaged.passUnretained(source).toOpaque()
    var list: UnsafeMutablePointer<curl_slist>?
    defer { curl_slist_free_all(list) }
    for recipient in recipients { list = curl_slist_append(list, "<\(recipient)>") }
    _ = ccurl_set_string(handle, CURLOPT_URL, server)
    _ = ccurl_set_string(handle, CURLOPT_MAIL_FROM, "<\(from)>")
    _ = ccurl_set_recipients(handle, list)
    _ = ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1)
    _ = ccurl_set_long(handle, CURLOPT_CONNECTTIMEOUT, 10)
    _ = ccurl_set_long(handle, CURLOPT_TIMEOUT, timeoutSeconds)
    _ = ccurl_set_long(handle, CURLOPT_UPLOAD, 1)
    let level: Int
    switch encryption {
    case .none: level = Int(CURLUSESSL_NONE.rawValue)
    case .opportunistic: level = Int(CURLUSESSL_TRY.rawValue)
    case .required: level = Int(CURLUSESSL_ALL.rawValue)
    }
    _ = ccurl_set_long(handle, CURLOPT_USE_SSL, level)
    if let certificateFile { _ = ccurl_set_string(handle, CURLOPT_CAINFO, certificateFile) }
    if let username { _ = ccurl_set_string(handle, CURLOPT_USERNAME, username) }
    if let password { _ = ccurl_set_string(handle, CURLOPT_PASSWORD, password) }
    _ = ccurl_set_offset(handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(message.count))
    _ = ccurl_set_source(handle, Source.read, context)
    let code = curl_easy_perform(handle)
    if code == CURLE_OK { return .accepted }
    let reply = Int(ccurl_status(handle))
    if (400..<600).contains(reply) { return .refused(code: reply) }
    throw HTTPError(
      host: URL(string: server)?.host ?? "the mail server", reason: String(cString: curl_easy_strerror(code)))
  }

  /// Gives the message in pieces; libcurl calls back on the thread that sends.
  private final class Source {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    static let read: ccurl_source = { buffer, size, count, context in
      guard let buffer, let context else { return 0 }
      let source = Unmanaged<Source>.fromOpaque(context).takeUnretainedValue()
      let length = min(size * count, source.bytes.count - source.place)
      source.bytes.withUnsafeBytes { bytes in
        if length > 0, let start = bytes.baseAddress { memcpy(buffer, start + source.place, length) }
      }
      source.place += length
      return length
    }
  }
}
