import DuckDB
import Foundation

/// A file that is read in pieces of whole lines. Its length is fixed when it is opened: bytes that are appended later
/// belong to another import.
final class SourceFile {
  let path: String
  let byteCount: Int64
  private let descriptor: Int32

  init(path: String) throws(IntakeError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    var status = stat()
    if descriptor < 0 || fstat(descriptor, &status) != 0 {
      byteCount = 0
      throw .fileSystem(operation: "read", path: path, code: errno)
    }
    byteCount = Int64(status.st_size)
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Fills `buffer` from `position` on; the number of bytes, which is only less than asked for at the end.
  func read(at position: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(IntakeError) -> Int {
    let wanted = Int(min(Int64(buffer.count), byteCount - position))
    guard wanted > 0, let start = buffer.baseAddress else { return 0 }
    var done = 0
    while done < wanted {
      let count = pread(descriptor, start + done, wanted - done, off_t(position) + off_t(done))
      if count > 0 {
        done += count
      } else if count == 0 {
        throw .fileShrank(path: path)
      } else if errno != EINTR {
        throw .fileSystem(operation: "read", path: path, code: errno)
      }
    }
    return done
  }

  /// The first bytes, at most so many.
  func head(_ count: Int) throws(IntakeError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Int(min(byteCount, Int64(count))))
    var failure: IntakeError?
    bytes.withUnsafeMutableBytes { buffer in
      do throws(IntakeError) { _ = try read(at: 0, into: buffer) } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  /// What stands on the first line that is not blank, and that line's number from 0; `nil` if there is none.
  func firstLine() throws(IntakeError) -> (text: String, line: Int64)? {
    var bytes = try head(1 << 20)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    for (number, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      let text = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      if !text.isEmpty { return (String(decoding: text, as: UTF8.self), Int64(number)) }
    }
    return nil
  }

  /// Identifies the content: equal for equal bytes, different for different ones short of a deliberate collision.
  func fingerprint() throws(IntakeError) -> String {
    var hash = ContentFingerprint()
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { memory.deallocate() }
    var position: Int64 = 0
    while position < byteCount {
      let count = try read(at: position, into: memory)
      hash.update(UnsafeRawBufferPointer(rebasing: memory[..<count]))
      position += Int64(count)
    }
    return hash.text
  }
}

/// A 128-bit fingerprint of bytes, fast enough for files of gigabytes: two lanes of multiply-and-rotate over 64-bit
/// words with the finishing steps of SplitMix64. It tells whether a file was imported before; it proves nothing about
/// who wrote it.
struct ContentFingerprint {
  private var first: UInt64 = 0x243F_6A88_85A3_08D3
  private var second: UInt64 = 0x1319_8A2E_0370_7344
  private var count: UInt64 = 0

  /// Adds bytes. All parts but the last must be multiples of eight bytes long.
  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    count &+= UInt64(bytes.count)
    var position = 0
    while position + 8 <= bytes.count {
      add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)))
      position += 8
    }
    var rest: UInt64 = 0
    while position < bytes.count {
      rest = rest << 8 | UInt64(bytes[position])
      position += 1
    }
    if bytes.count % 8 != 0 { add(rest) }
  }

  private mutating func add(_ word: UInt64) {
    first = (first ^ word) &* 0x9E37_79B9_7F4A_7C15
    first = first << 29 | first >> 35
    second = (second &+ word) &* 0xD6E8_FEB8_6659_FD93
    second = second << 31 | second >> 33
  }

  /// 32 hexadecimal digits.
  var text: String {
    let words = [Self.finish(first ^ count), Self.finish(second &+ count)]
    return words.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  private static func finish(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
