-- Platform 2: the way of a patient with a condition: encounter, diagnosis, medication, recovery.
CREATE MATERIALIZED VIEW gold_patient_journeys
CLUSTER BY (code, patient_id)
COMMENT 'One row per patient and disorder: first diagnosis, time to medication, encounters before and after, recovery, length'
AS
WITH
first_diagnosis AS (
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
  GROUP BY patient_id, code
),
-- A medication counts when the condition is its reason; it may be written up to a day before the local date of onset.
treatment AS (
  SELECT
    d.patient_id, d.code,
    min(CAST(m.started_at AS DATE)) AS medicated_on,
    count(DISTINCT m.code) AS drugs
  FROM first_diagnosis AS d
  JOIN silver_medications AS m ON m.patient_id = d.patient_id AND m.reason_code = d.code
  WHERE datediff(CAST(m.started_at AS DATE), d.diagnosed_on) BETWEEN -1 AND 365
  GROUP BY d.patient_id, d.code
),
visits AS (
  SELECT
    d.patient_id, d.code,
    sum(CASE WHEN CAST(e.started_at AS DATE) < d.diagnosed_on THEN 1 ELSE 0 END) AS encounters_before,
    sum(CASE WHEN CAST(e.started_at AS DATE) >= d.diagnosed_on THEN 1 ELSE 0 END) AS encounters_after,
    max(CAST(e.started_at AS DATE)) AS last_encounter_on
  FROM first_diagnosis AS d
  JOIN silver_encounters AS e ON e.patient_id = d.patient_id
  WHERE abs(datediff(CAST(e.started_at AS DATE), d.diagnosed_on)) <= 365
  GROUP BY d.patient_id, d.code
)
SELECT
  d.patient_id,
  d.code,
  d.condition,
  d.diagnosed_on,
  coalesce(e.encounter_class, 'unknown') AS found_at,
  t.medicated_on,
  greatest(0, datediff(t.medicated_on, d.diagnosed_on)) AS days_to_medication,
  coalesce(t.drugs, 0) AS drugs,
  d.recovered_on,
  coalesce(v.encounters_before, 0) AS encounters_before,
  coalesce(v.encounters_after, 0) AS encounters_after,
  datediff(coalesce(d.recovered_on, p.death_date, w.last_day), d.diagnosed_on) AS journey_days,
  CASE
    WHEN d.recovered_on IS NOT NULL THEN 'recovered'
    WHEN p.death_date IS NOT NULL THEN 'died'
    ELSE 'ongoing'
  END AS outcome
FROM first_diagnosis AS d
CROSS JOIN population_period AS w
LEFT JOIN treatment AS t ON t.patient_id = d.patient_id AND t.code = d.code
LEFT JOIN visits AS v ON v.patient_id = d.patient_id AND v.code = d.code
LEFT JOIN silver_patients AS p ON p.patient_id = d.patient_id
LEFT JOIN silver_encounters AS e ON e.encounter_id = d.encounter_id;

-- The commonest paths as flows between numbered stations, ready for a Sankey diagram.
CREATE MATERIALIZED VIEW gold_journey_flows
COMMENT 'Flows encounter, diagnosis, treatment, outcome over all disorders'
AS
SELECT source, target, count(*) AS patients
FROM (
  SELECT concat('1: ', found_at) AS source, concat('2: ', CASE WHEN medicated_on IS NULL THEN 'no medication' WHEN days_to_medication <= 1 THEN 'medicated at once' ELSE 'medicated later' END) AS target
  FROM gold_patient_journeys
  UNION ALL
  SELECT concat('2: ', CASE WHEN medicated_on IS NULL THEN 'no medication' WHEN days_to_medication <= 1 THEN 'medicated at once' ELSE 'medicated later' END) AS source, concat('3: ', outcome) AS target
  FROM gold_patient_journeys
) AS steps
GROUP BY source, target;
