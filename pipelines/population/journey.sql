-- Platform 2: the way of a patient with a condition: encounter, diagnosis, medication, recovery.
CREATE MATERIALIZED VIEW journey_diagnoses
CLUSTER BY (patient_id, code)
COMMENT 'First diagnosis of each disorder of a patient'
AS
SELECT
  patient_id,
  code,
  min(onset_date) AS diagnosed_on,
  min_by(description, concat(CAST(onset_date AS STRING), description)) AS condition,
  nullif(min_by(coalesce(encounter_id, ''), concat(CAST(onset_date AS STRING), coalesce(encounter_id, ''))), '') AS encounter_id,
  -- Recovered when the last record of the disorder has ended.
  CASE WHEN count(*) = count(resolved_date) THEN max(resolved_date) END AS recovered_on,
  count(*) AS records
FROM silver_conditions
WHERE is_disorder
GROUP BY patient_id, code;

-- A medication counts when the condition is its reason; it may be written up to a day before the local date of onset.
CREATE TEMPORARY VIEW journey_treatments AS
SELECT
  d.patient_id, d.code,
  min(CAST(m.started_at AS DATE)) AS medicated_on,
  min_by(m.description, concat(CAST(m.started_at AS STRING), m.description)) AS first_drug,
  count(DISTINCT m.code) AS drugs
FROM journey_diagnoses AS d
JOIN silver_medications AS m ON m.patient_id = d.patient_id AND m.reason_code = d.code
WHERE datediff(CAST(m.started_at AS DATE), d.diagnosed_on) BETWEEN -1 AND 365
GROUP BY d.patient_id, d.code;

CREATE MATERIALIZED VIEW gold_patient_journeys
CLUSTER BY (code, patient_id)
COMMENT 'One row per patient and disorder: first diagnosis, time to medication, encounters in the year before and after diagnosis and treatment, recovery, length'
TBLPROPERTIES ('lakeward.key' = 'patient_id')
AS
WITH
visits AS (
  SELECT
    d.patient_id, d.code,
    sum(CASE WHEN CAST(e.started_at AS DATE) < d.diagnosed_on THEN 1 ELSE 0 END) AS encounters_before,
    sum(CASE WHEN CAST(e.started_at AS DATE) >= d.diagnosed_on THEN 1 ELSE 0 END) AS encounters_after,
    max(CAST(e.started_at AS DATE)) AS last_encounter_on
  FROM journey_diagnoses AS d
  JOIN silver_encounters AS e ON e.patient_id = d.patient_id
  WHERE abs(datediff(CAST(e.started_at AS DATE), d.diagnosed_on)) <= 365
  GROUP BY d.patient_id, d.code
),
visits_around_treatment AS (
  SELECT
    t.patient_id, t.code,
    sum(CASE WHEN CAST(e.started_at AS DATE) < t.medicated_on THEN 1 ELSE 0 END) AS encounters_before,
    sum(CASE WHEN CAST(e.started_at AS DATE) > t.medicated_on THEN 1 ELSE 0 END) AS encounters_after
  FROM journey_treatments AS t
  JOIN silver_encounters AS e ON e.patient_id = t.patient_id
  WHERE abs(datediff(CAST(e.started_at AS DATE), t.medicated_on)) <= 365
  GROUP BY t.patient_id, t.code
)
SELECT
  d.patient_id,
  d.code,
  d.condition,
  d.diagnosed_on,
  coalesce(e.encounter_class, 'unknown') AS found_at,
  CAST(e.started_at AS DATE) AS found_on,
  t.medicated_on,
  t.first_drug,
  CASE WHEN t.medicated_on IS NOT NULL THEN greatest(0, datediff(t.medicated_on, d.diagnosed_on)) END AS days_to_medication,
  coalesce(t.drugs, 0) AS drugs,
  d.recovered_on,
  coalesce(v.encounters_before, 0) AS encounters_before,
  coalesce(v.encounters_after, 0) AS encounters_after,
  CASE WHEN t.medicated_on IS NOT NULL THEN coalesce(r.encounters_before, 0) END AS encounters_before_treatment,
  CASE WHEN t.medicated_on IS NOT NULL THEN coalesce(r.encounters_after, 0) END AS encounters_after_treatment,
  datediff(coalesce(d.recovered_on, p.death_date, w.last_day), d.diagnosed_on) AS journey_days,
  coalesce(d.recovered_on, p.death_date) AS ended_on,
  CASE
    WHEN d.recovered_on IS NOT NULL THEN 'recovered'
    WHEN p.death_date IS NOT NULL THEN 'died'
    ELSE 'ongoing'
  END AS outcome
FROM journey_diagnoses AS d
CROSS JOIN population_period AS w
LEFT JOIN journey_treatments AS t ON t.patient_id = d.patient_id AND t.code = d.code
LEFT JOIN visits AS v ON v.patient_id = d.patient_id AND v.code = d.code
LEFT JOIN visits_around_treatment AS r ON r.patient_id = d.patient_id AND r.code = d.code
LEFT JOIN silver_patients AS p ON p.patient_id = d.patient_id
LEFT JOIN silver_encounters AS e ON e.encounter_id = d.encounter_id AND e.patient_id = d.patient_id;

-- The stations of each journey in order. On one day the encounter comes first, then diagnosis, medication, the end.
CREATE MATERIALIZED VIEW gold_journey_events
CLUSTER BY (patient_id, code)
COMMENT 'One row per station of a journey: encounter, diagnosis, medication, recovery or death, numbered in order'
AS
SELECT
  patient_id, code, event, event_date, detail,
  row_number() OVER (PARTITION BY patient_id, code ORDER BY event_date, station) AS step,
  datediff(event_date, min(event_date) OVER (PARTITION BY patient_id, code)) AS day_of_journey
FROM (
  SELECT patient_id, code, 1 AS station, 'encounter' AS event, found_on AS event_date, found_at AS detail
  FROM gold_patient_journeys
  WHERE found_on IS NOT NULL
  UNION ALL
  SELECT patient_id, code, 2 AS station, 'diagnosis' AS event, diagnosed_on AS event_date, condition AS detail
  FROM gold_patient_journeys
  UNION ALL
  SELECT patient_id, code, 3 AS station, 'medication' AS event, medicated_on AS event_date, first_drug AS detail
  FROM gold_patient_journeys
  WHERE medicated_on IS NOT NULL
  UNION ALL
  SELECT patient_id, code, 4 AS station, outcome AS event, ended_on AS event_date, CAST(NULL AS STRING) AS detail
  FROM gold_patient_journeys
  WHERE outcome <> 'ongoing'
) AS stations;

-- The way of each patient in words, from which paths and flows are counted.
CREATE TEMPORARY VIEW journey_ways AS
SELECT
  code,
  condition,
  concat('1: ', found_at) AS first_station,
  concat(
    '2: ',
    CASE
      WHEN medicated_on IS NULL THEN 'no medication'
      WHEN days_to_medication <= 1 THEN 'medicated at once'
      ELSE 'medicated later'
    END) AS second_station,
  concat('3: ', outcome) AS third_station,
  days_to_medication,
  journey_days
FROM gold_patient_journeys;

CREATE MATERIALIZED VIEW gold_journey_paths
COMMENT 'Whole paths from encounter to outcome of each disorder, the commonest first'
AS
SELECT
  code, condition, first_station, second_station, third_station, patients, median_days,
  row_number() OVER (PARTITION BY code ORDER BY patients DESC, first_station, second_station, third_station) AS place
FROM (
  SELECT
    code, max(condition) AS condition, first_station, second_station, third_station, count(*) AS patients,
    percentile(CAST(journey_days AS DOUBLE), 0.5) AS median_days
  FROM journey_ways
  GROUP BY code, first_station, second_station, third_station
) AS counted;

-- The same as flows between numbered stations, ready for a Sankey diagram.
CREATE MATERIALIZED VIEW gold_journey_flows
COMMENT 'Flows encounter, treatment, outcome over all disorders'
AS
SELECT source, target, count(*) AS patients
FROM (
  SELECT first_station AS source, second_station AS target FROM journey_ways
  UNION ALL
  SELECT second_station AS source, third_station AS target FROM journey_ways
) AS steps
GROUP BY source, target;

CREATE MATERIALIZED VIEW gold_journey_summary
COMMENT 'Per disorder: patients, share treated within a year, days to medication, encounters around treatment, length of the journey'
AS
SELECT
  code,
  max(condition) AS condition,
  count(*) AS patients,
  count(medicated_on) AS treated,
  CAST(count(medicated_on) AS DOUBLE) / count(*) AS treated_share,
  percentile(CAST(days_to_medication AS DOUBLE), 0.5) AS median_days_to_medication,
  percentile(CAST(days_to_medication AS DOUBLE), 0.9) AS p90_days_to_medication,
  avg(CAST(encounters_before_treatment AS DOUBLE)) AS mean_encounters_before_treatment,
  avg(CAST(encounters_after_treatment AS DOUBLE)) AS mean_encounters_after_treatment,
  sum(CASE WHEN outcome = 'recovered' THEN 1 ELSE 0 END) AS recovered,
  sum(CASE WHEN outcome = 'died' THEN 1 ELSE 0 END) AS died,
  percentile(CAST(journey_days AS DOUBLE), 0.5) AS median_journey_days
FROM gold_patient_journeys
GROUP BY code;
