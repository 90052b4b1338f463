"""The same measurements as delta-bench, with delta-rs (the Python package deltalake)."""

import json
import resource
import sys
import time

import duckdb
import pyarrow as pa
from deltalake import DeltaTable, WriterProperties, write_deltalake
from deltalake.transaction import AddAction

ROWS = """
    SELECT (i // 20)::BIGINT AS patient, make_timestamptz(1767225600000000 + i * 50000) AS event_time,
      round(40 + (hash(i) % 1200) / 10, 1)::DOUBLE AS heart_rate,
      round(80 + (hash(i + 1) % 900) / 10, 1)::DOUBLE AS systolic_blood_pressure,
      'ward ' || (hash(i + 2) % 12)::VARCHAR AS ward, substr(md5(i::VARCHAR), 1, 12) AS device
    FROM range(ROWS) AS r(i)
"""


def core_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Timer:
    def __enter__(self):
        self.core = core_seconds()
        self.began = time.perf_counter()
        return self

    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self.began
        self.core = core_seconds() - self.core


def percentiles(seconds):
    seconds = sorted(seconds)
    return {
        "p50_ms": seconds[len(seconds) // 2] * 1e3,
        "p99_ms": seconds[len(seconds) * 99 // 100] * 1e3,
        "max_ms": seconds[-1] * 1e3,
    }


def append(location, rows, compression):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    table = connection.execute(ROWS.replace("ROWS", rows)).to_arrow_table()
    connection.close()
    properties = WriterProperties(compression=compression.upper(), compression_level=3 if compression == "zstd" else None)
    with Timer() as timer:
        write_deltalake(location, table, writer_properties=properties, target_file_size=1 << 40)
    sizes = pa.table(DeltaTable(location).get_add_actions())["size_bytes"].to_pylist()
    return {"seconds": timer.seconds, "core_seconds": timer.core, "bytes": sum(sizes), "files": len(sizes)}


def appends(location, count):
    schema = pa.schema([("id", pa.int64())])
    table = DeltaTable.create(location, schema=schema)
    seconds = []
    with Timer() as whole:
        for index in range(int(count)):
            with Timer() as timer:
                write_deltalake(table, pa.table({"id": range(index, index + 10)}, schema=schema), mode="append")
            seconds.append(timer.seconds)
    return percentiles(seconds) | {"core_seconds": whole.core}


def commits(location, count):
    schema = pa.schema([("id", pa.int64())])
    table = DeltaTable.create(location, schema=schema)
    seconds = []
    with Timer() as whole:
        for index in range(int(count)):
            stats = '{"numRecords":1000,"minValues":{"id":%d},"maxValues":{"id":%d},"nullCount":{"id":0}}' % (
                index * 1000,
                index * 1000 + 999,
            )
            action = AddAction("part-%d.parquet" % index, 1048576, {}, 1767225600000, True, stats)
            with Timer() as timer:
                table.create_write_transaction([action], mode="append", schema=table.schema(), partition_by=[])
                table.update_incremental()
            seconds.append(timer.seconds)
    return percentiles(seconds) | {"core_seconds": whole.core}


def load(location):
    with Timer() as opening:
        table = DeltaTable(location)
    # delta-rs leaves the files of a checkpoint unread until somebody wants them.
    with Timer() as listing:
        files = len(table.file_uris())
    return {
        "seconds": opening.seconds + listing.seconds,
        "core_seconds": opening.core + listing.core,
        "files": files,
        "opening_core_seconds": opening.core,
    }


def rows(location):
    from deltalake import QueryBuilder

    table = DeltaTable(location)
    answer = QueryBuilder().register("t", table).execute("SELECT count(*) AS a, count(DISTINCT id) AS b FROM t")
    batch = pa.table(answer.read_all())
    return {"rows": batch["a"][0].as_py(), "distinct": batch["b"][0].as_py(), "version": table.version()}


print(json.dumps({"append": append, "appends": appends, "commits": commits, "load": load, "rows": rows}[sys.argv[1]](*sys.argv[2:])))
