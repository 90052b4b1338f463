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
  model_version('illness') AS model_version,
  -- The three features that count most, where a critical result (the limits of alerts.yml) is called ill. Explaining a
  -- record takes a hundred times as long as scoring it, so the others go without.
  CASE
    WHEN
      probability >= model_threshold('illness')
      AND (
        glucose < 40 OR glucose > 450 OR hemoglobin <= 7 OR hemoglobin >= 20 OR creatinine >= 6 OR leukocytes <= 1
        OR leukocytes >= 50 OR oxygen_saturation < 85)
    THEN
      explain_illness(
        age_0_17, age_18_34, age_35_49, age_50_64, age_65_79, age_80_plus, sex, body_mass_index, body_temperature,
        heart_rate, systolic_blood_pressure, creatinine, alt, glucose, hemoglobin, leukocytes, oxygen_saturation)
  END AS explanation
FROM (
  SELECT
    *,
    predict_illness(
      age_0_17, age_18_34, age_35_49, age_50_64, age_65_79, age_80_plus, sex, body_mass_index, body_temperature,
      heart_rate, systolic_blood_pressure, creatinine, alt, glucose, hemoglobin, leukocytes, oxygen_saturation)
      AS probability
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
      CASE WHEN age_group = '0-17' THEN 1e0 ELSE 0e0 END AS age_0_17,
      CASE WHEN age_group = '18-34' THEN 1e0 ELSE 0e0 END AS age_18_34,
      CASE WHEN age_group = '35-49' THEN 1e0 ELSE 0e0 END AS age_35_49,
      CASE WHEN age_group = '50-64' THEN 1e0 ELSE 0e0 END AS age_50_64,
      CASE WHEN age_group = '65-79' THEN 1e0 ELSE 0e0 END AS age_65_79,
      CASE WHEN age_group = '80+' THEN 1e0 ELSE 0e0 END AS age_80_plus,
      CAST(gender AS DOUBLE) AS sex
    FROM STREAM(silver_patient_data)
  ) AS features
) AS scored;
