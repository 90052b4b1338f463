-- Platform 1: what happens in the lake's hospitals. Encounters per month, class, payer, age band and the condition that
-- was their reason; an encounter without a reason counts as 'unspecified', never not at all.
CREATE MATERIALIZED VIEW gold_encounter_metrics
PARTITIONED BY (year)
COMMENT 'Encounters, patients, hours and cost per month, class, payer, age band and reason'
AS
SELECT
  year(CAST(month_start AS DATE)) AS "year",
  month_start,
  encounter_class,
  payer_id,
  payer,
  age_band,
  reason_code,
  max(reason) AS reason,
  count(*) AS encounters,
  count(DISTINCT patient_id) AS patients,
  sum(hours) AS hours,
  sum(total_cost) AS total_cost,
  sum(payer_coverage) AS payer_coverage
FROM (
  SELECT
    CAST(date_trunc('MONTH', e.started_at) AS DATE) AS month_start,
    coalesce(e.encounter_class, 'unknown') AS encounter_class,
    coalesce(e.payer_id, 'unknown') AS payer_id,
    coalesce(y.name, 'unknown') AS payer,
    CASE
      WHEN p.birth_date IS NULL THEN 'unknown'
      WHEN datediff(CAST(e.started_at AS DATE), p.birth_date) < 0 THEN 'unknown'
      WHEN months_between(CAST(e.started_at AS DATE), p.birth_date) < 216 THEN '0-17'
      WHEN months_between(CAST(e.started_at AS DATE), p.birth_date) < 420 THEN '18-34'
      WHEN months_between(CAST(e.started_at AS DATE), p.birth_date) < 600 THEN '35-49'
      WHEN months_between(CAST(e.started_at AS DATE), p.birth_date) < 780 THEN '50-64'
      WHEN months_between(CAST(e.started_at AS DATE), p.birth_date) < 960 THEN '65-79'
      ELSE '80+'
    END AS age_band,
    coalesce(e.reason_code, 'unspecified') AS reason_code,
    coalesce(e.reason_description, 'unspecified') AS reason,
    e.patient_id,
    (unix_timestamp(e.ended_at) - unix_timestamp(e.started_at)) / 3600e0 AS hours,
    e.total_cost,
    e.payer_coverage
  FROM silver_encounters AS e
  LEFT JOIN silver_patients AS p ON p.patient_id = e.patient_id
  LEFT JOIN (SELECT id, max(name) AS name FROM synthea_payers GROUP BY id) AS y ON y.id = e.payer_id
) AS counted
GROUP BY month_start, encounter_class, payer_id, payer, age_band, reason_code;
