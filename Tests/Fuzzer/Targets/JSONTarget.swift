import JSON

/// JSON text: what is read can be written, and reads as the same value again.
final class JSONTarget: FuzzTarget {
  let seeds = [
    #"{"a":[1,-2.5e3,true,false,null,"x\u00e9\ud83d\ude00\\\"\n"],"b":{"c":{}},"d":[[],[[]]],"e":0.1}"#,
    #"[9007199254740993,1e-7,123456789012345678,-0.0,"",{"k":"v","k":"w"}]"#, #"  "text" "#, "-1", "{}",
    #"{"resourceType":"Patient","id":"p1","extension":[{"url":"u","valueDecimal":1.50}]}"#,
  ].map { Array($0.utf8) }
  let words = ["\\u0000", "\\ud800", "\\udc00", "true", "null", "\"\"", "\u{FEFF}"]

  func read(_ inputs: [[UInt8]]) throws -> Int {
    try inputs.reduce(0) { sum, input in
      try sum + refused(JSONError.self) { try check(Self.value(of: input)) }
    }
  }

  /// The value of bytes that hold one JSON text and nothing else.
  static func value(of bytes: [UInt8]) throws(JSONError) -> JSONValue {
    let result = bytes.withUnsafeBufferPointer { buffer in
      Result { () throws(JSONError) in
        var reader = JSONReader(buffer)
        let value = try reader.readValue()
        guard reader.isAtEnd() else { throw reader.failure("text follows the value") }
        return value
      }
    }
    return try result.get()
  }

  private func check(_ value: JSONValue) throws {
    let text = value.text
    let again = Result { try JSONValue.parse(text) }
    guard case .success(let same) = again, same.text == text else {
      throw Violation("a value does not read as it was written")
    }
  }
}
