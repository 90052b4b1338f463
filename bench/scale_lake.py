"""A lake that several `lakeward run vitals` write into, watched through its Delta logs; used by bench/scale."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

from side_by_side import LAKEWARD, ROOT

PIPELINE = "vitals"
LAYERS = ("bronze_patient_vitals", "silver_patient_vitals", "gold_vital_scores")


class Log:
    """The commits of a Delta table so far: rows that they added, and the partitions' positions that they carry."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "_delta_log")
        self.version = 0
        self.rows = 0
        self.commits = []  # (time, rows, {partition: next offset})

    def read(self):
        while True:
            path = os.path.join(self.folder, "%020d.json" % self.version)
            if not os.path.exists(path):
                return self
            rows, positions, moment = 0, {}, os.stat(path).st_mtime
            with open(path) as file:
                for line in file:
                    action = json.loads(line)
                    added = action.get("add")
                    if added and added.get("dataChange"):
                        rows += json.loads(added["stats"])["numRecords"]
                    if "txn" in action:
                        positions[action["txn"]["appId"].rsplit("/", 1)[-1]] = action["txn"]["version"]
            self.version += 1
            if positions:
                self.rows += rows
                self.commits.append((moment, rows, positions))


class Lake:
    """One lake, one topic, and the processes that share it."""

    session_timeout_seconds = 6

    def __init__(self, folder, broker, topic, threads, records):
        self.folder, self.broker = folder, broker
        shutil.copytree(os.path.join(ROOT, "pipelines", PIPELINE), os.path.join(folder, "pipelines", PIPELINE))
        definition = os.path.join(folder, "pipelines", PIPELINE, "pipeline.yml")
        with open(definition) as file:
            lines = file.read().splitlines()
        with open(definition, "w") as file:
            for line in lines:
                if line.startswith("  kafka: {"):
                    line = "  kafka: { topic: %s }" % topic
                # Small enough that every process has many micro-batches.
                if line.startswith("trigger:"):
                    line = "trigger: { interval: 200 ms, max_records: %d }" % max(1000, min(50_000, records // 40))
                file.write(line + "\n")
        with open(os.path.join(folder, "lakeward.yml"), "w") as file:
            file.write("engine: { threads: %d }\nkafka:\n  brokers: %s\n  properties:\n" % (threads, broker.address))
            # A group of its own, so that no member of an earlier one is waited for.
            file.write("    group.id: scale-%s\n" % os.path.basename(folder))
            file.write("    session.timeout.ms: \"%d\"\n    heartbeat.interval.ms: \"1000\"\n" % (self.session_timeout_seconds * 1000))
        self.logs = {table: Log(os.path.join(folder, "lake", "tables", table)) for table in LAYERS}
        self.processes = []

    def start(self, count):
        self.began = time.time()
        for number in range(count):
            log = open(os.path.join(self.folder, "run-%d.log" % number), "w")
            self.processes.append(subprocess.Popen(
                [LAKEWARD, "run", PIPELINE], cwd=self.folder, env=self.broker.environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log))
            log.close()

    def wait(self, records, limit):
        """Until the last table of the stream holds so many rows; ends everything when that takes too long."""
        end = time.monotonic() + limit
        while self.logs[LAYERS[-1]].read().rows < records:
            running = [process for process in self.processes if process.poll() is None]
            if time.monotonic() > end or not running:
                for process in running:
                    process.kill()
                sys.exit("scale: %s of %s records after %d s, %d processes left; see %s/run-*.log" % (
                    self.logs[LAYERS[-1]].rows, records, time.time() - self.began, len(running), self.folder))
            time.sleep(0.05)

    def stop(self):
        """Asks the processes that are left to end; what all of them used."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        core_seconds, peak = 0.0, 0.0
        for process in self.processes:
            if process.returncode is None:
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                core_seconds += usage.ru_utime + usage.ru_stime
                peak = max(peak, usage.ru_maxrss * 1024 / 1e6)
        shares = []
        for number in range(len(self.processes)):
            with open(os.path.join(self.folder, "run-%d.log" % number)) as file:
                said = [line for line in file if line.startswith("%s: " % PIPELINE) and " records in " in line]
            shares.append(int(said[-1].split()[1].replace(",", "")) if said else None)
        return {"core_seconds": core_seconds, "peak_megabytes": peak, "shares": shares}

    def span(self):
        """When the first and the last commit with records came."""
        commits = [commit for commit in self.logs[LAYERS[-1]].commits if commit[1] > 0]
        return commits[0][0], commits[-1][0]

    def rows_until(self, moment):
        return sum(rows for time_of, rows, _ in self.logs[LAYERS[-1]].commits if time_of <= moment)

    def standstill(self, instant):
        """Seconds from the last commit before an instant to the first after it, for each partition that stood still for more than
        half a session timeout: those whose owner was killed."""
        gaps = {}
        for partition in {p for _, _, positions in self.logs[LAYERS[0]].read().commits for p in positions}:
            times = [moment for moment, _, positions in self.logs[LAYERS[0]].commits if partition in positions]
            before = [moment for moment in times if moment <= instant]
            after = [moment for moment in times if moment > instant]
            if before and after:
                gaps[partition] = after[0] - before[-1]
        return [gap for gap in gaps.values() if gap > self.session_timeout_seconds * 0.5]

    def bytes(self):
        """Bytes of all Parquet files of the lake's tables that a newest version names or named."""
        total = 0
        for folder, _, files in os.walk(os.path.join(self.folder, "lake", "tables")):
            total += sum(os.path.getsize(os.path.join(folder, name)) for name in files if name.endswith(".parquet"))
        return total

    def verify(self, records):
        """Whether bronze holds every record once, and the tables are what the SQL makes of it."""
        environment = self.broker.environment
        answer = subprocess.run(
            [LAKEWARD, "query", "--format", "csv",
             'SELECT count(*) AS rows, count(DISTINCT ("partition", "offset")) AS places FROM bronze_patient_vitals'],
            cwd=self.folder, env=environment, stdout=subprocess.PIPE, text=True, timeout=300)
        once = answer.stdout.split()[-1:] == ["%d,%d" % (records, records)]
        verified = subprocess.run(
            [LAKEWARD, "verify", PIPELINE], cwd=self.folder, env=environment, stdout=subprocess.PIPE, text=True, timeout=600)
        if not once or verified.returncode != 0:
            sys.stderr.write(answer.stdout + verified.stdout)
        return once and verified.returncode == 0
