-- One row per patient and time.
CREATE STREAMING TABLE silver_raw_patient
COMMENT 'Measurements in fixed units; records that cannot be right are in quarantine_raw_patient'
AS
SELECT
  patient_id,
  event_time,
  heart_rate,
  systolic_blood_pressure,
  diastolic_blood_pressure,
  oxygen_saturation,
  body_temperature,
  glucose,
  _ingest_time AS ingest_time,
  _partition AS "partition",
  _offset AS "offset"
FROM STREAM(raw_patient);
