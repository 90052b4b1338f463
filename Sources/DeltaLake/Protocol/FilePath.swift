/// Paths of files as add and remove actions hold them: URI-encoded and mostly relative to the table.
enum FilePath {
  /// Encodes a path below the table for the log: everything but unreserved characters and `/=:@!$&'()*+,;`.
  static func encode(_ path: String) -> String {
    var output: [UInt8] = []
    for byte in path.utf8 {
      if isAllowed(byte) {
        output.append(byte)
      } else {
        let digits = Array("0123456789ABCDEF".utf8)
        output.append(UInt8(ascii: "%"))
        output.append(digits[Int(byte >> 4)])
        output.append(digits[Int(byte & 15)])
      }
    }
    return String(decoding: output, as: UTF8.self)
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x30...0x39: true
    default: "-._~/=:@!$&'()*+,;".utf8.contains(byte)
    }
  }

  /// Decodes percent escapes once; a `%` that begins none stands for itself.
  static func decode(_ path: String) -> String {
    guard path.utf8.contains(UInt8(ascii: "%")) else { return path }
    let bytes = Array(path.utf8)
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
        let high = Character(UnicodeScalar(bytes[index + 1])).hexDigitValue,
        let low = Character(UnicodeScalar(bytes[index + 2])).hexDigitValue
      {
        output.append(UInt8(high << 4 | low))
        index += 3
      } else {
        output.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: output, as: UTF8.self)
  }

  /// Whether a logged path stands alone (an absolute path or a URI) instead of below the table.
  static func isAbsolute(_ path: String) -> Bool {
    if path.hasPrefix("/") { return true }
    guard let colon = path.firstIndex(of: ":") else { return false }
    let scheme = path[..<colon]
    return scheme.count > 1 && scheme.allSatisfy { $0.isLetter || $0.isNumber || "+-.".contains($0) }
      && path[colon...].hasPrefix(":/")
  }

  /// The file system path of an absolute logged path; nil for other schemes than `file`.
  static func localPath(absolute path: String) -> String? {
    if path.hasPrefix("/") { return decode(path) }
    guard path.hasPrefix("file:") else { return nil }
    let rest = path.dropFirst(5)
    return decode("/" + rest.drop { $0 == "/" })
  }
}
