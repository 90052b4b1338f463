extension DataType {
  /// The DuckDB type that holds the values, as SQL text.
  public var sqlType: String {
    switch self {
    case .string: "VARCHAR"
    case .long: "BIGINT"
    case .integer: "INTEGER"
    case .short: "SMALLINT"
    case .byte: "TINYINT"
    case .float: "FLOAT"
    case .double: "DOUBLE"
    case .boolean: "BOOLEAN"
    case .binary: "BLOB"
    case .date: "DATE"
    case .timestamp: "TIMESTAMP WITH TIME ZONE"
    case .timestampNTZ: "TIMESTAMP"
    case .decimal(let precision, let scale): "DECIMAL(\(precision),\(scale))"
    case .variant: "VARIANT"
    case .void: "INTEGER"
    case .structure(let fields):
      "STRUCT(" + fields.map { "\(quoted(identifier: $0.name)) \($0.type.sqlType)" }.joined(separator: ", ") + ")"
    case .array(let element, _): element.sqlType + "[]"
    case .map(let key, let value, _): "MAP(\(key.sqlType), \(value.sqlType))"
    }
  }

  /// The Delta type for a DuckDB type given as SQL text; types that Delta lacks take the next wider one.
  ///
  /// - Throws: `DeltaError` (`invalidSchema`) if no Delta type can hold the values.
  public init(sqlType text: String) throws(DeltaError) {
    var parser = SQLTypeParser(text)
    self = try parser.parse()
    guard parser.isAtEnd else { throw parser.failure() }
  }
}

extension Schema {
  /// The schema for DuckDB columns given as names and SQL type texts.
  public init(columns: [(name: String, sqlType: String)]) throws(DeltaError) {
    var fields: [StructField] = []
    for column in columns { fields.append(StructField(column.name, try DataType(sqlType: column.sqlType))) }
    self.init(fields)
  }
}

func quoted(identifier: String) -> String { "\"" + identifier.replacing("\"", with: "\"\"") + "\"" }

func quoted(literal: String) -> String { "'" + literal.replacing("'", with: "''") + "'" }

/// Recursive descent over DuckDB's printed types, such as `STRUCT("a b" INTEGER, c DECIMAL(9,2)[])`.
private struct SQLTypeParser {
  private let text: [Character]
  private var index = 0

  init(_ text: String) { self.text = Array(text) }

  var isAtEnd: Bool { text[index...].allSatisfy(\.isWhitespace) }

  func failure() -> DeltaError {
    DeltaError(
      .invalidSchema, "the SQL type \(String(text)) has no Delta type",
      hint: "cast the column to a type that Delta Lake has, such as VARCHAR")
  }

  mutating func parse() throws(DeltaError) -> DataType {
    var type = try parseBase()
    while take("[") {
      while let digit = peek(), digit.isNumber { index += 1 }
      guard take("]") else { throw failure() }
      type = .array(type, containsNull: true)
    }
    return type
  }

  private static let plain: [String: DataType] = [
    "VARCHAR": .string, "UUID": .string, "JSON": .string, "BIGNUM": .string, "TIME": .string, "BIT": .string,
    "INTERVAL": .string, "BOOLEAN": .boolean, "TINYINT": .byte, "SMALLINT": .short, "UTINYINT": .short,
    "INTEGER": .integer, "USMALLINT": .integer, "BIGINT": .long, "UINTEGER": .long,
    "UBIGINT": .decimal(precision: 20, scale: 0), "HUGEINT": .decimal(precision: 38, scale: 0),
    "UHUGEINT": .decimal(precision: 38, scale: 0), "FLOAT": .float, "DOUBLE": .double, "BLOB": .binary, "DATE": .date,
    "TIMESTAMP": .timestampNTZ, "TIMESTAMP_S": .timestampNTZ, "TIMESTAMP_MS": .timestampNTZ,
    "TIMESTAMP_NS": .timestampNTZ, "TIMESTAMPTZ": .timestamp, "TIMESTAMP WITH TIME ZONE": .timestamp,
    "TIME WITH TIME ZONE": .string, "VARIANT": .variant, "\"NULL\"": .string, "NULL": .string,
  ]

  private mutating func parseBase() throws(DeltaError) -> DataType {
    skipSpace()
    var word = ""
    while let character = peek(), character.isLetter || character == "_" || character == " " || character == "\"" {
      if character == " ", !["WITH", "TIME", "ZONE"].contains(rest(upTo: 4)) { break }
      word.append(character)
      index += 1
    }
    word = word.uppercased()
    while word.last == " " { word.removeLast() }
    switch word {
    case "STRUCT": return try parseStruct()
    case "MAP":
      guard take("(") else { throw failure() }
      let key = try parse()
      guard take(",") else { throw failure() }
      let value = try parse()
      guard take(")") else { throw failure() }
      return .map(key, value, valueContainsNull: true)
    case "DECIMAL", "NUMERIC":
      guard take("("), let precision = number(), take(","), let scale = number(), take(")") else { throw failure() }
      return .decimal(precision: precision, scale: scale)
    case "ENUM":
      guard take("(") else { throw failure() }
      while let character = peek(), character != ")" {
        if character == "'" { try skipLiteral() } else { index += 1 }
      }
      guard take(")") else { throw failure() }
      return .string
    default:
      guard let type = Self.plain[word] else { throw failure() }
      return type
    }
  }

  private mutating func parseStruct() throws(DeltaError) -> DataType {
    guard take("(") else { throw failure() }
    var fields: [StructField] = []
    repeat {
      skipSpace()
      let name = try parseName()
      fields.append(StructField(name, try parse()))
    } while take(",")
    guard take(")") else { throw failure() }
    return .structure(fields)
  }

  private mutating func parseName() throws(DeltaError) -> String {
    var name = ""
    guard peek() == "\"" else {
      while let character = peek(), !character.isWhitespace {
        name.append(character)
        index += 1
      }
      return name
    }
    index += 1
    while let character = peek() {
      index += 1
      if character == "\"" {
        guard peek() == "\"" else { return name }
        index += 1
      }
      name.append(character)
    }
    throw failure()
  }

  private mutating func skipLiteral() throws(DeltaError) {
    index += 1
    while let character = peek() {
      index += 1
      if character == "'" {
        guard peek() == "'" else { return }
        index += 1
      }
    }
    throw failure()
  }

  private func rest(upTo count: Int) -> String {
    String(text[index...].drop { $0 == " " }.prefix(count)).uppercased()
  }

  private mutating func number() -> Int? {
    skipSpace()
    var digits = ""
    while let character = peek(), character.isNumber {
      digits.append(character)
      index += 1
    }
    return Int(digits)
  }

  private func peek() -> Character? { index < text.count ? text[index] : nil }

  private mutating func skipSpace() {
    while let character = peek(), character.isWhitespace { index += 1 }
  }

  private mutating func take(_ character: Character) -> Bool {
    skipSpace()
    guard peek() == character else { return false }
    index += 1
    return true
  }
}
