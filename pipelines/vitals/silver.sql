-- Readings with units checked, and what follows from them: scores, alerts, doubts about the device.
CREATE STREAMING TABLE silver_patient_vitals
COMMENT 'Vital signs, one row per patient and event time, with NEWS2 and qSOFA; implausible readings are in quarantine_patient_vitals'
AS
WITH
-- The two ways to write a blood pressure become one.
sent AS (
  SELECT
    lower(patient_id) AS patient_id,
    v.event_time,
    -- Of the readings that had arrived before this one.
    (unix_micros(v.event_time) - unix_micros(try_element_at(r.event_time, -1))) / 6e7 AS minutes_since_last_reading,
    ward,
    device_id,
    heart_rate,
    respiration_rate,
    spo2,
    coalesce(spo2_scale, 1) AS spo2_scale,
    temperature,
    CASE
      WHEN lower(trim(temperature_unit)) IN ('cel', 'c', '°c', 'degc', 'deg. c', '?c') THEN 'Cel'
      WHEN lower(trim(temperature_unit)) IN ('[degf]', 'f', '°f', 'degf', 'deg. f', '?f') THEN '[degF]'
    END AS temperature_unit,
    blood_pressure,
    coalesce(systolic, TRY_CAST(split_part(blood_pressure, '/', 1) AS DOUBLE)) AS systolic,
    coalesce(diastolic, TRY_CAST(split_part(blood_pressure, '/', 2) AS DOUBLE)) AS diastolic,
    upper(trim(consciousness)) AS consciousness,
    supplemental_oxygen,
    _ingest_time AS ingest_time,
    _source AS source,
    _partition AS "partition",
    _offset AS "offset"
  FROM STREAM(patient_vitals) AS v
  LEFT JOIN earlier_readings AS r ON r."partition" = v._partition AND r."offset" = v._offset
),
-- Zero is how monitors say "no signal": it becomes NULL, and the sensor is named. The spans of body temperatures in °C
-- and °F do not overlap, so the value decides which unit it is in; a unit that says otherwise makes it suspect.
measured AS (
  SELECT
    patient_id,
    event_time,
    ward,
    device_id,
    nullif(heart_rate, 0e0) AS heart_rate,
    nullif(respiration_rate, 0e0) AS respiration_rate,
    nullif(spo2, 0e0) AS spo2,
    spo2_scale,
    CASE
      WHEN temperature BETWEEN 25 AND 45 THEN temperature
      WHEN temperature BETWEEN 77 AND 113 THEN round((temperature - 32) * 5 / 9, 6)
    END AS temperature,
    nullif(temperature, 0e0) AS temperature_original,
    CASE
      WHEN temperature BETWEEN 25 AND 45 THEN 'Cel'
      WHEN temperature BETWEEN 77 AND 113 THEN '[degF]'
    END AS temperature_unit,
    temperature_unit AS stated_unit,
    blood_pressure,
    nullif(systolic, 0e0) AS systolic,
    nullif(diastolic, 0e0) AS diastolic,
    consciousness,
    supplemental_oxygen,
    minutes_since_last_reading,
    -- Few readings have such a note, here and below: one test for all its words first, so that others build no text.
    CASE
      WHEN respiration_rate = 0 OR spo2 = 0 OR systolic = 0 OR diastolic = 0 OR heart_rate = 0 OR temperature = 0
        THEN concat_ws(
          ' ',
          CASE WHEN respiration_rate = 0 THEN 'rr' END,
          CASE WHEN spo2 = 0 THEN 'spo2' END,
          CASE WHEN systolic = 0 THEN 'sbp' END,
          CASE WHEN diastolic = 0 THEN 'dbp' END,
          CASE WHEN heart_rate = 0 THEN 'hr' END,
          CASE WHEN temperature = 0 THEN 'temp' END)
    END AS no_signal,
    ingest_time,
    source,
    "partition",
    "offset"
  FROM sent
),
-- NEWS2, chart 1 of the Royal College of Physicians (2017). The chart has whole numbers, and tenths of a degree; a
-- decimal is rounded half up to them first. So the cut-offs lie half-way: 38.05 is the least that rounds to 38.1.
scored AS (
  SELECT
    *,
    CASE WHEN diastolic > 0 AND diastolic < systolic THEN (systolic + 2 * diastolic) / 3 END AS mean_arterial_pressure,
    CASE WHEN diastolic > 0 AND diastolic < systolic THEN systolic - diastolic END AS pulse_pressure,
    CASE WHEN systolic > 0 THEN heart_rate / systolic END AS shock_index,
    CASE
      WHEN respiration_rate < 8.5 THEN 3
      WHEN respiration_rate < 11.5 THEN 1
      WHEN respiration_rate < 20.5 THEN 0
      WHEN respiration_rate < 24.5 THEN 2
      WHEN respiration_rate >= 24.5 THEN 3
    END AS news2_respiration,
    CASE
      WHEN spo2 IS NULL THEN NULL
      WHEN spo2_scale = 2 THEN
        CASE WHEN spo2 < 83.5 THEN 3 WHEN spo2 < 85.5 THEN 2 WHEN spo2 < 87.5 THEN 1 ELSE 0 END
      ELSE CASE WHEN spo2 < 91.5 THEN 3 WHEN spo2 < 93.5 THEN 2 WHEN spo2 < 95.5 THEN 1 ELSE 0 END
    END AS spo2_points_on_air,
    CASE
      WHEN spo2 IS NULL THEN NULL
      WHEN spo2_scale = 2 THEN
        CASE
          WHEN spo2 < 83.5 THEN 3
          WHEN spo2 < 85.5 THEN 2
          WHEN spo2 < 87.5 THEN 1
          WHEN spo2 < 92.5 THEN 0
          WHEN spo2 < 94.5 THEN 1
          WHEN spo2 < 96.5 THEN 2
          ELSE 3
        END
      ELSE CASE WHEN spo2 < 91.5 THEN 3 WHEN spo2 < 93.5 THEN 2 WHEN spo2 < 95.5 THEN 1 ELSE 0 END
    END AS spo2_points_on_oxygen,
    CASE WHEN supplemental_oxygen THEN 2 WHEN NOT supplemental_oxygen THEN 0 END AS news2_oxygen,
    CASE
      WHEN systolic < 90.5 THEN 3
      WHEN systolic < 100.5 THEN 2
      WHEN systolic < 110.5 THEN 1
      WHEN systolic < 219.5 THEN 0
      WHEN systolic >= 219.5 THEN 3
    END AS news2_systolic,
    CASE
      WHEN heart_rate < 40.5 THEN 3
      WHEN heart_rate < 50.5 THEN 1
      WHEN heart_rate < 90.5 THEN 0
      WHEN heart_rate < 110.5 THEN 1
      WHEN heart_rate < 130.5 THEN 2
      WHEN heart_rate >= 130.5 THEN 3
    END AS news2_pulse,
    CASE WHEN consciousness = 'A' THEN 0 WHEN consciousness <> 'A' THEN 3 END AS news2_consciousness,
    CASE
      WHEN temperature < 35.05 THEN 3
      WHEN temperature < 36.05 THEN 1
      WHEN temperature < 38.05 THEN 0
      WHEN temperature < 39.05 THEN 1
      WHEN temperature >= 39.05 THEN 2
    END AS news2_temperature,
    CASE WHEN respiration_rate >= 22 THEN 1 WHEN respiration_rate < 22 THEN 0 END AS qsofa_respiration,
    CASE WHEN systolic <= 100 THEN 1 WHEN systolic > 100 THEN 0 END AS qsofa_systolic,
    CASE WHEN consciousness <> 'A' THEN 1 WHEN consciousness = 'A' THEN 0 END AS qsofa_consciousness
  FROM measured
),
-- Without the oxygen flag both cases are possible, and on scale 2 they give different points.
bounded AS (
  SELECT
    *,
    CASE WHEN supplemental_oxygen THEN spo2_points_on_oxygen ELSE spo2_points_on_air END AS spo2_points_min,
    CASE WHEN NOT supplemental_oxygen THEN spo2_points_on_air ELSE spo2_points_on_oxygen END AS spo2_points_max,
    CASE
      WHEN respiration_rate IS NULL OR spo2 IS NULL OR supplemental_oxygen IS NULL OR systolic IS NULL
        OR heart_rate IS NULL OR consciousness IS NULL OR temperature IS NULL
        THEN concat_ws(
          ' ',
          CASE WHEN respiration_rate IS NULL THEN 'rr' END,
          CASE WHEN spo2 IS NULL THEN 'spo2' END,
          CASE WHEN supplemental_oxygen IS NULL THEN 'o2' END,
          CASE WHEN systolic IS NULL THEN 'sbp' END,
          CASE WHEN heart_rate IS NULL THEN 'hr' END,
          CASE WHEN consciousness IS NULL THEN 'acvpu' END,
          CASE WHEN temperature IS NULL THEN 'temp' END)
    END AS news2_missing
  FROM scored
),
-- What is missing counts nothing for the lower bound, and its worst case for the upper one: 3 points, oxygen 2.
totals AS (
  SELECT
    *,
    coalesce(news2_respiration, 0) + coalesce(spo2_points_min, 0) + coalesce(news2_oxygen, 0)
      + coalesce(news2_systolic, 0) + coalesce(news2_pulse, 0) + coalesce(news2_consciousness, 0)
      + coalesce(news2_temperature, 0) AS news2_total_min,
    coalesce(news2_respiration, 3) + coalesce(spo2_points_max, 3) + coalesce(news2_oxygen, 2)
      + coalesce(news2_systolic, 3) + coalesce(news2_pulse, 3) + coalesce(news2_consciousness, 3)
      + coalesce(news2_temperature, 3) AS news2_total_max,
    -- A parameter scores 3 at most, so the greatest of the known ones tells whether one does.
    coalesce(
      greatest(
        news2_respiration, spo2_points_min, news2_systolic, news2_pulse, news2_consciousness, news2_temperature),
      0) = 3 AS news2_single_three,
    greatest(
      coalesce(news2_respiration, 3), coalesce(spo2_points_max, 3), coalesce(news2_systolic, 3),
      coalesce(news2_pulse, 3), coalesce(news2_consciousness, 3), coalesce(news2_temperature, 3)) = 3
      AS may_hold_three,
    coalesce(qsofa_respiration, 0) + coalesce(qsofa_systolic, 0) + coalesce(qsofa_consciousness, 0) AS qsofa_min,
    coalesce(qsofa_respiration, 1) + coalesce(qsofa_systolic, 1) + coalesce(qsofa_consciousness, 1) AS qsofa_max
  FROM bounded
),
banded AS (
  SELECT
    *,
    CASE
      WHEN news2_total_min >= 7 THEN 'high'
      WHEN news2_total_min >= 5 THEN 'medium'
      WHEN news2_single_three THEN 'low-medium'
      ELSE 'low'
    END AS news2_band_min,
    CASE
      WHEN news2_total_max >= 7 THEN 'high'
      WHEN news2_total_max >= 5 THEN 'medium'
      WHEN may_hold_three THEN 'low-medium'
      ELSE 'low'
    END AS news2_band_max
  FROM totals
)
SELECT
  patient_id,
  event_time,
  ward,
  device_id,
  heart_rate,
  respiration_rate,
  spo2,
  spo2_scale,
  temperature,
  temperature_original,
  temperature_unit,
  blood_pressure,
  systolic,
  diastolic,
  consciousness,
  supplemental_oxygen,
  mean_arterial_pressure,
  pulse_pressure,
  shock_index,
  news2_respiration,
  CASE WHEN spo2_points_min = spo2_points_max THEN spo2_points_min END AS news2_spo2,
  news2_oxygen,
  news2_systolic,
  news2_pulse,
  news2_consciousness,
  news2_temperature,
  -- The sum of an incomplete set is no NEWS2; only its bounds are known.
  CASE WHEN news2_missing IS NULL THEN news2_total_min END AS news2_total,
  CASE WHEN news2_missing IS NULL THEN news2_band_min END AS news2_band,
  news2_single_three,
  news2_missing IS NULL AS news2_complete,
  news2_missing,
  news2_total_min,
  news2_total_max,
  news2_band_min,
  news2_band_max,
  qsofa_min,
  qsofa_max,
  CASE WHEN qsofa_min >= 2 THEN true WHEN qsofa_max < 2 THEN false END AS qsofa_positive,
  heart_rate < 50.5 AS alert_bradycardia,
  heart_rate >= 110.5 AS alert_tachycardia,
  respiration_rate < 11.5 AS alert_bradypnea,
  respiration_rate >= 20.5 AS alert_tachypnea,
  spo2 < CASE WHEN spo2_scale = 2 THEN 87.5 ELSE 93.5 END AS alert_hypoxemia,
  spo2_scale = 2 AND supplemental_oxygen AND spo2 >= 92.5 AS alert_too_much_oxygen,
  temperature < 36.05 AS alert_hypothermia,
  temperature >= 38.05 AS alert_fever,
  systolic < 100.5 AS alert_hypotension,
  systolic >= 179.5 OR diastolic >= 109.5 AS alert_hypertension,
  mean_arterial_pressure < 65 AS alert_low_mean_pressure,
  shock_index >= 0.9 AS alert_shock_index,
  minutes_since_last_reading,
  no_signal,
  CASE
    WHEN respiration_rate > 60 OR spo2 < 70 OR systolic < 50 OR systolic > 260 OR diastolic < 20 OR diastolic > 150
      OR mean_arterial_pressure < 30 OR mean_arterial_pressure > 200 OR pulse_pressure < 5
      OR heart_rate < 25 OR heart_rate > 220 OR temperature < 32 OR temperature > 42 OR stated_unit <> temperature_unit
      THEN concat_ws(
        ' ',
        CASE WHEN respiration_rate > 60 THEN 'rr' END,
        CASE WHEN spo2 < 70 THEN 'spo2' END,
        CASE WHEN systolic < 50 OR systolic > 260 THEN 'sbp' END,
        CASE WHEN diastolic < 20 OR diastolic > 150 THEN 'dbp' END,
        CASE WHEN mean_arterial_pressure < 30 OR mean_arterial_pressure > 200 THEN 'map' END,
        CASE WHEN pulse_pressure < 5 THEN 'pp' END,
        CASE WHEN heart_rate < 25 OR heart_rate > 220 THEN 'hr' END,
        CASE WHEN temperature < 32 OR temperature > 42 THEN 'temp' END,
        CASE WHEN stated_unit <> temperature_unit THEN 'unit' END)
  END AS suspect,
  ingest_time,
  source,
  "partition",
  "offset"
FROM banded;
