/// What becomes of days and moments.
public enum DateRule: String, Sendable, Hashable, CaseIterable, Encodable {
  /// The year alone stays, as 45 CFR 164.514(b)(2)(i)(C) asks.
  case year
  /// All days of a patient move back by the same number of days, 1 to 365, drawn by chance. Intervals stay; months and
  /// days stay too, so this is not Safe Harbor and needs an expert's determination (164.514(b)(1)) or an agreement on a
  /// limited data set.
  case shifted
}
