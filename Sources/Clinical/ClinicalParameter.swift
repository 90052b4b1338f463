/// A vital sign or laboratory test that Lakeward knows: its codes, its unit and, in ``limits``, what its values mean.
public enum ClinicalParameter: String, Sendable, Hashable, CaseIterable {
  /// Heart rate.
  case heartRate = "heart_rate"
  /// Respiratory rate.
  case respiratoryRate = "respiratory_rate"
  /// Oxygen saturation by pulse oximetry, or of arterial blood where a source does not tell them apart.
  case oxygenSaturation = "oxygen_saturation"
  /// Body temperature.
  case bodyTemperature = "body_temperature"
  /// Systolic blood pressure.
  case systolicPressure = "systolic_blood_pressure"
  /// Diastolic blood pressure.
  case diastolicPressure = "diastolic_blood_pressure"
  /// Mean blood pressure.
  case meanPressure = "mean_blood_pressure"
  /// Body mass index.
  case bodyMassIndex = "body_mass_index"
  /// Glucose in serum, plasma or blood.
  case glucose
  /// Creatinine in serum, plasma or blood.
  case creatinine
  /// Alanine aminotransferase.
  case alanineAminotransferase = "alt"
  /// Hemoglobin.
  case hemoglobin
  /// Leukocytes.
  case leukocytes
  /// Total cholesterol.
  case cholesterol
  /// Hemoglobin A1c.
  case hemoglobinA1c = "hba1c"
  /// Potassium.
  case potassium
  /// Sodium.
  case sodium
  /// Platelets.
  case platelets

  /// LOINC codes of this analyte, the preferred one first. Sources use several for the same thing: routine panels of
  /// Synthea have the codes for blood, a few of its modules those for serum or plasma.
  public var loincCodes: [String] {
    switch self {
    case .heartRate: ["8867-4"]
    case .respiratoryRate: ["9279-1"]
    case .oxygenSaturation: ["59408-5", "2708-6", "20564-1"]
    case .bodyTemperature: ["8310-5"]
    case .systolicPressure: ["8480-6"]
    case .diastolicPressure: ["8462-4"]
    case .meanPressure: ["8478-0"]
    case .bodyMassIndex: ["39156-5"]
    case .glucose: ["2345-7", "2339-0"]
    case .creatinine: ["2160-0", "38483-4"]
    case .alanineAminotransferase: ["1742-6"]
    case .hemoglobin: ["718-7"]
    case .leukocytes: ["6690-2", "26464-8", "804-5"]
    case .cholesterol: ["2093-3"]
    case .hemoglobinA1c: ["4548-4"]
    case .potassium: ["2823-3", "6298-4"]
    case .sodium: ["2951-2", "2947-0"]
    case .platelets: ["777-3"]
    }
  }

  /// The UCUM unit that values are kept in.
  public var unit: String {
    switch self {
    case .heartRate, .respiratoryRate: "/min"
    case .oxygenSaturation, .hemoglobinA1c: "%"
    case .bodyTemperature: "Cel"
    case .systolicPressure, .diastolicPressure, .meanPressure: "mm[Hg]"
    case .bodyMassIndex: "kg/m2"
    case .glucose, .creatinine, .cholesterol: "mg/dL"
    case .alanineAminotransferase: "U/L"
    case .hemoglobin: "g/dL"
    case .leukocytes, .platelets: "10*3/uL"
    case .potassium, .sodium: "mmol/L"
    }
  }

  private static let byLOINC: [String: ClinicalParameter] = {
    var parameters: [String: ClinicalParameter] = [:]
    for parameter in allCases {
      for code in parameter.loincCodes {
        parameters[code] = parameter
      }
    }
    return parameters
  }()

  /// The parameter of a LOINC code; `nil` for a code that is none of these.
  public init?(loinc: String) {
    guard let parameter = Self.byLOINC[loinc] else { return nil }
    self = parameter
  }
}
