-- Unplanned readmission within 30 days of an index discharge: what the feature store knew on its last date up to the
-- admission, and what the stay itself shows on its last day.
SELECT
  r.patient_id,
  r.discharge_date,
  CASE WHEN f.age < 35 THEN '0-34' WHEN f.age < 50 THEN '35-49' WHEN f.age < 65 THEN '50-64' ELSE '65+' END AS age_group,
  CASE f.is_male WHEN 1 THEN 'male' WHEN 0 THEN 'female' END AS sex,
  f.age, f.is_male, f.active_disorders, f.has_hypertension, f.has_diabetes, f.is_smoker, f.charlson_index, f.body_mass_index,
  f.systolic_blood_pressure, f.creatinine, f.active_medications, f.encounters_12m, f.emergencies_12m,
  r.los_days,
  count(b.episode_id) AS admissions_before_12m,
  CASE WHEN r.readmitted_30d THEN 1 ELSE 0 END AS readmitted
FROM (
  SELECT e.episode_id, e.patient_id, e.admission_date, e.discharge_date, e.los_days, e.readmitted_30d, max(s.as_of) AS as_of
  FROM gold_readmissions AS e
  JOIN patient_feature_store AS s ON s.patient_id = e.patient_id AND s.as_of <= e.admission_date
  WHERE e.is_index
  GROUP BY e.episode_id, e.patient_id, e.admission_date, e.discharge_date, e.los_days, e.readmitted_30d
) AS r
JOIN patient_feature_store AS f ON f.patient_id = r.patient_id AND f.as_of = r.as_of
LEFT JOIN quality_episodes AS b
  ON b.patient_id = r.patient_id AND b.discharge_date < r.admission_date AND datediff(r.admission_date, b.discharge_date) <= 365
WHERE f.age >= 18
GROUP BY
  r.episode_id, r.patient_id, r.discharge_date, r.los_days, r.readmitted_30d, f.age, f.is_male, f.active_disorders,
  f.has_hypertension, f.has_diabetes, f.is_smoker, f.charlson_index, f.body_mass_index, f.systolic_blood_pressure, f.creatinine,
  f.active_medications, f.encounters_12m, f.emergencies_12m
