/// What the simulated body has a level of. The raw value is the lane of the analyte in ``Levels``.
///
/// The first ten are the measurements of an illness record, in the order in which a record gives them.
enum Analyte: Int, CaseIterable, Sendable {
  case bodyMassIndex, bodyTemperature, heartRate, systolicPressure, creatinine, alanineAminotransferase, glucose
  case hemoglobin, leukocytes, oxygenSaturation
  case diastolicPressure, respiratoryRate, cholesterol, potassium, sodium, ureaNitrogen

  /// How many of the analytes an illness record carries.
  static let inRecord = 10

  /// Skewed analytes are kept as natural logarithms, so that effects multiply.
  var isLogarithmic: Bool {
    switch self {
    case .creatinine, .alanineAminotransferase, .glucose, .leukocytes, .ureaNitrogen: true
    default: false
    }
  }
}

/// One number per ``Analyte``; natural logarithms where the analyte is skewed.
typealias Levels = SIMD16<Float>

extension Levels {
  /// Levels that are 0 except for the given analytes.
  static func of(_ values: [Analyte: Float]) -> Levels {
    var levels = Levels(repeating: 0)
    for (analyte, value) in values {
      levels[analyte] = value
    }
    return levels
  }

  subscript(analyte: Analyte) -> Float {
    get { self[analyte.rawValue] }
    set { self[analyte.rawValue] = newValue }
  }
}
