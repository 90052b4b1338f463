import Foundation
import LakewardTesting
import Testing

/// Messages in by MLLP from another process, tables out.
@Suite(.enabled(if: PeerPython.isReady)) struct HL7JobTests {
  /// Sends each message of a file, framed, and prints the answers' MSA-1 and MSA-2; ends with an error when the connection
  /// ends before an answer.
  private static let client = """
    import socket, sys
    port, path = int(sys.argv[1]), sys.argv[2]
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    for message in open(path, "rb").read().split(b"\\n---\\n"):
        connection.sendall(b"\\x0b" + message + b"\\x1c\\r")
        answer = b""
        while not answer.endswith(b"\\x1c\\r"):
            part = connection.recv(65536)
            if not part:
                sys.exit("closed")
            answer += part
        msa = [line for line in answer.split(b"\\r") if line.startswith(b"MSA")][0].decode().split("|")
        print(msa[1], msa[2], flush=True)
    """

  private static func result(_ number: Int, value: Int, status: String = "F", hour: Int = 9) -> String {
    """
    MSH|^~\\&|MON|W7|LAKE|HOSP|20260105\(hour < 10 ? "0" : "")\(hour)4500+0000||ORU^R01|R\(number)-\(hour)|P|2.5.1|||||||UNICODE UTF-8\r\
    PID|1||42^^^HOSP^MR||DOE^J||19580312|F\rPV1|1|I|W7^3^1||||||||||||||||V7^^^HOSP^VN\r\
    OBR|1||F\(number)^MON|85353-1^Vital signs^LN|||20260105093000+0000\r\
    OBX|1|NM|8867-4^Heart rate^LN||\(value)|/min^/min^UCUM|||||\(status)|||202601050930\(10 + number)+0000\r
    """
  }

  private static let admission = """
    MSH|^~\\&|ADT|HOSP|LAKE|HOSP|20260105081503+0000||ADT^A01^ADT_A01|A1|P|2.5.1|||||||UNICODE UTF-8\r\
    PID|1||42^^^HOSP^MR||DOE^JANE||19580312|F\r\
    PV1|1|I|W7^3^1^HOSP||||||||||||||||V7^^^HOSP^VN|||||||||||||||||||||||||202601050800\r
    """

  private func lake() throws -> TestLake {
    let lake = try TestLake()
    let path = lake.directory.file("lakeward.yml")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try (text + "hl7: { listen: 127.0.0.1:0 }\n").write(toFile: path, atomically: true, encoding: .utf8)
    return lake
  }

  private func start(_ lake: TestLake) throws -> (process: ChildProcess, port: String) {
    let process = try lake.start("run", "hl7", "vitals")
    try process.waitFor("HL7 (MLLP) on 127.0.0.1:", seconds: 120)
    let match = try #require(process.errorsSoFar.firstMatch(of: /MLLP\) on 127\.0\.0\.1:([0-9]+)/))
    return (process, String(match.1))
  }

  private func send(_ messages: [String], _ lake: TestLake, port: String) throws -> (answers: [String], isWhole: Bool) {
    let file = lake.directory.file("messages")
    try Data(messages.joined(separator: "\n---\n").utf8).write(to: URL(fileURLWithPath: file))
    let interpreter = try #require(PeerPython.interpreter)
    let outcome = try ChildProcess.run(interpreter, ["-c", Self.client, port, file], seconds: 240)
    return (outcome.output.split(separator: "\n").map(String.init), outcome.succeeded)
  }

  private func wait(_ what: String, _ isTrue: () throws -> Bool) {
    let limit = Date(timeIntervalSinceNow: 150)
    while Date() < limit {
      if (try? isTrue()) == true { return }
      usleep(250_000)
    }
    Issue.record("\(what) never came")
  }

  @Test("Messages are answered, kept, scored and made into tables; faulty ones are in quarantine")
  func live() throws {
    let lake = try lake()
    let (process, port) = try start(lake)
    let messages = [
      Self.admission, Self.result(1, value: 118), Self.result(2, value: 70), "MSH|^~\\&|X|Y|||1||ORU^R01||P|2.5\rPID|1",
      Self.result(1, value: 88, status: "C", hour: 11), Self.result(2, value: 70),
    ]
    let sent = try send(messages, lake, port: port)
    #expect(sent.answers == ["AA A1", "AA R1-9", "AA R2-9", "AE ", "AA R1-11", "AA R2-9"])
    wait("observations") {
      try lake.count("SELECT count(*) FROM {synthea_observations} WHERE value = '88'") == 1
        && lake.count("SELECT count(*) FROM {synthea_observations}") == 2
    }
    wait("an encounter") {
      try lake.count("SELECT count(*) FROM {synthea_encounters} WHERE encounterclass = 'inpatient'") == 1
    }
    #expect(try lake.count("SELECT count(*) FROM {synthea_patients} WHERE first = 'JANE'") == 1)
    wait("readings") { try lake.count("SELECT count(*) FROM {silver_patient_vitals}") == 2 }
    wait("the faulty message") { try lake.count("SELECT count(*) FROM {quarantine_hl7_messages}") == 1 }
    #expect(try lake.count("SELECT count(*) FROM {silver_hl7_messages}") == 4, "the repeat is dropped")
    process.signal(SIGTERM)
    #expect(try process.wait(seconds: 120).succeeded)
    #expect(!process.errorsSoFar.contains("JANE"))
  }

  @Test("What was answered is there once after kill -9", arguments: ["ingest-written:3", "ingest-synced:3"])
  func killed(_ instant: String) throws {
    let lake = try lake()
    lake.environment["LAKEWARD_CRASH"] = instant
    let (process, port) = try start(lake)
    let messages = (1...6).map { Self.result($0, value: 60 + $0) }
    let first = try send(messages, lake, port: port)
    #expect(!first.isWhole && first.answers.count < 6)
    #expect(try process.wait(seconds: 120).status == 128 + SIGKILL)
    lake.environment = [:]
    // The sender sends again from the first message without an answer.
    let (again, newPort) = try start(lake)
    let rest = try send(Array(messages[first.answers.count...]), lake, port: newPort)
    #expect(rest.isWhole && rest.answers.count == 6 - first.answers.count)
    wait("observations") { try lake.count("SELECT count(*) FROM {synthea_observations}") == 6 }
    wait("readings") { try lake.count("SELECT count(*) FROM {silver_patient_vitals}") == 6 }
    again.signal(SIGTERM)
    #expect(try again.wait(seconds: 120).succeeded)
    #expect(try lake.count("SELECT count(*) FROM {silver_hl7_messages}") == 6)
    #expect(try lake.count("SELECT count(*) FROM {synthea_observations}") == 6)
  }
}
