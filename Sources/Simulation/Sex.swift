/// Administrative sex as Synthea and the illness records carry it.
public enum Sex: UInt8, Sendable, Hashable {
  /// `F` in Synthea, 0 in an illness record.
  case female = 0
  /// `M` in Synthea, 1 in an illness record.
  case male = 1
}
