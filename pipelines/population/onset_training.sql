-- Onset of a disease within a year after an as-of date, for each disease whose onset a model learns: people who have
-- never had it, dates whose year after is complete. The features are what was known on the date; the label alone looks
-- beyond it.
CREATE TEMPORARY VIEW onset_rows AS
SELECT
  n.disease,
  f.patient_id,
  f.as_of,
  CASE WHEN f.age < 35 THEN '0-34' WHEN f.age < 50 THEN '35-49' WHEN f.age < 65 THEN '50-64' ELSE '65+' END AS age_group,
  CASE f.is_male WHEN 1 THEN 'male' WHEN 0 THEN 'female' END AS sex,
  f.age, f.is_male, f.active_disorders, f.has_hypertension, f.has_diabetes, f.has_prediabetes,
  f.has_obesity, f.has_hyperlipidemia, f.is_smoker, f.charlson_index, f.body_mass_index, f.body_mass_index_change,
  f.systolic_blood_pressure, f.systolic_change, f.diastolic_blood_pressure, f.glucose, f.hba1c, f.total_cholesterol,
  f.creatinine, f.active_medications, f.encounters_12m, f.admissions_12m, f.emergencies_12m,
  CASE WHEN o.onset_date IS NOT NULL AND datediff(o.onset_date, f.as_of) <= 365 THEN 1 ELSE 0 END AS onset
FROM patient_feature_store AS f
CROSS JOIN population_period AS d
CROSS JOIN (
  SELECT 'diabetes' AS disease, '44054006' AS code
  UNION ALL
  SELECT 'hypertension' AS disease, '59621000' AS code
) AS n
LEFT JOIN (
  SELECT patient_id, code, min(onset_date) AS onset_date
  FROM silver_conditions
  WHERE code IN ('44054006', '59621000')
  GROUP BY patient_id, code
) AS o ON o.patient_id = f.patient_id AND o.code = n.code
WHERE
  f.age >= 18
  AND datediff(d.last_day, f.as_of) >= 365
  AND (o.onset_date IS NULL OR o.onset_date > f.as_of);
