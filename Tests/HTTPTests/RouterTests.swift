import HTTP
import Testing

@Suite("Router") struct RouterTests {
  private static let router = {
    var router = Router<String>()
    router.add(.get, "/", "root")
    router.add(.get, "/tables", "tables")
    router.add(.get, "/tables/{name}", "table")
    router.add(.post, "/alerts/{id}/acknowledge", "acknowledge")
    router.add(.post, "/models/{name}", "model")
    router.add(.get, "/models/live", "live")
    router.add(.post, "/tables", "make")
    return router
  }()

  private func find(_ method: String, _ target: String) -> String {
    switch Self.router.match(RequestHead(method: method, target: target)) {
    case .found(let endpoint, let values): values.isEmpty ? endpoint : "\(endpoint) \(values.values.sorted())"
    case .otherMethods(let methods): methods.map(\.rawValue).joined(separator: ",")
    case .unknown: "unknown"
    case .malformed: "malformed"
    }
  }

  @Test(arguments: [
    ("GET", "/", "root"), ("GET", "/tables?x=1", "tables"), ("HEAD", "/tables", "tables"),
    ("POST", "/tables", "make"), ("GET", "/tables/gold", #"table ["gold"]"#),
    ("GET", "/tables/a%20b%2Fc", #"table ["a b/c"]"#), ("GET", "/tables/", "unknown"),
    ("GET", "/tables/a/b", "unknown"),
    ("DELETE", "/tables", "GET,HEAD,POST"), ("PUT", "/alerts/7/acknowledge", "POST"),
    ("POST", "/alerts/7/acknowledge", #"acknowledge ["7"]"#), ("GET", "/models/live", "live"),
    ("POST", "/models/live", "GET,HEAD"), ("POST", "/models/risk", #"model ["risk"]"#),
    ("GET", "/tables/%zz", "malformed"), ("GET", "/tables/%ff", "malformed"), ("GET", "/tables/%00", "malformed"),
    ("GET", "tables", "malformed"),
  ]) func finds(method: String, target: String, expected: String) {
    #expect(find(method, target) == expected)
  }

  @Test func queryFieldsAreDecoded() throws {
    let head = RequestHead(method: "GET", target: "/a?x=1&y=a+b%26c&z&x=2")
    let fields = try #require(head.queryFields)
    #expect(fields.map { "\($0.name)=\($0.value)" } == ["x=1", "y=a b&c", "z=", "x=2"])
    #expect(RequestHead(method: "GET", target: "/a?x=%f").queryFields == nil)
  }
}
