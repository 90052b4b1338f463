import Foundation
import JSON
import LakewardTesting
import Testing

@testable import HL7

@Suite struct HL7MessageTests {
  static let admission = """
    MSH|^~\\&|ADT|HOSP|LAKE|HOSP|20260105081503+0100||ADT^A01^ADT_A01|A1|P|2.5.1|||||||UNICODE UTF-8\r\
    EVN|A01|202601050810\r\
    PID|1||X9^^^HOSP^SS~42^^^HOSP^MR||GROß^ANNA^M^^Dr.||19600102|F||2106-3|Ring 1^^Wien^^1010^AT||||||M\r\
    PV1|1|I|W7^3^1^HOSP||||D1||||||||||||V7^^^HOSP^VN|||||||||||||||||||||||||202601050800\r
    """

  @Test func namesAreTheSameEverywhere() {
    // Python: uuid.uuid5(uuid.NAMESPACE_OID, "hl7:patient:HOSP|PT-1001")
    #expect(NamedUUID.make("hl7:patient:HOSP|PT-1001") == "ac529d1e-3e97-5af6-816b-cc199159bf06")
  }

  @Test func separatorsAreThoseThatTheMessageDeclares() throws {
    let text = "MSH*:%$!*APP*FAC***20260101**ORU:R01*ID-7*P*2.3\rOBX*1*ST*A:B!C**x$F$y$S$z$T$$R$$E$%second\r"
    let message = try HL7Message(Array(text.utf8))
    #expect(message.type == ("ORU", "R01"))
    #expect(message.controlId == "ID-7")
    let result = message.segments[1]
    #expect(result[3].first?[2] == "B")
    #expect(result[5].map(\.text) == ["x*y:z!%$", "second"])
  }

  @Test func escapesStandForCharacters() throws {
    let text =
      "MSH|^~\\&|A|B|||20260101||ORU^R01|1|P|2.5\rNTE|1||one\\.br\\two\\X0D0A\\\\H\\bold\\N\\ \\Zq\\ lone \\ end\r"
    let note = try HL7Message(Array(text.utf8)).segments[1]
    #expect(note[3].first?.text == "one\ntwo\r\nbold  lone \\ end")
  }

  @Test func characterSetsAreRead() throws {
    let latin: [UInt8] =
      Array("MSH|^~\\&|A|B|||1||ADT^A08|1|P|2.5||||||8859/1\rPID|1||7||M".utf8) + [0xFC] + Array("LLER".utf8)
    #expect(try HL7Message(latin).segments[1].text(5) == "MüLLER")
    let undeclared = Array("MSH|^~\\&|A|B|||1||ADT^A08|1|P|2.5\rPID|1||7||M".utf8) + [0xFC]
    #expect(throws: HL7Error.self) { try HL7Message(undeclared) }
    let unknown = Array("MSH|^~\\&|A|B|||1||ADT^A08|1|P|2.5||||||BIG-5\rPID|1||7".utf8)
    #expect { try HL7Message(unknown) } throws: { ($0 as? HL7Error)?.field == 18 }
  }

  @Test(arguments: [
    ("", "MSH"), ("PID|1", "MSH"), ("MSH|^~\\&|A|B|||1||ORU^R01||P|2.5", "MSH-10"),
    ("MSH|^~\\&|A|B|||1|||7|P|2.5", "MSH-9"), ("MSHAAAAAAAAAA", "MSH-2"), ("MSH||||||||||", "MSH-2"),
    ("MSH|^~\\&|A|B|||1||ORU^R01|7|P|2.5\rJane Doe was here", "MSH: line 2"),
  ])
  func whatIsNoMessageIsAnErrorWithAPlaceAndNoValue(_ text: String, _ place: String) {
    #expect { try HL7Message(Array(text.utf8)) } throws: { error in
      let words = (error as? HL7Error)?.description ?? ""
      return words.hasPrefix(place) && !words.contains("Jane")
    }
  }

  @Test(arguments: [
    ("2026", "2026"), ("202601", "2026-01"), ("20260105", "2026-01-05"), ("2026010508", "2026-01-05T08:00:00+01:00"),
    ("202607050930", "2026-07-05T09:30:00+02:00"), ("20260105030010.250-0500", "2026-01-05T03:00:10.250-05:00"),
    ("20240229", "2024-02-29"), ("20230229", nil), ("20261301", nil), ("202601052500", nil), ("yesterday", nil),
    ("20260105081503+9900", nil), ("20260105081503.+0100", nil),
  ])
  func timesKeepTheirPrecision(_ text: String, _ iso: String?) throws {
    let time = HL7Time(zone: try #require(TimeZone(identifier: "Europe/Vienna")))
    #expect(time.iso(text) == iso)
  }

  @Test func aFileHoldsMessagesFramedOrNot() {
    let one = "MSH|^~\\&|A|B|||1||ADT^A08|1|P|2.5\rPID|1||7\r"
    let text =
      "FHS|^~\\&\r\nBHS|^~\\&\r\n\u{B}" + one + "\u{1C}\r" + one.replacing("\r", with: "\r\n") + "BTS|2\r\nnoise\n"
    let parts = HL7File.parts(Array(text.utf8))
    #expect(parts.map(\.line) == [3, 6, 9])
    #expect(String(decoding: parts[0].bytes, as: UTF8.self) == one)
  }

  @Test func framesAreFoundHoweverTheBytesCome() {
    let stream = Array("noise\u{B}one\u{1C}\r\u{B}\u{B}two\r\u{1C}\r\u{B}toolongtoolong\u{1C}\r\u{B}end\u{1C}\r".utf8)
    for size in 1...stream.count {
      var frames = MLLPFrames(limit: 8)
      var events: [MLLPFrames.Event] = []
      for start in stride(from: 0, to: stream.count, by: size) {
        events += frames.take(stream[start..<min(stream.count, start + size)])
      }
      #expect(
        events == [.message(Array("one".utf8)), .message(Array("two\r".utf8)), .tooLong, .message(Array("end".utf8))])
    }
  }

  @Test func answersNameTheMessageAndEscapeTheReason() throws {
    let message = try HL7Message(Array(Self.admission.utf8))
    let answer = HL7Acknowledgement.faulty(HL7Error(101, "PID", 3, "a|b^c")).text(
      to: message, id: "R1", time: "20260105")
    let read = try HL7Message(Array(answer.utf8))
    #expect(read.header.text(5) == "ADT" && read.controlId == "R1" && read.type == ("ACK", "A01"))
    #expect(read.segments[1].text(1) == "AE" && read.segments[1].text(2) == "A1")
    #expect(read.segments[2].text(2) == "PID" && read.segments[2][2].first?[3] == "3")
    #expect(read.segments[2].text(8) == "PID-3: a|b^c")
    #expect(HL7Acknowledgement.rejected(reason: "full").text(to: nil, id: "R2", time: "1").contains("MSA|AR|"))
  }

  /// Whatever bytes come: a message or an error, never a trap; and what was read can be mapped.
  @Test func mutatedMessagesNeverTrap() throws {
    var random = SeededRandom(seed: 20_260_105)
    let seeds = [Self.admission, HL7ResultTests.results].map { Array($0.utf8) }
    var (good, bad) = (0, 0)
    for round in 0..<4_000 {
      var bytes = seeds[round % seeds.count]
      for _ in 0..<Int.random(in: 1...6, using: &random) { Self.mutate(&bytes, &random) }
      do throws(HL7Error) {
        let message = try HL7Message(bytes)
        _ = HL7Vitals.records(message, zone: .gmt)
        for resource in try HL7Resources(zone: .gmt).resources(message) {
          #expect(JSONValue(parsing: JSONValue.object(resource.json).text) != nil)
        }
        good += 1
      } catch {
        #expect(error.code > 0)
        bad += 1
      }
      _ = HL7File.parts(bytes)
    }
    #expect(good > 500 && bad > 100, "\(good) good, \(bad) bad")
  }

  private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
    guard !bytes.isEmpty else { return }
    let place = Int.random(in: 0..<bytes.count, using: &random)
    switch Int.random(in: 0..<5, using: &random) {
    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes.remove(at: place)
    case 2: bytes.insert(Array("|^~\\&\r".utf8).randomElement(using: &random) ?? 0, at: place)
    case 3: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...40, using: &random)))
    default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 30)], at: place)
    }
  }
}

/// SplitMix64: the same numbers on every machine.
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
