/// A body temperature as it was read from a source that may write °C or °F, with or without saying so.
public enum BodyTemperature: Sendable, Hashable {
  /// Degrees Celsius, by the unit that was given or, without one, by the only unit that fits.
  case celsius(Double)
  /// Degrees Celsius by range, because the unit that was given cannot be true: to be kept as suspect.
  case unitMismatch(celsius: Double)
  /// No unit makes this a body temperature.
  case rejected

  /// Hard validity limits in °C.
  public static let validCelsius: ClosedRange<Double> = 25...45
  private static let validFahrenheit: ClosedRange<Double> = 77...113

  /// Reads a value with the unit that its source gave, if any. The two valid spans (25–45 °C, 77–113 °F) do not
  /// overlap, so a missing or wrong unit can be decided by range.
  public init(_ value: Double, unit: String? = nil) {
    let fitsCelsius = Self.validCelsius.contains(value)
    let fitsFahrenheit = Self.validFahrenheit.contains(value)
    switch unit.flatMap(Units.normalized) {
    case "Cel":
      self = fitsCelsius ? .celsius(value) : fitsFahrenheit ? .unitMismatch(celsius: Self.celsius(value)) : .rejected
    case "[degF]":
      self = fitsFahrenheit ? .celsius(Self.celsius(value)) : fitsCelsius ? .unitMismatch(celsius: value) : .rejected
    default:
      self = fitsCelsius ? .celsius(value) : fitsFahrenheit ? .celsius(Self.celsius(value)) : .rejected
    }
  }

  /// Degrees Celsius from degrees Fahrenheit.
  public static func celsius(_ fahrenheit: Double) -> Double {
    (fahrenheit - 32) * 5 / 9
  }

  /// The temperature in °C; `nil` if it was rejected.
  public var degreesCelsius: Double? {
    switch self {
    case .celsius(let value), .unitMismatch(let value): value
    case .rejected: nil
    }
  }
}
