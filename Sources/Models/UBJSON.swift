/// A value of UBJSON (draft 12), the format of XGBoost's `.ubj` model files. Arrays of numbers of one type stay flat.
enum UBJSON {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case integers([Int])
  case floats([Float])
  case array([UBJSON])
  case object([String: UBJSON])

  /// Reads one document. Throws `corruptModel` with the byte offset.
  init(_ bytes: [UInt8]) throws(ModelError) {
    var reader = UBJSONReader(bytes: bytes)
    self = try reader.value(depth: 0)
  }

  /// Whether a model file is JSON text instead: an object whose first token is a string.
  static func isJSON(_ bytes: [UInt8]) -> Bool {
    let start = bytes.prefix(64).filter { !" \t\r\n".utf8.contains($0) }
    return start.starts(with: #"{""#.utf8)
  }

  subscript(_ key: String) -> UBJSON? {
    if case .object(let members) = self { members[key] } else { nil }
  }

  var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  var elements: [UBJSON]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  /// A typed or untyped array of integers.
  var integerArray: [Int]? {
    switch self {
    case .integers(let values): values
    case .array(let elements):
      elements.allSatisfy({ if case .integer = $0 { true } else { false } })
        ? elements.compactMap { if case .integer(let value) = $0 { value } else { nil } } : nil
    default: nil
    }
  }

  /// A typed or untyped array of float32.
  var floatArray: [Float]? {
    switch self {
    case .floats(let values): values
    case .array(let elements) where elements.isEmpty: []
    default: nil
    }
  }
}

private struct UBJSONReader {
  let bytes: [UInt8]
  private var place = 0

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func value(depth: Int) throws(ModelError) -> UBJSON {
    try value(type: try byte(), depth: depth)
  }

  private mutating func value(type: UInt8, depth: Int) throws(ModelError) -> UBJSON {
    guard depth < 64 else { throw corrupt("it is nested too deeply") }
    switch UnicodeScalar(type) {
    case "Z": return .null
    case "T": return .bool(true)
    case "F": return .bool(false)
    case "d": return .number(Double(Float(bitPattern: try bigEndian(UInt32.self))))
    case "D": return .number(Double(bitPattern: try bigEndian(UInt64.self)))
    case "C": return .string(String(UnicodeScalar(try byte())))
    case "S", "H": return .string(try text())
    case "[": return try array(depth: depth)
    case "{": return try object(depth: depth)
    default: return .integer(try integer(type: type))
    }
  }

  private mutating func array(depth: Int) throws(ModelError) -> UBJSON {
    var type: UInt8?
    var count: Int?
    if try peek() == UInt8(ascii: "$") {
      place += 1
      type = try byte()
    }
    if try peek() == UInt8(ascii: "#") {
      place += 1
      count = try length()
    } else if type != nil {
      throw corrupt("a typed array has no count")
    }
    if let type, let count { return try typedArray(type, count, depth: depth) }
    var elements: [UBJSON] = []
    if let count {
      for _ in 0..<count { elements.append(try value(depth: depth + 1)) }
    } else {
      while try peek() != UInt8(ascii: "]") { elements.append(try value(depth: depth + 1)) }
      place += 1
    }
    return .array(elements)
  }

  private mutating func typedArray(_ type: UInt8, _ count: Int, depth: Int) throws(ModelError) -> UBJSON {
    guard count <= bytes.count - place else { throw corrupt("an array is longer than the file") }
    if UnicodeScalar(type) == "d" {
      var values: [Float] = []
      values.reserveCapacity(count)
      for _ in 0..<count { values.append(Float(bitPattern: try bigEndian(UInt32.self))) }
      return .floats(values)
    }
    if "iUIlL".utf8.contains(type) {
      var values: [Int] = []
      values.reserveCapacity(count)
      for _ in 0..<count { values.append(try integer(type: type)) }
      return .integers(values)
    }
    var elements: [UBJSON] = []
    for _ in 0..<count { elements.append(try value(type: type, depth: depth + 1)) }
    return .array(elements)
  }

  private mutating func object(depth: Int) throws(ModelError) -> UBJSON {
    var members: [String: UBJSON] = [:]
    if try peek() == UInt8(ascii: "#") {
      place += 1
      for _ in 0..<(try length()) {
        let key = try text()
        members[key] = try value(depth: depth + 1)
      }
      return .object(members)
    }
    while try peek() != UInt8(ascii: "}") {
      let key = try text()
      members[key] = try value(depth: depth + 1)
    }
    place += 1
    return .object(members)
  }

  private mutating func text() throws(ModelError) -> String {
    let count = try length()
    guard count <= bytes.count - place else { throw corrupt("a string is longer than the file") }
    defer { place += count }
    return String(decoding: bytes[place..<place + count], as: UTF8.self)
  }

  private mutating func length() throws(ModelError) -> Int {
    let count = try integer(type: try byte())
    guard count >= 0 else { throw corrupt("a length is negative") }
    return count
  }

  private mutating func integer(type: UInt8) throws(ModelError) -> Int {
    switch UnicodeScalar(type) {
    case "i": Int(Int8(bitPattern: try byte()))
    case "U": Int(try byte())
    case "I": Int(Int16(bitPattern: try bigEndian(UInt16.self)))
    case "l": Int(Int32(bitPattern: try bigEndian(UInt32.self)))
    case "L": Int(Int64(bitPattern: try bigEndian(UInt64.self)))
    default: throw corrupt("it has the unknown type \(type)")
    }
  }

  private mutating func bigEndian<Word: FixedWidthInteger>(_: Word.Type) throws(ModelError) -> Word {
    let size = MemoryLayout<Word>.size
    guard size <= bytes.count - place else { throw corrupt("it ends early") }
    defer { place += size }
    let word = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: Word.self) }
    return Word(bigEndian: word)
  }

  private func peek() throws(ModelError) -> UInt8 {
    guard place < bytes.count else { throw corrupt("it ends early") }
    return bytes[place]
  }

  private mutating func byte() throws(ModelError) -> UInt8 {
    defer { place += 1 }
    return try peek()
  }

  private func corrupt(_ reason: String) -> ModelError {
    ModelError(.corruptModel, "the model is not UBJSON: \(reason) at byte \(place)")
  }
}
