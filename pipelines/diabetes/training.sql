-- Measurements with the diagnosis. diabetes_labelled is a table of the lake, a file (lakeward train diabetes --data FILE),
-- or generated. As in silver.sql, a zero that no living body has is a missing value.
SELECT
  CAST(patient_id AS STRING) AS patient_id,
  CAST(pregnancies AS DOUBLE) AS pregnancies,
  CAST(nullif(glucose, 0) AS DOUBLE) AS glucose,
  CAST(nullif(blood_pressure, 0) AS DOUBLE) AS blood_pressure,
  CAST(nullif(skin_thickness, 0) AS DOUBLE) AS skin_thickness,
  CAST(nullif(insulin, 0) AS DOUBLE) AS insulin,
  CAST(nullif(bmi, 0) AS DOUBLE) AS bmi,
  CAST(diabetes_pedigree_function AS DOUBLE) AS diabetes_pedigree_function,
  CAST(age AS DOUBLE) AS age,
  CASE WHEN age < 30 THEN '0-29' WHEN age < 40 THEN '30-39' WHEN age < 50 THEN '40-49' ELSE '50+' END AS age_group,
  CAST(sex AS STRING) AS sex,
  CAST(outcome AS INT) AS outcome
FROM diabetes_labelled
