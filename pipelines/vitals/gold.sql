-- What a ward and an analyst read: one row per patient and day (UTC).
--
-- A day is computed from the readings of that day alone, so a late reading changes its own day and no other. Means are
-- sums of exact decimals, and ties cannot occur, because silver holds a patient's instant once: readings in any order of
-- arrival give the same row.
CREATE MATERIALIZED VIEW gold_patient_summary
PARTITIONED BY (date)
CLUSTER BY (patient_id)
COMMENT 'Vital signs per patient and day (UTC), with the time in each NEWS2 band; computed again for the days that new readings touch'
AS
WITH
summed AS (
  SELECT
    patient_id,
    CAST(event_time AS DATE) AS date,
    max_by(ward, CASE WHEN ward IS NOT NULL THEN event_time END) AS ward,
    count(*) AS readings,
    min(event_time) AS first_seen,
    max(event_time) AS last_seen,
    count(heart_rate) AS heart_rate_count,
    min(heart_rate) AS heart_rate_min,
    CAST(sum(CAST(heart_rate AS DECIMAL(18, 6))) AS DOUBLE) / nullif(count(heart_rate), 0) AS heart_rate_mean,
    max(heart_rate) AS heart_rate_max,
    max_by(heart_rate, CASE WHEN heart_rate IS NOT NULL THEN event_time END) AS heart_rate_last,
    count(respiration_rate) AS respiration_rate_count,
    min(respiration_rate) AS respiration_rate_min,
    CAST(sum(CAST(respiration_rate AS DECIMAL(18, 6))) AS DOUBLE) / nullif(count(respiration_rate), 0) AS respiration_rate_mean,
    max(respiration_rate) AS respiration_rate_max,
    max_by(respiration_rate, CASE WHEN respiration_rate IS NOT NULL THEN event_time END) AS respiration_rate_last,
    count(spo2) AS spo2_count,
    min(spo2) AS spo2_min,
    CAST(sum(CAST(spo2 AS DECIMAL(18, 6))) AS DOUBLE) / nullif(count(spo2), 0) AS spo2_mean,
    max(spo2) AS spo2_max,
    max_by(spo2, CASE WHEN spo2 IS NOT NULL THEN event_time END) AS spo2_last,
    count(temperature) AS temperature_count,
    min(temperature) AS temperature_min,
    CAST(sum(CAST(temperature AS DECIMAL(18, 6))) AS DOUBLE) / nullif(count(temperature), 0) AS temperature_mean,
    max(temperature) AS temperature_max,
    max_by(temperature, CASE WHEN temperature IS NOT NULL THEN event_time END) AS temperature_last,
    count(systolic) AS systolic_count,
    min(systolic) AS systolic_min,
    CAST(sum(CAST(systolic AS DECIMAL(18, 6))) AS DOUBLE) / nullif(count(systolic), 0) AS systolic_mean,
    max(systolic) AS systolic_max,
    max_by(systolic, CASE WHEN systolic IS NOT NULL THEN event_time END) AS systolic_last,
    count(diastolic) AS diastolic_count,
    min(diastolic) AS diastolic_min,
    CAST(sum(CAST(diastolic AS DECIMAL(18, 6))) AS DOUBLE) / nullif(count(diastolic), 0) AS diastolic_mean,
    max(diastolic) AS diastolic_max,
    max_by(diastolic, CASE WHEN diastolic IS NOT NULL THEN event_time END) AS diastolic_last,
    count(mean_arterial_pressure) AS mean_arterial_pressure_count,
    min(mean_arterial_pressure) AS mean_arterial_pressure_min,
    CAST(sum(CAST(mean_arterial_pressure AS DECIMAL(18, 6))) AS DOUBLE) / nullif(count(mean_arterial_pressure), 0) AS mean_arterial_pressure_mean,
    max(mean_arterial_pressure) AS mean_arterial_pressure_max,
    max_by(mean_arterial_pressure, CASE WHEN mean_arterial_pressure IS NOT NULL THEN event_time END) AS mean_arterial_pressure_last,
    -- The newest reading's score, which may be unknown: -1 keeps its place, because engines differ in what they make of
    -- NULL here.
    nullif(max_by(coalesce(news2_total, -1), event_time), -1) AS news2_last,
    max_by(news2_total_min, event_time) AS news2_lower_last,
    max_by(news2_total_max, event_time) AS news2_upper_last,
    max_by(news2_band_min, event_time) AS news2_band_lower_last,
    max_by(news2_band_max, event_time) AS news2_band_upper_last,
    max(news2_total) AS news2_max,
    max(news2_total_min) AS news2_lower_max,
    max_by(qsofa_min, event_time) AS qsofa_lower_last,
    max(qsofa_min) AS qsofa_lower_max,
    count(
      CASE
        WHEN alert_bradycardia OR alert_tachycardia OR alert_bradypnea OR alert_tachypnea OR alert_hypoxemia
          OR alert_too_much_oxygen OR alert_hypothermia OR alert_fever OR alert_hypotension OR alert_hypertension
          OR alert_low_mean_pressure OR alert_shock_index
        THEN 1
      END) AS alert_readings,
    count(suspect) AS suspect_readings,
    count(no_signal) AS no_signal_readings
  FROM silver_patient_vitals
  GROUP BY patient_id, CAST(event_time AS DATE)
),
-- A reading speaks for the time until the next one of that day, at most 15 minutes, and not beyond midnight: the longest
-- that a value counts as current at a monitored bed (section 1 of the clinical reference). Without a cap, a device that
-- was taken off in a bad moment would leave its patient in that band for hours. Whole seconds, so sums are exact.
spans AS (
  SELECT
    patient_id,
    date,
    band,
    least(
      900,
      coalesce(lead(at_second) OVER (PARTITION BY patient_id, date ORDER BY at_second, event_time), midnight) - at_second)
      AS seconds
  FROM (
    SELECT
      patient_id,
      CAST(event_time AS DATE) AS date,
      event_time,
      unix_timestamp(event_time) AS at_second,
      86400 * (datediff(CAST(event_time AS DATE), CAST('1970-01-01' AS DATE)) + 1) AS midnight,
      -- With a parameter missing, the band is known if its two bounds agree.
      CASE WHEN news2_band_min = news2_band_max THEN news2_band_min END AS band
    FROM silver_patient_vitals
  ) AS readings
),
banded AS (
  SELECT
    patient_id,
    date,
    CAST(sum(CASE WHEN band = 'low' THEN seconds ELSE 0 END) AS BIGINT) AS seconds_low,
    CAST(sum(CASE WHEN band = 'low-medium' THEN seconds ELSE 0 END) AS BIGINT) AS seconds_low_medium,
    CAST(sum(CASE WHEN band = 'medium' THEN seconds ELSE 0 END) AS BIGINT) AS seconds_medium,
    CAST(sum(CASE WHEN band = 'high' THEN seconds ELSE 0 END) AS BIGINT) AS seconds_high,
    CAST(sum(CASE WHEN band IS NULL THEN seconds ELSE 0 END) AS BIGINT) AS seconds_unknown
  FROM spans
  GROUP BY patient_id, date
),
-- By the versions of the model that were live when the readings came; NULL where there was none.
unusual AS (
  SELECT
    patient_id,
    CAST(event_time AS DATE) AS date,
    CASE WHEN count(anomaly_score) > 0 THEN count(CASE WHEN anomaly_flag THEN 1 END) END AS anomaly_readings,
    max(anomaly_score) AS anomaly_score_max,
    max_by(anomaly_score, CASE WHEN anomaly_score IS NOT NULL THEN event_time END) AS anomaly_score_last,
    max_by(most_deviating_vital, CASE WHEN most_deviating_vital IS NOT NULL THEN event_time END) AS most_deviating_vital
  FROM gold_vital_scores
  GROUP BY patient_id, CAST(event_time AS DATE)
)
SELECT
  summed.patient_id,
  summed.date,
  summed.ward,
  summed.readings,
  summed.first_seen,
  summed.last_seen,
  summed.heart_rate_count,
  summed.heart_rate_min,
  summed.heart_rate_mean,
  summed.heart_rate_max,
  summed.heart_rate_last,
  summed.respiration_rate_count,
  summed.respiration_rate_min,
  summed.respiration_rate_mean,
  summed.respiration_rate_max,
  summed.respiration_rate_last,
  summed.spo2_count,
  summed.spo2_min,
  summed.spo2_mean,
  summed.spo2_max,
  summed.spo2_last,
  summed.temperature_count,
  summed.temperature_min,
  summed.temperature_mean,
  summed.temperature_max,
  summed.temperature_last,
  summed.systolic_count,
  summed.systolic_min,
  summed.systolic_mean,
  summed.systolic_max,
  summed.systolic_last,
  summed.diastolic_count,
  summed.diastolic_min,
  summed.diastolic_mean,
  summed.diastolic_max,
  summed.diastolic_last,
  summed.mean_arterial_pressure_count,
  summed.mean_arterial_pressure_min,
  summed.mean_arterial_pressure_mean,
  summed.mean_arterial_pressure_max,
  summed.mean_arterial_pressure_last,
  summed.news2_last,
  summed.news2_lower_last,
  summed.news2_upper_last,
  summed.news2_band_lower_last,
  summed.news2_band_upper_last,
  summed.news2_max,
  summed.news2_lower_max,
  banded.seconds_low,
  banded.seconds_low_medium,
  banded.seconds_medium,
  banded.seconds_high,
  banded.seconds_unknown,
  summed.qsofa_lower_last,
  summed.qsofa_lower_max,
  summed.alert_readings,
  summed.suspect_readings,
  summed.no_signal_readings,
  unusual.anomaly_readings,
  unusual.anomaly_score_max,
  unusual.anomaly_score_last,
  unusual.most_deviating_vital
FROM summed
JOIN banded ON summed.patient_id = banded.patient_id AND summed.date = banded.date
LEFT JOIN unusual ON summed.patient_id = unusual.patient_id AND summed.date = unusual.date;
