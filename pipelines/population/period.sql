-- The window of the data: nothing here asks the clock, so a refresh of old data gives the same rows on any day.
-- D1, the last complete day, is the day of the newest encounter.
CREATE MATERIALIZED VIEW population_period
COMMENT 'The last day of the data'
AS
SELECT max(CAST(started_at AS DATE)) AS last_day FROM silver_encounters;

-- Who is alive on the last day, with the age in full years on that day.
CREATE TEMPORARY VIEW population_alive AS
SELECT
  p.*,
  d.last_day,
  year(d.last_day) - year(p.birth_date)
    - CASE
      WHEN month(d.last_day) * 100 + day(d.last_day) < month(p.birth_date) * 100 + day(p.birth_date) THEN 1
      ELSE 0
    END AS age
FROM silver_patients AS p
CROSS JOIN population_period AS d
WHERE p.birth_date <= d.last_day AND (p.death_date IS NULL OR p.death_date > d.last_day);

CREATE TEMPORARY VIEW population_alive_banded AS
SELECT
  *,
  CASE
    WHEN age < 18 THEN '0-17'
    WHEN age < 35 THEN '18-34'
    WHEN age < 50 THEN '35-49'
    WHEN age < 65 THEN '50-64'
    WHEN age < 80 THEN '65-79'
    ELSE '80+'
  END AS age_band
FROM population_alive;
