-- Every reading with its scores: the chart's (NEWS2) and how unusual it is for somebody who is well (anomaly_vitals).
--
-- The model sees the patient's last twelve readings, the newest last; a model that looks at one reading takes that one. A
-- late reading has no list, so it is judged by itself. The anomaly is advice, no alarm: it says "look", not "what".
CREATE STREAMING TABLE gold_vital_scores
COMMENT 'Readings with NEWS2 and an anomaly score; NULL while no version of the model vitals is live'
AS
SELECT
  patient_id,
  event_time,
  ward,
  heart_rate,
  respiration_rate,
  spo2,
  temperature,
  systolic,
  diastolic,
  news2_total,
  news2_band,
  news2_total_min,
  news2_total_max,
  news2_band_min,
  news2_band_max,
  anomaly.score AS anomaly_score,
  anomaly.flag AS anomaly_flag,
  anomaly.most_deviating AS most_deviating_vital,
  -- What each vital adds to the score: for an autoencoder its error of reconstruction. For flagged readings alone.
  CASE
    WHEN anomaly.flag AND size(heart_rates) > 0
      THEN explain_vitals(heart_rates, respiration_rates, spo2s, temperatures, systolics, diastolics)
    WHEN anomaly.flag THEN explain_vitals(heart_rate, respiration_rate, spo2, temperature, systolic, diastolic)
  END AS anomaly_explanation,
  model_version('vitals') AS model_version,
  ingest_time,
  "partition",
  "offset"
FROM (
  SELECT
    v.*,
    r.heart_rate AS heart_rates,
    r.respiration_rate AS respiration_rates,
    r.spo2 AS spo2s,
    r.temperature AS temperatures,
    r.systolic AS systolics,
    r.diastolic AS diastolics,
    coalesce(
      anomaly_vitals(r.heart_rate, r.respiration_rate, r.spo2, r.temperature, r.systolic, r.diastolic),
      anomaly_vitals(v.heart_rate, v.respiration_rate, v.spo2, v.temperature, v.systolic, v.diastolic)) AS anomaly
  FROM STREAM(silver_patient_vitals) AS v
  LEFT JOIN recent_vitals AS r ON r."partition" = v."partition" AND r."offset" = v."offset"
) AS scored;
