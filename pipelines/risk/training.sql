-- Measurements with what came of them within a day. risk_labelled is a table of the lake, a file (lakeward train risk
-- --data FILE), or generated; never a rule over the measurements. The limits are those of pipeline.yml.
SELECT
  CAST(patient_id AS STRING) AS patient_id,
  CASE WHEN heart_rate BETWEEN 10 AND 300 THEN CAST(heart_rate AS DOUBLE) END AS heart_rate,
  CASE WHEN systolic_blood_pressure BETWEEN 30 AND 300 THEN CAST(systolic_blood_pressure AS DOUBLE) END
    AS systolic_blood_pressure,
  CASE WHEN diastolic_blood_pressure BETWEEN 10 AND 200 THEN CAST(diastolic_blood_pressure AS DOUBLE) END
    AS diastolic_blood_pressure,
  CASE WHEN oxygen_saturation BETWEEN 30 AND 100 THEN CAST(oxygen_saturation AS DOUBLE) END AS oxygen_saturation,
  CASE WHEN body_temperature BETWEEN 25 AND 45 THEN CAST(body_temperature AS DOUBLE) END AS body_temperature,
  CASE WHEN glucose BETWEEN 10 AND 2000 THEN CAST(glucose AS DOUBLE) END AS glucose,
  CAST(age_group AS STRING) AS age_group,
  CAST(sex AS STRING) AS sex,
  risk
FROM risk_labelled
