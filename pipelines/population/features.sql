-- Platform 6: the feature store. One row per patient and as-of date with only what was known on that date: every input
-- row carries the day on which it became known, and nothing after the as-of date is read. The dates are the first days of
-- the last twelve months, and of the same month in the nine years before; a model of disease onset reads one of them and
-- takes its label from what came after.

CREATE MATERIALIZED VIEW feature_dates
COMMENT 'The as-of dates of the feature store; they change once a month, so that a new day does not make all its rows anew'
AS
SELECT add_months(CAST(date_trunc('MONTH', last_day) AS DATE), CAST(0 - k AS INT)) AS as_of
FROM population_period
, LATERAL explode(sequence(0, 120)) AS n(k)
WHERE k < 12 OR k % 12 = 0;

-- Charlson comorbidity index (Charlson 1987, weights of the original), by words of SNOMED CT descriptions, because no
-- ICD code is at hand. Each category counts once, of two degrees of one disease the graver only.
CREATE TEMPORARY VIEW charlson_categories AS
SELECT
  patient_id,
  onset_date,
  CASE
    WHEN category IN ('diabetes with complications', 'diabetes') THEN 'diabetes'
    WHEN category IN ('severe liver disease', 'mild liver disease') THEN 'liver disease'
    WHEN category IN ('metastatic tumour', 'tumour') THEN 'tumour'
    ELSE category
  END AS category,
  CASE
    WHEN category IN ('metastatic tumour', 'AIDS') THEN 6
    WHEN category = 'severe liver disease' THEN 3
    WHEN category IN ('diabetes with complications', 'hemiplegia', 'renal disease', 'leukaemia', 'lymphoma', 'tumour') THEN 2
    ELSE 1
  END AS weight
FROM (
  SELECT
    patient_id,
    onset_date,
    CASE
      WHEN regexp_like(text, 'myocardial infarction') THEN 'myocardial infarction'
      WHEN regexp_like(text, 'heart failure') THEN 'congestive heart failure'
      WHEN regexp_like(text, 'peripheral (vascular|arterial)') THEN 'peripheral vascular disease'
      WHEN regexp_like(text, 'stroke|cerebrovascular') THEN 'cerebrovascular disease'
      WHEN regexp_like(text, 'dementia|alzheimer') THEN 'dementia'
      WHEN regexp_like(text, 'chronic obstructive|emphysema|chronic bronchitis|asthma') THEN 'chronic pulmonary disease'
      WHEN regexp_like(text, 'rheumatoid arthritis|lupus') THEN 'rheumatic disease'
      WHEN regexp_like(text, 'peptic ulcer') THEN 'peptic ulcer disease'
      WHEN regexp_like(text, 'cirrhosis') THEN 'severe liver disease'
      WHEN regexp_like(text, 'hepatitis') THEN 'mild liver disease'
      WHEN regexp_like(text, 'due to type (1|2|i|ii) diabetes|diabetic') THEN 'diabetes with complications'
      WHEN regexp_like(text, 'diabetes') AND NOT regexp_like(text, 'prediabetes|gestational') THEN 'diabetes'
      WHEN regexp_like(text, 'hemiplegia|paraplegia') THEN 'hemiplegia'
      WHEN regexp_like(text, 'chronic kidney disease stage (3|4|5)|end-stage renal|end stage renal') THEN 'renal disease'
      WHEN regexp_like(text, 'metasta') THEN 'metastatic tumour'
      WHEN regexp_like(text, 'leukemia|leukaemia') THEN 'leukaemia'
      WHEN regexp_like(text, 'lymphoma') THEN 'lymphoma'
      WHEN regexp_like(text, 'malignant|carcinoma|cancer') AND NOT regexp_like(text, 'suspected|screening|basal cell') THEN 'tumour'
      WHEN regexp_like(text, 'acquired immun|(^| )aids( |$)') THEN 'AIDS'
    END AS category
  FROM (
    SELECT patient_id, lower(description) AS text, min(onset_date) AS onset_date
    FROM silver_conditions
    WHERE is_disorder
    GROUP BY patient_id, lower(description)
  ) AS worded
) AS named
WHERE category IS NOT NULL;

CREATE MATERIALIZED VIEW patient_feature_store
PARTITIONED BY (as_of)
CLUSTER BY (patient_id)
COMMENT 'One row per patient and as-of date, point-in-time correct: conditions, Charlson index, newest observations and their trend, medications, utilisation'
AS
WITH
people AS (
  SELECT
    p.patient_id, p.sex, p.race, f.as_of,
    year(f.as_of) - year(p.birth_date)
      - CASE WHEN month(f.as_of) * 100 + day(f.as_of) < month(p.birth_date) * 100 + day(p.birth_date) THEN 1 ELSE 0 END
      AS age
  FROM silver_patients AS p
  CROSS JOIN feature_dates AS f
  WHERE p.birth_date <= f.as_of AND (p.death_date IS NULL OR p.death_date > f.as_of)
),
conditions AS (
  SELECT
    f.as_of, c.patient_id,
    count(DISTINCT CASE WHEN c.is_disorder AND (c.resolved_date IS NULL OR c.resolved_date > f.as_of) THEN c.code END) AS active_disorders,
    max(CASE WHEN c.code = '59621000' THEN 1 ELSE 0 END) AS has_hypertension,
    max(CASE WHEN c.code = '44054006' THEN 1 ELSE 0 END) AS has_diabetes,
    max(CASE WHEN c.code IN ('15777000', '714628002') THEN 1 ELSE 0 END) AS has_prediabetes,
    max(CASE WHEN c.code IN ('162864005', '408512008') THEN 1 ELSE 0 END) AS has_obesity,
    max(CASE WHEN c.code = '55822004' THEN 1 ELSE 0 END) AS has_hyperlipidemia,
    max(CASE WHEN c.code = '449868002' THEN 1 ELSE 0 END) AS is_smoker
  FROM silver_conditions AS c
  JOIN feature_dates AS f ON c.onset_date <= f.as_of
  GROUP BY f.as_of, c.patient_id
),
comorbidity AS (
  SELECT as_of, patient_id, sum(weight) AS charlson_index
  FROM (
    SELECT f.as_of, c.patient_id, c.category, max(c.weight) AS weight
    FROM charlson_categories AS c
    JOIN feature_dates AS f ON c.onset_date <= f.as_of
    GROUP BY f.as_of, c.patient_id, c.category
  ) AS once
  GROUP BY as_of, patient_id
),
-- One value of a kind and instant; decimals, because sums of them do not depend on the order of the rows.
named_observations AS (
  SELECT patient_id, observed_at, name, max(value_number) AS value_number, CAST(max(value_number) AS DECIMAL(18, 6)) AS exact
  FROM (
    SELECT
      patient_id, observed_at, value_number,
      CASE
        WHEN code = '39156-5' THEN 'bmi'
        WHEN code = '8480-6' THEN 'sbp'
        WHEN code = '8462-4' THEN 'dbp'
        WHEN code IN ('2345-7', '2339-0') THEN 'glucose'
        WHEN code = '4548-4' THEN 'hba1c'
        WHEN code = '2093-3' THEN 'cholesterol'
        WHEN code IN ('2160-0', '38483-4') THEN 'creatinine'
      END AS name
    FROM silver_observations
    WHERE value_number IS NOT NULL
  ) AS coded
  WHERE name IS NOT NULL
  GROUP BY patient_id, observed_at, name
),
-- The newest value of the two years before the date, and the mean of the values before that year.
observations AS (
  SELECT
    f.as_of, o.patient_id,
    max_by(CASE WHEN o.name = 'bmi' THEN o.value_number END, CASE WHEN o.name = 'bmi' THEN o.observed_at END) AS body_mass_index,
    max_by(CASE WHEN o.name = 'sbp' THEN o.value_number END, CASE WHEN o.name = 'sbp' THEN o.observed_at END) AS systolic_blood_pressure,
    max_by(CASE WHEN o.name = 'dbp' THEN o.value_number END, CASE WHEN o.name = 'dbp' THEN o.observed_at END) AS diastolic_blood_pressure,
    max_by(CASE WHEN o.name = 'glucose' THEN o.value_number END, CASE WHEN o.name = 'glucose' THEN o.observed_at END) AS glucose,
    max_by(CASE WHEN o.name = 'hba1c' THEN o.value_number END, CASE WHEN o.name = 'hba1c' THEN o.observed_at END) AS hba1c,
    max_by(CASE WHEN o.name = 'cholesterol' THEN o.value_number END, CASE WHEN o.name = 'cholesterol' THEN o.observed_at END) AS total_cholesterol,
    max_by(CASE WHEN o.name = 'creatinine' THEN o.value_number END, CASE WHEN o.name = 'creatinine' THEN o.observed_at END) AS creatinine,
    CAST(avg(CASE WHEN o.name = 'bmi' AND datediff(f.as_of, CAST(o.observed_at AS DATE)) <= 365 THEN o.exact END) AS DOUBLE)
      - CAST(avg(CASE WHEN o.name = 'bmi' AND datediff(f.as_of, CAST(o.observed_at AS DATE)) > 365 THEN o.exact END) AS DOUBLE) AS body_mass_index_change,
    CAST(avg(CASE WHEN o.name = 'sbp' AND datediff(f.as_of, CAST(o.observed_at AS DATE)) <= 365 THEN o.exact END) AS DOUBLE)
      - CAST(avg(CASE WHEN o.name = 'sbp' AND datediff(f.as_of, CAST(o.observed_at AS DATE)) > 365 THEN o.exact END) AS DOUBLE) AS systolic_change
  FROM named_observations AS o
  JOIN feature_dates AS f
    ON CAST(o.observed_at AS DATE) <= f.as_of AND datediff(f.as_of, CAST(o.observed_at AS DATE)) <= 730
  GROUP BY f.as_of, o.patient_id
),
drugs AS (
  SELECT
    f.as_of, m.patient_id,
    count(DISTINCT m.code) AS active_medications,
    max(CASE WHEN regexp_like(lower(m.description), 'statin') AND NOT regexp_like(lower(m.description), 'nystatin') THEN 1 ELSE 0 END) AS on_statin,
    max(CASE WHEN regexp_like(lower(m.description), 'pril|sartan|dipine|thiazide|olol') THEN 1 ELSE 0 END) AS on_antihypertensive,
    max(CASE WHEN regexp_like(lower(m.description), 'insulin|metformin|gliptin|gliflozin|glutide') THEN 1 ELSE 0 END) AS on_antidiabetic
  FROM silver_medications AS m
  JOIN feature_dates AS f
    ON CAST(m.started_at AS DATE) <= f.as_of AND (m.ended_at IS NULL OR CAST(m.ended_at AS DATE) > f.as_of)
  GROUP BY f.as_of, m.patient_id
),
use_of_care AS (
  SELECT
    f.as_of, e.patient_id,
    count(*) AS encounters_12m,
    sum(CASE WHEN e.encounter_class = 'inpatient' THEN 1 ELSE 0 END) AS admissions_12m,
    sum(CASE WHEN e.encounter_class IN ('emergency', 'urgentcare') THEN 1 ELSE 0 END) AS emergencies_12m
  FROM silver_encounters AS e
  JOIN feature_dates AS f
    ON CAST(e.started_at AS DATE) <= f.as_of AND datediff(f.as_of, CAST(e.started_at AS DATE)) < 365
  GROUP BY f.as_of, e.patient_id
)
SELECT
  p.patient_id,
  p.as_of,
  p.age,
  CASE p.sex WHEN 'male' THEN 1 WHEN 'female' THEN 0 END AS is_male,
  coalesce(c.active_disorders, 0) AS active_disorders,
  coalesce(c.has_hypertension, 0) AS has_hypertension,
  coalesce(c.has_diabetes, 0) AS has_diabetes,
  coalesce(c.has_prediabetes, 0) AS has_prediabetes,
  coalesce(c.has_obesity, 0) AS has_obesity,
  coalesce(c.has_hyperlipidemia, 0) AS has_hyperlipidemia,
  coalesce(c.is_smoker, 0) AS is_smoker,
  coalesce(x.charlson_index, 0) AS charlson_index,
  o.body_mass_index,
  o.body_mass_index_change,
  o.systolic_blood_pressure,
  o.systolic_change,
  o.diastolic_blood_pressure,
  o.glucose,
  o.hba1c,
  o.total_cholesterol,
  o.creatinine,
  coalesce(d.active_medications, 0) AS active_medications,
  coalesce(d.on_statin, 0) AS on_statin,
  coalesce(d.on_antihypertensive, 0) AS on_antihypertensive,
  coalesce(d.on_antidiabetic, 0) AS on_antidiabetic,
  coalesce(u.encounters_12m, 0) AS encounters_12m,
  coalesce(u.admissions_12m, 0) AS admissions_12m,
  coalesce(u.emergencies_12m, 0) AS emergencies_12m
FROM people AS p
LEFT JOIN conditions AS c ON c.as_of = p.as_of AND c.patient_id = p.patient_id
LEFT JOIN comorbidity AS x ON x.as_of = p.as_of AND x.patient_id = p.patient_id
LEFT JOIN observations AS o ON o.as_of = p.as_of AND o.patient_id = p.patient_id
LEFT JOIN drugs AS d ON d.as_of = p.as_of AND d.patient_id = p.patient_id
LEFT JOIN use_of_care AS u ON u.as_of = p.as_of AND u.patient_id = p.patient_id;
