extension FHIRMapping {
  /// All mappings, in the order in which their tables are written.
  static let all = people + care + [observations]

  private static let valueMembers =
    member("valueQuantity", quantity) + "," + member("valueCodeableConcept", concept) + ","
    + text("valueString valueInteger valueBoolean valueDateTime valueTime") + ","
    + member("valueRange", "{\"low\":\(quantity),\"high\":\(quantity)}") + ","
    + member("valueRatio", "{\"numerator\":\(quantity),\"denominator\":\(quantity)}") + ","
    + member("code", concept)

  /// One value as a struct; `x` is an observation or one of its components.
  private static func value(_ x: String) -> String {
    """
    {'code': \(x).code, 'quantity': \(x).valueQuantity, 'range': \(x).valueRange, \
    'text': coalesce(\(x).valueCodeableConcept.coding[1].display, \(x).valueCodeableConcept."text", \
    \(x).valueCodeableConcept.coding[1].code, \(x).valueString, \(x).valueBoolean, \(x).valueDateTime, \(x).valueTime, \
    \(x).valueRatio.numerator.value || ':' || \(x).valueRatio.denominator.value, \
    \(x).valueRange.low.value || '-' || \(x).valueRange.high.value), 'whole': \(x).valueInteger}
    """
  }

  /// A row for each value: of the observation itself and of each component (blood pressure). A panel that only names its
  /// members holds no value and is no row. What is only planned or was cancelled has none either.
  private static let observations = FHIRMapping(
    "observations", "Observation",
    structure: [
      text("status effectiveDateTime effectiveInstant"), member("effectivePeriod", period),
      member("category", "[\(concept)]"), member("subject encounter", reference), valueMembers,
      "\"component\":[{\(valueMembers)}]",
    ],
    values: """
      , unnest(list_filter(list_concat([\(value("r"))], \
      list_transform(r.component, lambda k: \(value("k")))), \
      lambda x: coalesce(x.quantity.value, x.whole, x."text") IS NOT NULL)) AS v
      """,
    retracted: "coalesce(r.status, '') IN ('cancelled', 'entered-in-error', 'registered')",
    columns: """
      date!: coalesce(r.effectiveDateTime, r.effectiveInstant, r.effectivePeriod."start")
      patient!: fhir_id(r.subject.reference)
      encounter: fhir_id(r.encounter.reference)
      category: r.category[1].coding[1].code
      code!: fhir_pick(v.code.coding, 'http://loinc.org').code
      description: fhir_words(v.code, 'http://loinc.org')
      value: coalesce(coalesce(v.quantity.comparator, '') || v.quantity.value, v.whole, v."text")
      units: coalesce(v.quantity.code, v.quantity.unit, v.range.low.code, v.range.low.unit)
      type: CASE WHEN v.whole IS NOT NULL OR (v.quantity.value IS NOT NULL AND v.quantity.comparator IS NULL) THEN 'numeric' ELSE 'text' END
      """)
}
