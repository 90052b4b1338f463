-- Platform 4: quality. Definitions: docs/population.md names what CMS, PQA and OHDSI choose and where this departs.

-- One row per inpatient episode: stays of a patient that overlap, or follow as a transfer, are one episode.
--   * a stay that begins before or at the current end: the same episode;
--   * at another organisation within a day after the end: a transfer;
--   * at the same organisation on the day of the end for the same reason: the same episode.
-- Discharge belongs to the last stay. A run of stays whose ends are unknown is open and has no discharge.
CREATE MATERIALIZED VIEW quality_episodes
CLUSTER BY (patient_id)
COMMENT 'Inpatient episodes with transfers merged'
AS
WITH
stays AS (
  SELECT
    encounter_id, patient_id, organization_id, provider_id, reason_code, reason_description, started_at, ended_at,
    max(ended_at) OVER before_this AS latest_end,
    lag(organization_id) OVER in_order AS last_organization,
    lag(ended_at) OVER in_order AS last_end,
    lag(reason_code) OVER in_order AS last_reason
  FROM silver_encounters
  WHERE encounter_class = 'inpatient' AND ended_at IS NOT NULL
  WINDOW
    in_order AS (PARTITION BY patient_id ORDER BY started_at, encounter_id),
    before_this AS (
      PARTITION BY patient_id ORDER BY started_at, encounter_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
marked AS (
  SELECT
    *,
    CASE
      WHEN latest_end IS NULL THEN 1
      WHEN started_at <= latest_end THEN 0
      WHEN coalesce(organization_id, '') <> coalesce(last_organization, '')
        AND datediff(CAST(started_at AS DATE), CAST(last_end AS DATE)) <= 1 THEN 0
      WHEN coalesce(organization_id, '') = coalesce(last_organization, '')
        AND CAST(started_at AS DATE) = CAST(last_end AS DATE)
        AND coalesce(reason_code, '') = coalesce(last_reason, '') THEN 0
      ELSE 1
    END AS begins
  FROM stays
),
numbered AS (
  SELECT
    *,
    sum(begins) OVER (
      PARTITION BY patient_id ORDER BY started_at, encounter_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
      AS episode
  FROM marked
)
SELECT
  min_by(encounter_id, concat(CAST(started_at AS STRING), encounter_id)) AS episode_id,
  patient_id,
  count(*) AS stays,
  min(started_at) AS admitted_at,
  max(ended_at) AS discharged_at,
  CAST(min(started_at) AS DATE) AS admission_date,
  CAST(max(ended_at) AS DATE) AS discharge_date,
  (unix_timestamp(max(ended_at)) - unix_timestamp(min(started_at))) / 86400e0 AS los_days,
  max_by(organization_id, concat(CAST(ended_at AS STRING), encounter_id)) AS organization_id,
  max_by(provider_id, concat(CAST(ended_at AS STRING), encounter_id)) AS provider_id,
  -- NULL has no place in max_by on every engine.
  nullif(max_by(coalesce(reason_code, ''), concat(CAST(ended_at AS STRING), encounter_id)), '') AS reason_code,
  nullif(max_by(coalesce(reason_description, ''), concat(CAST(ended_at AS STRING), encounter_id)), '') AS reason_description
FROM numbered
GROUP BY patient_id, episode;

-- Types that are never an index admission (CMS hospital-wide measure), as far as Synthea says them: the reason's or a
-- condition's code of medical treatment of cancer, primarily psychiatric care, rehabilitation.
CREATE MATERIALIZED VIEW quality_excluded_reasons
COMMENT 'Codes of reasons for which a stay is no index admission'
AS
SELECT DISTINCT code
FROM (SELECT DISTINCT code, description FROM silver_conditions) AS described
WHERE
  regexp_like(
    lower(description),
    'leukemia|leukaemia|malignant|neoplasm|carcinoma|lymphoma|overlapping malignant|schizophrenia|bipolar|major depress|suicid|psychosis');

-- Readmissions within 30 days that are planned are no failure (CMS planned readmission algorithm, by words because the
-- procedures are SNOMED CT): transplants, chemo- and immunotherapy, rehabilitation always; other elective procedures
-- unless the stay's principal reason is acute.
CREATE TEMPORARY VIEW quality_planned_episodes AS
SELECT DISTINCT e.episode_id, e.patient_id
FROM quality_episodes AS e
JOIN silver_procedures AS p
  ON p.patient_id = e.patient_id AND p.started_at >= e.admitted_at AND p.started_at <= e.discharged_at
WHERE
  regexp_like(lower(p.description), 'transplant|chemotherapy|immunotherapy|rehabilitation')
  OR (
    regexp_like(
      lower(p.description),
      '(replacement|arthroplasty).*(hip|knee|shoulder|joint)|(hip|knee|shoulder|joint).*(replacement|arthroplasty)|coronary artery bypass|(aortic|mitral) valve|cardiac pacemaker|defibrillator|carotid endarterectomy|cholecystectomy|colectomy|hysterectomy|prostatectomy|mastectomy|nephrectomy|thyroidectomy|hernia|laminectomy|spinal fusion|gastric bypass|bariatric')
    AND NOT regexp_like(
      lower(coalesce(e.reason_description, '')),
      'acute|fracture|sepsis|septic|pneumonia|infarction|stroke|appendicitis|injury|wound|laceration|overdose|infection|heart failure|covid|hemorrhage|embol|respiratory failure|exacerbation'));

CREATE MATERIALIZED VIEW gold_readmissions
CLUSTER BY (organization_id)
COMMENT 'One row per inpatient episode: whether it is an index admission, why not, and whether an unplanned readmission followed within 30 days'
TBLPROPERTIES ('lakeward.key' = 'patient_id')
AS
WITH
ordered AS (
  SELECT
    e.*,
    CASE WHEN planned.episode_id IS NOT NULL THEN true ELSE false END AS is_planned,
    CASE WHEN excluded.code IS NOT NULL THEN true ELSE false END AS is_excluded_type,
    p.death_date,
    d.last_day,
    lead(e.admission_date) OVER (PARTITION BY e.patient_id ORDER BY e.admitted_at, e.episode_id) AS next_admission_date,
    lead(CASE WHEN planned.episode_id IS NOT NULL THEN 1 ELSE 0 END)
      OVER (PARTITION BY e.patient_id ORDER BY e.admitted_at, e.episode_id) AS next_is_planned
  FROM quality_episodes AS e
  CROSS JOIN population_period AS d
  LEFT JOIN silver_patients AS p ON p.patient_id = e.patient_id
  LEFT JOIN quality_planned_episodes AS planned ON planned.episode_id = e.episode_id AND planned.patient_id = e.patient_id
  LEFT JOIN quality_excluded_reasons AS excluded ON excluded.code = e.reason_code
)
SELECT
  episode_id, patient_id, organization_id, provider_id, reason_code, reason_description, admission_date, discharge_date,
  los_days, stays, is_planned,
  CASE
    WHEN death_date IS NOT NULL AND death_date <= discharge_date THEN 'died in hospital'
    WHEN datediff(last_day, discharge_date) < 30 THEN 'follow-up shorter than 30 days'
    WHEN is_excluded_type THEN 'excluded type of care'
  END AS exclusion,
  CASE
    WHEN death_date IS NOT NULL AND death_date <= discharge_date THEN false
    WHEN datediff(last_day, discharge_date) < 30 THEN false
    ELSE NOT is_excluded_type
  END AS is_index,
  datediff(next_admission_date, discharge_date) AS days_to_next,
  CASE
    WHEN next_admission_date IS NULL THEN false
    WHEN next_is_planned = 1 THEN false
    ELSE datediff(next_admission_date, discharge_date) BETWEEN 0 AND 30
  END AS readmitted_30d,
  CASE
    WHEN death_date > discharge_date AND datediff(death_date, discharge_date) <= 30 THEN true ELSE false
  END AS died_within_30d
FROM ordered;

-- Rate per organisation with Wilson's 95 % interval; the whole is the row 'all'.
CREATE MATERIALIZED VIEW gold_readmission_rates
COMMENT 'Raw 30-day readmission rate (not risk-standardised) by organisation and provider, with denominators and Wilson intervals'
AS
SELECT
  level,
  unit_id,
  name,
  index_episodes,
  readmitted,
  CAST(readmitted AS DOUBLE) / index_episodes AS rate,
  (readmitted + 1.9208e0 - 1.96e0 * sqrt(CAST(readmitted AS DOUBLE) * (index_episodes - readmitted) / index_episodes + 0.9604e0))
    / (index_episodes + 3.8416e0) AS rate_low,
  (readmitted + 1.9208e0 + 1.96e0 * sqrt(CAST(readmitted AS DOUBLE) * (index_episodes - readmitted) / index_episodes + 0.9604e0))
    / (index_episodes + 3.8416e0) AS rate_high
FROM (
  SELECT
    'all' AS level, 'all' AS unit_id, 'all' AS name, count(*) AS index_episodes,
    sum(CASE WHEN readmitted_30d THEN 1 ELSE 0 END) AS readmitted
  FROM gold_readmissions
  WHERE is_index
  HAVING count(*) > 0
  UNION ALL
  SELECT
    'organization' AS level, coalesce(r.organization_id, 'unknown') AS unit_id, coalesce(max(o.name), 'unknown') AS name,
    count(*) AS index_episodes, sum(CASE WHEN r.readmitted_30d THEN 1 ELSE 0 END) AS readmitted
  FROM gold_readmissions AS r
  LEFT JOIN (SELECT id, max(name) AS name FROM synthea_organizations GROUP BY id) AS o ON o.id = r.organization_id
  WHERE r.is_index
  GROUP BY coalesce(r.organization_id, 'unknown')
  UNION ALL
  SELECT
    'provider' AS level, coalesce(r.provider_id, 'unknown') AS unit_id, 'provider' AS name,
    count(*) AS index_episodes, sum(CASE WHEN r.readmitted_30d THEN 1 ELSE 0 END) AS readmitted
  FROM gold_readmissions AS r
  WHERE r.is_index
  GROUP BY coalesce(r.provider_id, 'unknown')
) AS counted;

-- Average length of stay: exact hours over 24, stays over a year are open encounters that nobody closed.
CREATE MATERIALIZED VIEW gold_length_of_stay
COMMENT 'Length of inpatient stay in days (exact hours / 24) by principal reason and organisation, attributed to the year of discharge, single stays, transfers not merged'
AS
SELECT
  coalesce(e.reason_code, 'unspecified') AS reason_code,
  coalesce(max(e.reason_description), 'unspecified') AS reason,
  coalesce(e.organization_id, 'unknown') AS organization_id,
  year(e.ended_at) AS discharge_year,
  count(*) AS discharges,
  avg((unix_timestamp(e.ended_at) - unix_timestamp(e.started_at)) / 86400e0) AS mean_days,
  percentile((unix_timestamp(e.ended_at) - unix_timestamp(e.started_at)) / 86400e0, 0.5) AS median_days,
  percentile((unix_timestamp(e.ended_at) - unix_timestamp(e.started_at)) / 86400e0, 0.9) AS p90_days,
  stddev((unix_timestamp(e.ended_at) - unix_timestamp(e.started_at)) / 86400e0) AS sd_days
FROM silver_encounters AS e
WHERE
  e.encounter_class = 'inpatient'
  AND e.ended_at IS NOT NULL
  AND unix_timestamp(e.ended_at) - unix_timestamp(e.started_at) <= 365 * 86400
GROUP BY coalesce(e.reason_code, 'unspecified'), coalesce(e.organization_id, 'unknown'), year(e.ended_at);

-- From the encounter at which a diagnosis was made to its onset. Onsets are local dates and encounters are instants, so
-- -1 day is an artefact and counts as 0; earlier onsets were known before and are left out, but counted.
CREATE MATERIALIZED VIEW gold_diagnosis_latency
COMMENT 'Days from an encounter to the onset of the disorders found at it, by class of encounter and organisation'
AS
SELECT
  e.encounter_class,
  coalesce(e.organization_id, 'unknown') AS organization_id,
  count(*) AS diagnoses,
  sum(CASE WHEN datediff(c.onset_date, CAST(e.started_at AS DATE)) < -1 THEN 1 ELSE 0 END) AS known_before,
  avg(
    CASE
      WHEN datediff(c.onset_date, CAST(e.started_at AS DATE)) >= -1
        THEN CAST(greatest(0, datediff(c.onset_date, CAST(e.started_at AS DATE))) AS DOUBLE)
    END) AS mean_days,
  percentile(
    CASE
      WHEN datediff(c.onset_date, CAST(e.started_at AS DATE)) >= -1
        THEN CAST(greatest(0, datediff(c.onset_date, CAST(e.started_at AS DATE))) AS DOUBLE)
    END, 0.9) AS p90_days
FROM silver_conditions AS c
JOIN silver_encounters AS e ON e.encounter_id = c.encounter_id AND e.patient_id = c.patient_id
WHERE c.is_disorder
GROUP BY e.encounter_class, coalesce(e.organization_id, 'unknown');

-- Per condition in both ways of counting: 'principal' takes the reason of the stay, so that sums add up; 'any' takes every
-- disorder that was recorded at it, so that a stay counts for each.
CREATE MATERIALIZED VIEW gold_length_of_stay_by_condition
CLUSTER BY (basis, code)
COMMENT 'Length of inpatient stay in days (exact hours / 24) per condition over all years, with the 95 % interval of the mean; open stays are counted beside'
AS
SELECT
  basis,
  code,
  max(condition) AS condition,
  count(days) AS discharges,
  count(*) - count(days) AS open_or_overlong,
  avg(days) AS mean_days,
  avg(days) - 1.96e0 * stddev(days) / sqrt(nullif(count(days), 0)) AS mean_low,
  avg(days) + 1.96e0 * stddev(days) / sqrt(nullif(count(days), 0)) AS mean_high,
  percentile(days, 0.5) AS median_days,
  percentile(days, 0.9) AS p90_days
FROM (
  SELECT
    'principal' AS basis,
    coalesce(e.reason_code, 'unspecified') AS code,
    coalesce(e.reason_description, 'unspecified') AS condition,
    CASE
      WHEN unix_timestamp(e.ended_at) - unix_timestamp(e.started_at) <= 365 * 86400
        THEN (unix_timestamp(e.ended_at) - unix_timestamp(e.started_at)) / 86400e0
    END AS days
  FROM silver_encounters AS e
  WHERE e.encounter_class = 'inpatient'
  UNION ALL
  SELECT
    'any' AS basis,
    c.code,
    c.description AS condition,
    CASE
      WHEN unix_timestamp(e.ended_at) - unix_timestamp(e.started_at) <= 365 * 86400
        THEN (unix_timestamp(e.ended_at) - unix_timestamp(e.started_at)) / 86400e0
    END AS days
  FROM silver_encounters AS e
  JOIN silver_conditions AS c ON c.encounter_id = e.encounter_id AND c.patient_id = e.patient_id
  WHERE e.encounter_class = 'inpatient' AND c.is_disorder
) AS stays
GROUP BY basis, code;
