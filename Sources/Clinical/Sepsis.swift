/// Points counted from the criteria that are known, with the most that the unknown ones could add.
public struct CriteriaCount: Sendable, Hashable {
  /// Criteria known to be met.
  public let minimum: Int
  /// Criteria known to be met, and those that are not known.
  public let maximum: Int
  /// From how many criteria on the screen is positive.
  public let threshold: Int

  init(_ criteria: [Bool?], threshold: Int) {
    minimum = criteria.filter { $0 == true }.count
    maximum = criteria.filter { $0 != false }.count
    self.threshold = threshold
  }

  /// Whether the screen is positive; `nil` if that depends on what is not known.
  public var isPositive: Bool? {
    if minimum >= threshold { return true }
    return maximum < threshold ? false : nil
  }

  /// The count; `nil` if a criterion is not known.
  public var count: Int? { minimum == maximum ? minimum : nil }
}

/// The quick Sequential Organ Failure Assessment: one point each for a respiratory rate of 22/min or more, altered
/// mentation (Glasgow Coma Scale under 15) and a systolic pressure of 100 mmHg or less; 2 or more are positive in a
/// patient with suspected infection (Sepsis-3, Singer et al., JAMA 2016;315:801).
public enum QSOFA {
  /// Counts the criteria.
  ///
  /// - Parameters:
  ///   - respiratoryRate: Per minute.
  ///   - systolicPressure: In mmHg.
  ///   - hasAlteredMentation: Glasgow Coma Scale under 15, or any level of consciousness but alert.
  public static func count(
    respiratoryRate: Double?, systolicPressure: Double?, hasAlteredMentation: Bool?
  ) -> CriteriaCount {
    CriteriaCount(
      [respiratoryRate.map { $0 >= 22 }, hasAlteredMentation, systolicPressure.map { $0 <= 100 }], threshold: 2)
  }
}

/// The systemic inflammatory response syndrome (ACCP/SCCM consensus, Bone et al., 1992); 2 or more of 4 are positive.
public enum SIRS {
  /// Counts the criteria. All comparisons are strict.
  ///
  /// - Parameters:
  ///   - temperature: In °C; met above 38.0 or below 36.0.
  ///   - heartRate: Per minute; met above 90.
  ///   - respiratoryRate: Per minute; met above 20, one criterion together with the carbon dioxide pressure.
  ///   - carbonDioxidePressure: PaCO2 in mmHg; met below 32.
  ///   - leukocytes: In 10³/µL; met above 12 or below 4, one criterion together with the immature forms.
  ///   - immatureFormsPercent: Band forms in percent; met above 10.
  public static func count(
    temperature: Double?, heartRate: Double?, respiratoryRate: Double?, carbonDioxidePressure: Double? = nil,
    leukocytes: Double?, immatureFormsPercent: Double? = nil
  ) -> CriteriaCount {
    CriteriaCount(
      [
        temperature.map { $0 > 38 || $0 < 36 },
        heartRate.map { $0 > 90 },
        either(respiratoryRate.map { $0 > 20 }, carbonDioxidePressure.map { $0 < 32 }),
        either(leukocytes.map { $0 > 12 || $0 < 4 }, immatureFormsPercent.map { $0 > 10 }),
      ], threshold: 2)
  }

  /// One of two ways to meet a criterion; the second is usually not measured, so that the first alone decides.
  private static func either(_ usual: Bool?, _ other: Bool?) -> Bool? {
    if usual == true || other == true { return true }
    return usual ?? other
  }
}
