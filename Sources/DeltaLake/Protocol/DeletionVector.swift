/// The bitmap of deleted rows of a file (PROTOCOL.md, "Deletion Vector Format").
enum DeletionVector {
  static let magic: UInt32 = 1_681_511_377

  /// Row numbers of a serialized bitmap, ascending.
  ///
  /// - Throws: `corruptDeletionVector` telling the byte.
  static func decode(_ bytes: [UInt8]) throws(DeltaError) -> [Int64] {
    var input = ByteReader(bytes)
    guard try input.uint32() == magic else { throw input.failure("the magic number is not \(magic)") }
    let buckets = try input.uint64()
    guard buckets <= UInt64(bytes.count) else { throw input.failure("there are more buckets than bytes") }
    var rows: [Int64] = []
    for _ in 0..<Int(buckets) {
      let key = try input.uint32()
      guard key <= UInt32(Int32.max) else { throw input.failure("a bucket key is negative") }
      try Roaring.decode(&input, base: Int64(key) << 32, into: &rows)
    }
    return rows
  }

  /// The serialized bitmap of row numbers (ascending, distinct).
  static func encode(_ rows: [Int64]) -> [UInt8] {
    var output: [UInt8] = []
    append(UInt64(magic), bytes: 4, to: &output)
    var buckets: [(key: Int64, range: Range<Int>)] = []
    var start = 0
    while start < rows.count {
      let key = rows[start] >> 32
      var end = start
      while end < rows.count, rows[end] >> 32 == key { end += 1 }
      buckets.append((key, start..<end))
      start = end
    }
    append(UInt64(buckets.count), bytes: 8, to: &output)
    for bucket in buckets {
      append(UInt64(bucket.key), bytes: 4, to: &output)
      Roaring.encode(rows[bucket.range], into: &output)
    }
    return output
  }

  /// The data of an entry of a deletion vector file at `offset`: size (big-endian), data, CRC-32 (big-endian).
  static func entry(of bytes: [UInt8], sizeInBytes: Int) throws(DeltaError) -> [UInt8] {
    func bigEndian(_ at: Int) -> UInt32 { bytes[at..<(at + 4)].reduce(0) { $0 << 8 | UInt32($1) } }
    guard sizeInBytes >= 0, bytes.count >= sizeInBytes + 8, bigEndian(0) == UInt32(sizeInBytes) else {
      throw DeltaError(.corruptDeletionVector, "the size of a deletion vector does not agree with the log")
    }
    let data = Array(bytes[4..<(4 + sizeInBytes)])
    guard CRC32.checksum(data) == bigEndian(4 + sizeInBytes) else {
      throw DeltaError(.corruptDeletionVector, "the checksum of a deletion vector is wrong")
    }
    return data
  }

  /// A whole file: version byte, then one entry per bitmap. Gives the offset of each entry.
  static func file(_ bitmaps: [[UInt8]]) -> (bytes: [UInt8], offsets: [Int32]) {
    var bytes: [UInt8] = [1]
    var offsets: [Int32] = []
    for bitmap in bitmaps {
      offsets.append(Int32(bytes.count))
      append(UInt64(UInt32(bitmap.count).byteSwapped), bytes: 4, to: &bytes)
      bytes += bitmap
      append(UInt64(CRC32.checksum(bitmap).byteSwapped), bytes: 4, to: &bytes)
    }
    return (bytes, offsets)
  }

  /// The path below the table of a vector of storage type `u`: an optional folder, then a UUID in Z85.
  static func relativePath(_ text: String) throws(DeltaError) -> String {
    guard text.utf8.count >= 20, let bytes = Z85.decode(String(decoding: text.utf8.suffix(20), as: UTF8.self)),
      bytes.count == 16
    else { throw DeltaError(.corruptDeletionVector, "the id of a deletion vector file is not a UUID in Z85") }
    let prefix = String(decoding: text.utf8.dropLast(20), as: UTF8.self)
    return (prefix.isEmpty ? "" : prefix + "/") + "deletion_vector_\(uuidText(bytes)).bin"
  }

  static func uuidText(_ bytes: [UInt8]) -> String {
    var text = ""
    for (index, byte) in bytes.enumerated() {
      if [4, 6, 8, 10].contains(index) { text += "-" }
      let digits = String(byte, radix: 16)
      text += digits.count == 1 ? "0" + digits : digits
    }
    return text
  }

  static func append(_ value: UInt64, bytes: Int, to output: inout [UInt8]) {
    for shift in 0..<bytes { output.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * shift))) }
  }
}

/// Little-endian reads that stop at the end.
struct ByteReader {
  private let bytes: [UInt8]
  private(set) var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func failure(_ reason: String) -> DeltaError {
    DeltaError(.corruptDeletionVector, "a deletion vector is damaged at byte \(offset): \(reason)")
  }

  mutating func uint(_ count: Int) throws(DeltaError) -> UInt64 {
    guard offset + count <= bytes.count else { throw failure("it ends too early") }
    var value: UInt64 = 0
    for index in 0..<count { value |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
    offset += count
    return value
  }

  mutating func uint16() throws(DeltaError) -> UInt16 { UInt16(truncatingIfNeeded: try uint(2)) }
  mutating func uint32() throws(DeltaError) -> UInt32 { UInt32(truncatingIfNeeded: try uint(4)) }
  mutating func uint64() throws(DeltaError) -> UInt64 { try uint(8) }

  mutating func take(_ count: Int) throws(DeltaError) -> ArraySlice<UInt8> {
    guard count >= 0, offset + count <= bytes.count else { throw failure("it ends too early") }
    defer { offset += count }
    return bytes[offset..<(offset + count)]
  }
}

/// CRC-32 (IEEE 802.3).
enum CRC32 {
  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
  }

  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { value, byte in table[Int((value ^ UInt32(byte)) & 0xFF)] ^ (value >> 8) }
  }
}

/// Z85 text (ZeroMQ RFC 32): five characters for four bytes.
enum Z85 {
  private static let alphabet = Array(
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#".utf8)
  private static let digits: [UInt8: UInt32] = Dictionary(
    uniqueKeysWithValues: alphabet.enumerated().map { ($0.element, UInt32($0.offset)) })

  static func decode(_ text: String) -> [UInt8]? {
    let characters = Array(text.utf8)
    guard characters.count % 5 == 0 else { return nil }
    var output: [UInt8] = []
    for start in stride(from: 0, to: characters.count, by: 5) {
      var value: UInt64 = 0
      for character in characters[start..<(start + 5)] {
        guard let digit = digits[character] else { return nil }
        value = value * 85 + UInt64(digit)
      }
      guard let word = UInt32(exactly: value) else { return nil }
      for shift in [24, 16, 8, 0] { output.append(UInt8(truncatingIfNeeded: word >> UInt32(shift))) }
    }
    return output
  }

  /// The text of bytes; the last group is padded with zero bytes.
  static func encode(_ bytes: [UInt8]) -> String {
    var output: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 4) {
      var word: UInt32 = 0
      for index in 0..<4 { word = word << 8 | (start + index < bytes.count ? UInt32(bytes[start + index]) : 0) }
      var group: [UInt8] = []
      for _ in 0..<5 {
        group.append(alphabet[Int(word % 85)])
        word /= 85
      }
      output += group.reversed()
    }
    return String(decoding: output, as: UTF8.self)
  }
}
