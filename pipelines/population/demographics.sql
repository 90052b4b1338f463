-- Platform 5: who is ill. Point prevalence on the last day: alive patients with an active disorder over alive patients.

CREATE MATERIALIZED VIEW population_active
CLUSTER BY (patient_id)
COMMENT 'Active disorders on the last day of patients who are alive'
AS
SELECT DISTINCT p.patient_id, p.sex, p.race, p.age_band, c.code
FROM population_alive_banded AS p
JOIN silver_conditions AS c ON c.patient_id = p.patient_id
WHERE c.is_disorder AND c.onset_date <= p.last_day AND (c.resolved_date IS NULL OR c.resolved_date > p.last_day);

-- The name that a code carries most recently.
CREATE MATERIALIZED VIEW population_disorders
COMMENT 'Disorders with the name that the code carries most recently'
AS
SELECT code, max_by(description, concat(CAST(onset_date AS STRING), description)) AS condition
FROM silver_conditions
WHERE is_disorder
GROUP BY code;

CREATE TEMPORARY VIEW population_counts AS
SELECT sex, race, age_band, count(*) AS population FROM population_alive_banded GROUP BY sex, race, age_band;

-- Each disorder beside each group of people, so that groups without a case count in denominators.
CREATE TEMPORARY VIEW population_cases AS
SELECT n.code, n.condition, p.sex, p.race, p.age_band, p.population, coalesce(c.cases, 0) AS cases
FROM population_counts AS p
CROSS JOIN (
  SELECT code, condition FROM population_disorders WHERE code IN (SELECT code FROM population_active)
) AS n
LEFT JOIN (
  SELECT code, sex, race, age_band, count(*) AS cases FROM population_active GROUP BY code, sex, race, age_band
) AS c ON c.code = n.code AND c.sex = p.sex AND c.race = p.race AND c.age_band = p.age_band;

CREATE MATERIALIZED VIEW gold_prevalence
CLUSTER BY (code, age_band)
COMMENT 'Point prevalence of disorders on the last day by sex, race and age band, with Wilson intervals; groups without a case are rows too'
TBLPROPERTIES ('lakeward.order' = 'z')
AS
SELECT
  code,
  condition,
  sex,
  race,
  age_band,
  cases,
  population,
  CAST(cases AS DOUBLE) / population AS prevalence,
  greatest(
    0e0,
    (cases + 1.9208e0 - 1.96e0 * sqrt(CAST(cases AS DOUBLE) * (population - cases) / population + 0.9604e0))
      / (population + 3.8416e0)) AS prevalence_low,
  least(
    1e0,
    (cases + 1.9208e0 + 1.96e0 * sqrt(CAST(cases AS DOUBLE) * (population - cases) / population + 0.9604e0))
      / (population + 3.8416e0)) AS prevalence_high
FROM population_cases;

CREATE MATERIALIZED VIEW gold_prevalence_by_group
CLUSTER BY (code, dimension)
COMMENT 'Point prevalence of disorders on the last day overall, by sex, by race and by age band, with Wilson intervals'
TBLPROPERTIES ('lakeward.order' = 'z')
AS
SELECT
  code,
  condition,
  dimension,
  member,
  cases,
  population,
  CAST(cases AS DOUBLE) / population AS prevalence,
  greatest(
    0e0,
    (cases + 1.9208e0 - 1.96e0 * sqrt(CAST(cases AS DOUBLE) * (population - cases) / population + 0.9604e0))
      / (population + 3.8416e0)) AS prevalence_low,
  least(
    1e0,
    (cases + 1.9208e0 + 1.96e0 * sqrt(CAST(cases AS DOUBLE) * (population - cases) / population + 0.9604e0))
      / (population + 3.8416e0)) AS prevalence_high
FROM (
  SELECT code, condition, 'all' AS dimension, 'all' AS member, sum(cases) AS cases, sum(population) AS population
  FROM population_cases
  GROUP BY code, condition
  UNION ALL
  SELECT code, condition, 'sex' AS dimension, sex AS member, sum(cases) AS cases, sum(population) AS population
  FROM population_cases
  GROUP BY code, condition, sex
  UNION ALL
  SELECT code, condition, 'race' AS dimension, race AS member, sum(cases) AS cases, sum(population) AS population
  FROM population_cases
  GROUP BY code, condition, race
  UNION ALL
  SELECT code, condition, 'age band' AS dimension, age_band AS member, sum(cases) AS cases, sum(population) AS population
  FROM population_cases
  GROUP BY code, condition, age_band
) AS summed;

CREATE MATERIALIZED VIEW gold_top_conditions
COMMENT 'The five commonest active disorders of each age band'
AS
SELECT age_band, place, code, condition, cases, population, CAST(cases AS DOUBLE) / population AS prevalence
FROM (
  SELECT
    a.age_band, a.code, d.condition, a.cases, p.population,
    row_number() OVER (PARTITION BY a.age_band ORDER BY a.cases DESC, a.code) AS place
  FROM (SELECT age_band, code, count(*) AS cases FROM population_active GROUP BY age_band, code) AS a
  JOIN (SELECT age_band, sum(population) AS population FROM population_counts GROUP BY age_band) AS p
    ON p.age_band = a.age_band
  JOIN population_disorders AS d ON d.code = a.code
) AS ranked
WHERE place <= 5;

CREATE MATERIALIZED VIEW gold_age_pyramid
COMMENT 'Alive patients on the last day by sex and five-year age group'
AS
SELECT
  sex,
  CAST(floor(age / 5) * 5 AS INT) AS age_from,
  count(*) AS patients
FROM population_alive_banded
GROUP BY sex, CAST(floor(age / 5) * 5 AS INT);

-- The newest value of each patient, so that frequent visitors do not weigh more.
CREATE MATERIALIZED VIEW population_newest_measurements
CLUSTER BY (patient_id)
COMMENT 'The newest body mass index, total cholesterol, blood pressure, glucose and HbA1c of each patient'
AS
SELECT
  patient_id,
  measurement,
  max_by(value_number, concat(CAST(observed_at AS STRING), CAST(value_number AS STRING))) AS value_number
FROM (
  SELECT
    patient_id, observed_at, value_number,
    CASE
      WHEN code = '39156-5' THEN 'body_mass_index'
      WHEN code = '2093-3' THEN 'total_cholesterol'
      WHEN code = '8480-6' THEN 'systolic_blood_pressure'
      WHEN code IN ('2345-7', '2339-0') THEN 'glucose'
      WHEN code = '4548-4' THEN 'hba1c'
    END AS measurement
  FROM silver_observations
  WHERE value_number IS NOT NULL
) AS named
WHERE measurement IS NOT NULL
GROUP BY patient_id, measurement;

CREATE MATERIALIZED VIEW gold_measurements_by_group
CLUSTER BY (measurement, age_band)
COMMENT 'Mean of the newest body mass index, total cholesterol, blood pressure and glucose by sex, race and age band'
TBLPROPERTIES ('lakeward.order' = 'z')
AS
SELECT
  m.measurement,
  p.sex,
  p.race,
  p.age_band,
  count(*) AS patients,
  avg(m.value_number) AS mean_value,
  percentile(m.value_number, 0.5) AS median_value
FROM population_alive_banded AS p
JOIN population_newest_measurements AS m ON m.patient_id = p.patient_id
GROUP BY m.measurement, p.sex, p.race, p.age_band;
