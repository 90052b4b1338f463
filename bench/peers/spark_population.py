"""The population pipeline's views above silver on Spark: the same SQL text, over the same silver tables, written as Parquet.

spark_population.py TABLES OUTPUT PIPELINE: the folder of a lake's Delta tables, where to write, the pipeline's folder.
"""

import json
import re
import sys
import time
from pathlib import Path

import spark_runs
from delta_log import live_files

TABLES, OUTPUT, PIPELINE = map(Path, sys.argv[1:4])
STATEMENT = re.compile(r"CREATE (MATERIALIZED|TEMPORARY) VIEW (\w+)(.*?)\bAS\s+((?:SELECT|WITH)\b.*)", re.S)


def statements():
    """Kind, name and SELECT of each view of the pipeline, but for those of silver."""
    for file in sorted(PIPELINE.glob("*.sql")):
        text = "\n".join(line for line in file.read_text().splitlines() if not line.lstrip().startswith("--"))
        # A semicolon inside quotes ends nothing.
        for part in re.split(r";(?=(?:[^']*'[^']*')*[^']*$)", text):
            found = STATEMENT.search(part)
            if found and not found[2].startswith("silver_"):
                yield found[1], found[2], found[4].strip()


def main():
    spark = spark_runs.session("population", str(OUTPUT), {"spark.sql.shuffle.partitions": "4"})
    began = time.monotonic()
    names = set()
    for table in sorted(TABLES.iterdir()):
        if table.name.startswith(("silver_", "synthea_")) and (files := live_files(table)):
            spark.read.option("basePath", str(table)).parquet(*files).createOrReplaceTempView(table.name)
            names.add(table.name)
    waiting = list(statements())
    own = {name for _, name, _ in waiting}
    seconds, failed = {}, []
    while waiting:
        ready = [one for one in waiting if all(word in names or word == one[1] or word not in own for word in re.findall(r"\w+", one[2]))]
        if not ready:
            raise SystemExit("no order for " + ", ".join(name for _, name, _ in waiting))
        for one in ready:
            kind, name, select = one
            start = time.monotonic()
            try:
                frame = spark.sql(select)
                if kind == "MATERIALIZED":
                    folder = str(OUTPUT / name)
                    writer = frame.write.mode("overwrite")
                    (writer.partitionBy("year") if "year" in frame.columns else writer).parquet(folder)
                    frame = spark.read.parquet(folder)
                    seconds[name] = time.monotonic() - start
                frame.createOrReplaceTempView(name)
            except Exception as error:
                failed.append(name)
                print("%s: %s" % (name, str(error)[:2000]), file=sys.stderr)
            names.add(name)
        waiting = [one for one in waiting if one not in ready]
    spark.stop()
    print(json.dumps({"session_seconds": began - spark_runs.STARTED, "views_seconds": seconds, "failed": failed}))


if __name__ == "__main__":
    main()
