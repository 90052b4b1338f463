internal import Foundation

/// Float32 numbers in a JSON file: little-endian bytes in base64, exact and short.
/// In Python: `numpy.frombuffer(base64.b64decode(text), "<f4")`.
struct PackedFloats: Codable, Sendable {
  let values: [Float]

  init(_ values: [Float]) { self.values = values }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let data = Data(base64Encoded: try container.decode(String.self)), data.count.isMultiple(of: 4) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not float32 in base64")
    }
    let bytes = Array(data)
    values = stride(from: 0, to: bytes.count, by: 4).map { start in
      Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) })
    }
  }

  func encode(to encoder: any Encoder) throws {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(values.count * 4)
    for value in values {
      for shift in stride(from: UInt32(0), to: 32, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift))
      }
    }
    var container = encoder.singleValueContainer()
    try container.encode(Data(bytes).base64EncodedString())
  }
}
