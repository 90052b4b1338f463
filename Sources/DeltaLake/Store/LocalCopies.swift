import Foundation
import Synchronization

/// A folder of this process for copies of remote files that never change; removed with its last user.
final class LocalCopies: Sendable {
  /// The folder of all copies of this process, and how many of its folders are in use.
  private static let users = Mutex(0)
  static let root =
    FileManager.default.temporaryDirectory.path + "/lakeward-copies-\(UUID().uuidString.lowercased())"

  private let known = Mutex<String?>(nil)

  deinit {
    guard let folder = known.withLock({ $0 }) else { return }
    Self.users.withLock { users in
      users -= 1
      try? FileManager.default.removeItem(atPath: users == 0 ? Self.root : folder)
    }
  }

  func folder() throws(DeltaError) -> String {
    try known.withLock { folder throws(DeltaError) in
      if let folder { return folder }
      let made = "\(Self.root)/\(UUID().uuidString.lowercased())"
      try Self.users.withLock { users throws(DeltaError) in
        try PosixFileSystem().makeFolder(made + "/" + LogPath.folder)
        // What is copied may be patients' data: nobody else on the machine may read it.
        chmod(Self.root, 0o700)
        users += 1
      }
      folder = made
      return made
    }
  }

  func path(_ path: String, _ read: () throws(DeltaError) -> [UInt8]) throws(DeltaError) -> String {
    let store = LocalStore(try folder())
    if try store.attributes(path) == nil { try store.put(path, try read()) }
    return try store.localPath(path)
  }

  func forget(_ path: String) {
    if let folder = known.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: folder + "/" + path) }
  }
}

/// The answer to ListObjectsV2, as far as it is needed. Pure.
struct S3Listing {
  var objects: [(key: String, size: Int64, time: Int64)] = []
  var next: String?

  init(_ xml: String) {
    for part in xml.components(separatedBy: "<Contents>").dropFirst() {
      guard let key = Self.element("Key", part) else { continue }
      objects.append(
        (
          key, Self.element("Size", part).flatMap { Int64($0) } ?? 0,
          (Self.element("LastModified", part).flatMap { CalendarTime.parseTimestamp($0) } ?? 0) / 1000
        ))
    }
    if Self.element("IsTruncated", xml) == "true" { next = Self.element("NextContinuationToken", xml) }
  }

  private static let entities = [
    ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#34;", "\""), ("&#39;", "'"), ("&amp;", "&"),
  ]

  private static func element(_ name: String, _ text: String) -> String? {
    guard let start = text.range(of: "<\(name)>"),
      let end = text.range(of: "</\(name)>", range: start.upperBound..<text.endIndex)
    else { return nil }
    var value = String(text[start.upperBound..<end.lowerBound])
    for (entity, character) in Self.entities { value = value.replacing(entity, with: character) }
    return value
  }
}

/// Times of HTTP headers, such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, IMF-fixdate).
enum HTTPDate {
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  static func milliseconds(_ text: String) -> Int64? {
    let words = text.split(separator: " ")
    guard words.count == 6, let month = months.firstIndex(of: String(words[2])), let day = Int(words[1]) else {
      return nil
    }
    let date = "\(words[3])-\(CalendarTime.padded(month + 1, 2))-\(CalendarTime.padded(day, 2))T\(words[4])Z"
    return CalendarTime.parseTimestamp(date).map { $0 / 1000 }
  }
}
