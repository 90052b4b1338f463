"""Runs Lakeward, Spark with scikit-learn, and DuckDB alone over the same records and prints how they compare.

Started by bench/stream, which installs the peers. Each side runs in fresh processes into an empty folder; seconds are
from the start of its process to its end, memory is what the operating system counted.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time

from measure import run

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.join(ROOT, "bench", ".work")
PEERS = os.path.join(ROOT, "bench", "peers")
LAKEWARD = os.environ.get("LAKEWARD_PROGRAM") or os.path.join(ROOT, ".build", "release", "lakeward")
MODELS = {"folder": None}
# What is measured: the stream's name, the script that knows the limit, and the tables by their layer.
PIPELINES = {
    "illness": ("patient_data", ["duckdb_limit.py"], ("bronze", "silver", "gold", "quarantine")),
    "vitals": (
        "patient_vitals", ["duckdb_limit_vitals.py", os.path.join(ROOT, "pipelines", "vitals", "silver.sql")],
        ("bronze", "silver", "quarantine")),
}
# What each side runs beside the tables' own work; "streamer" is a stream processor written for Python.
SIDES = {"illness": ("lakeward", "spark", "limit"), "vitals": ("lakeward", "spark", "streamer", "limit")}
CHOICE = {"pipeline": "illness"}
SEED = 7
sys.path.insert(0, PEERS)


def main():
    parser = argparse.ArgumentParser(prog="bench/stream", description=__doc__)
    parser.add_argument("--pipeline", choices=sorted(PIPELINES), default="illness", help="illness scores with a model, vitals with NEWS2")
    parser.add_argument("--records", type=int, default=1_000_000, help="records to simulate (default 1,000,000)")
    parser.add_argument("--input", help="a folder of NDJSON files to use instead of simulated ones")
    parser.add_argument("--models", help="a models folder to use instead of one that the demo trains")
    parser.add_argument("--sides", help="which of lakeward, spark, streamer, limit (default all that the pipeline has)")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each side; the median counts")
    parser.add_argument("--check", action="store_true", help="exit with status 1 when a goal is missed")
    arguments = parser.parse_args()
    CHOICE["pipeline"] = arguments.pipeline
    every = {"lakeward": lakeward, "spark": spark, "streamer": streamer, "limit": limit}
    sides = {name: every[name] for name in SIDES[arguments.pipeline]}
    wanted = arguments.sides.split(",") if arguments.sides else list(sides)
    unknown = [name for name in wanted if name not in sides]
    if unknown:
        parser.error("--sides: no side of %s is called %s" % (arguments.pipeline, unknown[0]))
    if not os.access(LAKEWARD, os.X_OK) and ("lakeward" in wanted or not arguments.input):
        parser.error("%s is not built; run make build first" % LAKEWARD)

    if arguments.models:
        MODELS["folder"] = os.path.abspath(arguments.models)
    source = os.path.abspath(arguments.input) if arguments.input else simulated(arguments.records)
    facts = describe(source)
    say("%(records)d records, %(megabytes)d MB of NDJSON in %(files)d files" % facts)
    rounds = {name: [] for name in wanted}
    for number in range(arguments.rounds):
        for name in wanted:
            say("round %d: %s" % (number + 1, name))
            rounds[name].append(sides[name](source, facts["records"]))
    results = {name: median(runs) for name, runs in rounds.items()}
    goals = ratios(results)
    report(facts, results, goals)
    name = "stream" if arguments.pipeline == "illness" else "stream-%s" % arguments.pipeline
    store(name, {"facts": facts, "results": results, "rounds": rounds, "goals": goals})
    return 1 if arguments.check and not all(goal["met"] for goal in goals if goal["met"] is not None) else 0


def lakeward(source, records):
    """`lakeward run PIPELINE --once` over a landing folder, with a model trained before if the pipeline has one."""
    pipeline = CHOICE["pipeline"]
    stream, _, layers = PIPELINES[pipeline]
    lake = fresh("lakeward")
    if pipeline == "illness":
        prepared_lake(lake)
    landing = os.path.join(lake, "landing", stream)
    os.makedirs(landing)
    for name in sorted(os.listdir(source)):
        if not name.startswith((".", "_")):
            os.link(os.path.join(source, name), os.path.join(landing, name))
    outcome = run([LAKEWARD, "run", pipeline, "--once", "--lake", lake], cwd=ROOT)
    tables = {layer: table_rows(os.path.join(lake, "tables", "%s_%s" % (layer, stream))) for layer in layers}
    return outcome | {"tables": tables, "records_per_second": records / outcome["seconds"]}


def prepared_lake(folder):
    """A lake with a trained illness model and nothing else. The demo trains one on people that it makes; once."""
    models = MODELS["folder"]
    if models is None:
        prepared = os.path.join(WORK, "prepared")
        models = os.path.join(prepared, "models")
        if not os.path.exists(os.path.join(prepared, "complete")):
            shutil.rmtree(prepared, ignore_errors=True)
            say("training a model with lakeward demo")
            subprocess.run(
                [LAKEWARD, "demo", "--seconds", "1", "--lake", prepared],
                cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            open(os.path.join(prepared, "complete"), "w").close()
    shutil.copytree(models, os.path.join(folder, "models"))
    return folder


def spark(source, records):
    """Spark Structured Streaming, trigger availableNow: illness with scikit-learn's forest in a pandas UDF, vitals by the
    pipeline's own silver.sql."""
    output = fresh("spark")
    if CHOICE["pipeline"] == "vitals":
        words = ["spark_vitals.py", source, output, os.path.join(ROOT, "pipelines", "vitals", "silver.sql")]
    else:
        from illness import train_forest

        model = os.path.join(WORK, "forest.joblib")
        if not os.path.exists(model):
            say("training scikit-learn's forest")
            train_forest(source, model)
        words = ["spark_stream.py", source, output, model]
    outcome = run([sys.executable, os.path.join(PEERS, words[0]), *words[1:]], cwd=output)
    answer = json.loads(outcome.pop("output").strip().splitlines()[-1])
    warm = answer["batches"][1:] or answer["batches"]
    return outcome | {
        "tables": answer["tables"],
        "records_per_second": records / outcome["seconds"],
        "warm_records_per_second": sum(batch["rows"] for batch in warm) / sum(batch["seconds"] for batch in warm),
        "batches": answer["batches"],
    }


def streamer(source, records):
    """Bytewax: the vitals pipeline record by record in Python, without commits."""
    output = fresh("streamer")
    outcome = run([sys.executable, os.path.join(PEERS, "bytewax_vitals.py"), source, output], cwd=output)
    answer = json.loads(outcome.pop("output").strip().splitlines()[-1])
    return outcome | {"tables": answer["tables"], "records_per_second": records / outcome["seconds"]}


def limit(source, records):
    """DuckDB alone: read, parse and write the pipeline's Parquet tables once, without a model."""
    script, *rest = PIPELINES[CHOICE["pipeline"]][1]
    output = fresh("limit")
    outcome = run([sys.executable, os.path.join(PEERS, script), source, output, *rest], cwd=output)
    answer = json.loads(outcome.pop("output").strip().splitlines()[-1])
    # The interpreter's own start is no work of DuckDB's.
    return outcome | {
        "tables": answer["tables"],
        "seconds": answer["seconds"],
        "steps": answer["steps"],
        "records_per_second": records / answer["seconds"],
    }


def ratios(results):
    """The comparisons that matter, each with its goal and whether it is met (None: one side did not run)."""
    own = results.get("lakeward", {})
    peer = results.get("spark", {})
    rate = own.get("records_per_second")

    def against(other):
        return rate / other if rate and other else None

    def goal(name, value, least=None, most=None):
        met = None if value is None or (least is None and most is None) else (
            (least is None or value >= least) and (most is None or value <= most)
        )
        return {"name": name, "value": value, "least": least, "most": most, "met": met}

    return [
        goal("Lakeward's whole run against Spark's warm rate", against(peer.get("warm_records_per_second")), least=4),
        goal("Lakeward's whole run against Spark's whole run", against(peer.get("records_per_second"))),
        goal(
            "Lakeward's whole run against Bytewax's whole run",
            against(results.get("streamer", {}).get("records_per_second"))),
        goal(
            "Lakeward's whole run against DuckDB alone",
            against(results.get("limit", {}).get("records_per_second")),
            least=0.5,
        ),
        goal("Lakeward's peak memory, MB", own.get("peak_megabytes"), most=1000),
    ]


def report(facts, results, goals):
    has_model = CHOICE["pipeline"] == "illness"
    titles = {
        "lakeward": "Lakeward", "spark": "Spark + scikit-learn" if has_model else "Spark", "streamer": "Bytewax",
        "limit": "DuckDB alone (no model)" if has_model else "DuckDB alone"}
    last = "gold" if "gold" in PIPELINES[CHOICE["pipeline"]][2] else "silver"
    print()
    print("%d records, %d MB of NDJSON; %d × %s, %.0f GiB" % (
        facts["records"], facts["megabytes"], facts["cores"], facts["processor"], facts["memory_gibibytes"]))
    print()
    print("%-28s %12s %9s %9s %9s %10s %10s" % (
        "", "records/s", "seconds", "core-s", "peak MB", last, "quarantine"))
    for name, result in results.items():
        tables = result["tables"]
        print("%-28s %12s %9.1f %9.1f %9.0f %10s %10s" % (
            titles[name], whole(result["records_per_second"]), result["seconds"], result["core_seconds"],
            result["peak_megabytes"], whole(tables.get(last)), whole(tables.get("quarantine"))))
        if result["median_of"] > 1:
            print("%-28s %12s to %s" % (
                "  all rounds", whole(result["least_records_per_second"]), whole(result["most_records_per_second"])))
        if "warm_records_per_second" in result:
            print("%-28s %12s" % ("  after its first batch", whole(result["warm_records_per_second"])))
    print()
    for goal in goals:
        if goal["value"] is None:
            continue
        wanted = "" if goal["met"] is None else " (goal: %s %s, %s)" % (
            "at least" if goal["least"] is not None else "at most",
            goal["least"] if goal["least"] is not None else goal["most"],
            "met" if goal["met"] else "MISSED")
        print("%s: %.2f%s" % (goal["name"], goal["value"], wanted))


def whole(number):
    return "" if number is None else format(int(number), ",")


def median(runs):
    """The run whose rate is in the middle."""
    ordered = sorted(runs, key=lambda result: result["records_per_second"])
    return ordered[(len(ordered) - 1) // 2] | {
        "median_of": len(runs),
        "median_records_per_second": statistics.median(result["records_per_second"] for result in runs),
        "least_records_per_second": ordered[0]["records_per_second"],
        "most_records_per_second": ordered[-1]["records_per_second"],
    }


def simulated(records):
    pipeline = CHOICE["pipeline"]
    folder = os.path.join(WORK, "records-%d" % records if pipeline == "illness" else "%s-%d" % (pipeline, records))
    if not os.path.exists(folder + ".complete"):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        say("simulating %d records" % records)
        subprocess.run(
            [LAKEWARD, "simulate", pipeline, "--count", str(records), "--seed", str(SEED), "--faults", "--to", folder],
            cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        open(folder + ".complete", "w").close()
    return folder


def describe(source):
    """What is measured and on what; reading every file also puts all sides on the same warm page cache."""
    names = [name for name in os.listdir(source) if not name.startswith((".", "_"))]
    records = size = 0
    for name in names:
        with open(os.path.join(source, name), "rb") as file:
            while block := file.read(1 << 22):
                records += block.count(b"\n")
                size += len(block)
    return {"records": records, "megabytes": size // 10**6, "files": len(names)} | describe_machine()


def describe_machine():
    """What the figures were measured on."""
    processor = platform.processor() or "processor"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                processor = line.split(":", 1)[1].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": processor, "cores": os.cpu_count(), "memory_gibibytes": round(memory, 1), "system": "%s on %s" % (platform.system(), platform.machine()),
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def table_rows(folder):
    """Rows of a Delta table by its log: those of files added less those of files removed."""
    log = os.path.join(folder, "_delta_log")
    live = {}
    if not os.path.isdir(log):
        return None
    for name in sorted(os.listdir(log)):
        if not name.endswith(".json") or not name[:-5].isdigit():
            continue
        with open(os.path.join(log, name)) as file:
            for line in file:
                action = json.loads(line) if line.strip() else {}
                if "add" in action:
                    live[action["add"]["path"]] = json.loads(action["add"].get("stats") or "{}").get("numRecords", 0)
                if "remove" in action:
                    live.pop(action["remove"]["path"], None)
    return sum(live.values())


def store(name, results):
    """Keeps results where bench/report finds them."""
    folder = os.path.join(WORK, "results")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name + ".json"), "w") as file:
        json.dump(results, file, indent=1, default=float)


def fresh(name):
    folder = os.path.join(WORK, "run", name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def say(text):
    print("bench: " + text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
