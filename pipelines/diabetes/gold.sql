-- Scored records.
CREATE STREAMING TABLE gold_diabetes
COMMENT 'Measurements with the diabetes model''s answer: prediction is 1 from the threshold of the model version on'
AS
SELECT
  patient_id,
  event_time,
  pregnancies,
  glucose,
  blood_pressure,
  skin_thickness,
  insulin,
  bmi,
  diabetes_pedigree_function,
  age,
  probability,
  CASE
    WHEN probability IS NULL THEN NULL
    WHEN probability >= model_threshold('diabetes') THEN 1
    ELSE 0
  END AS prediction,
  -- What counts most, for those who are called diabetic: explaining takes much longer than scoring.
  CASE
    WHEN probability >= model_threshold('diabetes')
    THEN
      explain_diabetes(
        pregnancies,
        glucose,
        blood_pressure,
        skin_thickness,
        insulin,
        bmi,
        diabetes_pedigree_function,
        age)
  END AS explanation,
  model_version('diabetes') AS model_version,
  "partition",
  "offset"
FROM (
  SELECT
    patient_id,
    event_time,
    pregnancies,
    glucose,
    blood_pressure,
    skin_thickness,
    insulin,
    bmi,
    diabetes_pedigree_function,
    age,
    "partition",
    "offset",
    predict_diabetes(
      pregnancies,
      glucose,
      blood_pressure,
      skin_thickness,
      insulin,
      bmi,
      diabetes_pedigree_function,
      age) AS probability
  FROM STREAM(silver_diabetes)
) AS scored;
