-- One row per patient and time. A zero that no living body has means "not measured", so it is NULL here.
CREATE STREAMING TABLE silver_diabetes
COMMENT 'Measurements with missing ones as NULL; records that cannot be right are in quarantine_diabetes'
AS
SELECT
  patient_id,
  event_time,
  pregnancies,
  nullif(glucose, 0) AS glucose,
  nullif(blood_pressure, 0) AS blood_pressure,
  nullif(skin_thickness, 0) AS skin_thickness,
  nullif(insulin, 0) AS insulin,
  nullif(bmi, 0) AS bmi,
  diabetes_pedigree_function,
  age,
  _ingest_time AS ingest_time,
  _partition AS "partition",
  _offset AS "offset"
FROM STREAM(diabetes_records);
