extension FHIRMapping {
  /// What was found and done. Conditions come first: others name them as their reason.
  static let care = [
    conditions, encounters, medications, procedures, immunizations, allergies, careplans, devices, claims,
  ]

  /// The condition that a resource names as its reason: by a code of its own, or by reference.
  private static let reasonMembers =
    member("reasonCode", "[\(concept)]") + "," + member("reasonReference", "[\(reference)]")
  private static let reasonJoin = """
     LEFT JOIN fhir_reasons AS why ON why.record = 'Condition/' || fhir_id(r.reasonReference[1].reference)
    """
  private static let reasonColumns = """
    reasoncode: coalesce(fhir_pick(r.reasonCode[1].coding, \(snomed)).code, why.code)
    reasondescription: coalesce(fhir_words(r.reasonCode[1], \(snomed)), why.description)
    """

  private static let conditions = FHIRMapping(
    "conditions", "Condition",
    structure: [
      text("onsetDateTime recordedDate abatementDateTime"), member("onsetPeriod abatementPeriod", period),
      member("code verificationStatus", concept), member("subject encounter", reference),
    ],
    retracted: "coalesce(r.verificationStatus.coding[1].code, '') IN ('refuted', 'entered-in-error')",
    columns: """
      start!: coalesce(r.onsetDateTime, r.onsetPeriod."start", r.recordedDate)
      stop: coalesce(r.abatementDateTime, r.abatementPeriod."end", r.abatementPeriod."start")
      patient!: fhir_id(r.subject.reference)
      encounter: fhir_id(r.encounter.reference)
      system: fhir_pick(r.code.coding, \(snomed)).system
      code!: fhir_pick(r.code.coding, \(snomed)).code
      description: fhir_words(r.code, \(snomed))
      """)

  /// Synthea's classes from HL7's v3-ActCode; wellness, urgent care and hospice are told by the type alone.
  private static let encounters = FHIRMapping(
    "encounters", "Encounter",
    structure: [
      text("status"), #""class":{"code":"VARCHAR"}"#, member("type", "[\(concept)]"), member("period", period),
      member("subject serviceProvider", reference), reasonMembers,
      member("participant", "[{\"individual\":\(reference)}]"),
    ],
    joins: reasonJoin,
    retracted: "coalesce(r.status, '') IN ('cancelled', 'entered-in-error', 'planned')",
    columns: """
      id!: id
      start!: r.period."start"
      stop: r.period."end"
      patient!: fhir_id(r.subject.reference)
      organization: fhir_id(r.serviceProvider.reference)
      provider: fhir_id(r.participant[1].individual.reference)
      encounterclass: CASE WHEN r."type"[1].coding[1].code IN ('162673000', '410620009', '410410006', '444971000124105') THEN 'wellness' WHEN r."type"[1].coding[1].code = '702927004' THEN 'urgentcare' WHEN r."type"[1].coding[1].code = '305336008' THEN 'hospice' ELSE CASE upper(r."class".code) WHEN 'AMB' THEN 'ambulatory' WHEN 'EMER' THEN 'emergency' WHEN 'IMP' THEN 'inpatient' WHEN 'ACUTE' THEN 'inpatient' WHEN 'NONAC' THEN 'inpatient' WHEN 'OBSENC' THEN 'observation' WHEN 'HH' THEN 'home' WHEN 'VR' THEN 'virtual' WHEN 'SS' THEN 'outpatient' ELSE lower(r."class".code) END END
      code: fhir_pick(r."type"[1].coding, \(snomed)).code
      description: fhir_words(r."type"[1], \(snomed))

      """ + reasonColumns)

  /// The end is the validity's, or what the supply lasts for; a request that was stopped without either has none.
  private static let medications = FHIRMapping(
    "medications", "MedicationRequest",
    structure: [
      text("status intent authoredOn"), member("medicationCodeableConcept", concept),
      member("subject encounter medicationReference", reference), reasonMembers,
      #""dispenseRequest":{"validityPeriod":\#(period),"numberOfRepeatsAllowed":"VARCHAR","#
        + #""expectedSupplyDuration":\#(quantity)}"#,
      #""contained":[{"id":"VARCHAR","code":\#(concept)}]"#,
    ],
    values: """
      , coalesce(r.medicationCodeableConcept, \
      list_filter(r.contained, lambda c: '#' || c.id = r.medicationReference.reference)[1].code) AS drug, \
      coalesce(TRY_CAST(r.dispenseRequest.numberOfRepeatsAllowed AS INTEGER), 0) + 1 AS fills
      """,
    joins: reasonJoin
      + " LEFT JOIN fhir_medications AS named ON named.key = 'Medication/' || fhir_id(r.medicationReference.reference)",
    retracted: """
      coalesce(r.status, '') IN ('cancelled', 'entered-in-error', 'draft') \
      OR coalesce(r.intent, 'order') IN ('proposal', 'plan', 'option')
      """,
    columns: """
      start!: r.authoredOn
      stop: coalesce(r.dispenseRequest.validityPeriod."end", CAST(fhir_instant(r.authoredOn) + to_seconds(CAST(fhir_days(r.dispenseRequest.expectedSupplyDuration) * fills * 86400 AS BIGINT)) AS VARCHAR))
      patient!: fhir_id(r.subject.reference)
      encounter: fhir_id(r.encounter.reference)
      code!: fhir_pick(coalesce(drug, named.code).coding, \(rxnorm)).code
      description: fhir_words(coalesce(drug, named.code), \(rxnorm))
      dispenses: CASE WHEN r.dispenseRequest.numberOfRepeatsAllowed IS NOT NULL THEN CAST(fills AS VARCHAR) END

      """ + reasonColumns)

  private static let procedures = FHIRMapping(
    "procedures", "Procedure",
    structure: [
      text("status performedDateTime"), member("performedPeriod", period), member("code", concept),
      member("subject encounter", reference), reasonMembers,
    ],
    joins: reasonJoin,
    retracted: "coalesce(r.status, '') IN ('not-done', 'entered-in-error', 'preparation')",
    columns: """
      start!: coalesce(r.performedPeriod."start", r.performedDateTime)
      stop: r.performedPeriod."end"
      patient!: fhir_id(r.subject.reference)
      encounter: fhir_id(r.encounter.reference)
      system: fhir_pick(r.code.coding, \(snomed)).system
      code!: fhir_pick(r.code.coding, \(snomed)).code
      description: fhir_words(r.code, \(snomed))

      """ + reasonColumns)

  private static let immunizations = FHIRMapping(
    "immunizations", "Immunization",
    structure: [
      text("status occurrenceDateTime"), member("vaccineCode", concept), member("patient encounter", reference),
    ],
    retracted: "coalesce(r.status, '') IN ('not-done', 'entered-in-error')",
    columns: """
      date!: r.occurrenceDateTime
      patient!: fhir_id(r.patient.reference)
      encounter: fhir_id(r.encounter.reference)
      code!: fhir_pick(r.vaccineCode.coding, 'http://hl7.org/fhir/sid/cvx').code
      description: fhir_words(r.vaccineCode, 'http://hl7.org/fhir/sid/cvx')
      """)

  private static let allergies = FHIRMapping(
    "allergies", "AllergyIntolerance",
    structure: [
      text("onsetDateTime recordedDate lastOccurrence type"), #""category":["VARCHAR"]"#,
      member("code verificationStatus", concept), member("patient encounter", reference),
      #""reaction":[{"manifestation":[\#(concept)],"severity":"VARCHAR"}]"#,
    ],
    retracted: "coalesce(r.verificationStatus.coding[1].code, '') IN ('refuted', 'entered-in-error')",
    columns: """
      start!: coalesce(r.onsetDateTime, r.recordedDate)
      patient!: fhir_id(r.patient.reference)
      encounter: fhir_id(r.encounter.reference)
      code!: fhir_pick(r.code.coding, \(snomed)).code
      system: CASE fhir_pick(r.code.coding, \(snomed)).system WHEN \(snomed) THEN 'SNOMED-CT' WHEN \(rxnorm) THEN 'RxNorm' ELSE fhir_pick(r.code.coding, \(snomed)).system END
      description: fhir_words(r.code, \(snomed))
      type: r."type"
      category: r.category[1]
      reaction1: r.reaction[1].manifestation[1].coding[1].code
      description1: coalesce(r.reaction[1].manifestation[1].coding[1].display, r.reaction[1].manifestation[1]."text")
      severity1: upper(r.reaction[1].severity)
      reaction2: r.reaction[2].manifestation[1].coding[1].code
      description2: coalesce(r.reaction[2].manifestation[1].coding[1].display, r.reaction[2].manifestation[1]."text")
      severity2: upper(r.reaction[2].severity)
      """)

  /// Synthea's code is among the categories; elsewhere it is the first activity's.
  private static let careplans = FHIRMapping(
    "careplans", "CarePlan",
    structure: [
      text("status intent"), member("category", "[\(concept)]"), member("period", period),
      member("subject encounter", reference), member("addresses", "[\(reference)]"),
      #""activity":[{"detail":{"code":\#(concept)}}]"#,
    ],
    values: """
      , coalesce(list_filter(flatten(list_transform(r.category, lambda c: c.coding)), \
      lambda c: c.system = \(snomed))[1], r.activity[1].detail.code.coding[1]) AS plan
      """,
    joins: " LEFT JOIN fhir_reasons AS why ON why.record = 'Condition/' || fhir_id(r.addresses[1].reference)",
    retracted: "coalesce(r.status, '') IN ('entered-in-error', 'draft')",
    columns: """
      id!: id
      start!: r.period."start"
      stop: r.period."end"
      patient!: fhir_id(r.subject.reference)
      encounter: fhir_id(r.encounter.reference)
      code: plan.code
      description: plan.display
      reasoncode: why.code
      reasondescription: why.description
      """)

  /// FHIR keeps the time of use in another resource, which Synthea does not write: the day of making stands for it.
  private static let devices = FHIRMapping(
    "devices", "Device",
    structure: [
      text("status manufactureDate"), member("type", concept), member("patient", reference),
      #""udiCarrier":[{"carrierHRF":"VARCHAR","deviceIdentifier":"VARCHAR"}],"deviceName":[{"name":"VARCHAR"}]"#,
    ],
    retracted: "coalesce(r.status, '') = 'entered-in-error'",
    columns: """
      start!: r.manufactureDate
      patient!: fhir_id(r.patient.reference)
      code: fhir_pick(r."type".coding, \(snomed)).code
      description: coalesce(fhir_words(r."type", \(snomed)), r.deviceName[1].name)
      udi: coalesce(r.udiCarrier[1].carrierHRF, r.udiCarrier[1].deviceIdentifier)
      """)

  private static let claims = FHIRMapping(
    "claims", "Claim",
    structure: [
      text("status use created"), member("billablePeriod", period), member("type", concept),
      member("patient provider insurer", reference), member("item", "[{\"encounter\":[\(reference)]}]"),
      #""diagnosis":[{"diagnosisReference":\#(reference),"diagnosisCodeableConcept":\#(concept)}]"#,
    ],
    joins: """
       LEFT JOIN fhir_reasons AS why \
      ON why.record = 'Condition/' || fhir_id(r.diagnosis[1].diagnosisReference.reference)
      """,
    retracted: """
      coalesce(r.status, '') IN ('cancelled', 'entered-in-error', 'draft') OR coalesce(r.use, 'claim') <> 'claim'
      """,
    columns: """
      id!: id
      patientid!: fhir_id(r.patient.reference)
      providerid: fhir_id(r.provider.reference)
      primarypatientinsuranceid: fhir_id(r.insurer.reference)
      diagnosis1: coalesce(r.diagnosis[1].diagnosisCodeableConcept.coding[1].code, why.code)
      appointmentid: fhir_id(r.item[1].encounter[1].reference)
      currentillnessdate: coalesce(r.billablePeriod."start", r.created)
      servicedate!: coalesce(r.billablePeriod."start", r.created)
      healthcareclaimtypeid1: CASE r."type".coding[1].code WHEN 'professional' THEN '1' WHEN 'institutional' THEN '2' ELSE '0' END
      """)
}
