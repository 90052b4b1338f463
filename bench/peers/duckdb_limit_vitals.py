"""The limit for the vitals pipeline: DuckDB alone reads and parses the readings, runs the pipeline's own silver.sql over
them and writes bronze and silver as Parquet once.

  duckdb_limit_vitals.py INPUT OUTPUT SILVER_SQL

No micro-batches, no offsets, no commits, no duplicates sought, no reasons for what is rejected. Prints one JSON object
with the rows and the seconds.
"""

import json
import os
import sys
import time

import duckdb

FIELDS = {
    "patient_id": "UUID", "timestamp": "TIMESTAMPTZ", "heart_rate": "DOUBLE", "temperature": "DOUBLE",
    "temperature_unit": "VARCHAR", "spo2": "DOUBLE", "respiration_rate": "DOUBLE", "blood_pressure": "VARCHAR",
    "systolic": "DOUBLE", "diastolic": "DOUBLE", "ward": "VARCHAR", "device_id": "VARCHAR", "consciousness": "VARCHAR",
    "supplemental_oxygen": "BOOLEAN", "spo2_scale": "INTEGER",
}
# The limits of pipelines/vitals/pipeline.yml; a missing value passes.
GOOD = """
  coalesce(event_time <= ingest_time + INTERVAL 5 MINUTES, true)
  AND (coalesce(heart_rate, respiration_rate, spo2, temperature_original, systolic, diastolic) IS NOT NULL
    OR no_signal IS NOT NULL)
  AND coalesce(heart_rate BETWEEN 10 AND 300, true) AND coalesce(respiration_rate BETWEEN 1 AND 80, true)
  AND coalesce(spo2 BETWEEN 30 AND 100, true) AND (temperature_original IS NULL OR temperature IS NOT NULL)
  AND coalesce(systolic BETWEEN 30 AND 300, true) AND coalesce(diastolic BETWEEN 10 AND 200, true)
  AND coalesce(regexp_matches(blood_pressure, '^ *[0-9]+([.][0-9]+)? */ *[0-9]+([.][0-9]+)? *$'), true)
  AND coalesce(diastolic < systolic, true) AND coalesce(consciousness IN ('A', 'C', 'V', 'P', 'U'), true)
  AND coalesce(spo2_scale IN (1, 2), true)"""


def main(source, output, definition):
    with open(definition) as file:
        silver = file.read().split("\nAS\n", 1)[1].strip().rstrip(";").replace("STREAM(patient_vitals)", "records")
    files = "[%s]" % ", ".join(
        "'%s'" % os.path.join(source, name).replace("'", "''")
        for name in sorted(os.listdir(source))
        if not name.startswith((".", "_")) and not name.endswith(".tmp")
    )
    began = time.monotonic()
    connection = duckdb.connect(config={"threads": str(os.cpu_count()), "preserve_insertion_order": "false"})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        """CREATE TEMP TABLE lines AS SELECT raw FROM read_csv(%s, columns = {'raw': 'VARCHAR'}, header = false,
        delim = '\x01', quote = '', escape = '', max_line_size = 16777216, auto_detect = false,
        ignore_errors = true)""" % files
    )
    read = time.monotonic()
    copy = "COPY (%s) TO '" + output.replace("'", "''") + "/%s.parquet' (FORMAT parquet, COMPRESSION zstd)"
    connection.execute(copy % ("SELECT raw, 0 AS partition, rowid AS \"offset\", now() AS ingest_time FROM lines", "bronze"))
    bronze = time.monotonic()
    columns = ", ".join("%s %s" % field for field in FIELDS.items())
    values = ", ".join(
        "CAST(r.patient_id AS VARCHAR) AS patient_id" if name == "patient_id"
        else "r.timestamp AS event_time" if name == "timestamp" else "r.%s AS %s" % (name, name)
        for name in FIELDS
    )
    connection.execute(
        """CREATE TEMP TABLE parsed AS
        SELECT "offset", TRY_CAST(r AS STRUCT(%s)) AS r
        FROM (SELECT rowid AS "offset", TRY_CAST(raw AS JSON) AS r FROM lines)""" % columns
    )
    parsed = time.monotonic()
    connection.execute(
        """CREATE TEMP VIEW records AS
        SELECT %s, 'file' AS _source, 0 AS _partition, "offset" AS _offset, now() AS _ingest_time
        FROM parsed WHERE r.patient_id IS NOT NULL AND r.timestamp IS NOT NULL""" % values
    )
    connection.execute("CREATE TEMP TABLE silver AS SELECT * FROM (%s) WHERE %s" % (silver, GOOD))
    scored = time.monotonic()
    connection.execute(copy % ("SELECT * FROM silver", "silver"))
    ended = time.monotonic()
    count = lambda table: connection.execute("SELECT count(*) FROM " + table).fetchone()[0]
    result = {
        "tables": {"bronze": count("lines"), "silver": count("silver")},
        "seconds": ended - began,
        "steps": {"read": read - began, "bronze": bronze - read, "parse": parsed - bronze, "score": scored - parsed,
                  "silver": ended - scored},
    }
    print(json.dumps(result))


main(*sys.argv[1:])
