import Foundation
import LakewardTesting
import Testing

@Suite("What the tests stand on")
struct TestingToolsTests {
  @Test("A temporary folder is gone when its last reference is")
  func temporaryFolder() throws {
    var folder: TemporaryDirectory? = try TemporaryDirectory()
    let path = try #require(folder?.path)
    try folder?.write("one\n", to: "deep/file.txt")
    #expect(folder?.listing() == ["deep/file.txt"])
    folder = nil
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test("A process gives its status, both outputs, and its last words before a signal")
  func process() throws {
    let outcome = try ChildProcess.run("sh", ["-c", "echo out; echo err >&2; exit 3"])
    #expect(outcome.status == 3)
    #expect(outcome.output == "out\n")
    #expect(outcome.errors == "err\n")
    let large = try ChildProcess.run("sh", ["-c", "head -c 3000000 /dev/zero | tr '\\0' x"])
    #expect(large.output.utf8.count == 3_000_000)
    let waiting = try ChildProcess("sh", ["-c", "echo ready; exec tail -f /dev/null"])
    try waiting.waitFor("ready")
    waiting.signal(SIGKILL)
    #expect(try waiting.wait().status == 128 + 9)
  }

  @Test("A process that hangs is killed and named")
  func hangingProcess() {
    #expect(throws: ProcessError.self) {
      try ChildProcess.run("tail", ["-f", "/dev/null"], seconds: 0.2)
    }
  }

  @Test("Free ports are free")
  func port() throws {
    #expect(try FreePort.next() > 1023)
  }

  @Test("The peers read a Delta table and agree", .enabled(if: PeerPython.isReady))
  func peers() throws {
    let folder = try TemporaryDirectory()
    let table = folder.file("table")
    try PeerPython.run("delta_peer.py", ["write", table, "--rows", "30", "--partition-by", "day"])
    try PeerPython.run("delta_peer.py", ["write", table, "--rows", "5", "--start", "100"])
    let answer = try DeltaPeer.compare(table)
    #expect(answer.agree, "\(answer.difference ?? "")")
    #expect(answer.version == 1)
    #expect(answer.rows == 35)
    #expect(answer.columns.first == "id long")
    for engine in DeltaPeer.Engine.allCases {
      #expect(try DeltaPeer.query(table, "SELECT count(*), sum(id) FROM t", engine: engine) == [["35", "945"]])
      #expect(try DeltaPeer.query(table, "SELECT count(*) FROM t", engine: engine, version: 0) == [["30"]])
    }
    let absent = try DeltaPeer.compare(folder.file("nothing"))
    #expect(!absent.agree)
    #expect(absent.difference?.hasPrefix("delta-rs: ") == true)
  }
}
