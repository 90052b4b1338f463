/// AWS Signature Version 4 for S3 ("Authenticating Requests: Using the Authorization Header"). Pure.
struct S3Signature {
  var accessKey: String
  var secretKey: String
  var sessionToken: String?
  var region: String

  /// The headers to add to a request.
  ///
  /// - Parameters:
  ///   - path: absolute path, already URI-encoded.
  ///   - query: names and values, not encoded.
  ///   - headers: headers that are sent besides, names in lower case.
  ///   - seconds: time since 1970.
  func headers(
    method: String, host: String, path: String, query: [(name: String, value: String)],
    headers: [(name: String, value: String)], bodyHash: String, seconds: Int64
  ) -> [(name: String, value: String)] {
    let date = Self.timestamp(seconds)
    let day = String(date.prefix(8))
    var all = headers + [("host", host), ("x-amz-content-sha256", bodyHash), ("x-amz-date", date)]
    if let sessionToken { all.append(("x-amz-security-token", sessionToken)) }
    all.sort { $0.name < $1.name }
    let signed = all.map(\.name).joined(separator: ";")
    let canonical = [
      method, path, Self.queryText(query), all.map { "\($0.name):\($0.value)\n" }.joined(), signed, bodyHash,
    ].joined(separator: "\n")
    let scope = "\(day)/\(region)/s3/aws4_request"
    let text = [
      "AWS4-HMAC-SHA256", date, scope, SHA256.hexadecimal(SHA256.hash(Array(canonical.utf8))),
    ].joined(separator: "\n")
    var key = Array("AWS4\(secretKey)".utf8)
    for part in [day, region, "s3", "aws4_request", text] { key = SHA256.hmac(key: key, Array(part.utf8)) }
    let authorization =
      "AWS4-HMAC-SHA256 Credential=\(accessKey)/\(scope),SignedHeaders=\(signed),Signature=\(SHA256.hexadecimal(key))"
    return all.filter { $0.name != "host" } + [("authorization", authorization)]
  }

  /// The query as it is signed and sent.
  static func queryText(_ query: [(name: String, value: String)]) -> String {
    query.map { (encode($0.name), encode($0.value)) }.sorted { $0.0 < $1.0 }.map { "\($0.0)=\($0.1)" }
      .joined(separator: "&")
  }

  /// URI encoding of everything but unreserved characters (and `/` in paths).
  static func encode(_ text: String, keepSlash: Bool = false) -> String {
    var output = ""
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: output.unicodeScalars.append(Unicode.Scalar(byte))
      case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "~"):
        output.unicodeScalars.append(Unicode.Scalar(byte))
      case UInt8(ascii: "/") where keepSlash: output += "/"
      default: output += "%" + SHA256.hexadecimal([byte]).uppercased()
      }
    }
    return output
  }

  static func timestamp(_ seconds: Int64) -> String {
    let text = CalendarTime.timestamp(microseconds: seconds * 1_000_000, digits: 3) ?? ""
    return text.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
  }
}
