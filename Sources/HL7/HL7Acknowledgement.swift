/// The answer to a message (HL7 v2.5.1, section 2.9): accepted, faulty, or rejected for now.
public enum HL7Acknowledgement: Sendable, Hashable {
  /// AA: the message is durable.
  case accepted
  /// AE: the message is faulty and was put aside; sending it again helps nobody.
  case faulty(HL7Error)
  /// AR: nothing was taken; the sender may try again.
  case rejected(reason: String)

  /// The code of MSA-1.
  public var code: String {
    switch self {
    case .accepted: "AA"
    case .faulty: "AE"
    case .rejected: "AR"
    }
  }

  /// The answer as a message: segments that end in carriage returns.
  ///
  /// - Parameters:
  ///   - message: What is answered; nil if it could not be read.
  ///   - id: The answer's own control id.
  ///   - time: When it is given, as HL7 writes it.
  public func text(to message: HL7Message?, id: String, time: String) -> String {
    func field(_ number: Int) -> String { Self.escaped(message?.header.text(number) ?? "") }
    let event = message?.type.event.map { "ACK^\(Self.escaped($0))^ACK" } ?? "ACK"
    let kind = message?.header.text(11).map(Self.escaped) ?? "P"
    let version = message?.header.text(12).map(Self.escaped) ?? "2.5.1"
    var out = "MSH|^~\\&|\(field(5))|\(field(6))|\(field(3))|\(field(4))|\(time)||\(event)|\(id)|\(kind)|\(version)"
    out += "|||||||UNICODE UTF-8\r"
    out += "MSA|\(code)|\(Self.escaped(message?.controlId ?? ""))\r"
    switch self {
    case .accepted: break
    case .faulty(let error):
      let place = "\(Self.escaped(error.segment))^1\(error.field.map { "^\($0)" } ?? "")"
      out += "ERR||\(place)|\(error.code)^^HL70357|E||||\(Self.escaped(error.description))\r"
    case .rejected(let reason): out += "ERR|||207^Application internal error^HL70357|E||||\(Self.escaped(reason))\r"
    }
    return out
  }

  private static func escaped(_ text: String) -> String {
    var out = ""
    for character in text {
      switch character {
      case "\\": out += "\\E\\"
      case "|": out += "\\F\\"
      case "^": out += "\\S\\"
      case "~": out += "\\R\\"
      case "&": out += "\\T\\"
      case "\r", "\n", "\r\n": out += "\\.br\\"
      default: out.append(character)
      }
    }
    return out
  }
}
