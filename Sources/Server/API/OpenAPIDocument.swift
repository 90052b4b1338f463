internal import HTTP
internal import JSON

/// The OpenAPI 3.1 document of some routes.
enum OpenAPIDocument {
  static func text(_ endpoints: [Endpoint], version: String, hasTokens: Bool) -> [UInt8] {
    var paths: [(String, JSONValue)] = []
    for endpoint in endpoints where !endpoint.isHidden {
      let operation = (endpoint.method.rawValue.lowercased(), operation(endpoint, hasTokens: hasTokens))
      if let index = paths.firstIndex(where: { $0.0 == endpoint.path }), var item = paths[index].1.object {
        item[operation.0] = operation.1
        paths[index].1 = .object(item)
      } else {
        paths.append((endpoint.path, .object(JSONObject([operation]))))
      }
    }
    var components: JSONObject = ["schemas": .object(JSONObject(schemas.map { ($0.0, $0.1.json) }))]
    if hasTokens {
      components["securitySchemes"] = .object([
        "token": .object(["type": .string("http"), "scheme": .string("bearer")])
      ])
    }
    let document: JSONObject = [
      "openapi": .string("3.1.0"),
      "info": .object([
        "title": .string("Lakeward"), "version": .string(version),
        "description": .string(
          "A real-time healthcare lakehouse: predictions, ingest, tables, patients, alerts. Not a medical device."),
        "license": .object(["name": .string("See LICENSE"), "identifier": .string("LicenseRef-Lakeward")]),
      ]),
      "servers": .array([.object(["url": .string("/")])]),
      "paths": .object(JSONObject(paths)), "components": .object(components),
    ]
    var writer = JSONWriter()
    writer.write(.object(document))
    return writer.bytes
  }

  private static let schemas: [(String, Schema)] = [
    (
      "Problem",
      .object(
        [
          "type": .text("urn:lakeward:problem:CODE", format: "uri"), "title": .text(),
          "status": .integer(in: 400...599),
          "detail": .text(),
          "errors": .list(
            of: .object(
              [
                "field": .text("JSON pointer or parameter"), "rule": .text("Such as required, type, minimum, unknown"),
                "message": .text(),
              ], required: ["field", "rule", "message"])),
        ], required: ["type", "title", "status"], "Problem details (RFC 9457)")
    ),
    (
      "Rows",
      .object(
        [
          "columns": .list(
            of: .object(["name": .text(), "type": .text("DuckDB's type")], required: ["name", "type"])),
          "rows": .list(of: .list(of: .any)), "truncated": .boolean, "seconds": .number(),
        ], required: ["columns", "rows", "truncated"], "Rows as lists of values in the order of the columns")
    ),
  ]

  private static func operation(_ endpoint: Endpoint, hasTokens: Bool) -> JSONValue {
    var operation: JSONObject = [
      "operationId": .string(identifier(endpoint)), "tags": .array([.string(endpoint.group)]),
      "summary": .string(endpoint.summary),
    ]
    var details = endpoint.details
    if let permission = endpoint.permission {
      let roles = Role.allCases.filter { $0.permissions.contains(permission) }.map(\.rawValue)
      details += (details.isEmpty ? "" : "\n\n") + "Roles: \(roles.joined(separator: ", "))."
    }
    if !details.isEmpty { operation["description"] = .string(details) }
    if hasTokens { operation["security"] = .array(endpoint.permission == nil ? [] : [.object(["token": .array([])])]) }
    if !endpoint.parameters.isEmpty {
      operation["parameters"] = .array(endpoint.parameters.map { parameter($0, in: endpoint.path) })
    }
    if let body = endpoint.body {
      var content = JSONObject()
      for (mediaType, schema) in body.contents {
        var item: JSONObject = ["schema": schema.json]
        if mediaType == "application/json", let example = body.example.flatMap({ JSONValue(parsing: $0) }) {
          item["example"] = example
        }
        content[mediaType] = .object(item)
      }
      operation["requestBody"] = .object(["required": .bool(body.isRequired), "content": .object(content)])
    }
    var responses = JSONObject()
    for answer in endpoint.answers { responses[String(answer.status)] = response(answer) }
    for status in problems(of: endpoint) where responses[String(status)] == nil {
      responses[String(status)] = response(
        Endpoint.Answer(status, reasons[status] ?? "Problem", [(Problem.mediaType, .named("Problem"))]))
    }
    operation["responses"] = .object(responses)
    return .object(operation)
  }

  private static let reasons = [
    400: "The request cannot be read, or a parameter is not valid", 401: "A token is needed",
    403: "The token's role may not do this", 404: "There is no such thing",
    406: "None of the answer's media types is accepted",
    408: "The statement took too long", 409: "Not possible in the present state", 413: "The body is too large",
    415: "The body's media type is not taken", 421: "The Host header names another server",
    422: "The body is JSON, but not what is wanted", 429: "Too many requests", 500: "A fault of the server",
    503: "Busy, or something outside is away",
  ]

  /// Statuses of the problems that a route may answer with.
  static func problems(of endpoint: Endpoint) -> [Int] {
    var statuses: Set<Int> = [400, 403, 421, 429, 500, 503]
    if endpoint.permission != nil { statuses.insert(401) }
    if endpoint.path.contains("{") { statuses.insert(404) }
    if endpoint.body != nil { statuses.formUnion([413, 415, 422]) }
    return statuses.union(endpoint.problems).sorted()
  }

  private static func response(_ answer: Endpoint.Answer) -> JSONValue {
    var response: JSONObject = ["description": .string(answer.summary)]
    if !answer.contents.isEmpty {
      response["content"] = .object(
        JSONObject(answer.contents.map { ($0.mediaType, .object(["schema": $0.schema.json])) }))
    }
    return .object(response)
  }

  private static func parameter(_ parameter: Endpoint.Parameter, in path: String) -> JSONValue {
    let isPath = path.contains("{\(parameter.name)}")
    var schema: JSONObject
    switch parameter.kind {
    case .text(let longest):
      schema = ["type": .string("string"), "maxLength": .int(Int64(longest))]
      if isPath { schema["minLength"] = .int(1) }
    case .integer(let range):
      schema = [
        "type": .string("integer"), "minimum": .int(Int64(range.lowerBound)), "maximum": .int(Int64(range.upperBound)),
      ]
    case .word(let words): schema = ["type": .string("string"), "enum": .array(words.map(JSONValue.string))]
    case .words(let words):
      schema = [
        "type": .string("array"), "minItems": .int(1),
        "items": .object(["type": .string("string"), "enum": .array(words.map(JSONValue.string))]),
      ]
    case .flag: schema = ["type": .string("boolean")]
    }
    if let standard = parameter.standard, !isPath {
      switch parameter.kind {
      case .integer: schema["default"] = Int64(standard).map(JSONValue.int)
      case .flag: schema["default"] = .bool(standard == "true")
      case .words: schema["default"] = .array(standard.split(separator: ",").map { .string(String($0)) })
      default: schema["default"] = .string(standard)
      }
    }
    var object: JSONObject = [
      "name": .string(parameter.name), "in": .string(isPath ? "path" : "query"), "required": .bool(isPath),
      "description": .string(parameter.summary), "schema": .object(schema),
    ]
    if case .words = parameter.kind {
      object["style"] = .string("form")
      object["explode"] = .bool(false)
    }
    return .object(object)
  }

  private static func identifier(_ endpoint: Endpoint) -> String {
    let words = endpoint.path.split(separator: "/").map { $0.filter { $0.isLetter || $0.isNumber || $0 == "_" } }
    return ([endpoint.method.rawValue.lowercased()] + words).joined(separator: "_")
  }
}
