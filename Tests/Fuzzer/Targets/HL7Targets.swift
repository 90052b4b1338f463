import Foundation
import HL7
import JSON

/// Messages of HL7 version 2, for the targets of messages and of frames.
enum SampleMessages {
  private static let header = "MSH|^~\\&|ADT|WARD|LAKE|WARD|20260105081503+0100||"
  private static let person = """
    PID|1||X9^^^WARD^SS~42^^^WARD^MR||NAME^GIVEN^M^^Dr.||19600102|F||2106-3|Ring 1^^Town^^1010^AT||||||M\r\
    PV1|1|I|W7^3^1^WARD||||D1||||||||||||V7^^^WARD^VN|||||||||||||||||||||||||202601050800\r
    """

  /// An admission, results with numbers, ranges and texts, a transfer, and one with separators of its own.
  static let all = [
    header + "ADT^A01^ADT_A01|A1|P|2.5.1|||||||UNICODE UTF-8\rEVN|A01|202601050810\r" + person,
    header + "ORU^R01|A2|P|2.5\r" + person + """
      OBR|1|O1|F1|24323-8^PANEL^LN|||202601050700||||||||D2||||||202601050900|||F\r\
      OBX|1|NM|8867-4^Heart rate^LN||71|/min^per minute^UCUM|60-100|N|||F|||202601050700\r\
      OBX|2|SN|2345-7^Glucose^LN||<^5.5|mmol/L|3.9-5.6|L|||P\r\
      OBX|3|ST|X^Own^99||line one\\.br\\two\\X0D0A\\\\T\\||||||C\rNTE|1||note\r
      """,
    header + "ADT^A02|A3|T|2.3\r" + person,
    "MSH*:%$!*APP*FAC***20260101**ORU:R01*ID-7*P*2.3\rPID*1**7\rOBX*1*ST*A:B!C**x$F$y$S$z$T$$R$$E$%second\r",
  ]
}

/// Messages and files of messages: read whole or refused with segment and field; what comes of them is JSON.
final class HL7Target: FuzzTarget {
  let seeds =
    SampleMessages.all.map { Array($0.utf8) } + [
      Array(("FHS|^~\\&\rBHS|^~\\&\r" + SampleMessages.all.joined() + "BTS|3\rFTS|1\r").utf8)
    ]
  let words = [
    "MSH|^~\\&|", "\r", "\\X0\\", "\\E\\", "~", "&", "8859/1", "ISO IR6", "^^^", "20260230256199.99999+9999",
  ]
  private let zone = TimeZone(secondsFromGMT: 0) ?? .current

  func read(_ inputs: [[UInt8]]) throws -> Int {
    try inputs.reduce(0) { sum, input in
      let parts = HL7File.parts(input)
      guard parts.allSatisfy({ $0.line >= 1 && !$0.bytes.isEmpty }) else { throw Violation("a part has no place") }
      var refusals = 0
      for part in parts { refusals += try refused(HL7Error.self) { try check(part.bytes) } }
      return sum + min(1, refusals)
    }
  }

  private func check(_ bytes: [UInt8]) throws {
    let message = try HL7Message(bytes)
    for resource in try HL7Resources(zone: zone).resources(message) {
      guard JSONValue(parsing: JSONValue.object(resource.json).text) != nil else {
        throw Violation("a resource is not JSON")
      }
    }
    for record in HL7Vitals.records(message, zone: zone) where JSONValue(parsing: JSONValue.object(record).text) == nil
    {
      throw Violation("a record is not JSON")
    }
    _ = HL7Acknowledgement.accepted.text(to: message, id: "1", time: "20260101000000")
  }
}

/// Frames of MLLP: messages come out whole, however the bytes are cut.
final class MLLPTarget: FuzzTarget {
  let seeds = SampleMessages.all.map { MLLPFrames.framed($0) } + [SampleMessages.all.flatMap { MLLPFrames.framed($0) }]
  let words = ["\u{0B}", "\u{1C}", "\u{1C}\r", "\r\n"]

  func read(_ inputs: [[UInt8]]) throws -> Int {
    for input in inputs {
      var (whole, cut) = (MLLPFrames(limit: 300), MLLPFrames(limit: 300))
      let events = whole.take(input)
      var pieces: [MLLPFrames.Event] = []
      var start = 0
      while start < input.count {
        let end = min(input.count, start + 1 + start % 7)
        pieces += cut.take(input[start..<end])
        start = end
      }
      guard events == pieces else { throw Violation("messages depend on the pieces in which the bytes come") }
      for case .message(let message) in events where message.count > 300 || message.contains(0x1C) {
        throw Violation("a message is longer than allowed, or holds an end")
      }
    }
    return 0
  }
}
