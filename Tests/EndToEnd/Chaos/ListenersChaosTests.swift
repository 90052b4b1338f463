import Foundation
import LakewardTesting
import Testing

/// A thousand clients of the event stream, some slow, some gone without a word: every one that reads hears every commit.
@Suite struct ListenersChaosTests {
  @Test func aThousandClients() throws {
    let began = Date()
    let rounds = ReliabilityLog.rounds(3)
    var files = rlimit(rlim_cur: 8_192, rlim_max: 8_192)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
    let lake = try BedsLake(maxRecords: 20_000)
    let portFile = lake.directory.file("port")
    let process = try lake.start(["run", "beds", "--http", "127.0.0.1:0", "--port-file", portFile])
    let port = UInt16(try lake.port(in: portFile, of: process))
    var clients = try (0..<1_000).map { _ in try EventClient(port: port) }
    for client in clients { #expect(client.waitFor(": listening", seconds: 120)) }
    let records = BedRecords(seed: 51, count: 200 * rounds)
    var (heard, missed, gone): (Int64, Int64, Int64) = (0, 0, 0)
    var before = 0
    for round in 0..<rounds {
      try lake.land(records.text((200 * round)..<(200 * (round + 1))), as: "\(100 + round).ndjson", round: round)
      let limit = Date(timeIntervalSinceNow: 90)
      while lake.rows("bronze_beds") < 200 * (round + 1), Date() < limit { Thread.sleep(forTimeInterval: 0.05) }
      // The commit of this round; every tenth client is slow and reads nothing.
      for (number, client) in clients.enumerated() where number % 10 != 0 {
        if client.waitFor("\"table\":\"bronze_beds\"", count: round + 1, seconds: 120) {
          heard += 1
        } else {
          missed += 1
        }
      }
      if round == 0 { before = Self.residentBytes(process.identifier) }
      // Some leave as a machine does that is switched off, and others come.
      for number in stride(from: 10, to: 1_000, by: 50) where round + 1 < rounds {
        clients[number] = try EventClient(port: port)
        gone += 1
      }
    }
    #expect(missed == 0)
    let grown = Self.residentBytes(process.identifier) - before
    #expect(grown < 128 << 20, "\(grown) bytes")
    clients = []
    process.signal(SIGTERM)
    let outcome = try process.wait(seconds: 90)
    #expect(outcome.succeeded, "\(outcome.errors)")
    ReliabilityLog.add(
      "1,000 clients of the event stream, 100 of them slow, some gone",
      ["records": heard, "faults": 100 + gone, "lost": missed, "grown_kib": Int64(grown / 1_024)],
      since: began)
  }

  private static func residentBytes(_ process: Int32) -> Int {
    let text = (try? String(contentsOfFile: "/proc/\(process)/statm", encoding: .utf8)) ?? ""
    return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4_096
  }
}

/// One client of `/events`.
private final class EventClient {
  private let descriptor: Int32
  private var text = ""

  init(port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard descriptor >= 0, status == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    let request = Array("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
    _ = request.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  deinit { close(descriptor) }

  /// Whether words have come so many times, now or within some seconds.
  func waitFor(_ words: String, count: Int = 1, seconds: Int) -> Bool {
    var limit = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while text.components(separatedBy: words).count <= count {
      let got = recv(descriptor, &buffer, buffer.count, 0)
      guard got > 0 else { return false }
      text += String(decoding: buffer[..<got], as: UTF8.self)
    }
    return true
  }
}
