/// What can be wrong with a simulated reading of a wearable device. A reading has one fault at most.
public enum VitalsFault: UInt8, SimulatedFault {
  /// Not JSON: cut off, or no JSON at all.
  case corrupt
  /// A good reading that arrives late: its timestamp is between a minute and half an hour old.
  case late
  /// Byte for byte the copy of an earlier good reading.
  case duplicate
  /// The device's clock is wrong: its timestamp lies between ten minutes and two days in the future.
  case clockSkewed
  /// A value outside the hard validity limits of the clinical reference.
  case outOfRange
  /// The temperature is in °F without saying so; the reading is good once converted.
  case fahrenheit
  /// One or more values are 0, which is how monitors say "no signal"; the rest of the reading is good.
  case noSignal

  /// Whether the reading belongs into quarantine.
  public var isQuarantined: Bool {
    switch self {
    case .corrupt, .clockSkewed, .outOfRange: true
    case .late, .duplicate, .fahrenheit, .noSignal: false
    }
  }
}

/// How often each fault of a vitals reading occurs.
public typealias VitalsFaultRates = FaultMixture<VitalsFault>
