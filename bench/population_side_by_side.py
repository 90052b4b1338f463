"""A generated population through Lakeward, and its gold views on Spark: seconds, core-seconds and memory.

Started by bench/population, which installs Spark.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

from measure import run
from side_by_side import LAKEWARD, PEERS, ROOT, describe_machine, fresh, say, store

from delta_log import live_files

PIPELINE = os.path.join(ROOT, "pipelines", "population")
MEMORY = "2 GiB"
SEED = 7


def main():
    parser = argparse.ArgumentParser(prog="bench/population", description=__doc__)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--share", type=float, default=0.01, help="new patients after the first refresh (default 0.01)")
    parser.add_argument("--sides", default="lakeward,spark")
    parser.add_argument("--verify", action="store_true", help="compute every view again after the incremental refresh and compare the rows")
    parser.add_argument("--check", action="store_true", help="exit with status 1 when a goal is missed")
    arguments = parser.parse_args()
    folder = fresh("population")
    with open(os.path.join(folder, "lakeward.yml"), "w") as file:
        file.write("lake: lake\npipelines: pipelines\nengine: { memory_limit: %s }\n" % MEMORY)
    os.makedirs(os.path.join(folder, "pipelines"))
    os.symlink(PIPELINE, os.path.join(folder, "pipelines", "population"))
    steps, rows = whole(folder, arguments.patients)
    spark = on_spark(folder) if "spark" in arguments.sides.split(",") else None
    steps.update(incremental(folder, arguments))
    goals = judge(steps, spark)
    sides = {"Lakeward": figures(steps["gold views"])}
    if spark:
        sides["Spark 4.2, local[2]"] = figures(spark["views"])
    results = {
        "patients": arguments.patients, "share": arguments.share, "machine": describe_machine(), "silver_rows": rows, "memory_limit": MEMORY,
        "steps": {name: figures(step) for name, step in steps.items()}, "sides": sides, "goals": goals,
        "spark": spark and {"session_seconds": spark["session_seconds"], "failed": spark["failed"], "differing": spark["differing"], "views": len(spark["views_seconds"])}}
    if arguments.verify:
        results["same_rows"] = verified(folder)
    store("population", results)
    report(results)
    shutil.rmtree(folder)
    return 1 if arguments.check and not all(goal["met"] for goal in goals) else 0


def lakeward(folder, *words):
    return run([LAKEWARD, *words], folder)


def views(folder):
    """The pipeline's views in the order of their refresh: those of facts, and those above them."""
    words = lakeward(folder, "refresh", "--pipeline", "population")["output"]
    names = [line.split(":")[0] for line in words.splitlines()]
    return [name for name in names if name.startswith("silver_")], [name for name in names if not name.startswith("silver_")]


def whole(folder, patients):
    """Generates, imports and computes everything; seconds of silver and gold apart."""
    steps = {}
    say("generating %d patients" % patients)
    steps["generate"] = lakeward(folder, "simulate", "population", "--patients", str(patients), "--seed", str(SEED), "--to", "people")
    # An empty lake tells the names of the views.
    silver, _ = views(folder)
    say("importing")
    steps["import"] = lakeward(folder, "import", "people")
    shutil.rmtree(os.path.join(folder, "people"))
    say("silver")
    steps["silver views"] = lakeward(folder, "refresh", "--pipeline", "population", *silver)
    rows = sum(int(line.split(" rows")[0].split()[-1].replace(",", "")) for line in steps["silver views"]["output"].splitlines() if " rows" in line)
    say("gold")
    steps["gold views"] = lakeward(folder, "refresh", "--pipeline", "population")
    return steps, rows


def incremental(folder, arguments):
    """New patients, and a refresh of every view."""
    count = max(1, int(arguments.patients * arguments.share))
    say("%d new patients" % count)
    lakeward(folder, "simulate", "population", "--patients", str(count), "--seed", str(SEED + 1), "--to", "new")
    return {
        "import of new patients": lakeward(folder, "import", "new"),
        "incremental refresh": lakeward(folder, "refresh", "--pipeline", "population"),
        "refresh with nothing new": lakeward(folder, "refresh", "--pipeline", "population"),
    }


def on_spark(folder):
    """Every view above silver by the same text, each written as Parquet."""
    say("Spark")
    output = os.path.join(folder, "spark")
    os.makedirs(output)
    measured = run(
        [sys.executable, os.path.join(PEERS, "spark_population.py"), os.path.join(folder, "lake", "tables"), output, PIPELINE], folder)
    said = json.loads(measured["output"].strip().splitlines()[-1])
    said["differing"] = differing(os.path.join(folder, "lake", "tables"), output, said["views_seconds"])
    shutil.rmtree(output)
    if said["differing"]:
        say("rows differ in " + ", ".join(said["differing"]))
    if said["failed"]:
        say("Spark failed on " + ", ".join(said["failed"]))
    return {"views": measured, **said}


def differing(tables, output, names):
    """The views of which Spark's Parquet and Lakeward's table hold other rows; numbers to nine digits."""
    import duckdb

    connection = duckdb.connect(config={"memory_limit": "3GB", "temp_directory": os.path.join(output, "spill")})
    connection.execute("SET TimeZone = 'UTC'")
    found = []
    for name in names:
        files = live_files(Path(tables, name))
        theirs = "read_parquet('%s/**/*.parquet', hive_partitioning = true)" % os.path.join(output, name)
        ours = "read_parquet([%s], hive_partitioning = true)" % ", ".join("'%s'" % file for file in files)
        try:
            if not files:
                count = connection.sql("SELECT count(*) FROM %s" % theirs).fetchone()[0]
                found += [name] if count else []
                continue
            columns = connection.sql("SELECT * FROM %s LIMIT 0" % ours)
            cells = ", ".join(cell(column, kind) for column, kind in zip(columns.columns, columns.types))
            one, other = ("SELECT %s FROM %s" % (cells, source) for source in (ours, theirs))
            rows = connection.sql(
                "SELECT (SELECT count(*) FROM (%s EXCEPT ALL %s)) + (SELECT count(*) FROM (%s EXCEPT ALL %s))" % (one, other, other, one))
            count = rows.fetchone()[0]
        except duckdb.Error as error:
            count = str(error).splitlines()[0]
        if count:
            found.append("%s (%s)" % (name, count))
    return found


def cell(column, kind):
    """A column as both sides are compared by it: sums of doubles depend on the order of the rows in their last digits."""
    name = '"%s"' % column
    if str(kind) == "DOUBLE":
        return "round(%s, CAST(9 - floor(log10(greatest(abs(%s), 1))) AS INT))" % (name, name)
    if str(kind).startswith("TIMESTAMP"):
        return "epoch_us(%s)" % name
    return "CAST(%s AS VARCHAR)" % name


def verified(folder):
    """Whether every view has the rows that its SQL gives over all of its inputs: `lakeward verify` ends with an error if not."""
    say("computing every view again and comparing")
    lakeward(folder, "verify", "population")
    return True


def figures(step):
    return {"seconds": round(step["seconds"], 2), "core_seconds": round(step["core_seconds"], 2), "peak_megabytes": round(step["peak_megabytes"])}


def judge(steps, spark):
    everything = sum(steps[name]["seconds"] for name in ("import", "silver views", "gold views"))
    peak = max(steps[name]["peak_megabytes"] for name in ("import", "silver views", "gold views", "incremental refresh"))
    whole_core = steps["silver views"]["core_seconds"] + steps["gold views"]["core_seconds"]
    share = steps["incremental refresh"]["core_seconds"] / whole_core
    goals = [
        {"name": "import and all views, seconds", "figure": everything, "goal": "< 300", "met": everything < 300},
        {"name": "peak memory, MB", "figure": peak, "goal": "< 4,000", "met": peak < 4000},
        {"name": "incremental refresh by whole one, core-seconds", "figure": share, "goal": "< 0.1", "met": share < 0.1}]
    if spark:
        ratio = spark["views"]["seconds"] / steps["gold views"]["seconds"]
        goals.append({"name": "gold views: times faster than Spark", "figure": ratio, "goal": ">= 5", "met": ratio >= 5})
    return goals


def report(results):
    for name, step in {**results["steps"], **{k: v for k, v in results["sides"].items() if k != "Lakeward"}}.items():
        print("%-28s %8.1f s %9.1f core-s %7d MB" % (name, step["seconds"], step["core_seconds"], step["peak_megabytes"]))
    for goal in results["goals"]:
        print("%-50s %10.2f  %-8s %s" % (goal["name"], goal["figure"], goal["goal"], "met" if goal["met"] else "missed"))
    if "same_rows" in results:
        print("the incremental refresh has the rows of a whole one: %s" % results["same_rows"])


if __name__ == "__main__":
    sys.exit(main())
