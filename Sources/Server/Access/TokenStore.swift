internal import DeltaLake
internal import Foundation
internal import JSON
internal import Synchronization

/// Bearer tokens in a file: names, roles and hashes, never the tokens themselves.
///
/// A token is `lkw_ID_SECRET` with 256 random bits in SECRET, of which the file holds the salted SHA-256: with that much
/// chance in it there is nothing to guess, so the hash need not be slow. The file is replaced as a whole and read again
/// when it has changed, so that a revoked token ends at once in a running server.
public final class TokenStore: Sendable {
  /// One token as the file knows it.
  public struct Entry: Sendable, Hashable {
    /// The public part, which names it.
    public var id: String
    /// Whose it is: what the audit log says.
    public var name: String
    /// What it may do.
    public var role: Role
    /// When it was made, seconds since 1970.
    public var createdAt: Int64
    /// When it ends, seconds since 1970; nil: never.
    public var expiresAt: Int64?
    /// When it was revoked, seconds since 1970.
    public var revokedAt: Int64?
    var salt: String
    var hash: String

    /// Whether it may be used at that time, in seconds since 1970.
    public func isValid(at now: Int64) -> Bool { revokedAt == nil && (expiresAt.map { $0 > now } ?? true) }
  }

  private struct Cache {
    var stamp = ""
    var entries: [String: Entry] = [:]
    /// Principals of tokens that were checked with these entries.
    var checked: [String: Entry] = [:]
    var looked = ContinuousClock.now - .seconds(10)
  }

  /// The file.
  public let path: String
  private let cache = Mutex(Cache())
  private let clock: @Sendable () -> Int64

  /// Tokens of a file, which need not exist yet.
  /// - Parameter clock: Seconds since 1970.
  public init(path: String, clock: @escaping @Sendable () -> Int64 = TokenStore.systemClock) {
    self.path = path
    self.clock = clock
  }

  /// Seconds since 1970.
  public static func systemClock() -> Int64 { Int64(Date().timeIntervalSince1970) }

  /// Whose token it is; nil for one that is unknown, revoked or expired.
  public func principal(of token: String) -> Principal? {
    let now = clock()
    return cache.withLock { cache in
      refresh(&cache)
      if let entry = cache.checked[token] {
        return entry.isValid(at: now) ? Principal(name: entry.name, role: entry.role) : nil
      }
      let parts = token.split(separator: "_", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 3, parts[0] == "lkw", token.utf8.count < 200, let entry = cache.entries[parts[1]],
        Self.isSame(Self.hash(parts[2], salt: entry.salt), entry.hash), entry.isValid(at: now)
      else { return nil }
      cache.checked[token] = entry
      return Principal(name: entry.name, role: entry.role)
    }
  }

  /// All tokens, by the time at which they were made.
  public func list() throws -> [Entry] { try read().sorted { $0.createdAt < $1.createdAt } }

  /// Makes a token. What is returned is said once and kept nowhere.
  public func create(name: String, role: Role, expiresAt: Int64? = nil) throws -> String {
    guard !name.isEmpty, name.count <= 100, !name.utf8.contains(where: { $0 < 0x20 }) else {
      throw TokenError("a token's name has 1 to 100 characters and no line breaks")
    }
    let secret = Self.random(32)
    let entry = Entry(
      id: Self.random(6).lowercased().filter { $0.isLetter || $0.isNumber } + String(Int.random(in: 10...99)),
      name: name,
      role: role, createdAt: clock(), expiresAt: expiresAt, salt: Self.random(12), hash: "")
    var saved = entry
    saved.hash = Self.hash(secret, salt: entry.salt)
    try change { entries in
      if entries.contains(where: { $0.name == name && $0.revokedAt == nil }) {
        throw TokenError("there is a token named \(name) already; revoke it first or choose another name")
      }
      entries.append(saved)
    }
    return "lkw_\(entry.id)_\(secret)"
  }

  /// Ends a token by its id or its name.
  public func revoke(_ word: String) throws -> Entry {
    var found: Entry?
    try change { entries in
      guard let index = entries.firstIndex(where: { ($0.id == word || $0.name == word) && $0.revokedAt == nil }) else {
        throw TokenError("there is no token \(word) that is in force; lakeward token list names them")
      }
      entries[index].revokedAt = clock()
      found = entries[index]
    }
    guard let found else { throw TokenError("there is no token \(word)") }
    return found
  }

  // MARK: The file

  private func refresh(_ cache: inout Cache) {
    guard ContinuousClock.now - cache.looked > .milliseconds(250) else { return }
    cache.looked = .now
    var facts = stat()
    let stamp =
      stat(path, &facts) == 0
      ? "\(facts.st_ino)-\(facts.st_size)-\(facts.st_mtim.tv_sec)-\(facts.st_mtim.tv_nsec)" : "none"
    guard stamp != cache.stamp else { return }
    // A file that cannot be read lets nobody in.
    cache = Cache(stamp: stamp, looked: cache.looked)
    for entry in (try? read()) ?? [] { cache.entries[entry.id] = entry }
  }

  private func change(_ body: (inout [Entry]) throws -> Void) throws {
    let folder = (path as NSString).deletingLastPathComponent
    if !folder.isEmpty { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
    let lock = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0, flock(lock, LOCK_EX) == 0 else { throw TokenError("\(path).lock cannot be locked") }
    defer { close(lock) }
    var entries = try read()
    try body(&entries)
    let temporary = "\(path).new"
    unlink(temporary)
    let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw TokenError("\(temporary) cannot be written: \(String(cString: strerror(errno)))") }
    let bytes = Self.encode(entries)
    let written = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    let isDurable = written == bytes.count && fsync(file) == 0
    close(file)
    guard isDurable, rename(temporary, path) == 0 else { throw TokenError("\(path) cannot be written") }
  }

  private func read() throws -> [Entry] {
    guard let data = FileManager.default.contents(atPath: path) else {
      if FileManager.default.fileExists(atPath: path) { throw TokenError("\(path) cannot be read") }
      return []
    }
    guard let list = JSONValue(parsing: String(decoding: data, as: UTF8.self))?.array else {
      throw TokenError("\(path) is not a list of tokens; restore it from a copy, or delete it and make new tokens")
    }
    return list.compactMap(\.object).compactMap { object in
      guard let id = object["id"]?.string, let name = object["name"]?.string,
        let role = object["role"]?.string.flatMap(Role.init), let salt = object["salt"]?.string,
        let hash = object["sha256"]?.string
      else { return nil }
      return Entry(
        id: id, name: name, role: role, createdAt: object["created_at"]?.int ?? 0,
        expiresAt: object["expires_at"]?.int, revokedAt: object["revoked_at"]?.int, salt: salt, hash: hash)
    }
  }

  private static func encode(_ entries: [Entry]) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginArray()
    for entry in entries {
      writer.beginObject()
      writer.member("id", entry.id)
      writer.member("name", entry.name)
      writer.member("role", entry.role.rawValue)
      writer.member("created_at", entry.createdAt)
      writer.member("expires_at", entry.expiresAt)
      writer.member("revoked_at", entry.revokedAt)
      writer.member("salt", entry.salt)
      writer.member("sha256", entry.hash)
      writer.endObject()
    }
    writer.endArray()
    return writer.bytes + [0x0A]
  }

  private static func hash(_ secret: String, salt: String) -> String {
    SHA256.hexadecimal(SHA256.hash(Array("\(salt):\(secret)".utf8)))
  }

  /// Compares in a time that does not depend on where the texts differ.
  private static func isSame(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count && zip(left.utf8, right.utf8).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }

  private static func random(_ count: Int) -> String {
    // SystemRandomNumberGenerator is getrandom(2).
    let bytes = (0..<count).map { _ in UInt8.random(in: 0 ... .max) }
    return Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: ".").replacing(
      "=", with: "")
  }
}

/// Tokens could not be made, listed or revoked.
public struct TokenError: Error, Sendable, Hashable, CustomStringConvertible {
  /// One line with a remedy.
  public let description: String
  init(_ description: String) { self.description = description }
}
