public import Foundation
internal import HTTP
internal import JSON
internal import OpenSSL
internal import Synchronization

/// Who asks Google's services, and the tokens that show it.
public final class GoogleCredentials: Sendable {
  /// Where tokens come from.
  public enum Source: Sendable, Hashable {
    /// The key of a service account: a JSON file.
    case serviceAccount(file: String)
    /// The metadata server of a machine in Google's cloud. `GCE_METADATA_HOST` names another host.
    case metadataServer(host: String)
    /// Nobody: for an emulator.
    case none

    /// What stands in `lakeward.yml`: a file, `metadata` or `none`. Nil: the file of `GOOGLE_APPLICATION_CREDENTIALS`,
    /// else the metadata server.
    public init(_ text: String?, environment: [String: String] = ProcessInfo.processInfo.environment) {
      let host = environment["GCE_METADATA_HOST"] ?? "metadata.google.internal"
      switch text ?? environment["GOOGLE_APPLICATION_CREDENTIALS"] {
      case "none": self = .none
      case nil, "metadata", "": self = .metadataServer(host: host)
      case .some(let file): self = .serviceAccount(file: file)
      }
    }
  }

  private struct Token {
    var text: String
    var expires: Double
  }

  private static let scope = "https://www.googleapis.com/auth/bigquery"
  private let source: Source
  private let clock: @Sendable () -> Double
  private let token = Mutex<Token?>(nil)

  /// Credentials from a source.
  /// - Parameter clock: Seconds since 1970.
  public init(_ source: Source, clock: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 }) {
    self.source = source
    self.clock = clock
  }

  /// A token that is good for another minute at least; nil where none is needed.
  func accessToken() throws -> String? {
    if case .none = source { return nil }
    return try token.withLock { token in
      if let token, token.expires > clock() + 60 { return token.text }
      let fresh = try fetch()
      token = fresh
      return fresh.text
    }
  }

  /// Forgets the token: it was refused.
  func forget() { token.withLock { $0 = nil } }

  private func fetch() throws -> Token {
    let request: HTTPRequest
    let step: String
    switch source {
    case .none: throw BigQueryError("token", "there are no credentials")
    case .metadataServer(let host):
      step = "token of the metadata server \(host)"
      request = HTTPRequest(
        method: "GET", url: "http://\(host)/computeMetadata/v1/instance/service-accounts/default/token",
        headers: [("Metadata-Flavor", "Google")], timeoutSeconds: 20)
    case .serviceAccount(let file):
      step = "token of the service account \(file)"
      request = try signedRequest(file)
    }
    let response: HTTPRequest.Response
    do {
      response = try request.send()
    } catch {
      throw BigQueryError(
        step, "\(error); set bigquery.credentials in lakeward.yml to a service account's file, metadata or none")
    }
    let answer = JSONValue(parsing: String(decoding: response.body, as: UTF8.self))?.object
    guard response.status == 200, let text = answer?["access_token"]?.string else {
      let reason = answer?["error_description"]?.string ?? answer?["error"]?.string
      throw BigQueryError(step, reason ?? "status \(response.status)", status: response.status)
    }
    return Token(text: text, expires: clock() + (answer?["expires_in"]?.number ?? 300))
  }

  /// Asks for a token with a signed claim (RFC 7523; Google's "OAuth 2.0 for service accounts").
  private func signedRequest(_ file: String) throws -> HTTPRequest {
    let step = "credentials \(file)"
    guard let data = FileManager.default.contents(atPath: file) else {
      throw BigQueryError(step, "the file cannot be read")
    }
    let account = JSONValue(parsing: String(decoding: data, as: UTF8.self))?.object
    guard let email = account?["client_email"]?.string, let key = account?["private_key"]?.string,
      let address = account?["token_uri"]?.string
    else {
      throw BigQueryError(
        step, "it is no key of a service account: client_email, private_key and token_uri are wanted")
    }
    let now = Int64(clock())
    var header: JSONObject = ["alg": .string("RS256"), "typ": .string("JWT")]
    if let id = account?["private_key_id"]?.string { header["kid"] = .string(id) }
    let claims: JSONObject = [
      "iss": .string(email), "scope": .string(Self.scope), "aud": .string(address), "iat": .int(now),
      "exp": .int(now + 3_600),
    ]
    let message = [header, claims].map { Self.base64URL(Array(JSONValue.object($0).text.utf8)) }.joined(separator: ".")
    let signature: [UInt8]
    do {
      signature = try PrivateKey(pem: key).signatureRS256(Array(message.utf8))
    } catch {
      throw BigQueryError(step, "\(error)")
    }
    let assertion = "\(message).\(Self.base64URL(signature))"
    return HTTPRequest(
      method: "POST", url: address, headers: [("Content-Type", "application/x-www-form-urlencoded")],
      body: Array("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=\(assertion)".utf8),
      timeoutSeconds: 30)
  }

  private static func base64URL(_ bytes: [UInt8]) -> String {
    Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }
}
