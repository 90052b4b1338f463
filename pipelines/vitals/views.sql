-- The newest of every patient, worst first when ordered by news2_lower_last. Readings speak for the day on which they were
-- taken; the worst of two days keeps a night in sight after midnight.
CREATE MATERIALIZED VIEW patient_risk_scores
CLUSTER BY (patient_id)
COMMENT 'Newest NEWS2 and qSOFA of every patient, with the worst of the last two days'
AS
SELECT
  newest.patient_id,
  newest.ward,
  newest.last_seen,
  newest.news2_last AS news2,
  newest.news2_lower_last AS news2_lower,
  newest.news2_upper_last AS news2_upper,
  newest.news2_band_lower_last AS risk,
  newest.news2_band_upper_last AS risk_upper,
  newest.news2_band_lower_last = newest.news2_band_upper_last AS risk_is_certain,
  newest.qsofa_lower_last AS qsofa_lower,
  greatest(newest.news2_lower_max, coalesce(previous.news2_lower_max, 0)) AS news2_lower_worst,
  newest.seconds_high + coalesce(previous.seconds_high, 0) AS seconds_high,
  newest.seconds_medium + coalesce(previous.seconds_medium, 0) AS seconds_medium,
  newest.readings + coalesce(previous.readings, 0) AS readings,
  newest.alert_readings + coalesce(previous.alert_readings, 0) AS alert_readings
FROM (
  SELECT *, row_number() OVER (PARTITION BY patient_id ORDER BY date DESC) AS place
  FROM gold_patient_summary
) AS newest
LEFT JOIN gold_patient_summary AS previous
  ON previous.patient_id = newest.patient_id AND previous.date = date_sub(newest.date, 1)
WHERE newest.place = 1;

-- How often each limit was crossed, per ward and hour.
CREATE MATERIALIZED VIEW ward_alert_counts
PARTITIONED BY (date)
CLUSTER BY (ward, hour_start)
COMMENT 'Readings with each alert per ward and hour (UTC)'
AS
SELECT
  CAST(event_time AS DATE) AS date,
  date_trunc('HOUR', event_time) AS hour_start,
  ward,
  count(DISTINCT patient_id) AS patients,
  count(*) AS readings,
  count(CASE WHEN alert_bradycardia THEN 1 END) AS bradycardia,
  count(CASE WHEN alert_tachycardia THEN 1 END) AS tachycardia,
  count(CASE WHEN alert_bradypnea THEN 1 END) AS bradypnea,
  count(CASE WHEN alert_tachypnea THEN 1 END) AS tachypnea,
  count(CASE WHEN alert_hypoxemia THEN 1 END) AS hypoxemia,
  count(CASE WHEN alert_too_much_oxygen THEN 1 END) AS too_much_oxygen,
  count(CASE WHEN alert_hypothermia THEN 1 END) AS hypothermia,
  count(CASE WHEN alert_fever THEN 1 END) AS fever,
  count(CASE WHEN alert_hypotension THEN 1 END) AS hypotension,
  count(CASE WHEN alert_hypertension THEN 1 END) AS hypertension,
  count(CASE WHEN alert_low_mean_pressure THEN 1 END) AS low_mean_pressure,
  count(CASE WHEN alert_shock_index THEN 1 END) AS shock_index,
  count(CASE WHEN news2_band_min = 'medium' THEN 1 END) AS news2_medium,
  count(CASE WHEN news2_band_min = 'high' THEN 1 END) AS news2_high,
  count(DISTINCT CASE WHEN news2_band_min = 'high' THEN patient_id END) AS news2_high_patients
FROM silver_patient_vitals
GROUP BY CAST(event_time AS DATE), date_trunc('HOUR', event_time), ward;

-- The course of the vital signs, per ward and hour. Averages over a ward say how the ward is, not how a patient is.
CREATE MATERIALIZED VIEW vital_signs_hourly_trend
PARTITIONED BY (date)
CLUSTER BY (ward, hour_start)
COMMENT 'Mean, smallest and largest of each vital sign per ward and hour (UTC)'
AS
SELECT
  CAST(event_time AS DATE) AS date,
  date_trunc('HOUR', event_time) AS hour_start,
  ward,
  count(DISTINCT patient_id) AS patients,
  count(*) AS readings,
  CAST(sum(CAST(heart_rate AS DECIMAL(18, 6))) AS DOUBLE) / nullif(count(heart_rate), 0) AS heart_rate_mean,
  min(heart_rate) AS heart_rate_min,
  max(heart_rate) AS heart_rate_max,
  CAST(sum(CAST(respiration_rate AS DECIMAL(18, 6))) AS DOUBLE) / nullif(count(respiration_rate), 0) AS respiration_rate_mean,
  min(respiration_rate) AS respiration_rate_min,
  max(respiration_rate) AS respiration_rate_max,
  CAST(sum(CAST(spo2 AS DECIMAL(18, 6))) AS DOUBLE) / nullif(count(spo2), 0) AS spo2_mean,
  min(spo2) AS spo2_min,
  max(spo2) AS spo2_max,
  CAST(sum(CAST(temperature AS DECIMAL(18, 6))) AS DOUBLE) / nullif(count(temperature), 0) AS temperature_mean,
  min(temperature) AS temperature_min,
  max(temperature) AS temperature_max,
  CAST(sum(CAST(systolic AS DECIMAL(18, 6))) AS DOUBLE) / nullif(count(systolic), 0) AS systolic_mean,
  min(systolic) AS systolic_min,
  max(systolic) AS systolic_max,
  CAST(sum(CAST(diastolic AS DECIMAL(18, 6))) AS DOUBLE) / nullif(count(diastolic), 0) AS diastolic_mean,
  min(diastolic) AS diastolic_min,
  max(diastolic) AS diastolic_max,
  CAST(sum(CAST(mean_arterial_pressure AS DECIMAL(18, 6))) AS DOUBLE) / nullif(count(mean_arterial_pressure), 0) AS mean_arterial_pressure_mean,
  min(mean_arterial_pressure) AS mean_arterial_pressure_min,
  max(mean_arterial_pressure) AS mean_arterial_pressure_max,
  CAST(sum(news2_total_min) AS DOUBLE) / count(*) AS news2_lower_mean,
  max(news2_total_min) AS news2_lower_max
FROM silver_patient_vitals
GROUP BY CAST(event_time AS DATE), date_trunc('HOUR', event_time), ward;
