-- Medication adherence: proportion of days covered (PDC, the PQA method) and medication possession ratio (MPR).
-- Synthea has no fills: a prescription START…STOP with DISPENSES fills is spread evenly (one still open runs to the last
-- day of the data or to death). Measured per patient over the last twelve months of the data, per drug and for the three
-- classes of PQA's measures (statins, RAS antagonists, diabetes medications without insulin). PQA leaves people with
-- ESRD or hospice care out and may shift supply past hospital days; neither is done here.

CREATE TEMPORARY VIEW adherence_period AS
SELECT date_add(add_months(last_day, -12), 1) AS period_start, last_day AS period_end FROM population_period;

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
        coalesce(CAST(s.ended_at AS DATE), least(coalesce(p.death_date, d.period_end), d.period_end)),
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

-- Each fill's days within the measurement, from the day of the first fill to the end of the period or death. The last
-- day of the period has the number period_length.
CREATE TEMPORARY VIEW adherence_measured AS
SELECT
  u.patient_id, u.code, u.description, u.fill_date, u.days_supply, u.index_date,
  least(coalesce(p.death_date, u.period_end), u.period_end) AS last_day,
  u.first_day,
  least(u.end_day, datediff(least(coalesce(p.death_date, u.period_end), u.period_end), d.period_start) + 1) AS end_day
FROM adherence_supply AS u
CROSS JOIN adherence_period AS d
LEFT JOIN silver_patients AS p ON p.patient_id = u.patient_id
WHERE p.death_date IS NULL OR p.death_date >= u.index_date;

CREATE MATERIALIZED VIEW gold_medication_adherence
CLUSTER BY (patient_id, code)
COMMENT 'PDC and MPR per patient and drug over the last twelve months, measurable with two fills on different days and 91 days to the end'
AS
SELECT
  patient_id,
  code,
  max(description) AS description,
  min(index_date) AS index_date,
  count(*) AS fills,
  max(last_day) AS period_end,
  datediff(max(last_day), min(index_date)) + 1 AS period_days,
  CAST(sum(greatest(0, end_day - first_day)) AS BIGINT) AS covered_days,
  CAST(sum(greatest(0, end_day - first_day)) AS DOUBLE) / (datediff(max(last_day), min(index_date)) + 1) AS pdc,
  CAST(sum(days_supply) AS DOUBLE) / (datediff(max(last_day), min(index_date)) + 1) AS mpr_fixed,
  CAST(sum(CASE WHEN from_last > 1 THEN days_supply ELSE 0 END) AS DOUBLE)
    / nullif(datediff(max(fill_date), min(fill_date)), 0) AS mpr_interval,
  count(DISTINCT fill_date) >= 2 AND datediff(max(last_day), min(index_date)) >= 91 AS is_measurable
FROM (
  SELECT *, row_number() OVER (PARTITION BY patient_id, code ORDER BY fill_date DESC, end_day DESC) AS from_last
  FROM adherence_measured
) AS s
GROUP BY patient_id, code;

-- Drugs of a class are no refills of each other: their supplies overlap, and a day counts once.
CREATE TEMPORARY VIEW adherence_classes AS
SELECT *
FROM (
  SELECT
    *,
    CASE
      WHEN regexp_like(lower(description), '(atorva|fluva|lova|pitava|prava|rosuva|simva)statin') THEN 'statins'
      WHEN regexp_like(lower(description), '(azil|benaze|capto|enala|fosino|lisino|moexi|perindo|quina|rami|trandola)pril|(azil|candes|epro|irbe|lo|olme|telmi|val)sartan|aliskiren') THEN 'ras_antagonists'
      WHEN regexp_like(lower(description), 'metformin|gl(ip|yb|imep|ib)(izide|uride|iride|enclamide)|(sita|saxa|lina|alo)gliptin|(cana|dapa|empa|ertu)gliflozin|(lira|exena|dula|sema|lixisena)(glu)?tide|pioglitazone|rosiglitazone|nateglinide|repaglinide') THEN 'diabetes'
    END AS drug_class
  FROM adherence_measured
) AS named
WHERE drug_class IS NOT NULL;

CREATE MATERIALIZED VIEW gold_class_adherence
CLUSTER BY (patient_id)
COMMENT 'PDC and MPR per patient and class of drugs (PQA: statins, RAS antagonists, diabetes medications) over the last twelve months'
AS
SELECT
  patient_id,
  drug_class,
  min(fill_date) AS index_date,
  count(*) AS fills,
  count(DISTINCT code) AS drugs,
  max(last_day) AS period_end,
  datediff(max(last_day), min(fill_date)) + 1 AS period_days,
  CAST(sum(covered) AS BIGINT) AS covered_days,
  CAST(sum(covered) AS DOUBLE) / (datediff(max(last_day), min(fill_date)) + 1) AS pdc,
  CAST(sum(days_supply) AS DOUBLE) / (datediff(max(last_day), min(fill_date)) + 1) AS mpr_fixed,
  CAST(sum(CASE WHEN from_last > 1 THEN days_supply ELSE 0 END) AS DOUBLE)
    / nullif(datediff(max(fill_date), min(fill_date)), 0) AS mpr_interval,
  count(DISTINCT fill_date) >= 2 AND datediff(max(last_day), min(fill_date)) >= 91 AS is_measurable
FROM (
  SELECT
    *,
    greatest(
      0,
      end_day - greatest(
        first_day,
        coalesce(
          max(end_day) OVER (
            PARTITION BY patient_id, drug_class ORDER BY first_day, code, fill_date
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
          first_day))) AS covered,
    row_number() OVER (PARTITION BY patient_id, drug_class ORDER BY fill_date DESC, end_day DESC, code) AS from_last
  FROM adherence_classes
) AS s
GROUP BY patient_id, drug_class;
