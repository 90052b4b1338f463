/// Reads single YAML values; a wrong one is noted and read as missing.
enum Scalars {
  static func text(_ node: YAMLNode, of key: String, _ problems: ProblemList) -> String? {
    if let text = node.text, !node.isNull {
      if !text.isEmpty { return text }
      problems.add(at: node.location, "\(key) is empty", remedy: "write a value, or remove the key")
      return nil
    }
    problems.add(at: node.location, "\(key) is \(node.kindInWords)", remedy: "write one value")
    return nil
  }

  /// Letters, digits and underscores, not beginning with a digit: the same in SQL, in a folder's name and in a URL.
  static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
    return text.utf8.count <= 200 && text.utf8.allSatisfy { SQLCharacter.isWord($0) && $0 < 0x80 }
  }

  static func name(_ node: YAMLNode, of key: String, _ problems: ProblemList) -> String? {
    guard let text = text(node, of: key, problems) else { return nil }
    if isName(text) { return text }
    problems.add(
      at: node.location, "\(key) '\(text)' is not a plain name",
      remedy: "use letters, digits and underscores, beginning with a letter")
    return nil
  }

  static func boolean(_ node: YAMLNode, of key: String, _ problems: ProblemList) -> Bool? {
    guard let text = text(node, of: key, problems) else { return nil }
    if case .scalar(_, isPlain: true) = node.content, let value = Bool(text) { return value }
    problems.add(at: node.location, "\(key) is neither true nor false", remedy: "write true or false without quotes")
    return nil
  }

  static func integer(
    _ node: YAMLNode, of key: String, in range: ClosedRange<Int>, _ problems: ProblemList
  ) -> Int? {
    guard let text = text(node, of: key, problems) else { return nil }
    if let value = Int(text.filter { $0 != "_" }), range.contains(value) { return value }
    problems.add(
      at: node.location, "\(key) is not a whole number from \(range.lowerBound) to \(range.upperBound)",
      remedy: "write such a number")
    return nil
  }

  static func number(
    _ node: YAMLNode, of key: String, in range: ClosedRange<Double>, _ problems: ProblemList
  ) -> Double? {
    guard let text = text(node, of: key, problems) else { return nil }
    if let value = Double(text), value.isFinite, range.contains(value) { return value }
    problems.add(
      at: node.location, "\(key) is not a number from \(range.lowerBound) to \(range.upperBound)",
      remedy: "write such a number")
    return nil
  }

  private static let secondsByUnit: [(names: [String], seconds: Double)] = [
    (["ms", "millisecond", "milliseconds"], 0.001), (["s", "second", "seconds"], 1),
    (["min", "minute", "minutes"], 60), (["h", "hour", "hours"], 3600), (["d", "day", "days"], 86400),
    (["w", "week", "weeks"], 604800),
  ]

  static func seconds(
    _ node: YAMLNode, of key: String, in range: ClosedRange<Double>, _ problems: ProblemList
  ) -> Double? {
    guard let text = text(node, of: key, problems) else { return nil }
    guard let (value, unit) = quantity(text), let scale = secondsByUnit.first(where: { $0.names.contains(unit) }) else {
      problems.add(
        at: node.location, "\(key) '\(text)' is not a span of time",
        remedy: "write a number and its unit: ms, s, min, h, days or weeks")
      return nil
    }
    let seconds = value * scale.seconds
    if range.contains(seconds) { return seconds }
    problems.add(
      at: node.location, "\(key) is out of range", remedy: "write \(range.lowerBound) s to \(range.upperBound) s")
    return nil
  }

  private static let bytesByUnit: [String: Int] = [
    "": 1, "B": 1, "kB": 1000, "KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000, "KiB": 1 << 10, "MiB": 1 << 20,
    "GiB": 1 << 30,
  ]

  static func bytes(
    _ node: YAMLNode, of key: String, in range: ClosedRange<Int>, _ problems: ProblemList
  ) -> Int? {
    guard let text = text(node, of: key, problems) else { return nil }
    guard let (value, unit) = quantity(text), let scale = bytesByUnit[unit] else {
      problems.add(
        at: node.location, "\(key) '\(text)' is not a size",
        remedy: "write a number and its unit: B, kB, MB, GB, KiB, MiB or GiB")
      return nil
    }
    let bytes = value * Double(scale)
    if bytes >= Double(range.lowerBound), bytes <= Double(range.upperBound) { return Int(bytes) }
    problems.add(
      at: node.location, "\(key) is out of range", remedy: "write \(range.lowerBound) B to \(range.upperBound) B")
    return nil
  }

  /// `1.5 s` and `1.5s` as (1.5, "s").
  private static func quantity(_ text: String) -> (Double, String)? {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == "_") }
    guard let value = Double(digits.filter { $0 != "_" }), value.isFinite else { return nil }
    return (value, String(text.dropFirst(digits.count).drop { $0 == " " }))
  }
}
