/// The age groups that the illness pipeline and the population reports count by.
public enum AgeGroup: String, Sendable, Hashable, CaseIterable {
  /// Under 18 years.
  case child = "0-17"
  /// 18 to 34 years.
  case youngAdult = "18-34"
  /// 35 to 49 years.
  case adult = "35-49"
  /// 50 to 64 years.
  case middleAged = "50-64"
  /// 65 to 79 years.
  case senior = "65-79"
  /// 80 years and over.
  case elder = "80+"

  /// The group of an age in completed years; `nil` for a negative age.
  public init?(completedYears: Int) {
    switch completedYears {
    case ..<0: return nil
    case ..<18: self = .child
    case ..<35: self = .youngAdult
    case ..<50: self = .adult
    case ..<65: self = .middleAged
    case ..<80: self = .senior
    default: self = .elder
    }
  }
}
