internal import HTTP

/// Checks the fields of a query against their declarations.
enum ParameterCheck {
  /// The fields by name with defaults filled in. Names are taken once; unknown ones are refused, so that a misspelt limit
  /// does not read as no limit.
  static func values(_ head: RequestHead, _ declared: [Endpoint.Parameter]) throws(Problem) -> [String: String] {
    if head.query.isEmpty, declared.isEmpty { return [:] }
    guard let fields = head.queryFields else { throw .badRequest("the query is not percent-encoded UTF-8") }
    var values: [String: String] = [:]
    var errors: [Problem.FieldError] = []
    for field in fields {
      guard let parameter = declared.first(where: { $0.name == field.name }) else {
        let known = declared.map(\.name).joined(separator: ", ")
        errors.append(
          .init(
            field: String(field.name.prefix(64)), rule: "unknown",
            message: known.isEmpty ? "this route takes no parameters" : "known here: \(known)"))
        continue
      }
      if values.updateValue(field.value, forKey: field.name) != nil {
        errors.append(.init(field: field.name, rule: "once", message: "give it once"))
      } else if let error = fault(field.value, parameter) {
        errors.append(error)
      }
    }
    guard errors.isEmpty else {
      throw Problem(400, "invalid-parameter", "A parameter is not valid", errors: errors)
    }
    for parameter in declared where values[parameter.name] == nil { values[parameter.name] = parameter.standard }
    return values
  }

  private static func fault(_ value: String, _ parameter: Endpoint.Parameter) -> Problem.FieldError? {
    func error(_ rule: String, _ message: String) -> Problem.FieldError {
      .init(field: parameter.name, rule: rule, message: message)
    }
    switch parameter.kind {
    case .text(let longest):
      return value.count > longest ? error("maxLength", "at most \(longest) characters") : nil
    case .integer(let range):
      guard let number = Int(value), value.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2D }) else {
        return error("type", "a whole number is wanted")
      }
      return range.contains(number) ? nil : error("range", "from \(range.lowerBound) to \(range.upperBound)")
    case .word(let words):
      return words.contains(value) ? nil : error("enum", "one of \(words.joined(separator: ", "))")
    case .words(let words):
      let given = value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      return given.allSatisfy(words.contains) ? nil : error("enum", "some of \(words.joined(separator: ","))")
    case .flag:
      return ["true", "false"].contains(value) ? nil : error("enum", "true or false")
    }
  }
}
