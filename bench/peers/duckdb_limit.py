"""The limit: DuckDB alone reads and parses the records and writes the three Parquet tables once, without scoring.

  duckdb_limit.py INPUT OUTPUT

No micro-batches, no offsets, no commits, no model, no duplicates sought, lines that are not UTF-8 skipped: what is left is the work that nobody who
keeps these tables with DuckDB can avoid. Prints one JSON object with the rows and the seconds.
"""

import json
import os
import sys
import time

import duckdb

from illness import MEASUREMENTS


def main(source, output):
    structure = {"patient_id": "UUID", "timestamp": "TIMESTAMP", "birthday": "DATE", "gender": "INTEGER"}
    structure.update({field: "DOUBLE" for field, _, _, _ in MEASUREMENTS})
    quoted = lambda name: '"' + name.replace('"', '""') + '"'
    columns = ", ".join("%s %s" % (quoted(name), kind) for name, kind in structure.items())
    plausible = " AND ".join(
        "(%s IS NULL OR %s BETWEEN %s AND %s)" % (column, column, low, high) for _, column, low, high in MEASUREMENTS
    )
    measured = ", ".join("r.%s AS %s" % (quoted(field), column) for field, column, _, _ in MEASUREMENTS)
    names = ", ".join(column for _, column, _, _ in MEASUREMENTS)
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
    connection.execute(
        """CREATE TEMP TABLE parsed AS
        SELECT "offset", TRY_CAST(r AS STRUCT(%s)) AS r
        FROM (SELECT rowid AS "offset", TRY_CAST(raw AS JSON) AS r FROM lines)""" % columns
    )
    parsed = time.monotonic()
    connection.execute(
        """CREATE TEMP TABLE silver AS
        SELECT *, CASE WHEN age < 18 THEN '0-17' WHEN age < 35 THEN '18-34' WHEN age < 50 THEN '35-49'
          WHEN age < 65 THEN '50-64' WHEN age < 80 THEN '65-79' ELSE '80+' END AS age_group
        FROM (SELECT CAST(r.patient_id AS VARCHAR) AS patient_id, r."timestamp" AS event_time, r.birthday AS birthday,
            r.gender AS gender, CAST(date_sub('year', r.birthday, CAST(r."timestamp" AS DATE)) AS INTEGER) AS age,
            %s, "offset" FROM parsed)
        WHERE patient_id IS NOT NULL AND event_time IS NOT NULL AND birthday <= CAST(event_time AS DATE)
          AND gender IN (0, 1) AND age <= 120 AND coalesce(%s) IS NOT NULL AND %s""" % (measured, names, plausible)
    )
    filtered = time.monotonic()
    connection.execute(copy % ("SELECT * FROM silver", "silver"))
    connection.execute(
        copy
        % (
            "SELECT patient_id, age_group, gender, %s, 0 AS prediction, event_time, 0.5::DOUBLE AS probability, "
            "'bench' AS model_version FROM silver" % names,
            "gold",
        )
    )
    ended = time.monotonic()
    count = lambda table: connection.execute("SELECT count(*) FROM " + table).fetchone()[0]
    result = {
        "tables": {"bronze": count("lines"), "silver": count("silver"), "gold": count("silver")},
        "seconds": ended - began,
        "steps": {"read": read - began, "bronze": bronze - read, "parse": parsed - bronze, "filter": filtered - parsed,
                  "silver and gold": ended - filtered},
    }
    print(json.dumps(result))


main(*sys.argv[1:])
