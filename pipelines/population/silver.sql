-- Synthea's tables, cleaned: one row per fact, typed, with one spelling per code system, sex and race. Synthea repeats
-- whole rows when an export is imported again with more in it; a row that stands there twice counts once.

CREATE MATERIALIZED VIEW silver_patients
CLUSTER BY (patient_id)
COMMENT 'One row per patient: the last of its rows by what it knows of death, then by text'
AS
SELECT
  patient_id, birth_date, death_date, sex, race, ethnicity, marital_status, city, county, state, postal_code, latitude,
  longitude, healthcare_expenses, healthcare_coverage, income
FROM (
  SELECT
    id AS patient_id,
    birthdate AS birth_date,
    deathdate AS death_date,
    CASE upper(gender) WHEN 'F' THEN 'female' WHEN 'M' THEN 'male' WHEN 'FEMALE' THEN 'female' WHEN 'MALE' THEN 'male' ELSE 'unknown' END AS sex,
    CASE lower(race)
      WHEN 'white' THEN 'white' WHEN 'black' THEN 'black' WHEN 'asian' THEN 'asian' WHEN 'native' THEN 'native'
      WHEN 'hawaiian' THEN 'pacific' WHEN 'pacific' THEN 'pacific' WHEN 'other' THEN 'other'
      -- Versions before 2019 had one column for both.
      WHEN 'hispanic' THEN 'other' ELSE 'unknown'
    END AS race,
    CASE
      WHEN lower(ethnicity) = 'nonhispanic' OR lower(ethnicity) = 'non-hispanic' THEN 'nonhispanic'
      WHEN lower(ethnicity) = 'hispanic' OR lower(race) = 'hispanic' THEN 'hispanic'
      WHEN lower(ethnicity) IN ('puerto_rican', 'mexican', 'central_american', 'south_american', 'dominican') THEN 'hispanic'
      WHEN ethnicity IS NULL THEN 'unknown'
      ELSE 'nonhispanic'
    END AS ethnicity,
    CASE upper(marital) WHEN 'M' THEN 'married' WHEN 'S' THEN 'single' WHEN 'D' THEN 'divorced' WHEN 'W' THEN 'widowed' END AS marital_status,
    city,
    county,
    state,
    -- The leading zero of New England is often lost, and FHIR exports write 00000 for none.
    CASE
      WHEN regexp_like(zip, '^[0-9]{4}$') THEN concat('0', zip)
      WHEN zip = '00000' THEN NULL
      WHEN regexp_like(zip, '^[0-9]{5}') THEN substring(zip, 1, 5)
    END AS postal_code,
    TRY_CAST(lat AS DOUBLE) AS latitude,
    TRY_CAST(lon AS DOUBLE) AS longitude,
    TRY_CAST(healthcare_expenses AS DOUBLE) AS healthcare_expenses,
    TRY_CAST(healthcare_coverage AS DOUBLE) AS healthcare_coverage,
    TRY_CAST(income AS DOUBLE) AS income,
    row_number() OVER (
      PARTITION BY id
      ORDER BY deathdate IS NULL, TRY_CAST(healthcare_expenses AS DOUBLE) DESC, city, zip) AS place
  FROM synthea_patients
  WHERE id IS NOT NULL
) AS numbered
WHERE place = 1;

CREATE MATERIALIZED VIEW silver_encounters
PARTITIONED BY (year)
CLUSTER BY (patient_id)
COMMENT 'One row per encounter, a later export of the same encounter (an end, a cost) takes its place'
TBLPROPERTIES ('lakeward.key' = 'encounter_id')
AS
SELECT
  encounter_id, patient_id, started_at, ended_at, encounter_class, code_system, code, description, reason_code,
  reason_description, organization_id, provider_id, payer_id, base_cost, total_cost, payer_coverage, year
FROM (
  SELECT
    id AS encounter_id,
    patient AS patient_id,
    start AS started_at,
    CASE WHEN stop >= start THEN stop END AS ended_at,
    lower(encounterclass) AS encounter_class,
    'SNOMED-CT' AS code_system,
    code,
    description,
    reasoncode AS reason_code,
    reasondescription AS reason_description,
    organization AS organization_id,
    provider AS provider_id,
    payer AS payer_id,
    TRY_CAST(base_encounter_cost AS DOUBLE) AS base_cost,
    TRY_CAST(total_claim_cost AS DOUBLE) AS total_cost,
    TRY_CAST(payer_coverage AS DOUBLE) AS payer_coverage,
    year(start) AS year,
    row_number() OVER (PARTITION BY id ORDER BY stop IS NULL, stop DESC, TRY_CAST(total_claim_cost AS DOUBLE) DESC, code) AS place
  FROM synthea_encounters
  WHERE id IS NOT NULL AND start IS NOT NULL
) AS numbered
WHERE place = 1;

-- What Synthea calls a condition is also employment, education or violence. Its semantic tag tells; older descriptions
-- have none and are disorders unless known otherwise (pipelines/illness has the whole list).
CREATE MATERIALIZED VIEW silver_conditions
PARTITIONED BY (year)
CLUSTER BY (patient_id, code)
COMMENT 'One row per patient, encounter, code and onset'
AS
SELECT
  patient AS patient_id,
  encounter AS encounter_id,
  start AS onset_date,
  max(CASE WHEN stop >= start THEN stop END) AS resolved_date,
  CASE WHEN max(lower(system)) LIKE '%icd-10%' THEN 'ICD-10-CM' ELSE 'SNOMED-CT' END AS code_system,
  code,
  max(description) AS description,
  CASE
    WHEN max(CASE WHEN regexp_like(description, '[(]disorder[)]? *$') THEN 1 ELSE 0 END) = 1 THEN true
    WHEN max(CASE WHEN regexp_like(description, '[(][a-z /]+[)]? *$') THEN 1 ELSE 0 END) = 1 THEN false
    WHEN code IN (
      '72892002', '15777000', '714628002', '82423001', '840544004', '162573006', '162864005', '408512008', '449868002',
      '22253000', '25064002', '386661006', '49727002', '84229001', '399211009', '428251008', '429007001', '703151001')
      THEN false
    ELSE true
  END AS is_disorder,
  year(start) AS year
FROM synthea_conditions
WHERE patient IS NOT NULL AND start IS NOT NULL AND code IS NOT NULL
GROUP BY patient, encounter, start, code;

CREATE MATERIALIZED VIEW silver_medications
PARTITIONED BY (year)
CLUSTER BY (patient_id, code)
COMMENT 'One row per prescription: fills are its dispenses, spread evenly from start to stop'
AS
SELECT
  patient AS patient_id,
  encounter AS encounter_id,
  payer AS payer_id,
  start AS started_at,
  max(CASE WHEN stop >= start THEN stop END) AS ended_at,
  'RxNorm' AS code_system,
  code,
  max(description) AS description,
  max(TRY_CAST(dispenses AS INT)) AS dispenses,
  max(TRY_CAST(base_cost AS DOUBLE)) AS base_cost,
  max(TRY_CAST(totalcost AS DOUBLE)) AS total_cost,
  max(TRY_CAST(payer_coverage AS DOUBLE)) AS payer_coverage,
  max(reasoncode) AS reason_code,
  max(reasondescription) AS reason_description,
  year(start) AS year
FROM synthea_medications
WHERE patient IS NOT NULL AND start IS NOT NULL AND code IS NOT NULL
GROUP BY patient, encounter, payer, start, code;

-- Panels may be repeated within one encounter with equal values: those rows are equal in every column and say the same.
CREATE MATERIALIZED VIEW silver_observations
PARTITIONED BY (year)
CLUSTER BY (patient_id, code)
COMMENT 'One row per patient, encounter, time, code and value, numbers beside the text'
AS
SELECT DISTINCT
  patient AS patient_id,
  encounter AS encounter_id,
  date AS observed_at,
  category,
  'LOINC' AS code_system,
  code,
  description,
  value AS value_text,
  CASE WHEN type = 'numeric' THEN TRY_CAST(value AS DOUBLE) END AS value_number,
  nullif(units, 'null') AS unit,
  year(date) AS year
FROM synthea_observations
WHERE patient IS NOT NULL AND date IS NOT NULL AND code IS NOT NULL;

CREATE MATERIALIZED VIEW silver_procedures
PARTITIONED BY (year)
CLUSTER BY (patient_id)
COMMENT 'One row per patient, encounter, time and procedure'
AS
SELECT
  patient AS patient_id,
  encounter AS encounter_id,
  start AS started_at,
  max(CASE WHEN stop >= start THEN stop END) AS ended_at,
  CASE
    WHEN max(lower(system)) LIKE '%cpt%' THEN 'CPT'
    WHEN max(lower(system)) LIKE '%icd-10%' THEN 'ICD-10-PCS'
    ELSE 'SNOMED-CT'
  END AS code_system,
  code,
  max(description) AS description,
  max(TRY_CAST(base_cost AS DOUBLE)) AS base_cost,
  max(reasoncode) AS reason_code,
  max(reasondescription) AS reason_description,
  year(start) AS year
FROM synthea_procedures
WHERE patient IS NOT NULL AND start IS NOT NULL AND code IS NOT NULL
GROUP BY patient, encounter, start, code;

CREATE MATERIALIZED VIEW silver_immunizations
PARTITIONED BY (year)
CLUSTER BY (patient_id, code)
COMMENT 'One row per patient, time and vaccine'
AS
SELECT
  patient AS patient_id,
  max(encounter) AS encounter_id,
  date AS given_at,
  'CVX' AS code_system,
  code,
  max(description) AS description,
  max(TRY_CAST(base_cost AS DOUBLE)) AS base_cost,
  year(date) AS year
FROM synthea_immunizations
WHERE patient IS NOT NULL AND date IS NOT NULL AND code IS NOT NULL
GROUP BY patient, date, code;

CREATE MATERIALIZED VIEW silver_allergies
PARTITIONED BY (year)
CLUSTER BY (patient_id)
COMMENT 'One row per patient and allergy or intolerance'
AS
SELECT
  patient AS patient_id,
  max(encounter) AS encounter_id,
  start AS onset_date,
  max(CASE WHEN stop >= start THEN stop END) AS resolved_date,
  CASE max(lower(system)) WHEN 'snomed-ct' THEN 'SNOMED-CT' WHEN 'http://snomed.info/sct' THEN 'SNOMED-CT' WHEN 'rxnorm' THEN 'RxNorm' ELSE 'unknown' END AS code_system,
  code,
  max(description) AS description,
  max(type) AS type,
  max(category) AS category,
  max(reaction1) AS reaction_code,
  max(description1) AS reaction,
  lower(max(severity1)) AS severity,
  year(start) AS year
FROM synthea_allergies
WHERE patient IS NOT NULL AND start IS NOT NULL AND code IS NOT NULL
GROUP BY patient, start, code;

CREATE MATERIALIZED VIEW silver_careplans
PARTITIONED BY (year)
CLUSTER BY (patient_id)
COMMENT 'One row per care plan and activity'
TBLPROPERTIES ('lakeward.key' = 'careplan_id')
AS
SELECT
  id AS careplan_id,
  max(patient) AS patient_id,
  max(encounter) AS encounter_id,
  start AS start_date,
  max(CASE WHEN stop >= start THEN stop END) AS stop_date,
  'SNOMED-CT' AS code_system,
  code,
  max(description) AS description,
  max(reasoncode) AS reason_code,
  max(reasondescription) AS reason_description,
  year(start) AS year
FROM synthea_careplans
WHERE id IS NOT NULL AND start IS NOT NULL AND code IS NOT NULL
GROUP BY id, start, code;

CREATE MATERIALIZED VIEW silver_devices
PARTITIONED BY (year)
CLUSTER BY (patient_id)
COMMENT 'One row per device of a patient'
AS
SELECT
  patient AS patient_id,
  max(encounter) AS encounter_id,
  start AS started_at,
  max(CASE WHEN stop >= start THEN stop END) AS ended_at,
  'SNOMED-CT' AS code_system,
  code,
  max(description) AS description,
  udi,
  year(start) AS year
FROM synthea_devices
WHERE patient IS NOT NULL AND start IS NOT NULL AND code IS NOT NULL
GROUP BY patient, start, code, udi;

CREATE MATERIALIZED VIEW silver_claims
PARTITIONED BY (year)
CLUSTER BY (patient_id)
COMMENT 'One row per claim'
TBLPROPERTIES ('lakeward.key' = 'claim_id')
AS
SELECT
  id AS claim_id,
  max(patientid) AS patient_id,
  max(appointmentid) AS encounter_id,
  max(providerid) AS provider_id,
  nullif(max(primarypatientinsuranceid), '0') AS payer_id,
  servicedate AS service_date,
  'SNOMED-CT' AS code_system,
  max(diagnosis1) AS diagnosis,
  max(status1) AS status,
  max(TRY_CAST(outstanding1 AS DOUBLE)) AS outstanding,
  max(healthcareclaimtypeid1) AS claim_type,
  year(servicedate) AS year
FROM synthea_claims
WHERE id IS NOT NULL AND servicedate IS NOT NULL
GROUP BY id, servicedate;
