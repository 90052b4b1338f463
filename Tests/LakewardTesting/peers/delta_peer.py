"""Opens a Delta table with delta-rs and with DuckDB's Delta extension.

  delta_peer.py compare TABLE [--version N] [--transaction APP_ID]...
  delta_peer.py query TABLE "SELECT … FROM t" [--engine duckdb|delta-rs] [--version N]
  delta_peer.py write TABLE --rows N [--start N] [--partition-by COLUMN] [--mode append|overwrite]

`compare` prints one JSON object and exits 0 also when the readers differ; `query` prints a JSON list of rows whose
values are texts or null; `write` makes a small table with delta-rs, for the other direction.
"""

import argparse
import json
import os
import sys

import duckdb
import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder, write_deltalake


def delta_rs(table, version, sql):
    handle = DeltaTable(table, version=version)
    answer = QueryBuilder().register("t", handle).execute(sql)
    return pa.table(answer.read_all() if hasattr(answer, "read_all") else answer)


def duckdb_connection(table, version):
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("LOAD '%s'" % extension().replace("'", "''"))
    at = "" if version is None else ", version => %d" % version
    connection.execute("CREATE VIEW t AS SELECT * FROM delta_scan('%s'%s)" % (table.replace("'", "''"), at))
    return connection


def extension():
    given = os.environ.get("DUCKDB_DELTA_EXT")
    if given:
        return given
    import duckdb_extension_delta

    for folder, _, names in os.walk(os.path.dirname(duckdb_extension_delta.__file__)):
        if "delta.duckdb_extension" in names:
            return os.path.join(folder, "delta.duckdb_extension")
    sys.exit("delta_peer: DuckDB's Delta extension is not installed")


def plain(value):
    """A value that compares and prints alike, whichever reader it came from."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "0x" + bytes(value).hex()
    if isinstance(value, float):
        return "nan" if value != value else repr(value)
    if value is None or isinstance(value, str):
        return value
    if hasattr(value, "isoformat"):
        return (value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value).isoformat()
    return str(value)


def canonical(table, names):
    columns = [[plain(value) for value in table.column(name).to_pylist()] for name in names]
    return sorted(json.dumps(row, ensure_ascii=False, sort_keys=True) for row in zip(*columns))


def compare(arguments):
    result = {"agree": False, "difference": None, "version": -1, "rows": -1, "files": -1, "columns": [], "transactions": {}}
    try:
        handle = DeltaTable(arguments.table, version=arguments.version)
        fields = json.loads(handle.schema().to_json())["fields"]
        result["version"] = handle.version()
        result["files"] = len(handle.file_uris())
        result["columns"] = [
            "%s %s" % (field["name"], field["type"] if isinstance(field["type"], str) else field["type"]["type"])
            for field in fields
        ]
        for name in arguments.transaction:
            found = handle.transaction_version(name)
            if found is not None:
                result["transactions"][name] = found
        names = [field["name"] for field in fields]
        ours = delta_rs(arguments.table, arguments.version, "SELECT * FROM t")
        result["rows"] = ours.num_rows
    except Exception as error:
        result["difference"] = "delta-rs: %s: %s" % (type(error).__name__, error)
        return result
    try:
        connection = duckdb_connection(arguments.table, arguments.version)
        theirs = connection.execute("SELECT * FROM t").to_arrow_table()
        at = "" if arguments.version is None else ", version => %d" % arguments.version
        counted = connection.execute(
            "SELECT count(*) FROM delta_list_files('%s'%s)" % (arguments.table.replace("'", "''"), at)
        ).fetchone()[0]
    except Exception as error:
        result["difference"] = "DuckDB: %s: %s" % (type(error).__name__, error)
        return result
    if theirs.column_names != names:
        result["difference"] = "columns: delta-rs %s, DuckDB %s" % (names, theirs.column_names)
    elif counted != result["files"]:
        result["difference"] = "files: delta-rs %d, DuckDB %d" % (result["files"], counted)
    elif theirs.num_rows != ours.num_rows:
        result["difference"] = "rows: delta-rs %d, DuckDB %d" % (ours.num_rows, theirs.num_rows)
    else:
        left, right = canonical(ours, names), canonical(theirs, names)
        at = next((index for index, pair in enumerate(zip(left, right)) if pair[0] != pair[1]), None)
        if at is None:
            result["agree"] = True
        else:
            result["difference"] = "sorted row %d: delta-rs %s, DuckDB %s" % (at, left[at][:300], right[at][:300])
    return result


def query(arguments):
    if arguments.engine == "duckdb":
        rows = duckdb_connection(arguments.table, arguments.version).execute(arguments.sql).fetchall()
    else:
        answer = delta_rs(arguments.table, arguments.version, arguments.sql)
        rows = zip(*[answer.column(index).to_pylist() for index in range(answer.num_columns)])
    return [[text(plain(value)) for value in row] for row in rows]


def text(value):
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def write(arguments):
    numbers = list(range(arguments.start, arguments.start + arguments.rows))
    rows = pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "name": pa.array(["row %d" % number for number in numbers]),
            "value": pa.array([None if number % 7 == 0 else number / 4 for number in numbers], pa.float64()),
            "day": pa.array(["2024-01-%02d" % (number % 28 + 1) for number in numbers]),
        }
    )
    write_deltalake(arguments.table, rows, mode=arguments.mode, partition_by=arguments.partition_by)
    return {"version": DeltaTable(arguments.table).version()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = parser.add_subparsers(required=True)
    word = words.add_parser("compare")
    word.add_argument("table")
    word.add_argument("--version", type=int)
    word.add_argument("--transaction", action="append", default=[])
    word.set_defaults(run=compare)
    word = words.add_parser("query")
    word.add_argument("table")
    word.add_argument("sql")
    word.add_argument("--engine", choices=["duckdb", "delta-rs"], default="duckdb")
    word.add_argument("--version", type=int)
    word.set_defaults(run=query)
    word = words.add_parser("write")
    word.add_argument("table")
    word.add_argument("--rows", type=int, required=True)
    word.add_argument("--start", type=int, default=0)
    word.add_argument("--partition-by")
    word.add_argument("--mode", default="append")
    word.set_defaults(run=write)
    arguments = parser.parse_args()
    print(json.dumps(arguments.run(arguments), ensure_ascii=False))


main()
