-- One row per encounter at which a vital sign was taken: the latest value of each measurement up to the encounter's
-- end, the patient's age group and sex, and whether a disease was active.
WITH
measured AS (
  SELECT
    patient,
    encounter,
    "date" AS measured_at,
    -- Grouped by analyte: routine panels use the codes for blood where other modules use those for serum or plasma.
    CASE
      WHEN code = '39156-5' THEN 'body_mass_index'
      WHEN code = '8310-5' THEN 'body_temperature'
      WHEN code = '8867-4' THEN 'heart_rate'
      WHEN code = '8480-6' THEN 'systolic_blood_pressure'
      WHEN code IN ('2160-0', '38483-4') THEN 'creatinine'
      WHEN code = '1742-6' THEN 'alt'
      WHEN code IN ('2345-7', '2339-0') THEN 'glucose'
      WHEN code = '718-7' THEN 'hemoglobin'
      WHEN code IN ('6690-2', '26464-8', '804-5') THEN 'leukocytes'
      WHEN code IN ('2708-6', '59408-5', '20564-1') THEN 'oxygen_saturation'
    END AS analyte,
    TRY_CAST(value AS DOUBLE) AS value
  FROM synthea_observations
),
-- Temperature comes in both units under one code. Their plausible spans, 25 to 45 and 77 to 113, do not overlap, so
-- the value itself tells the unit, also where the unit column is wrong or empty.
converted AS (
  SELECT
    patient,
    encounter,
    measured_at,
    analyte,
    CASE WHEN analyte = 'body_temperature' AND value BETWEEN 77 AND 113 THEN (value - 32) * 5e0 / 9e0 ELSE value END AS value
  FROM measured
  WHERE analyte IS NOT NULL AND value IS NOT NULL
),
-- The same hard validity limits as in pipeline.yml: the model must not learn from artefacts.
plausible AS (
  SELECT patient, encounter, measured_at, analyte, value
  FROM converted
  WHERE
    CASE analyte
      WHEN 'body_mass_index' THEN value BETWEEN 7 AND 120
      WHEN 'body_temperature' THEN value BETWEEN 25 AND 45
      WHEN 'heart_rate' THEN value BETWEEN 10 AND 300
      WHEN 'systolic_blood_pressure' THEN value BETWEEN 30 AND 300
      WHEN 'creatinine' THEN value BETWEEN 0.05 AND 60
      WHEN 'alt' THEN value BETWEEN 0 AND 15000
      WHEN 'glucose' THEN value BETWEEN 10 AND 2000
      WHEN 'hemoglobin' THEN value BETWEEN 1 AND 25
      WHEN 'leukocytes' THEN value BETWEEN 0 AND 1000
      WHEN 'oxygen_saturation' THEN value BETWEEN 20 AND 100
      ELSE false
    END
),
people AS (
  SELECT
    id AS patient,
    min(CAST(birthdate AS DATE)) AS birthday,
    max(CAST(deathdate AS DATE)) AS deathdate,
    min(CASE gender WHEN 'F' THEN 0 WHEN 'M' THEN 1 END) AS gender
  FROM synthea_patients
  GROUP BY id
),
with_vitals AS (
  SELECT DISTINCT encounter
  FROM plausible
  WHERE analyte IN ('body_mass_index', 'body_temperature', 'heart_rate', 'systolic_blood_pressure', 'oxygen_saturation')
),
visits AS (
  SELECT e.id AS encounter, e.patient, e.start AS started_at, coalesce(e.stop, e.start) AS ended_at
  FROM synthea_encounters AS e
  SEMI JOIN with_vitals AS v ON v.encounter = e.id
),
-- Measurements (0) and visits (1) of a patient on one line of time, so that the value last measured before the end of
-- a visit is the last one above it.
events AS (
  SELECT
    patient,
    measured_at AS happened_at,
    0 AS kind,
    '' AS encounter,
    max(CASE WHEN analyte = 'body_mass_index' THEN value END) AS body_mass_index,
    max(CASE WHEN analyte = 'body_temperature' THEN value END) AS body_temperature,
    max(CASE WHEN analyte = 'heart_rate' THEN value END) AS heart_rate,
    max(CASE WHEN analyte = 'systolic_blood_pressure' THEN value END) AS systolic_blood_pressure,
    max(CASE WHEN analyte = 'creatinine' THEN value END) AS creatinine,
    max(CASE WHEN analyte = 'alt' THEN value END) AS alt,
    max(CASE WHEN analyte = 'glucose' THEN value END) AS glucose,
    max(CASE WHEN analyte = 'hemoglobin' THEN value END) AS hemoglobin,
    max(CASE WHEN analyte = 'leukocytes' THEN value END) AS leukocytes,
    max(CASE WHEN analyte = 'oxygen_saturation' THEN value END) AS oxygen_saturation
  FROM plausible
  GROUP BY patient, measured_at
  UNION ALL
  SELECT
    patient,
    ended_at AS happened_at,
    1 AS kind,
    encounter,
    CAST(NULL AS DOUBLE) AS body_mass_index,
    CAST(NULL AS DOUBLE) AS body_temperature,
    CAST(NULL AS DOUBLE) AS heart_rate,
    CAST(NULL AS DOUBLE) AS systolic_blood_pressure,
    CAST(NULL AS DOUBLE) AS creatinine,
    CAST(NULL AS DOUBLE) AS alt,
    CAST(NULL AS DOUBLE) AS glucose,
    CAST(NULL AS DOUBLE) AS hemoglobin,
    CAST(NULL AS DOUBLE) AS leukocytes,
    CAST(NULL AS DOUBLE) AS oxygen_saturation
  FROM visits
),
-- Counting the values so far numbers the spans from one value to the next; each span holds one value.
spans AS (
  SELECT
    *,
    count(body_mass_index) OVER up_to_here AS body_mass_index_span,
    count(body_temperature) OVER up_to_here AS body_temperature_span,
    count(heart_rate) OVER up_to_here AS heart_rate_span,
    count(systolic_blood_pressure) OVER up_to_here AS systolic_blood_pressure_span,
    count(creatinine) OVER up_to_here AS creatinine_span,
    count(alt) OVER up_to_here AS alt_span,
    count(glucose) OVER up_to_here AS glucose_span,
    count(hemoglobin) OVER up_to_here AS hemoglobin_span,
    count(leukocytes) OVER up_to_here AS leukocytes_span,
    count(oxygen_saturation) OVER up_to_here AS oxygen_saturation_span
  FROM events
  WINDOW up_to_here AS (
    PARTITION BY patient ORDER BY happened_at, kind, encounter ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
latest AS (
  SELECT
    patient,
    kind,
    encounter,
    max(body_mass_index) OVER (PARTITION BY patient, body_mass_index_span) AS body_mass_index,
    max(body_temperature) OVER (PARTITION BY patient, body_temperature_span) AS body_temperature,
    max(heart_rate) OVER (PARTITION BY patient, heart_rate_span) AS heart_rate,
    max(systolic_blood_pressure) OVER (PARTITION BY patient, systolic_blood_pressure_span) AS systolic_blood_pressure,
    max(creatinine) OVER (PARTITION BY patient, creatinine_span) AS creatinine,
    max(alt) OVER (PARTITION BY patient, alt_span) AS alt,
    max(glucose) OVER (PARTITION BY patient, glucose_span) AS glucose,
    max(hemoglobin) OVER (PARTITION BY patient, hemoglobin_span) AS hemoglobin,
    max(leukocytes) OVER (PARTITION BY patient, leukocytes_span) AS leukocytes,
    max(oxygen_saturation) OVER (PARTITION BY patient, oxygen_saturation_span) AS oxygen_saturation
  FROM spans
),
-- A disease is active from its onset to the day before it resolved (illness_definition.sql).
ill AS (
  SELECT DISTINCT v.encounter
  FROM visits AS v
  JOIN illness_conditions AS c ON c.patient = v.patient
  WHERE
    c.onset <= CAST(v.started_at AS DATE)
    AND (c.resolved IS NULL OR c.resolved > CAST(v.started_at AS DATE))
),
aged AS (
  SELECT
    v.encounter,
    v.patient,
    v.started_at,
    p.gender,
    year(CAST(v.started_at AS DATE)) - year(p.birthday)
      - CASE
        WHEN month(CAST(v.started_at AS DATE)) * 100 + day(CAST(v.started_at AS DATE))
          < month(p.birthday) * 100 + day(p.birthday) THEN 1
        ELSE 0
      END AS age
  FROM visits AS v
  JOIN people AS p ON p.patient = v.patient
  WHERE
    CAST(v.started_at AS DATE) >= p.birthday
    AND (p.deathdate IS NULL OR CAST(v.started_at AS DATE) <= p.deathdate)
)
SELECT
  a.patient AS patient_id,
  a.encounter AS encounter_id,
  a.started_at AS event_time,
  CASE
    WHEN a.age < 18 THEN '0-17'
    WHEN a.age <= 34 THEN '18-34'
    WHEN a.age <= 49 THEN '35-49'
    WHEN a.age <= 64 THEN '50-64'
    WHEN a.age <= 79 THEN '65-79'
    ELSE '80+'
  END AS age_group,
  CASE a.gender WHEN 0 THEN 'female' WHEN 1 THEN 'male' END AS sex,
  CASE WHEN a.age < 18 THEN 1e0 ELSE 0e0 END AS age_0_17,
  CASE WHEN a.age BETWEEN 18 AND 34 THEN 1e0 ELSE 0e0 END AS age_18_34,
  CASE WHEN a.age BETWEEN 35 AND 49 THEN 1e0 ELSE 0e0 END AS age_35_49,
  CASE WHEN a.age BETWEEN 50 AND 64 THEN 1e0 ELSE 0e0 END AS age_50_64,
  CASE WHEN a.age BETWEEN 65 AND 79 THEN 1e0 ELSE 0e0 END AS age_65_79,
  CASE WHEN a.age >= 80 THEN 1e0 ELSE 0e0 END AS age_80_plus,
  CAST(a.gender AS DOUBLE) AS gender,
  l.body_mass_index,
  l.body_temperature,
  l.heart_rate,
  l.systolic_blood_pressure,
  l.creatinine,
  l.alt,
  l.glucose,
  l.hemoglobin,
  l.leukocytes,
  l.oxygen_saturation,
  CASE WHEN i.encounter IS NOT NULL THEN 1 ELSE 0 END AS is_ill
FROM aged AS a
JOIN latest AS l ON l.kind = 1 AND l.patient = a.patient AND l.encounter = a.encounter
LEFT JOIN ill AS i ON i.encounter = a.encounter
ORDER BY patient_id, event_time, encounter_id;
