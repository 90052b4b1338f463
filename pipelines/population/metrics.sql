-- Platform 1: what happens in the lake's hospitals. Encounters per month, class, payer, age band and the condition that
-- was their reason; an encounter without a reason counts as 'unspecified', never not at all.
CREATE MATERIALIZED VIEW gold_encounter_metrics
PARTITIONED BY (year)
CLUSTER BY (month_start, encounter_class)
COMMENT 'Encounters, patients, hours and cost per month, class, payer, age band and reason'
AS
SELECT
  year(CAST(month_start AS DATE)) AS year,
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
    month_start, encounter_class, payer_id, payer, reason_code, reason, patient_id, hours, total_cost, payer_coverage,
    -- Dates as numbers YYYYMMDD: their difference is the age in full years times 10000.
    CASE
      WHEN age_number < 0 OR age_number IS NULL THEN 'unknown'
      WHEN age_number < 180000 THEN '0-17'
      WHEN age_number < 350000 THEN '18-34'
      WHEN age_number < 500000 THEN '35-49'
      WHEN age_number < 650000 THEN '50-64'
      WHEN age_number < 800000 THEN '65-79'
      ELSE '80+'
    END AS age_band
  FROM (
    SELECT
      CAST(date_trunc('MONTH', e.started_on) AS DATE) AS month_start,
      coalesce(e.encounter_class, 'unknown') AS encounter_class,
      coalesce(e.payer_id, 'unknown') AS payer_id,
      coalesce(y.name, 'unknown') AS payer,
      year(e.started_on) * 10000 + month(e.started_on) * 100 + day(e.started_on)
        - year(p.birth_date) * 10000 - month(p.birth_date) * 100 - day(p.birth_date) AS age_number,
      coalesce(e.reason_code, 'unspecified') AS reason_code,
      coalesce(e.reason_description, 'unspecified') AS reason,
      e.patient_id,
      (unix_timestamp(e.ended_at) - unix_timestamp(e.started_at)) / 3600e0 AS hours,
      e.total_cost,
      e.payer_coverage
    -- Parts of a date cost a fraction of those of an instant.
    FROM (SELECT *, CAST(started_at AS DATE) AS started_on FROM silver_encounters) AS e
    LEFT JOIN silver_patients AS p ON p.patient_id = e.patient_id
    LEFT JOIN (SELECT id, max(name) AS name FROM synthea_payers GROUP BY id) AS y ON y.id = e.payer_id
  ) AS aged
) AS counted
GROUP BY month_start, encounter_class, payer_id, payer, age_band, reason_code;
