/// What can be wrong with a simulated illness record. A record has one fault at most, so that each fault's count is
/// the number of rows that it must lead to.
public enum RecordFault: UInt8, SimulatedFault {
  /// Not JSON: cut off, a separator lost, or no JSON at all.
  case brokenJSON
  /// A value of a type that cannot be read as the field's (text for a number, an object, a number for an identifier).
  case wrongType
  /// Without `patient_id` or without `timestamp` (left out or null).
  case missingRequired
  /// The token `NaN` where a number belongs.
  case notANumber
  /// A number outside the hard validity limits of the clinical reference.
  case outOfLimits
  /// The text is not UTF-8 (a Latin-1 letter in a field that no schema names).
  case invalidUTF8
  /// A good record whose timestamp is between a minute and two days old.
  case late
  /// Byte for byte the copy of an earlier good record.
  case duplicate
  /// A good record with a field that no schema names.
  case extraField

  /// Whether the record belongs into quarantine. The others are kept, except that a duplicate is dropped.
  public var isQuarantined: Bool {
    switch self {
    case .brokenJSON, .wrongType, .missingRequired, .notANumber, .outOfLimits, .invalidUTF8: true
    case .late, .duplicate, .extraField: false
    }
  }
}

/// How often each fault of an illness record occurs.
public typealias FaultRates = FaultMixture<RecordFault>
