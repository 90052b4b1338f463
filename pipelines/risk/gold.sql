-- Scored records: the most probable class, and the probability of each.
CREATE STREAMING TABLE gold_risk
COMMENT 'Measurements with the risk model''s answer: risk is the most probable of Low, Medium and High'
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
  answer.label AS risk,
  answer."High" AS probability,
  answer."Low" AS probability_low,
  answer."Medium" AS probability_medium,
  -- What counts most, where somebody is told (alerts.yml): explaining takes much longer than scoring.
  CASE
    WHEN answer."High" >= 0.6
    THEN
      explain_risk(
        heart_rate,
        systolic_blood_pressure,
        diastolic_blood_pressure,
        oxygen_saturation,
        body_temperature,
        glucose)
  END AS explanation,
  model_version('risk') AS model_version,
  "partition",
  "offset"
FROM (
  SELECT
    patient_id,
    event_time,
    heart_rate,
    systolic_blood_pressure,
    diastolic_blood_pressure,
    oxygen_saturation,
    body_temperature,
    glucose,
    "partition",
    "offset",
    predict_risk(
      heart_rate,
      systolic_blood_pressure,
      diastolic_blood_pressure,
      oxygen_saturation,
      body_temperature,
      glucose) AS answer
  FROM STREAM(silver_raw_patient)
) AS scored;
