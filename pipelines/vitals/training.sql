-- Readings of people who are presumably well: a low NEWS2, in the readings before and after too (nobody falls ill between
-- two readings), and nothing doubtful about the device.
SELECT patient_id, event_time, heart_rate, respiration_rate, spo2, temperature, systolic, diastolic
FROM (
  SELECT
    *,
    max(news2_total_min) OVER (
      PARTITION BY patient_id ORDER BY event_time ROWS BETWEEN 12 PRECEDING AND 12 FOLLOWING) AS worst_nearby
  FROM silver_patient_vitals
) AS readings
WHERE worst_nearby < 5 AND suspect IS NULL AND no_signal IS NULL;
