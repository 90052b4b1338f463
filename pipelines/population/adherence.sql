-- Medication adherence: proportion of days covered (PDC, the PQA method) and medication possession ratio (MPR).
-- Synthea has no fills: a prescription START…STOP with DISPENSES fills is spread evenly (one still open runs to the last
-- day of the data or to death). Measured per patient and drug over the last 365 days of the data.

CREATE TEMPORARY VIEW adherence_period AS
SELECT date_sub(last_day, 364) AS period_start, last_day AS period_end FROM population_period;

-- Each fill with its days of supply, whole days.
CREATE TEMPORARY VIEW adherence_fills AS
SELECT
  m.patient_id,
  m.code,
  m.description,
  date_add(CAST(m.started_at AS DATE), CAST(floor(n.k * m.supply_days / m.fills) AS INT)) AS fill_date,
  CAST(
    greatest(1, floor((n.k + 1) * m.supply_days / m.fills) - floor(n.k * m.supply_days / m.fills)) AS INT) AS days_supply
FROM (
  SELECT
    s.patient_id, s.code, s.description, s.started_at,
    greatest(1, coalesce(s.dispenses, 1)) AS fills,
    greatest(
      1,
      datediff(
        least(coalesce(CAST(s.ended_at AS DATE), d.period_end), coalesce(p.death_date, d.period_end), d.period_end),
        CAST(s.started_at AS DATE))) AS supply_days
  FROM silver_medications AS s
  CROSS JOIN adherence_period AS d
  LEFT JOIN silver_patients AS p ON p.patient_id = s.patient_id
  WHERE coalesce(CAST(s.ended_at AS DATE), d.period_end) >= d.period_start AND CAST(s.started_at AS DATE) <= d.period_end
) AS m
, LATERAL explode(sequence(0, CAST(m.fills AS INT) - 1)) AS n(k);

-- A refill of the same drug that comes early begins when the supply at hand ends: the supply ends at
-- E(i) = S(i) + max over j <= i of (fill(j) - S(j-1)), where S sums the days of supply. Days are counted from the
-- period's first day.
CREATE TEMPORARY VIEW adherence_supply AS
SELECT
  patient_id, code, description, fill_date, days_supply, index_date, period_end,
  latest - days_supply AS first_day,
  latest AS end_day
FROM (
  SELECT
    *,
    supplied + max(fill_day - (supplied - days_supply)) OVER (
      PARTITION BY patient_id, code ORDER BY fill_day, place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS latest
  FROM (
    SELECT
      f.patient_id, f.code, f.description, f.fill_date, f.days_supply, f.place, d.period_start, d.period_end,
      datediff(f.fill_date, d.period_start) AS fill_day,
      min(f.fill_date) OVER (PARTITION BY f.patient_id, f.code) AS index_date,
      sum(f.days_supply) OVER (
        PARTITION BY f.patient_id, f.code ORDER BY f.fill_date, f.place
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS supplied
    FROM (
      SELECT *, row_number() OVER (PARTITION BY patient_id, code ORDER BY fill_date, days_supply) AS place FROM adherence_fills
    ) AS f
    CROSS JOIN adherence_period AS d
    WHERE f.fill_date BETWEEN d.period_start AND d.period_end
  ) AS filled
) AS shifted;

CREATE MATERIALIZED VIEW gold_medication_adherence
CLUSTER BY (patient_id, code)
COMMENT 'PDC and MPR per patient and drug over the last 365 days, measurable with two fills on different days and 91 days to the end'
AS
SELECT
  s.patient_id,
  s.code,
  max(s.description) AS description,
  min(s.index_date) AS index_date,
  count(*) AS fills,
  max(s.last_day) AS period_end,
  datediff(max(s.last_day), min(s.index_date)) + 1 AS period_days,
  CAST(sum(s.covered) AS BIGINT) AS covered_days,
  CAST(sum(s.covered) AS DOUBLE) / (datediff(max(s.last_day), min(s.index_date)) + 1) AS pdc,
  CAST(sum(s.days_supply) AS DOUBLE) / (datediff(max(s.last_day), min(s.index_date)) + 1) AS mpr_fixed,
  CAST(sum(CASE WHEN s.from_last > 1 THEN s.days_supply ELSE 0 END) AS DOUBLE)
    / nullif(datediff(max(s.fill_date), min(s.fill_date)), 0) AS mpr_interval,
  count(DISTINCT s.fill_date) >= 2 AND datediff(max(s.period_end), min(s.index_date)) >= 91 AS is_measurable
FROM (
  SELECT
    u.*,
    least(coalesce(p.death_date, u.period_end), u.period_end) AS last_day,
    row_number() OVER (PARTITION BY u.patient_id, u.code ORDER BY u.fill_date DESC, u.end_day DESC) AS from_last,
    greatest(
      0,
      least(u.end_day, datediff(least(coalesce(p.death_date, u.period_end), u.period_end), date_sub(u.period_end, 364)) + 1)
        - u.first_day) AS covered
  FROM adherence_supply AS u
  LEFT JOIN silver_patients AS p ON p.patient_id = u.patient_id
) AS s
WHERE s.last_day >= s.index_date
GROUP BY s.patient_id, s.code;
