-- OMOP Common Data Model 5.4 over silver, so that OHDSI's tools can be pointed at the lake: the tables' names with the
-- prefix omop_, the specification's columns.
--   * Identifiers are the first 60 bits of MD5 of the source's, so they are the same after every import.
--   * Concepts: sex, race, ethnicity, visits and types always; of conditions and measurements the commonest. Everything
--     else has concept 0 ("no matching concept") with the code in *_source_value: the whole vocabulary comes from
--     OHDSI's Athena under its own licence and is joined on that column.
--   * Every record comes from an EHR (type concept 32817).
--   * person_source_value, which the specification has only in person, stands beside person_id everywhere: what a changed
--     record of a patient touches is found by it.

CREATE TEMPORARY VIEW omop_known_concepts AS
SELECT 'SNOMED-CT' AS code_system, '59621000' AS code, 320128 AS concept_id
UNION ALL SELECT 'SNOMED-CT' AS code_system, '44054006' AS code, 201826 AS concept_id
UNION ALL SELECT 'SNOMED-CT' AS code_system, '195967001' AS code, 317009 AS concept_id
UNION ALL SELECT 'SNOMED-CT' AS code_system, '55822004' AS code, 432867 AS concept_id
UNION ALL SELECT 'LOINC' AS code_system, '39156-5' AS code, 3038553 AS concept_id
UNION ALL SELECT 'LOINC' AS code_system, '8480-6' AS code, 3004249 AS concept_id
UNION ALL SELECT 'LOINC' AS code_system, '8462-4' AS code, 3012888 AS concept_id
UNION ALL SELECT 'LOINC' AS code_system, '8867-4' AS code, 3027018 AS concept_id
UNION ALL SELECT 'LOINC' AS code_system, '9279-1' AS code, 3024171 AS concept_id
UNION ALL SELECT 'LOINC' AS code_system, '8310-5' AS code, 3020891 AS concept_id
UNION ALL SELECT 'LOINC' AS code_system, '29463-7' AS code, 3025315 AS concept_id
UNION ALL SELECT 'LOINC' AS code_system, '8302-2' AS code, 3036277 AS concept_id
UNION ALL SELECT 'LOINC' AS code_system, '2345-7' AS code, 3004501 AS concept_id
UNION ALL SELECT 'LOINC' AS code_system, '4548-4' AS code, 3004410 AS concept_id
UNION ALL SELECT 'LOINC' AS code_system, '2093-3' AS code, 3027114 AS concept_id
UNION ALL SELECT 'LOINC' AS code_system, '2160-0' AS code, 3016723 AS concept_id;

CREATE MATERIALIZED VIEW omop_person
CLUSTER BY (person_source_value)
COMMENT 'OMOP CDM 5.4 person'
AS
SELECT
  CAST(conv(substring(md5(patient_id), 1, 15), 16, 10) AS BIGINT) AS person_id,
  CASE sex WHEN 'male' THEN 8507 WHEN 'female' THEN 8532 ELSE 0 END AS gender_concept_id,
  year(birth_date) AS year_of_birth,
  month(birth_date) AS month_of_birth,
  day(birth_date) AS day_of_birth,
  CAST(birth_date AS TIMESTAMP) AS birth_datetime,
  CASE race WHEN 'white' THEN 8527 WHEN 'black' THEN 8516 WHEN 'asian' THEN 8515 WHEN 'native' THEN 8657 WHEN 'pacific' THEN 8557 ELSE 0 END AS race_concept_id,
  CASE ethnicity WHEN 'hispanic' THEN 38003563 WHEN 'nonhispanic' THEN 38003564 ELSE 0 END AS ethnicity_concept_id,
  CAST(NULL AS BIGINT) AS location_id,
  CAST(NULL AS BIGINT) AS provider_id,
  CAST(NULL AS BIGINT) AS care_site_id,
  patient_id AS person_source_value,
  sex AS gender_source_value,
  0 AS gender_source_concept_id,
  race AS race_source_value,
  0 AS race_source_concept_id,
  ethnicity AS ethnicity_source_value,
  0 AS ethnicity_source_concept_id
FROM silver_patients
WHERE birth_date IS NOT NULL;

CREATE MATERIALIZED VIEW omop_visit_occurrence
PARTITIONED BY (year)
CLUSTER BY (person_source_value)
COMMENT 'OMOP CDM 5.4 visit_occurrence, a visit that has not ended ends on its own day'
AS
SELECT
  CAST(conv(substring(md5(encounter_id), 1, 15), 16, 10) AS BIGINT) AS visit_occurrence_id,
  CAST(conv(substring(md5(patient_id), 1, 15), 16, 10) AS BIGINT) AS person_id,
  CASE encounter_class
    WHEN 'inpatient' THEN 9201 WHEN 'emergency' THEN 9203 WHEN 'urgentcare' THEN 9203 WHEN 'snf' THEN 42898160
    WHEN 'hospice' THEN 8546 WHEN 'home' THEN 581476 WHEN 'virtual' THEN 5083
    ELSE 9202
  END AS visit_concept_id,
  CAST(started_at AS DATE) AS visit_start_date,
  started_at AS visit_start_datetime,
  CAST(coalesce(ended_at, started_at) AS DATE) AS visit_end_date,
  coalesce(ended_at, started_at) AS visit_end_datetime,
  32817 AS visit_type_concept_id,
  CAST(conv(substring(md5(provider_id), 1, 15), 16, 10) AS BIGINT) AS provider_id,
  CAST(conv(substring(md5(organization_id), 1, 15), 16, 10) AS BIGINT) AS care_site_id,
  encounter_id AS visit_source_value,
  0 AS visit_source_concept_id,
  patient_id AS person_source_value,
  year
FROM silver_encounters;

CREATE MATERIALIZED VIEW omop_condition_occurrence
PARTITIONED BY (year)
CLUSTER BY (person_source_value)
COMMENT 'OMOP CDM 5.4 condition_occurrence: disorders'
AS
SELECT
  CAST(conv(substring(md5(concat(c.patient_id, '|', coalesce(c.encounter_id, ''), '|', concat(CAST(c.onset_date AS STRING), '|', c.code))), 1, 15), 16, 10) AS BIGINT) AS condition_occurrence_id,
  CAST(conv(substring(md5(c.patient_id), 1, 15), 16, 10) AS BIGINT) AS person_id,
  coalesce(k.concept_id, 0) AS condition_concept_id,
  c.onset_date AS condition_start_date,
  c.resolved_date AS condition_end_date,
  32817 AS condition_type_concept_id,
  CAST(conv(substring(md5(c.encounter_id), 1, 15), 16, 10) AS BIGINT) AS visit_occurrence_id,
  c.code AS condition_source_value,
  0 AS condition_source_concept_id,
  c.patient_id AS person_source_value,
  c.year
FROM silver_conditions AS c
LEFT JOIN omop_known_concepts AS k ON k.code_system = c.code_system AND k.code = c.code
WHERE c.is_disorder;

CREATE MATERIALIZED VIEW omop_drug_exposure
PARTITIONED BY (year)
CLUSTER BY (person_source_value)
COMMENT 'OMOP CDM 5.4 drug_exposure: prescriptions and immunizations, a prescription that is still open ends on its own day'
AS
SELECT
  CAST(conv(substring(md5(concat(patient_id, '|', coalesce(encounter_id, ''), '|', concat(CAST(unix_timestamp(started_at) AS STRING), '|', code, '|', coalesce(payer_id, '')))), 1, 15), 16, 10) AS BIGINT) AS drug_exposure_id,
  CAST(conv(substring(md5(patient_id), 1, 15), 16, 10) AS BIGINT) AS person_id,
  0 AS drug_concept_id,
  CAST(started_at AS DATE) AS drug_exposure_start_date,
  started_at AS drug_exposure_start_datetime,
  CAST(coalesce(ended_at, started_at) AS DATE) AS drug_exposure_end_date,
  32817 AS drug_type_concept_id,
  greatest(0, coalesce(dispenses, 1) - 1) AS refills,
  datediff(CAST(ended_at AS DATE), CAST(started_at AS DATE)) AS days_supply,
  CAST(conv(substring(md5(encounter_id), 1, 15), 16, 10) AS BIGINT) AS visit_occurrence_id,
  code AS drug_source_value,
  0 AS drug_source_concept_id,
  patient_id AS person_source_value,
  year
FROM silver_medications
UNION ALL
SELECT
  CAST(conv(substring(md5(concat(patient_id, '|vaccine|', concat(CAST(unix_timestamp(given_at) AS STRING), '|', code))), 1, 15), 16, 10) AS BIGINT) AS drug_exposure_id,
  CAST(conv(substring(md5(patient_id), 1, 15), 16, 10) AS BIGINT) AS person_id,
  0 AS drug_concept_id,
  CAST(given_at AS DATE) AS drug_exposure_start_date,
  given_at AS drug_exposure_start_datetime,
  CAST(given_at AS DATE) AS drug_exposure_end_date,
  32817 AS drug_type_concept_id,
  0 AS refills,
  CAST(NULL AS INT) AS days_supply,
  CAST(conv(substring(md5(encounter_id), 1, 15), 16, 10) AS BIGINT) AS visit_occurrence_id,
  code AS drug_source_value,
  0 AS drug_source_concept_id,
  patient_id AS person_source_value,
  year
FROM silver_immunizations;

CREATE MATERIALIZED VIEW omop_measurement
PARTITIONED BY (year)
CLUSTER BY (person_source_value)
COMMENT 'OMOP CDM 5.4 measurement: observations with a number'
AS
SELECT
  CAST(conv(substring(md5(concat(o.patient_id, '|', coalesce(o.encounter_id, ''), '|', concat(CAST(unix_timestamp(o.observed_at) AS STRING), '|', o.code, '|', o.value_text))), 1, 15), 16, 10) AS BIGINT) AS measurement_id,
  CAST(conv(substring(md5(o.patient_id), 1, 15), 16, 10) AS BIGINT) AS person_id,
  coalesce(k.concept_id, 0) AS measurement_concept_id,
  CAST(o.observed_at AS DATE) AS measurement_date,
  o.observed_at AS measurement_datetime,
  32817 AS measurement_type_concept_id,
  o.value_number AS value_as_number,
  0 AS unit_concept_id,
  CAST(conv(substring(md5(o.encounter_id), 1, 15), 16, 10) AS BIGINT) AS visit_occurrence_id,
  o.code AS measurement_source_value,
  0 AS measurement_source_concept_id,
  o.unit AS unit_source_value,
  o.value_text AS value_source_value,
  o.patient_id AS person_source_value,
  o.year
FROM silver_observations AS o
LEFT JOIN omop_known_concepts AS k ON k.code_system = o.code_system AND k.code = o.code
WHERE o.value_number IS NOT NULL;

CREATE MATERIALIZED VIEW omop_observation
PARTITIONED BY (year)
CLUSTER BY (person_source_value)
COMMENT 'OMOP CDM 5.4 observation: observations without a number, allergies, and conditions that are findings'
AS
SELECT
  CAST(conv(substring(md5(concat(patient_id, '|', coalesce(encounter_id, ''), '|', concat(CAST(unix_timestamp(observed_at) AS STRING), '|', code, '|', coalesce(value_text, '')))), 1, 15), 16, 10) AS BIGINT) AS observation_id,
  CAST(conv(substring(md5(patient_id), 1, 15), 16, 10) AS BIGINT) AS person_id,
  0 AS observation_concept_id,
  CAST(observed_at AS DATE) AS observation_date,
  32817 AS observation_type_concept_id,
  value_text AS value_as_string,
  CAST(conv(substring(md5(encounter_id), 1, 15), 16, 10) AS BIGINT) AS visit_occurrence_id,
  code AS observation_source_value,
  0 AS observation_source_concept_id,
  patient_id AS person_source_value,
  year
FROM silver_observations
WHERE value_number IS NULL
UNION ALL
SELECT
  CAST(conv(substring(md5(concat(patient_id, '|allergy|', concat(CAST(onset_date AS STRING), '|', code))), 1, 15), 16, 10) AS BIGINT) AS observation_id,
  CAST(conv(substring(md5(patient_id), 1, 15), 16, 10) AS BIGINT) AS person_id,
  0 AS observation_concept_id,
  onset_date AS observation_date,
  32817 AS observation_type_concept_id,
  description AS value_as_string,
  CAST(conv(substring(md5(encounter_id), 1, 15), 16, 10) AS BIGINT) AS visit_occurrence_id,
  code AS observation_source_value,
  0 AS observation_source_concept_id,
  patient_id AS person_source_value,
  year
FROM silver_allergies
UNION ALL
SELECT
  CAST(conv(substring(md5(concat(patient_id, '|finding|', coalesce(encounter_id, ''), '|', concat(CAST(onset_date AS STRING), '|', code))), 1, 15), 16, 10) AS BIGINT) AS observation_id,
  CAST(conv(substring(md5(patient_id), 1, 15), 16, 10) AS BIGINT) AS person_id,
  0 AS observation_concept_id,
  onset_date AS observation_date,
  32817 AS observation_type_concept_id,
  description AS value_as_string,
  CAST(conv(substring(md5(encounter_id), 1, 15), 16, 10) AS BIGINT) AS visit_occurrence_id,
  code AS observation_source_value,
  0 AS observation_source_concept_id,
  patient_id AS person_source_value,
  year
FROM silver_conditions
WHERE NOT is_disorder;

CREATE MATERIALIZED VIEW omop_observation_period
CLUSTER BY (person_source_value)
COMMENT 'OMOP CDM 5.4 observation_period: from the first to the last encounter of each person'
AS
SELECT
  CAST(conv(substring(md5(patient_id), 1, 15), 16, 10) AS BIGINT) AS observation_period_id,
  CAST(conv(substring(md5(patient_id), 1, 15), 16, 10) AS BIGINT) AS person_id,
  min(CAST(started_at AS DATE)) AS observation_period_start_date,
  max(CAST(coalesce(ended_at, started_at) AS DATE)) AS observation_period_end_date,
  32817 AS period_type_concept_id,
  patient_id AS person_source_value
FROM silver_encounters
WHERE patient_id IS NOT NULL
GROUP BY patient_id;

CREATE MATERIALIZED VIEW omop_death
CLUSTER BY (person_source_value)
COMMENT 'OMOP CDM 5.4 death'
AS
SELECT
  CAST(conv(substring(md5(patient_id), 1, 15), 16, 10) AS BIGINT) AS person_id,
  death_date,
  CAST(death_date AS TIMESTAMP) AS death_datetime,
  32817 AS death_type_concept_id,
  0 AS cause_concept_id,
  CAST(NULL AS STRING) AS cause_source_value,
  0 AS cause_source_concept_id,
  patient_id AS person_source_value
FROM silver_patients
WHERE death_date IS NOT NULL AND birth_date IS NOT NULL;
