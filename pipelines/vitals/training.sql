-- Readings of people who are presumably well: a low NEWS2, and nothing doubtful about the device.
SELECT patient_id, event_time, heart_rate, respiration_rate, spo2, temperature, systolic, diastolic
FROM silver_patient_vitals
WHERE news2_total_min < 5 AND suspect IS NULL AND no_signal IS NULL;
