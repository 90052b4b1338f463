/// Units of measure as UCUM writes them (Unified Code for Units of Measure), from the spellings that devices,
/// laboratories and Synthea use.
public enum Units {
  private static let aliases: [String: String] = [
    "bpm": "/min", "/min": "/min", "insp/min": "/min", "{beats}/min": "/min", "breaths/min": "/min",
    "mmhg": "mm[Hg]", "mm[hg]": "mm[Hg]",
    "cel": "Cel", "c": "Cel", "°c": "Cel", "deg. c": "Cel", "degc": "Cel", "?c": "Cel",
    "[degf]": "[degF]", "f": "[degF]", "°f": "[degF]", "deg. f": "[degF]", "degf": "[degF]", "?f": "[degF]",
    "%": "%", "percent": "%",
    "iu/l": "U/L", "u/l": "U/L",
    "k/ul": "10*3/uL", "10*9/l": "10*3/uL", "x10e3/ul": "10*3/uL", "10*3/ul": "10*3/uL", "10^3/ul": "10*3/uL",
    "meq/l": "mmol/L", "mmol/l": "mmol/L", "umol/l": "umol/L", "µmol/l": "umol/L", "μmol/l": "umol/L",
    "lpm": "L/min", "l/min": "L/min",
    "mg/dl": "mg/dL", "g/dl": "g/dL", "g/l": "g/L",
    "kg/m2": "kg/m2", "kg/m^2": "kg/m2", "kg": "kg", "cm": "cm", "{score}": "{score}",
  ]

  /// The UCUM unit of a spelling; `nil` for an unknown one, for nothing and for the literal text `null`.
  public static func normalized(_ unit: String) -> String? {
    var text = unit[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return aliases[text.lowercased()]
  }

  /// `value` of `unit` in the unit that the parameter is kept in; `nil` if the unit is unknown or measures something
  /// else. Temperatures are read by ``BodyTemperature``.
  public static func convert(_ value: Double, from unit: String, to parameter: ClinicalParameter) -> Double? {
    guard let unit = normalized(unit) else { return nil }
    if unit == parameter.unit { return value }
    switch (parameter, unit) {
    case (.bodyTemperature, "[degF]"): return BodyTemperature.celsius(value)
    case (.glucose, "mmol/L"): return value * 18.016
    case (.creatinine, "umol/L"): return value / 88.42
    case (.hemoglobin, "g/L"): return value / 10
    case (.hemoglobin, "mmol/L"): return value / 0.6206
    case (.cholesterol, "mmol/L"): return value * 38.67
    default: return nil
    }
  }
}
