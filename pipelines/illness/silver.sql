-- Typed, cleaned records: one per patient and time of measurement, with the age at that time.
CREATE STREAMING TABLE silver_patient_data
COMMENT 'Typed test results, one row per patient and event time; implausible records are in quarantine_patient_data'
AS
SELECT
  patient_id,
  event_time,
  birthday,
  gender,
  age,
  CASE
    WHEN age < 18 THEN '0-17'
    WHEN age < 35 THEN '18-34'
    WHEN age < 50 THEN '35-49'
    WHEN age < 65 THEN '50-64'
    WHEN age < 80 THEN '65-79'
    WHEN age >= 80 THEN '80+'
  END AS age_group,
  body_mass_index,
  body_temperature,
  heart_rate,
  systolic_blood_pressure,
  creatinine,
  alt,
  glucose,
  hemoglobin,
  leukocytes,
  oxygen_saturation,
  ingest_time,
  "partition",
  "offset"
FROM (
  SELECT
    lower(patient_id) AS patient_id,
    event_time,
    birthday,
    gender,
    -- Full years by birthday; who was born on 29 February is a year older on 1 March of a common year.
    CAST(
      year(event_date) - year(birthday)
        - CASE
          WHEN month(event_date) * 100 + day(event_date)
            < month(birthday) * 100 + day(birthday) THEN 1
          ELSE 0
        END
      AS INT) AS age,
    body_mass_index,
    body_temperature,
    heart_rate,
    systolic_blood_pressure,
    creatinine,
    alt,
    glucose,
    hemoglobin,
    leukocytes,
    oxygen_saturation,
    _ingest_time AS ingest_time,
    _partition AS "partition",
    _offset AS "offset"
  FROM (SELECT *, CAST(event_time AS DATE) AS event_date FROM STREAM(patient_data)) AS dated
) AS typed;
