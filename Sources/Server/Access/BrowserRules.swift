internal import Foundation
internal import HTTP

/// What keeps other people's web pages from using a reader's browser against the server.
struct BrowserRules: Sendable {
  /// Names that the Host header may carry; nil: any.
  var hosts: Set<String>?

  /// The names of this machine, for a server that only this machine reaches.
  static let loopback: Set<String> = ["localhost", "127.0.0.1", "[::1]"]

  /// What every answer says to a browser. Scripts come from this server alone; nothing may frame it; nothing else may read
  /// it. Styles may stand in elements, because charts set them.
  static let headers: HTTPHeaders = [
    "content-security-policy":
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
      + "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()", "cache-control": "no-store",
  ]

  /// What is wrong with where a request comes from; nil: nothing.
  func fault(of head: RequestHead) -> Problem? {
    guard let host = head.headers["host"]?.lowercased() else { return nil }
    if let hosts, !hosts.contains(Self.name(host)) {
      return Problem(
        421, "wrong-host", "This server has another name",
        detail: "the Host header must be one of \(hosts.sorted().joined(separator: ", "))")
    }
    let isReading = head.method == "GET" || head.method == "HEAD"
    let foreign = Problem(
      403, "cross-site", "Requests of other sites are refused",
      detail: "pages of other origins may not use this server")
    if let site = head.headers["sec-fetch-site"], site != "same-origin", site != "none" {
      // A link from elsewhere may open a page; nothing else.
      guard isReading, head.headers["sec-fetch-mode"] == "navigate" else { return foreign }
    }
    if let origin = head.headers["origin"], !isReading {
      guard let slashes = origin.range(of: "://"), origin[slashes.upperBound...].lowercased() == host else {
        return foreign
      }
    }
    return nil
  }

  /// The host without its port.
  private static func name(_ host: String) -> String {
    if host.hasPrefix("["), let end = host.firstIndex(of: "]") { return String(host[...end]) }
    return String(host.prefix { $0 != ":" })
  }
}
