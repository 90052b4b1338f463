import Foundation
import HTTP
import LakewardTesting
import Testing

/// The server as clients see it: real sockets, and the client of this room, which is libcurl.
@Suite("HTTP server") struct ServerTests {
  private let application = TestApplication()

  private func server(_ change: (inout ServerSettings) -> Void = { _ in }) throws -> HTTPServer {
    var settings = ServerSettings(port: 0)
    settings.headers = ["x-content-type-options": "nosniff"]
    change(&settings)
    return try HTTPServer(settings, application: application)
  }

  @Test func answersWithStatusHeadersAndBody() throws {
    let server = try server()
    let response = try HTTPRequest(method: "GET", url: server.address + "/hello?a=b", timeoutSeconds: 10).send()
    #expect(response.status == 200)
    #expect(response.body == Array("hello".utf8))
    #expect(response.headers["content-type"] == "text/plain; charset=utf-8")
    #expect(response.headers["x-content-type-options"] == "nosniff")
    let missing = try HTTPRequest(method: "GET", url: server.address + "/nothing", timeoutSeconds: 10).send()
    #expect(missing.status == 404)
    #expect(missing.headers["content-type"] == "application/problem+json")
    #expect(
      String(decoding: missing.body, as: UTF8.self)
        == #"{"type":"urn:lakeward:problem:not-found","title":"Not found","status":404,"detail":"nothing is at this path"}"#
    )
    let head = try HTTPRequest(method: "HEAD", url: server.address + "/hello", timeoutSeconds: 10).send()
    #expect(head.status == 200 && head.body.isEmpty && head.headers["content-length"] == "5")
  }

  @Test(arguments: ["/echo", "/work"]) func takesBodiesUpToTheirLimit(path: String) throws {
    let server = try server()
    for size in [0, 1, 70_000, 100_000] {
      let body = [UInt8](repeating: 65, count: size)
      let response = try HTTPRequest(method: "POST", url: server.address + path, body: body, timeoutSeconds: 10).send()
      #expect(response.status == 200)
      #expect(path == "/echo" ? response.body == body : response.body == Array(String(size).utf8))
    }
    let body = [UInt8](repeating: 65, count: 100_001)
    let refused = try HTTPRequest(method: "POST", url: server.address + path, body: body, timeoutSeconds: 10).send()
    #expect(refused.status == 413)
    // Without a length in the head the limit is found while the body comes in.
    let client = try RawClient(port: server.port)
    client.send("POST \(path) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in 0..<11 { client.send("2710\r\n" + String(repeating: "a", count: 10_000) + "\r\n") }
    client.send("0\r\n\r\n")
    #expect(client.receive(until: "\r\n").hasPrefix("HTTP/1.1 413"))
  }

  @Test func keepsAConnectionForManyRequests() throws {
    let server = try server()
    let client = try RawClient(port: server.port)
    for path in ["/hello", "/work", "/nothing", "/hello"] {
      client.send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(client.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 \(path == "/nothing" ? 404 : 200)"))
    }
    // Pipelined.
    client.send("GET /work HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    #expect(client.receiveAll().components(separatedBy: "HTTP/1.1 200").count == 3)
  }

  @Test func manyClientsAtOnce() throws {
    let server = try server()
    let failures = FailureCount()
    DispatchQueue.concurrentPerform(iterations: 16) { number in
      for _ in 0..<40 {
        let path = number.isMultiple(of: 2) ? "/hello" : "/work"
        let response = try? HTTPRequest(method: "GET", url: server.address + path, timeoutSeconds: 10).send()
        if response?.status != 200 { failures.add() }
      }
    }
    #expect(failures.count == 0)
  }

  private static let malformed = [
    "GET /hello HTTP/1.1\r\n\r\n", "GET hello HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n\r\n", "GET\r\n\r\n",
    "GET /hello HTTP/9.9\r\nHost: x\r\n\r\n", "GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "GET /\u{0} HTTP/1.1\r\nHost: x\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}",
    "GET /hello HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "a", count: 100_000))\r\n\r\n",
    "GET /\(String(repeating: "a", count: 100_000)) HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /hello HTTP/1.1\r\nHost: x\r\n\(String(repeating: "a: b\r\n", count: 20_000))\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\nabc",
  ]

  @Test(arguments: malformed.indices) func malformedRequestsAreRefused(number: Int) throws {
    let text = Self.malformed[number]
    let server = try server {
      $0.headSeconds = 0.3
      $0.idleSeconds = 0.1
    }
    let client = try RawClient(port: server.port)
    client.send(text)
    let answer = client.receiveAll()
    #expect(
      answer.isEmpty || answer.hasPrefix("HTTP/1.1 4") || answer.hasPrefix("HTTP/1.1 505"), "\(answer.prefix(200))")
    #expect(try HTTPRequest(method: "GET", url: server.address + "/hello", timeoutSeconds: 10).send().status == 200)
  }

  @Test func randomBytesLeaveTheServerAnswering() throws {
    let server = try server { $0.headSeconds = 0.5 }
    var random = SystemRandomNumberGenerator()
    for round in 0..<200 {
      let client = try RawClient(port: server.port)
      var bytes = (0..<Int.random(in: 1...3_000, using: &random)).map { _ in
        UInt8.random(in: 0 ... .max, using: &random)
      }
      if round.isMultiple(of: 2) { bytes = Array("POST /echo HTTP/1.1\r\nHost: x\r\n".utf8) + bytes }
      client.send(bytes)
    }
    #expect(try HTTPRequest(method: "GET", url: server.address + "/hello", timeoutSeconds: 10).send().status == 200)
  }

  @Test func slowClientsAreClosedWhileOthersAreServed() throws {
    let server = try server {
      $0.headSeconds = 0.5
      $0.bodySeconds = 0.5
      $0.idleSeconds = 0.2
    }
    let slow = try (0..<100).map { _ in try RawClient(port: server.port) }
    for (index, client) in slow.enumerated() {
      client.send(
        index.isMultiple(of: 2) ? "GET /hello HT" : "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na")
    }
    #expect(try HTTPRequest(method: "GET", url: server.address + "/hello", timeoutSeconds: 10).send().status == 200)
    // A byte now and then does not help.
    for _ in 0..<20 {
      for client in slow { client.send("a") }
      Thread.sleep(forTimeInterval: 0.05)
    }
    for client in slow { _ = client.receiveAll() }
    #expect(try HTTPRequest(method: "GET", url: server.address + "/hello", timeoutSeconds: 10).send().status == 200)
  }

  @Test func stopLetsWorkFinish() throws {
    let server = try server()
    let client = try RawClient(port: server.port)
    client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    application.slow.wait()
    let gate = application.gate
    DispatchQueue.global().asyncAfter(deadline: .now() + 0.1) { gate.signal() }
    server.stop(graceSeconds: 10)
    #expect(client.receiveAll().hasSuffix("late"))
    #expect(throws: (any Error).self) {
      try HTTPRequest(method: "GET", url: server.address + "/hello", timeoutSeconds: 2).send()
    }
  }

  @Test func stopDoesNotWaitForEver() throws {
    let server = try server()
    let client = try RawClient(port: server.port)
    client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    application.slow.wait()
    server.stop(graceSeconds: 0.1)
    #expect(client.receiveAll().hasPrefix("HTTP/1.1 503"))
    application.gate.signal()
  }

  @Test func aTakenPortIsSaid() throws {
    let server = try server()
    let error = #expect(throws: ServerError.self) {
      _ = try HTTPServer(ServerSettings(port: server.port), application: application)
    }
    #expect(error?.code == .addressInUse)
  }

  @Test func fullQueueGives503() throws {
    let server = try server {
      $0.workers = 1
      $0.queueLength = 1
    }
    let clients = try (0..<3).map { _ in try RawClient(port: server.port) }
    clients[0].send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    application.slow.wait()
    for client in clients.dropFirst() { client.send("GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") }
    let answers = FailureCount()
    clients[1].setTimeout(seconds: 1)
    clients[2].setTimeout(seconds: 1)
    for client in clients.dropFirst() where client.receive()?.contains("503") ?? false { answers.add() }
    #expect(answers.count == 1)
    for _ in 0..<2 { application.gate.signal() }
    #expect(clients[0].receive(until: "late").hasSuffix("late"))
  }

  @Test func servesFilesOfItsFolderAlone() throws {
    let directory = try TemporaryDirectory("files")
    try directory.write("secret", to: "secret.txt")
    try directory.write("body { }", to: "public/a/style.css")
    try directory.write("hidden", to: "public/.hidden")
    try directory.write("plain", to: "public/packed.js")
    try directory.write("packed", to: "public/packed.js.gz")
    symlink(directory.file("secret.txt"), directory.file("public/link.txt"))
    var application = application
    application.files = StaticFiles(folder: directory.file("public"))
    let server = try HTTPServer(ServerSettings(port: 0), application: application)
    func get(_ path: String, _ headers: [(name: String, value: String)] = []) throws -> HTTPRequest.Response {
      try HTTPRequest(method: "GET", url: server.address + path, headers: headers, timeoutSeconds: 10).send()
    }
    let style = try get("/files/a/style.css")
    #expect(style.status == 200 && style.body == Array("body { }".utf8))
    #expect(style.headers["content-type"] == "text/css; charset=utf-8")
    #expect(try get("/files/a/style.css", [("If-None-Match", style.headers["etag"] ?? "")]).status == 304)
    #expect(try get("/files/packed.js").body == Array("plain".utf8))
    #expect(try get("/files/packed.js", [("Accept-Encoding", "gzip")]).headers["content-encoding"] == "gzip")
    for path in [
      "..%2fsecret.txt", "%2e%2e/secret.txt", "a/..%2f../secret.txt", "link.txt", ".hidden", "a", "", "a//style.css",
      "..%5csecret.txt", "%00", "a/style.css%00.js", "/etc/passwd",
    ] {
      #expect(try get("/files/" + path).status == 404, "\(path)")
    }
    let client = try RawClient(port: server.port)
    client.send("GET /files/../secret.txt HTTP/1.1\r\nHost: x\r\n\r\n")
    #expect(client.receive()?.hasPrefix("HTTP/1.1 404") ?? false)
  }
}

/// Counts from several threads.
final class FailureCount: @unchecked Sendable {
  // Safe to share: guarded by the lock.
  private let lock = NSLock()
  private var total = 0
  var count: Int { lock.withLock { total } }
  func add() { lock.withLock { total += 1 } }
}
