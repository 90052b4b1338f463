/// A file as a listing of the landing directory shows it.
public struct LandingFile: Sendable, Hashable {
  /// Path relative to the landing directory.
  public var path: String
  /// Size in bytes.
  public var size: Int64
  /// Time of the last change, microseconds since 1970.
  public var modified: Int64
  /// Time at which the file's contents, name or rights changed last (the system's, which nobody can set), microseconds since
  /// 1970.
  public var changed: Int64

  /// A file as listed.
  public init(path: String, size: Int64, modified: Int64, changed: Int64? = nil) {
    self.path = path
    self.size = size
    self.modified = modified
    self.changed = changed ?? modified
  }
}

/// Bytes of one file that were registered to be read together: the unit of a landing directory's coordinates.
///
/// A record's offset is `sequence << 32 | line`, with lines (blank ones too) counted from 0 at the split's beginning.
public struct LandingSplit: Sendable, Hashable {
  /// Number of the split, from 0 without gaps in order of registration.
  public var sequence: Int64
  /// The file, relative to the landing directory.
  public var path: String
  /// First byte.
  public var from: Int64
  /// Byte after the last.
  public var to: Int64
  /// The file's time of change when it was registered, microseconds since 1970.
  public var modified: Int64
  /// When it was registered, microseconds since 1970.
  public var registered: Int64
  /// What `LineEnds.fingerprint` said of the bytes before `to`; nil: nobody asked.
  public var fingerprint: Int64?

  /// A registered split.
  public init(
    sequence: Int64, path: String, from: Int64, to: Int64, modified: Int64, registered: Int64, fingerprint: Int64? = nil
  ) {
    self.sequence = sequence
    self.path = path
    self.from = from
    self.to = to
    self.modified = modified
    self.registered = registered
    self.fingerprint = fingerprint
  }

  /// Offset of the split's first line.
  public var firstOffset: Int64 { sequence << 32 }
  /// The position after the split: the first offset of the one after it.
  public var nextOffset: Int64 { (sequence + 1) << 32 }
  /// Number of bytes.
  public var byteCount: Int64 { to - from }

  /// Sequence number and line of an offset.
  public static func coordinate(of offset: Int64) -> (sequence: Int64, line: Int64) {
    (offset >> 32, offset & 0xffff_ffff)
  }
}
