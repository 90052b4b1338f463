-- Quality by organisation and provider: every measure with its denominator, a 95 % interval, and the limits of a funnel
-- plot around the value of all (Spiegelhalter 2005): outside the 95 % limits 1 in 20 units lies by chance, outside the
-- 99.8 % limits 1 in 500.

-- The cases are kept, so that new patients cost no more than their own.
CREATE MATERIALIZED VIEW quality_cases
CLUSTER BY (patient_id)
COMMENT 'One row per case of a measure of quality with what was observed, 0 or 1 for a share'
AS
SELECT
  'readmission_30d' AS measure, 'share' AS kind, patient_id, organization_id, provider_id,
  CASE WHEN readmitted_30d THEN 1e0 ELSE 0e0 END AS value
FROM gold_readmissions
WHERE is_index
UNION ALL
SELECT
  'length_of_stay_days' AS measure, 'mean' AS kind, patient_id, organization_id, provider_id,
  (unix_timestamp(ended_at) - unix_timestamp(started_at)) / 86400e0 AS value
FROM silver_encounters
WHERE encounter_class = 'inpatient' AND unix_timestamp(ended_at) - unix_timestamp(started_at) <= 365 * 86400
UNION ALL
SELECT
  'diagnosis_latency_days' AS measure, 'mean' AS kind, e.patient_id, e.organization_id, e.provider_id,
  CAST(greatest(0, datediff(c.onset_date, CAST(e.started_at AS DATE))) AS DOUBLE) AS value
FROM silver_conditions AS c
JOIN silver_encounters AS e ON e.encounter_id = c.encounter_id AND e.patient_id = c.patient_id
WHERE c.is_disorder AND datediff(c.onset_date, CAST(e.started_at AS DATE)) >= -1
UNION ALL
-- Adherence belongs to who wrote the last prescription.
SELECT
  'adherent' AS measure, 'share' AS kind, e.patient_id, e.organization_id, e.provider_id,
  CASE WHEN a.pdc >= 0.8e0 THEN 1e0 ELSE 0e0 END AS value
FROM gold_medication_adherence AS a
JOIN (
  SELECT patient_id, code, max_by(encounter_id, concat(CAST(started_at AS STRING), encounter_id)) AS encounter_id
  FROM silver_medications
  WHERE encounter_id IS NOT NULL
  GROUP BY patient_id, code
) AS m ON m.patient_id = a.patient_id AND m.code = a.code
JOIN silver_encounters AS e ON e.encounter_id = m.encounter_id AND e.patient_id = m.patient_id
WHERE a.is_measurable;

CREATE TEMPORARY VIEW quality_unit_sums AS
SELECT measure, kind, 'all' AS level, 'all' AS unit_id, count(*) AS n, sum(value) AS total, avg(value) AS value, stddev(value) AS sd
FROM quality_cases
GROUP BY measure, kind
UNION ALL
SELECT
  measure, kind, 'organization' AS level, coalesce(organization_id, 'unknown') AS unit_id, count(*) AS n, sum(value) AS total,
  avg(value) AS value, stddev(value) AS sd
FROM quality_cases
GROUP BY measure, kind, coalesce(organization_id, 'unknown')
UNION ALL
SELECT
  measure, kind, 'provider' AS level, coalesce(provider_id, 'unknown') AS unit_id, count(*) AS n, sum(value) AS total,
  avg(value) AS value, stddev(value) AS sd
FROM quality_cases
GROUP BY measure, kind, coalesce(provider_id, 'unknown');

CREATE MATERIALIZED VIEW gold_quality_by_unit
CLUSTER BY (measure, level)
COMMENT 'Readmission, length of stay, latency of diagnosis and adherence by organisation and provider: denominator, value, 95 % interval (Wilson for shares), funnel limits, and where the unit lies'
AS
SELECT
  measure,
  kind,
  level,
  unit_id,
  name,
  denominator,
  numerator,
  value,
  value_low,
  value_high,
  overall,
  CASE kind WHEN 'share' THEN greatest(0e0, overall - 1.96e0 * spread) ELSE overall - 1.96e0 * spread END AS limit_low_95,
  CASE kind WHEN 'share' THEN least(1e0, overall + 1.96e0 * spread) ELSE overall + 1.96e0 * spread END AS limit_high_95,
  CASE kind WHEN 'share' THEN greatest(0e0, overall - 3.09e0 * spread) ELSE overall - 3.09e0 * spread END AS limit_low_998,
  CASE kind WHEN 'share' THEN least(1e0, overall + 3.09e0 * spread) ELSE overall + 3.09e0 * spread END AS limit_high_998,
  CASE
    WHEN level = 'all' THEN 'all'
    WHEN value > overall + 3.09e0 * spread THEN 'above 99.8 %'
    WHEN value > overall + 1.96e0 * spread THEN 'above 95 %'
    WHEN value < overall - 3.09e0 * spread THEN 'below 99.8 %'
    WHEN value < overall - 1.96e0 * spread THEN 'below 95 %'
    ELSE 'within'
  END AS place,
  -- Fewer cases than this are not for publication.
  denominator < 11 AS is_small
FROM (
  SELECT
    u.measure,
    u.kind,
    u.level,
    u.unit_id,
    CASE WHEN u.level = 'all' THEN 'all' ELSE coalesce(o.name, v.name, 'unknown') END AS name,
    u.n AS denominator,
    CASE WHEN u.kind = 'share' THEN CAST(round(u.total) AS BIGINT) END AS numerator,
    u.value,
    CASE
      WHEN u.kind = 'share'
        THEN greatest(0e0, (u.total + 1.9208e0 - 1.96e0 * sqrt(u.value * (1 - u.value) * u.n + 0.9604e0)) / (u.n + 3.8416e0))
      ELSE u.value - 1.96e0 * u.sd / sqrt(u.n)
    END AS value_low,
    CASE
      WHEN u.kind = 'share'
        THEN least(1e0, (u.total + 1.9208e0 + 1.96e0 * sqrt(u.value * (1 - u.value) * u.n + 0.9604e0)) / (u.n + 3.8416e0))
      ELSE u.value + 1.96e0 * u.sd / sqrt(u.n)
    END AS value_high,
    a.value AS overall,
    CASE u.kind WHEN 'share' THEN sqrt(a.value * (1 - a.value) / u.n) ELSE a.sd / sqrt(u.n) END AS spread
  FROM quality_unit_sums AS u
  JOIN quality_unit_sums AS a ON a.measure = u.measure AND a.level = 'all'
  LEFT JOIN (SELECT id, max(name) AS name FROM synthea_organizations GROUP BY id) AS o
    ON u.level = 'organization' AND o.id = u.unit_id
  LEFT JOIN (SELECT id, max(name) AS name FROM synthea_providers GROUP BY id) AS v
    ON u.level = 'provider' AND v.id = u.unit_id
) AS placed;
