/// Looks once more at the text that is about to leave: what is shaped like an identifier stops the export.
enum LeakCheck {
  /// Names of code systems, which are web addresses in FHIR and Synthea and say nothing of anybody.
  static let codeSystems = [
    "http://snomed.info/sct", "http://loinc.org", "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://hl7.org/fhir/sid/cvx", "http://hl7.org/fhir/sid/icd-10-cm", "http://unitsofmeasure.org",
  ]

  /// Kinds of identifiers with their shapes as regular expressions (RE2).
  static let shapes: [(kind: String, pattern: String)] = [
    ("a social security number", #"(^|[^0-9-])[0-9]{3}-[0-9]{2}-[0-9]{4}($|[^0-9-])"#),
    ("a telephone number", #"(^|[^0-9])(\([0-9]{3}\) ?|[0-9]{3}[-. ])[0-9]{3}[-. ][0-9]{4}($|[^0-9])"#),
    ("an e-mail address", #"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z]{2,}"#),
    ("a web address", #"(https?|ftp)://|www\."#),
    ("an IP address", #"(^|[^0-9.])([0-9]{1,3}\.){3}[0-9]{1,3}($|[^0-9.])"#),
    (
      "a date",
      #"(^|[^0-9])((18|19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]|[0-3]?[0-9]/[0-3]?[0-9]/(18|19|20)?[0-9]{2})($|[^0-9])"#
    ),
    ("a UUID", #"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"#),
  ]
}
