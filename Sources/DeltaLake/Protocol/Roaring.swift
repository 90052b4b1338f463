/// 32-bit roaring bitmaps in their portable format (RoaringFormatSpec).
enum Roaring {
  private static let cookieWithoutRuns: UInt32 = 12346
  private static let cookieWithRuns: UInt32 = 12347
  private static let noOffsetThreshold = 4
  private static let bitmapWords = 1024
  private static let arrayLimit = 4096

  /// Appends the members of one bitmap, each plus `base`, ascending.
  static func decode(_ input: inout ByteReader, base: Int64, into rows: inout [Int64]) throws(DeltaError) {
    let cookie = try input.uint32()
    var count: Int
    var runs: [Bool]
    if cookie & 0xFFFF == cookieWithRuns {
      count = Int(cookie >> 16) + 1
      let flags = Array(try input.take((count + 7) / 8))
      runs = (0..<count).map { flags[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
    } else if cookie == cookieWithoutRuns {
      count = Int(try input.uint32())
      guard count <= 65536 else { throw input.failure("there are more than 65,536 containers") }
      runs = Array(repeating: false, count: count)
    } else {
      throw input.failure("the roaring cookie is unknown")
    }
    var headers: [(key: UInt16, cardinality: Int)] = []
    for _ in 0..<count {
      let key = try input.uint16()
      headers.append((key, Int(try input.uint16()) + 1))
    }
    if cookie == cookieWithoutRuns || count >= noOffsetThreshold { _ = try input.take(4 * count) }
    for (index, header) in headers.enumerated() {
      let start = base | Int64(header.key) << 16
      if runs[index] {
        for _ in 0..<Int(try input.uint16()) {
          let first = Int64(try input.uint16())
          let length = Int64(try input.uint16())
          guard first + length <= 65535 else { throw input.failure("a run leaves its container") }
          for value in first...(first + length) { rows.append(start | value) }
        }
      } else if header.cardinality > arrayLimit {
        for word in 0..<bitmapWords {
          var bits = try input.uint64()
          while bits != 0 {
            rows.append(start | Int64(word * 64 + bits.trailingZeroBitCount))
            bits &= bits - 1
          }
        }
      } else {
        for _ in 0..<header.cardinality { rows.append(start | Int64(try input.uint16())) }
      }
    }
  }

  /// Appends the bitmap of ascending, distinct values of one bucket; only their low 32 bits count.
  static func encode(_ values: ArraySlice<Int64>, into output: inout [UInt8]) {
    var containers: [(key: UInt16, range: Range<Int>)] = []
    var start = values.startIndex
    while start < values.endIndex {
      let key = UInt16(truncatingIfNeeded: values[start] >> 16)
      var end = start
      while end < values.endIndex, UInt16(truncatingIfNeeded: values[end] >> 16) == key { end += 1 }
      containers.append((key, start..<end))
      start = end
    }
    DeletionVector.append(UInt64(cookieWithoutRuns), bytes: 4, to: &output)
    DeletionVector.append(UInt64(containers.count), bytes: 4, to: &output)
    for container in containers {
      DeletionVector.append(UInt64(container.key), bytes: 2, to: &output)
      DeletionVector.append(UInt64(container.range.count - 1), bytes: 2, to: &output)
    }
    var offset = 8 + 8 * containers.count
    for container in containers {
      DeletionVector.append(UInt64(offset), bytes: 4, to: &output)
      offset += container.range.count > arrayLimit ? bitmapWords * 8 : 2 * container.range.count
    }
    for container in containers {
      if container.range.count > arrayLimit {
        var words = [UInt64](repeating: 0, count: bitmapWords)
        for value in values[container.range] {
          let low = Int(value & 0xFFFF)
          words[low / 64] |= 1 << UInt64(low % 64)
        }
        for word in words { DeletionVector.append(word, bytes: 8, to: &output) }
      } else {
        for value in values[container.range] { DeletionVector.append(UInt64(value & 0xFFFF), bytes: 2, to: &output) }
      }
    }
  }
}
