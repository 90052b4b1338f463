"""Runs each measurement in a process of its own, Lakeward and delta-rs in turn, and prints medians side by side."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PEER = os.path.join(HERE, "peers", "delta_rs.py")


def run(command, **options):
    """The JSON object that a measurement prints."""
    outcome = subprocess.run(command, capture_output=True, text=True, **options)
    if outcome.returncode != 0:
        raise SystemExit("%s ended with %d\n%s" % (" ".join(command), outcome.returncode, outcome.stderr[-2000:]))
    return json.loads(outcome.stdout.strip().splitlines()[-1])


class Bench:
    def __init__(self, arguments):
        self.program = os.path.abspath(arguments.program)
        self.arguments = arguments
        self.folder = tempfile.mkdtemp(prefix="delta-bench-", dir=arguments.folder)
        self.results = {}

    def ours(self, *words):
        return run([self.program, *map(str, words)])

    def peer(self, *words):
        return run([sys.executable, PEER, *map(str, words)])

    def place(self, name):
        path = os.path.join(self.folder, name)
        shutil.rmtree(path, ignore_errors=True)
        return path

    def rounds(self, name, ours, peer):
        """Medians of all numbers of both sides, measured in turn."""
        sides = {"lakeward": [], "delta-rs": []}
        for _ in range(self.arguments.rounds):
            sides["lakeward"].append(ours())
            sides["delta-rs"].append(peer())
        median = {
            side: {key: statistics.median(one[key] for one in all) for key in all[0]} for side, all in sides.items()
        }
        self.results[name] = {"median": median, "runs": sides}
        self.show(name, median)

    def show(self, name, median):
        keys = [key for key in median["lakeward"] if key in median["delta-rs"]]
        for key in keys:
            mine, theirs = median["lakeward"][key], median["delta-rs"][key]
            ratio = "%8.2f" % (theirs / mine) if mine else ""
            print("%-34s %-13s lakeward %14.4f   delta-rs %14.4f   %s" % (name, key, mine, theirs, ratio), flush=True)

    def append(self):
        rows = self.arguments.rows
        for compression in self.arguments.compressions.split(","):
            def measure(side):
                return lambda: side("append", self.place("append"), rows, compression)

            self.rounds("append %s rows, %s" % (format(rows, ","), compression), measure(self.ours), measure(self.peer))

    def commits(self):
        count = self.arguments.commits
        for word, what in [("appends", "appends of 10 rows"), ("commits", "commits alone")]:
            self.rounds(
                "%s %s" % (format(count, ","), what),
                lambda: self.ours(word, self.place(word), count),
                lambda: self.peer(word, self.place(word), count),
            )

    def load(self):
        for name, commits, files in [("log of 10,000 commits", 10_000, 1), ("checkpoint of 100,000 files", 1, 100_000)]:
            path = self.place("log")
            self.ours("log", path, commits, files)
            self.rounds("load a " + name, lambda: self.ours("load", path), lambda: self.peer("load", path))

    def writers(self):
        """Eight processes append, one joins files: every commit must be there afterwards, for delta-rs too."""
        path = self.place("writers")
        self.ours("log", path, 0, 0)
        each = self.arguments.writer_commits
        compactor = subprocess.Popen([self.program, "compact", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        began = time.monotonic()
        writers = [
            subprocess.Popen([self.program, "writer", path, str(number), str(each)], stdout=subprocess.PIPE)
            for number in range(1, 9)
        ]
        outputs = [writer.communicate()[0] for writer in writers]
        seconds = time.monotonic() - began
        joined = compactor.communicate()[0]
        failed = [p for p in writers + [compactor] if p.returncode != 0]
        if failed:
            raise SystemExit("%d of the 9 processes failed" % len(failed))
        rows = self.peer("rows", path)
        expected = 8 * each
        numbers = {
            "appends": expected,
            "seconds": seconds,
            "compactions": json.loads(joined)["commits"],
            "rows": rows["rows"],
            "distinct": rows["distinct"],
            "p50_ms": statistics.median(json.loads(text)["p50_ms"] for text in outputs),
            "p99_ms": max(json.loads(text)["p99_ms"] for text in outputs),
        }
        self.results["writers"] = numbers
        print("8 writers and a compactor: " + ", ".join("%s %g" % pair for pair in numbers.items()), flush=True)
        if rows["rows"] != expected or rows["distinct"] != expected:
            raise SystemExit("commits are lost: %d of %d rows" % (rows["rows"], expected))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--folder", default=os.path.join(HERE, ".work"))
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--compressions", default="snappy,zstd")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--commits", type=int, default=1_000)
    parser.add_argument("--writer-commits", type=int, default=100)
    parser.add_argument("--only", default="append,commits,load,writers")
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    bench = Bench(arguments)
    print("the last number of a line is delta-rs's by Lakeward's: above 1 Lakeward is better\n", flush=True)
    try:
        for name in arguments.only.split(","):
            getattr(bench, name)()
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)
    results = os.path.join(HERE, ".work", "results")
    os.makedirs(results, exist_ok=True)
    with open(os.path.join(results, "delta.json"), "w") as file:
        json.dump(bench.results, file, indent=1)


main()
