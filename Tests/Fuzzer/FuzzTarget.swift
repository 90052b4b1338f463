/// A reader of one format, as the fuzzer calls it.
protocol FuzzTarget: AnyObject {
  /// Sound inputs, from which broken ones are made.
  var seeds: [[UInt8]] { get }
  /// Words of the format that a random change hardly ever makes.
  var words: [String] { get }
  /// How many inputs are read at once, where starting a reader costs more than reading.
  var batch: Int { get }

  /// Reads inputs.
  ///
  /// - Returns: How many were refused with a proper error.
  /// - Throws: ``Violation``, or any error that a reader of this format must not throw.
  func read(_ inputs: [[UInt8]]) throws -> Int
}

extension FuzzTarget {
  var words: [String] { [] }
  var batch: Int { 1 }
}

/// A promise of a reader that an input has broken.
struct Violation: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Counts an input as refused if reading it throws the format's own error; any other error is a defect and goes on.
func refused<E: Error>(_ error: E.Type, _ body: () throws -> Void) throws -> Int {
  do {
    try body()
    return 0
  } catch is E {
    return 1
  }
}

/// The formats, by the names of the command line.
enum FuzzFormat: String, CaseIterable {
  case json, records, csv, hl7, mllp, fhir, yaml, sql
  case deltaLog = "delta-log"
  case checkpoint, postgres, http

  /// A reader of the format, with whatever it needs open.
  func target() throws -> any FuzzTarget {
    switch self {
    case .json: JSONTarget()
    case .records: try RecordTarget()
    case .csv: try CSVTarget()
    case .hl7: HL7Target()
    case .mllp: MLLPTarget()
    case .fhir: try FHIRTarget()
    case .yaml: try DefinitionTarget(mutates: "yml")
    case .sql: try DefinitionTarget(mutates: "sql")
    case .deltaLog: try DeltaLogTarget()
    case .checkpoint: try CheckpointTarget()
    case .postgres: PostgresTarget()
    case .http: try HTTPTarget()
    }
  }
}
