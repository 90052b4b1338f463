"""What the peers of the vitals benchmark share: the record's fields, the rules of pipelines/vitals/pipeline.yml as one SQL
condition, and the pipeline's own silver.sql, so that each engine runs the same text.
"""

FIELDS = {
    "patient_id": "STRING", "timestamp": "STRING", "heart_rate": "DOUBLE", "temperature": "DOUBLE",
    "temperature_unit": "STRING", "spo2": "DOUBLE", "respiration_rate": "DOUBLE", "blood_pressure": "STRING",
    "systolic": "DOUBLE", "diastolic": "DOUBLE", "ward": "STRING", "device_id": "STRING", "consciousness": "STRING",
    "supplemental_oxygen": "BOOLEAN", "spo2_scale": "INT",
}

# A missing value passes.
GOOD = """
  coalesce(event_time <= ingest_time + INTERVAL '5' MINUTE, true)
  AND (coalesce(heart_rate, respiration_rate, spo2, temperature_original, systolic, diastolic) IS NOT NULL
    OR no_signal IS NOT NULL)
  AND coalesce(heart_rate BETWEEN 10 AND 300, true) AND coalesce(respiration_rate BETWEEN 1 AND 80, true)
  AND coalesce(spo2 BETWEEN 30 AND 100, true) AND (temperature_original IS NULL OR temperature IS NOT NULL)
  AND coalesce(systolic BETWEEN 30 AND 300, true) AND coalesce(diastolic BETWEEN 10 AND 200, true)
  AND coalesce({matches}(blood_pressure, '^ *[0-9]+([.][0-9]+)? */ *[0-9]+([.][0-9]+)? *$'), true)
  AND coalesce(diastolic < systolic, true) AND coalesce(consciousness IN ('A', 'C', 'V', 'P', 'U'), true)
  AND coalesce(spo2_scale IN (1, 2), true)"""


def silver(definition, records, earlier):
    """The SELECT of silver.sql over two relations: the parsed records, and the readings before each of them."""
    with open(definition) as file:
        text = file.read().split("\nAS\n", 1)[1].strip().rstrip(";")
    return text.replace("STREAM(patient_vitals)", records).replace("earlier_readings AS", earlier + " AS")
