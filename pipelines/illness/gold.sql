-- Scored records: what a ward's screen and an analyst read.
CREATE STREAMING TABLE gold_patient_data
COMMENT 'Test results with the illness model''s answer: prediction is 1 from the threshold of the model version on'
AS
SELECT
  patient_id,
  age_group,
  gender,
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
  CASE WHEN probability >= model_threshold('illness') THEN 1 ELSE 0 END AS prediction,
  event_time,
  probability,
  model_version('illness') AS model_version
FROM (
  SELECT
    patient_id,
    age_group,
    gender,
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
    event_time,
    predict_illness(
      CASE WHEN age_group = '0-17' THEN 1e0 ELSE 0e0 END,
      CASE WHEN age_group = '18-34' THEN 1e0 ELSE 0e0 END,
      CASE WHEN age_group = '35-49' THEN 1e0 ELSE 0e0 END,
      CASE WHEN age_group = '50-64' THEN 1e0 ELSE 0e0 END,
      CASE WHEN age_group = '65-79' THEN 1e0 ELSE 0e0 END,
      CASE WHEN age_group = '80+' THEN 1e0 ELSE 0e0 END,
      CAST(gender AS DOUBLE),
      body_mass_index,
      body_temperature,
      heart_rate,
      systolic_blood_pressure,
      creatinine,
      alt,
      glucose,
      hemoglobin,
      leukocytes,
      oxygen_saturation) AS probability
  FROM STREAM(silver_patient_data)
) AS scored;
