/// What a column says of a person, in the terms of the HIPAA Privacy Rule: the eighteen kinds of identifiers of
/// 45 CFR 164.514(b)(2)(i), and what is none of them. `phi:` in a pipeline's YAML names it.
public enum PHIClass: String, Sendable, Hashable, CaseIterable {
  /// No identifier: codes, measured values, costs, counts.
  case none
  /// No identifier, but shared by few people when combined: sex, race, ethnicity, marital status, state.
  case demographic
  /// The identifier of a patient: a medical record number (H) or another unique code (R).
  case patient = "patient_id"
  /// The identifier of something else about a patient: encounter, claim, account (J, R).
  case record = "record_id"
  /// A day or a moment (C).
  case date
  /// The day of birth (C); ages over 89 show in it.
  case birthDate = "birth_date"
  /// The day of death (C).
  case deathDate = "death_date"
  /// An age in years, or the name of an age group (C).
  case age
  /// A five-digit postal code (B).
  case postalCode = "postal_code"
  /// Any other place below a state: address, city, county, coordinates (B).
  case geography
  /// A name (A).
  case name
  /// A telephone number (D).
  case telephone
  /// A fax number (E).
  case fax
  /// An electronic mail address (F).
  case email
  /// A social security number (G).
  case socialSecurity = "social_security_number"
  /// A health plan beneficiary number (I).
  case healthPlan = "health_plan_number"
  /// A certificate or licence number (K).
  case license = "license_number"
  /// A vehicle's identifier or plate (L).
  case vehicle = "vehicle_id"
  /// A device's identifier or serial number (M).
  case device = "device_id"
  /// A web address (N).
  case url
  /// An internet protocol address (O).
  case internetAddress = "ip_address"
  /// A finger or voice print (P).
  case biometric
  /// A photograph (Q).
  case photograph
  /// Text that people wrote, a raw message, or anything that may hold identifiers of any kind.
  case freeText = "free_text"

  /// Whether the column says something that the rule calls an identifier, so that its values are protected.
  public var isIdentifier: Bool { self != .none && self != .demographic }
}
