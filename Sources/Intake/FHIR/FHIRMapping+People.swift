extension FHIRMapping {
  /// Patients and those who care for them.
  static let people = [patients, organizations, providers]

  /// US Core's race and ethnicity by their OMB codes; https://hl7.org/fhir/us/core/StructureDefinition-us-core-race.html.
  private static let patients = FHIRMapping(
    "patients", "Patient",
    structure: [
      text("gender birthDate deceasedDateTime deceasedBoolean active"),
      #""identifier":[{"value":"VARCHAR","system":"VARCHAR","type":{"coding":[{"code":"VARCHAR"}]}}]"#,
      #""name":[{"use":"VARCHAR","family":"VARCHAR","given":["VARCHAR"],"prefix":["VARCHAR"],"suffix":["VARCHAR"]}]"#,
      member("maritalStatus", concept),
      #""address":[{"line":["VARCHAR"],"city":"VARCHAR","district":"VARCHAR","state":"VARCHAR","postalCode":"VARCHAR","#
        + #""extension":[{"url":"VARCHAR","extension":[{"url":"VARCHAR","valueDecimal":"VARCHAR"}]}]}]"#,
      #""extension":[{"url":"VARCHAR","valueString":"VARCHAR","valueCode":"VARCHAR","#
        + #""valueAddress":{"city":"VARCHAR","state":"VARCHAR","country":"VARCHAR"},"#
        + #""extension":[{"url":"VARCHAR","valueCoding":{"code":"VARCHAR","display":"VARCHAR"}}]}]"#,
    ],
    values: """
      , coalesce(list_filter(r.name, lambda n: n.use = 'official')[1], r.name[1]) AS called,
        fhir_extension(fhir_extension(r.extension,
          'http://hl7.org/fhir/us/core/StructureDefinition/us-core-race').extension, 'ombCategory').valueCoding.code
          AS race,
        fhir_extension(fhir_extension(r.extension,
          'http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity').extension, 'ombCategory').valueCoding.code
          AS ethnicity,
        fhir_extension(r.extension, 'http://hl7.org/fhir/StructureDefinition/patient-birthPlace').valueAddress AS born,
        fhir_extension(r.address[1].extension, 'http://hl7.org/fhir/StructureDefinition/geolocation').extension AS place
      """,
    retracted: "false",
    columns: #"""
      id!: id
      birthdate: r.birthDate
      deathdate: r.deceasedDateTime
      ssn: list_filter(r.identifier, lambda i: i.type.coding[1].code = 'SS')[1].value
      drivers: list_filter(r.identifier, lambda i: i.type.coding[1].code = 'DL')[1].value
      passport: list_filter(r.identifier, lambda i: i.type.coding[1].code = 'PPN')[1].value
      prefix: called.prefix[1]
      first: called.given[1]
      middle: called.given[2]
      last: called.family
      suffix: called.suffix[1]
      maiden: list_filter(r.name, lambda n: n.use = 'maiden')[1].family
      marital: r.maritalStatus.coding[1].code
      race: CASE race WHEN '2106-3' THEN 'white' WHEN '2054-5' THEN 'black' WHEN '2028-9' THEN 'asian' WHEN '1002-5' THEN 'native' WHEN '2076-8' THEN 'hawaiian' WHEN '2131-1' THEN 'other' END
      ethnicity: CASE ethnicity WHEN '2135-2' THEN 'hispanic' WHEN '2186-5' THEN 'nonhispanic' END
      gender: CASE r.gender WHEN 'female' THEN 'F' WHEN 'male' THEN 'M' ELSE r.gender END
      birthplace: nullif(concat_ws('  ', born.city, born.state, born.country), '')
      address: r.address[1].line[1]
      city: r.address[1].city
      state: r.address[1].state
      county: r.address[1].district
      zip: nullif(r.address[1].postalCode, '00000')
      lat: CASE WHEN abs(TRY_CAST(fhir_extension(place, 'latitude').valueDecimal AS DOUBLE)) >= 1 THEN fhir_extension(place, 'latitude').valueDecimal END
      lon: CASE WHEN abs(TRY_CAST(fhir_extension(place, 'latitude').valueDecimal AS DOUBLE)) >= 1 THEN fhir_extension(place, 'longitude').valueDecimal END
      """#)

  private static let organizations = FHIRMapping(
    "organizations", "Organization",
    structure: [
      text("name"),
      #""address":[{"line":["VARCHAR"],"city":"VARCHAR","state":"VARCHAR","postalCode":"VARCHAR"}]"#,
      #""telecom":[{"value":"VARCHAR"}],"identifier":[{"system":"VARCHAR","value":"VARCHAR"}]"#,
    ],
    retracted: "false",
    columns: """
      id!: id
      name: r.name
      address: r.address[1].line[1]
      city: r.address[1].city
      state: r.address[1].state
      zip: r.address[1].postalCode
      phone: r.telecom[1].value
      npi: list_filter(r.identifier, lambda i: i.system = 'http://hl7.org/fhir/sid/us-npi')[1].value
      """)

  private static let providers = FHIRMapping(
    "providers", "Practitioner",
    structure: [
      text("gender"), #""name":[{"family":"VARCHAR","given":["VARCHAR"]}]"#,
      #""address":[{"line":["VARCHAR"],"city":"VARCHAR","state":"VARCHAR","postalCode":"VARCHAR"}]"#,
      #""identifier":[{"system":"VARCHAR","value":"VARCHAR"}]"#,
    ],
    retracted: "false",
    columns: """
      id!: id
      name: nullif(concat_ws(' ', r.name[1].given[1], r.name[1].family), '')
      gender: CASE r.gender WHEN 'female' THEN 'F' WHEN 'male' THEN 'M' ELSE r.gender END
      address: r.address[1].line[1]
      city: r.address[1].city
      state: r.address[1].state
      zip: r.address[1].postalCode
      npi: list_filter(r.identifier, lambda i: i.system = 'http://hl7.org/fhir/sid/us-npi')[1].value
      """)
}
