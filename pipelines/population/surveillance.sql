-- Platform 3: disease surveillance. New episodes per condition, place and ISO week; weeks without cases are zeros.

-- A new episode: no record of the condition in the 90 days before (acute wash-out).
CREATE MATERIALIZED VIEW surveillance_cases
PARTITIONED BY (year)
CLUSTER BY (code)
COMMENT 'New episodes of disorders by day of onset and county'
AS
SELECT patient_id, code, onset_date, CAST(date_trunc('WEEK', onset_date) AS DATE) AS week_start, place, year(onset_date) AS "year"
FROM (
  SELECT
    c.patient_id, c.code, c.onset_date,
    coalesce(p.county, p.city, 'unknown') AS place,
    lag(c.onset_date) OVER (PARTITION BY c.patient_id, c.code ORDER BY c.onset_date) AS last_onset
  FROM (SELECT DISTINCT patient_id, code, onset_date FROM silver_conditions WHERE is_disorder) AS c
  LEFT JOIN silver_patients AS p ON p.patient_id = c.patient_id
) AS ordered
WHERE last_onset IS NULL OR datediff(onset_date, last_onset) > 90;

-- Every week of the last three years for every condition with a case in them; over all places and for each place.
CREATE TEMPORARY VIEW surveillance_weeks AS
SELECT date_add(first_week, CAST(7 * k AS INT)) AS week_start
FROM (
  SELECT date_sub(CAST(date_trunc('WEEK', last_day) AS DATE), 7 * 156) AS first_week FROM population_period
) AS w
, LATERAL explode(sequence(0, 156)) AS n(k);

CREATE TEMPORARY VIEW surveillance_series AS
SELECT s.code, s.place, w.week_start, coalesce(c.cases, 0) AS cases
FROM (
  SELECT DISTINCT code, 'all' AS place FROM surveillance_cases
  WHERE week_start >= (SELECT min(week_start) FROM surveillance_weeks)
  UNION
  SELECT DISTINCT code, place FROM surveillance_cases
  WHERE week_start >= (SELECT min(week_start) FROM surveillance_weeks)
) AS s
CROSS JOIN surveillance_weeks AS w
LEFT JOIN (
  SELECT code, place, week_start, count(*) AS cases FROM surveillance_cases GROUP BY code, place, week_start
  UNION ALL
  SELECT code, 'all' AS place, week_start, count(*) AS cases FROM surveillance_cases GROUP BY code, week_start
) AS c ON c.code = s.code AND c.place = s.place AND c.week_start = w.week_start;

-- EARS C1, C2, C3 (CDC) with the standard deviation floored at 0.5, and a CUSUM of the deviation from the mean of the
-- 26 weeks before the guard band (k = 0.5, h = 5, sigma floored at 1).
CREATE MATERIALIZED VIEW gold_surveillance
CLUSTER BY (code, place)
COMMENT 'Weekly new episodes with moving average, EARS C1/C2/C3 and CUSUM signals, the newest week is incomplete'
AS
WITH
based AS (
  SELECT
    *,
    avg(CAST(cases AS DOUBLE)) OVER (PARTITION BY code, place ORDER BY week_start ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS moving_average,
    count(*) OVER (PARTITION BY code, place ORDER BY week_start ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS weeks_before,
    avg(CAST(cases AS DOUBLE)) OVER c1 AS c1_mean,
    greatest(0.5e0, coalesce(stddev(CAST(cases AS DOUBLE)) OVER c1, 0.5e0)) AS c1_sd,
    avg(CAST(cases AS DOUBLE)) OVER c2 AS c2_mean,
    greatest(0.5e0, coalesce(stddev(CAST(cases AS DOUBLE)) OVER c2, 0.5e0)) AS c2_sd,
    avg(CAST(cases AS DOUBLE)) OVER long_before AS base_mean,
    greatest(1e0, coalesce(stddev(CAST(cases AS DOUBLE)) OVER long_before, 1e0)) AS base_sd
  FROM surveillance_series
  WINDOW
    c1 AS (PARTITION BY code, place ORDER BY week_start ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING),
    c2 AS (PARTITION BY code, place ORDER BY week_start ROWS BETWEEN 9 PRECEDING AND 3 PRECEDING),
    long_before AS (PARTITION BY code, place ORDER BY week_start ROWS BETWEEN 28 PRECEDING AND 3 PRECEDING)
),
scored AS (
  SELECT
    *,
    CASE WHEN weeks_before >= 7 THEN (cases - c1_mean) / c1_sd END AS c1,
    CASE WHEN weeks_before >= 9 THEN (cases - c2_mean) / c2_sd END AS c2,
    CASE WHEN weeks_before >= 28 THEN (cases - base_mean) / base_sd - 0.5e0 ELSE 0e0 END AS step
  FROM based
),
summed AS (
  SELECT
    *,
    CASE
      WHEN weeks_before >= 11
        THEN greatest(0e0, c2 - 1)
          + greatest(0e0, lag(c2, 1) OVER (PARTITION BY code, place ORDER BY week_start) - 1)
          + greatest(0e0, lag(c2, 2) OVER (PARTITION BY code, place ORDER BY week_start) - 1)
    END AS c3,
    -- S(t) = max(0, S(t-1) + step) is the running sum less its smallest value so far.
    sum(step) OVER up_to_here AS running
  FROM scored
  WINDOW up_to_here AS (PARTITION BY code, place ORDER BY week_start ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
walked AS (
  SELECT
    *,
    running - least(
      0e0,
      min(running) OVER (PARTITION BY code, place ORDER BY week_start ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW))
      AS cusum
  FROM summed
)
SELECT
  w.code,
  d.condition,
  w.place,
  w.week_start,
  w.cases,
  w.moving_average,
  w.c1,
  w.c2,
  w.c3,
  w.cusum,
  coalesce(w.c1 > 3, false) AS signal_c1,
  coalesce(w.c2 > 3, false) AS signal_c2,
  coalesce(w.c3 > 2, false) AS signal_c3,
  w.cusum > 5 AS signal_cusum,
  -- C2 with a case count that one family cannot make, or the CUSUM.
  (coalesce(w.c2 > 3, false) AND w.cases >= 3) OR w.cusum > 5 AS is_signal
FROM walked AS w
JOIN population_disorders AS d ON d.code = w.code;
