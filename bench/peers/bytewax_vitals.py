"""The vitals pipeline on Bytewax, a stream processor for Python: record by record, as one writes it there.

  bytewax_vitals.py INPUT OUTPUT

INPUT holds NDJSON files. OUTPUT gets Parquet files in bronze, silver and quarantine, one of each per 50,000 records.
Parses, checks the rules of pipelines/vitals/pipeline.yml, drops repeats (of the run), and computes NEWS2 with its parts and
band, qSOFA, mean arterial pressure, pulse pressure and shock index. No commit, no exactly-once, fewer derived columns than
silver.sql. Prints one JSON object with the rows.
"""

import json
import os
import re
import sys
from datetime import datetime, timedelta, timezone

import bytewax.operators as op
import pyarrow
import pyarrow.parquet
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
PRESSURE = re.compile(r" *([0-9]+(?:[.][0-9]+)?) */ *([0-9]+(?:[.][0-9]+)?) *$")
LIMITS = {
    "heart_rate": (10, 300), "respiration_rate": (1, 80), "spo2": (30, 100), "systolic": (30, 300), "diastolic": (10, 200),
}
LINES = 1_000
ROWS = 50_000


class Files(FixedPartitionedSource):
    """Lines of files, a thousand at a time."""

    def __init__(self, folder):
        self.folder = folder

    def list_parts(self):
        return sorted(
            name for name in os.listdir(self.folder) if not name.startswith((".", "_")) and not name.endswith(".tmp"))

    def build_part(self, step_id, part, resume):
        return Lines(os.path.join(self.folder, part))


class Lines(StatefulSourcePartition):
    def __init__(self, path):
        self.file = open(path, "rb")

    def next_batch(self):
        lines = self.file.readlines(LINES * 256)
        if not lines:
            raise StopIteration()
        return lines

    def snapshot(self):
        return None


def points(value, cuts):
    """The points of the first cut that the value lies below, else those of the last."""
    if value is None:
        return None
    for cut, score in cuts[:-1]:
        if value < cut:
            return score
    return cuts[-1][1]


RESPIRATION = ((8.5, 3), (11.5, 1), (20.5, 0), (24.5, 2), (None, 3))
SPO2 = ((91.5, 3), (93.5, 2), (95.5, 1), (None, 0))
SPO2_AIR_2 = ((83.5, 3), (85.5, 2), (87.5, 1), (None, 0))
SPO2_OXYGEN_2 = ((83.5, 3), (85.5, 2), (87.5, 1), (92.5, 0), (94.5, 1), (96.5, 2), (None, 3))
SYSTOLIC = ((90.5, 3), (100.5, 2), (110.5, 1), (219.5, 0), (None, 3))
PULSE = ((40.5, 3), (50.5, 1), (90.5, 0), (110.5, 1), (130.5, 2), (None, 3))
TEMPERATURE = ((35.05, 3), (36.05, 1), (38.05, 0), (39.05, 1), (None, 2))


def number(record, name):
    value = record.get(name)
    if value is None:
        return None
    value = float(value)
    return None if value == 0 else value


def score(line):
    """(kind, row): a silver row, or the line with the reason for quarantine."""
    try:
        record = json.loads(line)
        patient, time = record["patient_id"], datetime.fromisoformat(record["timestamp"])
        if not UUID.match(patient):
            return "quarantine", {"record": line, "reason": "patient_id"}
        if time.tzinfo is None:
            time = time.replace(tzinfo=timezone.utc)
        values = {name: number(record, name) for name in LIMITS}
        temperature = number(record, "temperature")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "quarantine", {"record": line, "reason": "not a record"}
    pressure = record.get("blood_pressure")
    if pressure is not None:
        match = PRESSURE.match(pressure)
        if not match:
            return "quarantine", {"record": line, "reason": "blood_pressure"}
        values["systolic"] = values["systolic"] or float(match[1])
        values["diastolic"] = values["diastolic"] or float(match[2])
    for name, (low, high) in LIMITS.items():
        if values[name] is not None and not low <= values[name] <= high:
            return "quarantine", {"record": line, "reason": name}
    if temperature is not None and 77 <= temperature <= 113:
        temperature = round((temperature - 32) * 5 / 9, 6)
    elif temperature is not None and not 25 <= temperature <= 45:
        return "quarantine", {"record": line, "reason": "temperature"}
    systolic, diastolic = values["systolic"], values["diastolic"]
    if systolic is not None and diastolic is not None and diastolic >= systolic:
        return "quarantine", {"record": line, "reason": "diastolic_below_systolic"}
    if time > datetime.now(timezone.utc) + timedelta(minutes=5):
        return "quarantine", {"record": line, "reason": "in the future"}
    consciousness = record.get("consciousness")
    consciousness = consciousness.strip().upper() if consciousness else None
    oxygen, scale = record.get("supplemental_oxygen"), record.get("spo2_scale") or 1
    if (consciousness is not None and consciousness not in "ACVPU") or scale not in (1, 2):
        return "quarantine", {"record": line, "reason": "consciousness or scale"}
    chart = SPO2 if scale == 1 else SPO2_OXYGEN_2 if oxygen else SPO2_AIR_2
    parts = {
        "news2_respiration": points(values["respiration_rate"], RESPIRATION),
        "news2_spo2": points(values["spo2"], chart),
        "news2_oxygen": None if oxygen is None else 2 if oxygen else 0,
        "news2_systolic": points(systolic, SYSTOLIC),
        "news2_pulse": points(values["heart_rate"], PULSE),
        "news2_consciousness": None if consciousness is None else 0 if consciousness == "A" else 3,
        "news2_temperature": points(temperature, TEMPERATURE),
    }
    known = [part for part in parts.values() if part is not None]
    total = sum(known)
    band = "high" if total >= 7 else "medium" if total >= 5 else "low-medium" if 3 in known else "low"
    rate = values["respiration_rate"]
    return "silver", {
        "patient_id": patient.lower(), "event_time": time, "ward": record.get("ward"),
        "device_id": record.get("device_id"), **values, "temperature": temperature, "consciousness": consciousness,
        "supplemental_oxygen": oxygen, **parts, "news2_total": total if len(known) == len(parts) else None,
        "news2_band": band,
        "qsofa": (rate is not None and rate >= 22) + (systolic is not None and systolic <= 100)
        + (consciousness is not None and consciousness != "A"),
        "mean_arterial_pressure": (systolic + 2 * diastolic) / 3 if systolic and diastolic else None,
        "pulse_pressure": systolic - diastolic if systolic and diastolic else None,
        "shock_index": values["heart_rate"] / systolic if systolic and values["heart_rate"] else None,
    }


class Tables(DynamicSink):
    """Parquet files, written when enough rows have come."""

    def __init__(self, folder, counts):
        self.folder, self.counts = folder, counts

    def build(self, step_id, worker_index, worker_count):
        return Table(self.folder, self.counts)


class Table(StatelessSinkPartition):
    def __init__(self, folder, counts):
        self.folder, self.counts = folder, counts
        self.rows = {"bronze": [], "silver": [], "quarantine": []}
        self.seen = set()

    def write_batch(self, items):
        for line, (kind, row) in items:
            self.rows["bronze"].append({"raw": line})
            if kind == "silver":
                key = (row["patient_id"], row["event_time"])
                if key in self.seen:
                    continue
                self.seen.add(key)
            self.rows[kind].append(row)
        for name, rows in self.rows.items():
            if len(rows) >= ROWS:
                self.flush(name)

    def flush(self, name):
        rows = self.rows[name]
        if rows:
            number = self.counts.get(name + " files", 0)
            self.counts[name + " files"] = number + 1
            self.counts[name] = self.counts.get(name, 0) + len(rows)
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
            pyarrow.parquet.write_table(
                pyarrow.Table.from_pylist(rows), os.path.join(self.folder, name, "%05d.parquet" % number),
                compression="zstd")
            self.rows[name] = []

    def close(self):
        for name in self.rows:
            self.flush(name)


def main(source, output):
    counts = {}
    flow = Dataflow("vitals")
    lines = op.input("lines", flow, Files(source))
    scored = op.map("score", lines, lambda line: (line, score(line)))
    op.output("tables", scored, Tables(output, counts))
    run_main(flow)
    print(json.dumps({"tables": {name: counts.get(name, 0) for name in ("bronze", "silver", "quarantine")}}))


if __name__ == "__main__":
    main(*sys.argv[1:])
