import Foundation
import JSON
import LakewardTesting

/// The Python process that receives what notifiers send.
final class Receiver {
  struct Message {
    var kind: String
    var status: Int
    var id: String?
    var problems: [String]
    var body: String
    var all: JSONObject
  }

  let web: UInt16
  let mail: UInt16
  private var process: ChildProcess

  /// - Parameter certificate: A certificate and its key; nil: mail without STARTTLS.
  init(web: UInt16? = nil, mail: UInt16? = nil, certificate: (String, String)? = nil) throws {
    self.web = try web ?? FreePort.next()
    self.mail = try mail ?? FreePort.next()
    guard let interpreter = PeerPython.interpreter else { throw PeerError.absent }
    var arguments = [
      "\(Places.packageRoot())/Tests/LakewardTesting/peers/receiver.py", String(self.web), String(self.mail),
    ]
    if let certificate { arguments += [certificate.0, certificate.1] }
    process = try ChildProcess(interpreter, arguments, environment: ["PYTHONDONTWRITEBYTECODE": "1"])
    try process.waitFor("\"ready\"", seconds: 30)
  }

  deinit { process.signal(SIGKILL) }

  func url(_ path: String) -> String { "http://127.0.0.1:\(web)/\(path)" }

  /// Everything that was received, in order.
  var messages: [Message] {
    process.outputSoFar.split(separator: "\n").compactMap { line in
      guard let object = JSONValue(parsing: String(line))?.object, let kind = object["kind"]?.string, kind != "ready"
      else { return nil }
      return Message(
        kind: kind, status: Int(object["status"]?.int ?? 0), id: object["id"]?.string,
        problems: object["problems"]?.array?.compactMap(\.string) ?? [], body: object["body"]?.string ?? "",
        all: object)
    }
  }

  /// Waits until the last answer's line has come through the pipe.
  func messages(atLeast count: Int) throws -> [Message] {
    let end = Date(timeIntervalSinceNow: 10)
    while messages.count < count, Date() < end { usleep(5_000) }
    return messages
  }
}
