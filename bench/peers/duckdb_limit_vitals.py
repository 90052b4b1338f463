"""The limit for the vitals pipeline: DuckDB alone reads and parses the readings, runs the pipeline's own silver.sql over
them and writes bronze and silver as Parquet once.

  duckdb_limit_vitals.py INPUT OUTPUT SILVER_SQL

No micro-batches, no commits, no duplicates sought, no reasons for what is rejected. Prints one JSON object
with the rows and the seconds.
"""

import json
import os
import sys
import time

import duckdb

from vitals import FIELDS, GOOD, silver

TYPES = {"STRING": "VARCHAR", "INT": "INTEGER"}


def main(source, output, definition):
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
    types = {name: TYPES.get(kind, kind) for name, kind in FIELDS.items()} | {
        "patient_id": "UUID", "timestamp": "TIMESTAMPTZ"}
    columns = ", ".join("%s %s" % field for field in types.items())
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
    connection.execute("CREATE TEMP MACRO unix_micros(t) AS epoch_us(t)")
    connection.execute("CREATE TEMP MACRO try_element_at(list, place) AS list[place]")
    connection.execute(
        """CREATE TEMP VIEW earlier AS SELECT _partition AS "partition", _offset AS "offset",
        [lag(event_time) OVER (PARTITION BY patient_id ORDER BY _offset)] AS event_time FROM records""")
    select = silver(definition, "records", "earlier")
    connection.execute(
        "CREATE TEMP TABLE silver AS SELECT * FROM (%s) WHERE %s" % (select, GOOD.format(matches="regexp_matches")))
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
