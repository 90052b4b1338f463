/// A kind of patients whose measurements and outcomes a ``CohortSimulator`` writes.
///
/// Something that no record holds (a severity, a disposition) drives both, each with noise of its own: an outcome can be
/// learned from the measurements, but is no function of them.
public protocol Cohort: Sendable {
  /// What is known about one patient beside the identifier.
  associatedtype Patient: Sendable

  /// The measured fields in the order in which a record holds them.
  static var fields: [ObservationField] { get }
  /// Names of the outcomes; an ``Observation`` holds the position of one.
  static var outcomes: [String] { get }
  /// What the outcome's column is called in training rows.
  static var label: String { get }

  /// What training rows tell of a patient beside the measurements, such as an age group.
  static var attributes: [String] { get }

  /// A new patient.
  static func patient(_ random: inout SeededRandom) -> Patient
  /// Lives on to the next measurement and takes it.
  static func observe(_ patient: inout Patient, _ random: inout SeededRandom) -> Observation
  /// The values of ``attributes``.
  static func attributes(of patient: Patient) -> [String]
}

extension Cohort {
  /// None.
  public static var attributes: [String] { [] }
  /// None.
  public static func attributes(of patient: Patient) -> [String] { [] }
}

/// One measurement of a patient with what came of it.
public struct Observation: Sendable, Hashable {
  /// One value per field of the cohort; NaN was not measured.
  public var values: [Double]
  /// Position of the outcome among the cohort's.
  public var outcome: Int
  /// Hours from the measurement to the adverse event; nil if none came.
  public var eventAfterHours: Double?

  /// An observation from its parts.
  public init(values: [Double], outcome: Int, eventAfterHours: Double? = nil) {
    self.values = values
    self.outcome = outcome
    self.eventAfterHours = eventAfterHours
  }
}

/// How a measured field stands in a record.
public struct ObservationField: Sendable, Hashable {
  /// The key.
  public let name: String
  /// Digits behind the point.
  public let decimals: Int
  /// What a reading that was not taken looks like.
  public let absent: Absent
  /// A value above the hard validity limit, as a broken device might send it.
  let tooHigh: String
  let prefix: [UInt8]

  /// What stands where a value is not known.
  public enum Absent: String, Sendable, Hashable {
    /// `null`.
    case null
    /// 0, as in the Pima data.
    case zero = "0"
  }

  /// A field from its parts.
  init(_ name: String, decimals: Int, absent: Absent = .null, tooHigh: String) {
    self.name = name
    self.decimals = decimals
    self.absent = absent
    self.tooHigh = tooHigh
    prefix = Array(",\"\(name)\":".utf8)
  }
}
