internal import Glibc

/// Takes records from clients that push them (HTTP, MQTT, HL7) and answers when they are durable.
///
/// Two implementations: `IngestLog` writes files into the pipeline's landing directory and answers after the sync;
/// `TopicIngest` sends to the pipeline's topic and answers after the brokers' acknowledgement. All methods may be called
/// from any thread and block it; callers that come at the same time share one sync.
///
/// What was answered is never lost. What was not answered (an error, a crash) may be there in part: the client sends it
/// again and the pipeline's deduplication drops the repeats.
public protocol RecordIngest: AnyObject, Sendable {
  /// Makes records durable, all of them or, after an error, perhaps some of them.
  func append(_ records: IngestRecords) throws(IngestError) -> IngestReceipt

  /// Frees files and connections after the appends in hand. Later appends throw `closed`.
  func close()
}

extension RecordIngest {
  /// Makes the records of NDJSON text durable: one per line, blank lines are none.
  public func append(lines: [UInt8]) throws(IngestError) -> IngestReceipt { try append(IngestRecords(lines: lines)) }

  /// Makes whole payloads durable, one record each.
  public func append(payloads: [[UInt8]]) throws(IngestError) -> IngestReceipt {
    try append(IngestRecords(payloads: payloads))
  }
}

/// Records on their way into a log or a topic: lines that each end in a line feed, none of them blank.
public struct IngestRecords: Sendable {
  /// The lines.
  public private(set) var bytes: [UInt8] = []
  /// How many there are.
  public private(set) var count = 0

  /// No records yet.
  public init() {}

  /// The records of NDJSON text: one per line, blank lines left out. The last line may lack its end.
  public init(lines: [UInt8]) {
    let (count, hasBlank) = Self.look(at: lines)
    guard hasBlank else {
      (bytes, self.count) = (lines, count)
      if let last = lines.last, last != Self.lineFeed { bytes.append(Self.lineFeed) }
      return
    }
    bytes.reserveCapacity(lines.count + 1)
    for line in lines.split(separator: Self.lineFeed) where !Self.isBlank(line) { add(line) }
  }

  /// One record for each payload.
  public init(payloads: [[UInt8]]) {
    for payload in payloads { append(payload: payload) }
  }

  /// Adds one payload as one record.
  ///
  /// Line feeds in it become spaces, which leaves JSON what it was (within strings JSON has none). An empty payload becomes
  /// `null`, so that it shows in quarantine instead of vanishing.
  public mutating func append(payload: some Collection<UInt8>) {
    if payload.allSatisfy({ Self.isSpace($0) || $0 == Self.lineFeed }) {
      add("null".utf8)
    } else if payload.contains(Self.lineFeed) {
      add(payload.lazy.map { $0 == Self.lineFeed ? 0x20 : $0 })
    } else {
      add(payload)
    }
  }

  private static let lineFeed = UInt8(ascii: "\n")

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

  private static func isBlank(_ line: some Collection<UInt8>) -> Bool { line.allSatisfy(isSpace) }

  /// The number of lines, and whether one of them is blank: in one pass that looks at little more than the line ends.
  private static func look(at lines: [UInt8]) -> (count: Int, hasBlank: Bool) {
    lines.withUnsafeBytes { text in
      var (start, count) = (0, 0)
      while let base = text.baseAddress, start < text.count {
        let line = base + start
        let left = text.count - start
        let length = memchr(line, Int32(lineFeed), left).map { line.distance(to: $0) } ?? left
        let isSuspect = length == 0 || isSpace(text[start])
        if isSuspect, isBlank(text[start..<(start + length)]) { return (count, true) }
        count += 1
        start += length + 1
      }
      return (count, false)
    }
  }

  private mutating func add(_ line: some Sequence<UInt8>) {
    bytes.append(contentsOf: line)
    bytes.append(Self.lineFeed)
    count += 1
  }
}

/// What an append made durable.
public struct IngestReceipt: Sendable, Hashable {
  /// Records.
  public var records: Int
  /// Their bytes, line ends included.
  public var bytes: Int
}

/// Why records were not taken. Nothing of them was promised to anybody; the texts hold no record.
public enum IngestError: Error, Sendable, Hashable, CustomStringConvertible {
  /// More bytes wait to be read by the pipeline than are allowed (HTTP 429).
  case backlog(bytes: Int64, limit: Int64, retryAfterSeconds: Int)
  /// The disk or the brokers did not take them; another attempt may succeed (HTTP 503).
  case unavailable(reason: String, retryAfterSeconds: Int)
  /// One request holds more than is taken at once (HTTP 413).
  case tooLarge(bytes: Int, limit: Int)
  /// The pipeline takes no records in this way, or not as it is configured now.
  case refused(reason: String)
  /// The ingest was closed, because the process ends.
  case closed

  /// When another attempt makes sense; nil: never.
  public var retryAfterSeconds: Int? {
    switch self {
    case .backlog(_, _, let seconds), .unavailable(_, let seconds): seconds
    case .closed: 1
    case .tooLarge, .refused: nil
    }
  }

  /// One line with a remedy.
  public var description: String {
    switch self {
    case .backlog(let bytes, let limit, let seconds):
      "ingest: \(bytes) bytes wait for the pipeline and \(limit) are allowed; try again in \(seconds) s (is lakeward run running?)"
    case .unavailable(let reason, let seconds):
      "ingest: the records could not be made durable: \(reason); try again in \(seconds) s"
    case .tooLarge(let bytes, let limit):
      "ingest: \(bytes) bytes in one request and \(limit) are allowed; send smaller ones"
    case .refused(let reason): "ingest: \(reason)"
    case .closed: "ingest: the process is about to end; try again"
    }
  }
}
