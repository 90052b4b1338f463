-- Platform 3: disease surveillance. New episodes per condition, place and ISO week or day; weeks without cases are zeros.

-- A new episode: no record of the condition in the 90 days before (acute wash-out).
CREATE MATERIALIZED VIEW surveillance_cases
PARTITIONED BY (year)
CLUSTER BY (patient_id)
COMMENT 'New episodes of disorders by day of onset and county'
AS
SELECT patient_id, code, onset_date, CAST(date_trunc('WEEK', onset_date) AS DATE) AS week_start, place, year(onset_date) AS year
FROM (
  SELECT
    c.patient_id, c.code, c.onset_date,
    coalesce(p.county, p.city, 'unknown') AS place,
    lag(c.onset_date) OVER (PARTITION BY c.patient_id, c.code ORDER BY c.onset_date) AS last_onset
  FROM (SELECT DISTINCT patient_id, code, onset_date FROM silver_conditions WHERE is_disorder) AS c
  LEFT JOIN silver_patients AS p ON p.patient_id = c.patient_id
) AS ordered
WHERE last_onset IS NULL OR datediff(onset_date, last_onset) > 90;

-- What a batch of arriving records changes is counted anew by year alone.
CREATE MATERIALIZED VIEW surveillance_counts
PARTITIONED BY (year)
CLUSTER BY (code, place)
COMMENT 'New episodes per condition, county and day of onset'
AS
SELECT year, code, place, onset_date, count(*) AS cases
FROM surveillance_cases
GROUP BY year, code, place, onset_date;

-- 157 weeks, and 151 days for what must be found within days.
CREATE TEMPORARY VIEW surveillance_calendar AS
SELECT 'week' AS grain, date_sub(CAST(date_trunc('WEEK', last_day) AS DATE), CAST(7 * k AS INT)) AS period_start
FROM population_period
, LATERAL explode(sequence(0, 156)) AS n(k)
UNION ALL
SELECT 'day' AS grain, date_sub(last_day, CAST(k AS INT)) AS period_start
FROM population_period
, LATERAL explode(sequence(0, 150)) AS n(k);

CREATE TEMPORARY VIEW surveillance_by_grain AS
SELECT 'week' AS grain, code, place, CAST(date_trunc('WEEK', onset_date) AS DATE) AS period_start, cases
FROM surveillance_counts
CROSS JOIN population_period
WHERE onset_date > date_sub(last_day, 7 * 157) AND onset_date <= last_day
UNION ALL
SELECT 'day' AS grain, code, place, onset_date AS period_start, cases
FROM surveillance_counts
CROSS JOIN population_period
WHERE onset_date > date_sub(last_day, 151) AND onset_date <= last_day;

-- Over all places and for each place.
CREATE TEMPORARY VIEW surveillance_summed AS
SELECT grain, code, place, period_start, sum(cases) AS cases
FROM surveillance_by_grain
GROUP BY grain, code, place, period_start
UNION ALL
SELECT grain, code, 'all' AS place, period_start, sum(cases) AS cases
FROM surveillance_by_grain
GROUP BY grain, code, period_start;

CREATE TEMPORARY VIEW surveillance_series AS
SELECT s.grain, s.code, s.place, w.period_start, coalesce(c.cases, 0) AS cases
FROM (SELECT DISTINCT grain, code, place FROM surveillance_summed) AS s
JOIN surveillance_calendar AS w ON w.grain = s.grain
LEFT JOIN surveillance_summed AS c
  ON c.grain = s.grain AND c.code = s.code AND c.place = s.place AND c.period_start = w.period_start;

-- EARS C1, C2, C3 (CDC) with the standard deviation floored at 0.5. C1 and C2 alone alarm in 2 to 4 % of stationary
-- Poisson weeks, so a signal asks for more: beside C2, Anscombe's transform of the count, whose deviation is 1 at any
-- mean, above that of the 26 weeks (28 days) before the guard band by 3.09 (one in a thousand); or a CUSUM of it
-- (k = 0.75, h = 5). On stationary Poisson counts of mean 0.02 to 100 less than 0.2 % of weeks have a signal.
CREATE TEMPORARY VIEW surveillance_scored AS
WITH
based AS (
  SELECT
    *,
    count(*) OVER (PARTITION BY grain, code, place ORDER BY period_start ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before,
    avg(CAST(cases AS DOUBLE)) OVER (PARTITION BY grain, code, place ORDER BY period_start ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS average_of_4,
    avg(CAST(cases AS DOUBLE)) OVER (PARTITION BY grain, code, place ORDER BY period_start ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS average_of_7,
    avg(CAST(cases AS DOUBLE)) OVER (PARTITION BY grain, code, place ORDER BY period_start ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING) AS c1_mean,
    greatest(0.5e0, coalesce(stddev(CAST(cases AS DOUBLE)) OVER (PARTITION BY grain, code, place ORDER BY period_start ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING), 0.5e0)) AS c1_sd,
    avg(CAST(cases AS DOUBLE)) OVER (PARTITION BY grain, code, place ORDER BY period_start ROWS BETWEEN 9 PRECEDING AND 3 PRECEDING) AS c2_mean,
    greatest(0.5e0, coalesce(stddev(CAST(cases AS DOUBLE)) OVER (PARTITION BY grain, code, place ORDER BY period_start ROWS BETWEEN 9 PRECEDING AND 3 PRECEDING), 0.5e0)) AS c2_sd,
    avg(CAST(cases AS DOUBLE)) OVER (PARTITION BY grain, code, place ORDER BY period_start ROWS BETWEEN 28 PRECEDING AND 3 PRECEDING) AS weeks_mean,
    avg(CAST(cases AS DOUBLE)) OVER (PARTITION BY grain, code, place ORDER BY period_start ROWS BETWEEN 30 PRECEDING AND 3 PRECEDING) AS days_mean
  FROM surveillance_series
),
scored AS (
  SELECT
    grain, code, place, period_start, cases, before, average_of_4, average_of_7,
    CASE grain WHEN 'week' THEN weeks_mean ELSE days_mean END AS expected,
    CASE WHEN before >= 7 THEN (cases - c1_mean) / c1_sd END AS c1,
    CASE WHEN before >= 9 THEN (cases - c2_mean) / c2_sd END AS c2,
    -- The mean of 26 or 28 counts varies too.
    CASE
      WHEN grain = 'week' AND before >= 28 THEN 2 * (sqrt(cases + 0.375e0) - sqrt(weeks_mean + 0.375e0)) / sqrt(1 + 1 / 26e0)
      WHEN grain = 'day' AND before >= 30 THEN 2 * (sqrt(cases + 0.375e0) - sqrt(days_mean + 0.375e0)) / sqrt(1 + 1 / 28e0)
    END AS deviation
  FROM based
),
summed AS (
  SELECT
    *,
    CASE
      WHEN before >= 11
        THEN greatest(0e0, c2 - 1)
          + greatest(0e0, lag(c2, 1) OVER (PARTITION BY grain, code, place ORDER BY period_start) - 1)
          + greatest(0e0, lag(c2, 2) OVER (PARTITION BY grain, code, place ORDER BY period_start) - 1)
    END AS c3,
    -- S(t) = max(0, S(t-1) + step) is the running sum less its smallest value so far.
    sum(coalesce(deviation - 0.75e0, 0e0)) OVER (
      PARTITION BY grain, code, place ORDER BY period_start ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS running
  FROM scored
),
walked AS (
  SELECT
    *,
    running - least(
      0e0,
      min(running) OVER (PARTITION BY grain, code, place ORDER BY period_start ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW))
      AS cusum
  FROM summed
)
SELECT
  *,
  coalesce(c1 > 3, false) AS signal_c1,
  coalesce(c2 > 3, false) AS signal_c2,
  coalesce(c3 > 2, false) AS signal_c3,
  cusum > 5 AS signal_cusum,
  (coalesce(c2 > 3 AND deviation > 3.09e0, false) AND cases >= 3) OR cusum > 5 AS is_signal
FROM walked;

CREATE MATERIALIZED VIEW gold_surveillance
CLUSTER BY (code, place)
COMMENT 'Weekly new episodes of three years with moving average, EARS C1/C2/C3 and CUSUM signals, the newest week may be incomplete'
AS
SELECT
  w.code,
  d.condition,
  w.place,
  w.period_start AS week_start,
  w.cases,
  w.average_of_4 AS moving_average,
  w.expected,
  w.c1,
  w.c2,
  w.c3,
  w.cusum,
  w.signal_c1,
  w.signal_c2,
  w.signal_c3,
  w.signal_cusum,
  w.is_signal,
  datediff(t.last_day, w.period_start) >= 6 AS is_complete
FROM surveillance_scored AS w
CROSS JOIN population_period AS t
JOIN population_disorders AS d ON d.code = w.code
WHERE w.grain = 'week';

CREATE MATERIALIZED VIEW gold_surveillance_daily
CLUSTER BY (code, place)
COMMENT 'Daily new episodes of the last 120 days with moving average, EARS C1/C2/C3 and CUSUM signals'
AS
SELECT
  w.code,
  d.condition,
  w.place,
  w.period_start AS day,
  w.cases,
  w.average_of_7 AS moving_average,
  w.expected,
  w.c1,
  w.c2,
  w.c3,
  w.cusum,
  w.signal_c1,
  w.signal_c2,
  w.signal_c3,
  w.signal_cusum,
  w.is_signal
FROM surveillance_scored AS w
CROSS JOIN population_period AS t
JOIN population_disorders AS d ON d.code = w.code
WHERE w.grain = 'day' AND datediff(t.last_day, w.period_start) < 120;
