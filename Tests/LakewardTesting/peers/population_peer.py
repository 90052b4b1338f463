"""Population measures computed from Synthea's CSV files by other means than SQL, beside the views of a lake.

  population_peer.py check CSVS VIEWS     every measure; VIEWS holds one CSV file per view
  population_peer.py until DATE IN OUT    a copy of an export as it was on a day: later rows, ends and deaths left out
"""

import csv
import datetime as dt
import hashlib
import os
import sys

import numpy as np
import pandas as pd

FINDINGS = set(
    "72892002 15777000 714628002 82423001 840544004 162573006 162864005 408512008 449868002 22253000 25064002 386661006 "
    "49727002 84229001 399211009 428251008 429007001 703151001".split())
problems = []


def lines(path):
    """Rows of a file as dictionaries; a line with another number of fields than the header is malformed."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        rows = [line.rstrip("\r\n").split(",") for line in file if line.strip()]
    header = [name.upper() for name in rows[0]] if rows else []
    return [dict(zip(header, row)) for row in rows[1:] if len(row) == len(header)]


def day(text):
    return dt.date.fromisoformat(text[:10]) if text else None


def instant(text):
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=None) if text else None


def age_at(birth, when):
    return when.year - birth.year - ((when.month, when.day) < (birth.month, birth.day))


def band(age):
    for top, name in ((18, "0-17"), (35, "18-34"), (50, "35-49"), (65, "50-64"), (80, "65-79")):
        if age < top:
            return name
    return "80+"


class Export:
    """A Synthea export: unique facts, typed."""

    def __init__(self, folder):
        self.folder = folder
        self.patients = {row["ID"]: row for row in self.unique("patients")}
        self.birth = {key: day(row["BIRTHDATE"]) for key, row in self.patients.items()}
        self.death = {key: day(row["DEATHDATE"]) for key, row in self.patients.items()}
        self.encounters = {}
        for row in self.unique("encounters"):
            row["start"], row["stop"] = instant(row["START"]), instant(row["STOP"])
            if row["stop"] and row["stop"] < row["start"]:
                row["stop"] = None
            held = self.encounters.get(row["ID"])
            if held is None or (row["stop"] or dt.datetime.min) > (held["stop"] or dt.datetime.min):
                self.encounters[row["ID"]] = row
        self.last_day = max(row["start"].date() for row in self.encounters.values())
        self.conditions = {}
        for row in self.unique("conditions"):
            key = (row["PATIENT"], row["ENCOUNTER"], day(row["START"]), row["CODE"])
            stop = day(row["STOP"])
            held = self.conditions.get(key)
            if held is None or (stop and (held[0] is None or stop > held[0])):
                self.conditions[key] = (stop, row["DESCRIPTION"])
        self.disorders = [
            (patient, encounter, start, code, stop, text)
            for (patient, encounter, start, code), (stop, text) in self.conditions.items() if is_disorder(code, text)]
        self.medications = {}
        for row in self.unique("medications"):
            start, stop = instant(row["START"]), instant(row["STOP"])
            key = (row["PATIENT"], row["ENCOUNTER"], row["PAYER"], start, row["CODE"])
            fills, reason = max(1, int(row["DISPENSES"] or 1)), row["REASONCODE"]
            held = self.medications.get(key)
            if held:
                stops = [one for one in (stop, held[0]) if one]
                stop, fills, reason = max(stops) if stops else None, max(fills, held[1]), max(reason, held[2])
            self.medications[key] = (stop, fills, reason)

    def unique(self, name):
        seen, rows = set(), []
        for row in lines(f"{self.folder}/{name}.csv"):
            key = tuple(row.values())
            if key not in seen:
                seen.add(key)
                rows.append(row)
        return rows

    def alive(self, when):
        return [p for p, b in self.birth.items() if b <= when and (self.death[p] is None or self.death[p] > when)]


def is_disorder(code, text):
    """By the semantic tag at the end, which may have lost its parenthesis."""
    tag = text.strip().rpartition("(")[2].removesuffix(")") if "(" in text else ""
    if tag and all(c.islower() or c in " /" for c in tag):
        return tag == "disorder"
    return code not in FINDINGS


# The views


class Views:
    def __init__(self, folder):
        self.folder = folder

    def rows(self, name):
        with open(f"{self.folder}/{name}.csv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


def number(text):
    return None if text in ("", None) else float(text)


def same(what, ours, theirs):
    """Two dictionaries with the same keys and, to nine digits, the same numbers."""
    if not theirs:
        problems.append(f"{what}: nothing to compare")
    for key in sorted(set(ours) | set(theirs), key=str):
        one, other = ours.get(key), theirs.get(key)
        close = one == other or (
            isinstance(one, (int, float)) and isinstance(other, (int, float)) and abs(one - other) <= 1e-9 * max(1, abs(one)))
        if not close:
            problems.append(f"{what} {key}: here {one}, in the view {other}")
            if len(problems) > 40:
                return
    print(f"{what}: {len(theirs)} values")


def count(rows):
    result = {}
    for key in rows:
        result[key] = result.get(key, 0) + 1
    return result


# The measures


def metrics(export, views):
    payers = {row["ID"]: row["NAME"] for row in export.unique("payers")}

    def key(row):
        birth, when = export.birth.get(row["PATIENT"]), row["start"].date()
        group = band(age_at(birth, when)) if birth and when >= birth else "unknown"
        payer = payers.get(row["PAYER"], "unknown")
        return (str(when.replace(day=1)), row["ENCOUNTERCLASS"].lower(), payer, group, row["REASONCODE"] or "unspecified")

    here = count(key(row) for row in export.encounters.values())
    there = {}
    for row in views.rows("gold_encounter_metrics"):
        at = (row["month_start"], row["encounter_class"], row["payer"], row["age_band"], row["reason_code"])
        there[at] = there.get(at, 0) + int(row["encounters"])
    same("encounters per month, class, payer, age band and reason", here, there)


def journeys(export, views):
    frame = pd.DataFrame(export.disorders, columns="patient encounter start code stop text".split())
    visits = {}
    for row in export.encounters.values():
        visits.setdefault(row["PATIENT"], []).append(row["start"].date())
    here = {}
    for (patient, code), group in frame.groupby(["patient", "code"]):
        first = group["start"].min()
        drugs = [
            start.date() for (who, _, _, start, _), (_, _, reason) in export.medications.items()
            if who == patient and reason == code and -1 <= (start.date() - first).days <= 365]
        stops = list(group["stop"])
        recovered = max(stops) if all(stop is not None and stop == stop for stop in stops) else None
        died = export.death.get(patient)
        near = [when for when in visits.get(patient, []) if abs((when - first).days) <= 365]
        end = recovered or died or export.last_day
        given = min(drugs) if drugs else None
        around = [when for when in visits.get(patient, []) if given and abs((when - given).days) <= 365]
        here[patient, code] = (
            str(first), max(0, (given - first).days) if given else None,
            sum(when < first for when in near), sum(when >= first for when in near),
            sum(when < given for when in around) if given else None,
            sum(when > given for when in around) if given else None,
            (end - first).days, "recovered" if recovered else "died" if died else "ongoing")

    def whole(text):
        return int(text) if text else None

    there = {
        (row["patient_id"], row["code"]): (
            row["diagnosed_on"], whole(row["days_to_medication"]), int(row["encounters_before"]), int(row["encounters_after"]),
            whole(row["encounters_before_treatment"]), whole(row["encounters_after_treatment"]), int(row["journey_days"]),
            row["outcome"]) for row in views.rows("gold_patient_journeys")}
    same("journeys", here, there)
    events = {}
    for row in views.rows("gold_journey_events"):
        events.setdefault((row["patient_id"], row["code"]), []).append((int(row["step"]), row["event_date"]))
    if any([date for _, date in sorted(steps)] != sorted(date for _, date in steps) for steps in events.values()):
        problems.append("stations of a journey are out of order")


def surveillance(export, views):
    onsets = {}
    for patient, _, start, code, _, _ in export.disorders:
        onsets.setdefault((patient, code), set()).add(start)
    cases = []
    for (patient, code), days in onsets.items():
        last = None
        for when in sorted(days):
            if last is None or (when - last).days > 90:
                cases.append((code, when))
            last = when
    monday = export.last_day - dt.timedelta(days=export.last_day.weekday())
    weeks = [monday - dt.timedelta(weeks=156 - k) for k in range(157)]
    here = {}
    for code in {code for code, _ in cases}:
        y = np.array([sum(c == code and 0 <= (when - week).days < 7 for c, when in cases) for week in weeks], float)
        if not y.any():
            continue
        c2, walk = np.full(157, np.nan), 0.0
        for t in range(157):
            if t >= 9:
                base = y[t - 9:t - 2]
                c2[t] = (y[t] - base.mean()) / max(0.5, base.std(ddof=1))
            c1 = (y[t] - y[t - 7:t].mean()) / max(0.5, y[t - 7:t].std(ddof=1)) if t >= 7 else None
            c3 = sum(max(0, c2[t - k] - 1) for k in range(3)) if t >= 11 else None
            if t >= 28:
                z = 2 * (np.sqrt(y[t] + 0.375) - np.sqrt(y[t - 28:t - 2].mean() + 0.375)) / np.sqrt(1 + 1 / 26)
                walk = max(0.0, walk + z - 0.75)
            values = (y[t], c1, c2[t] if t >= 9 else None, c3, walk)
            for name, value in zip("cases c1 c2 c3 cusum".split(), values):
                here[code, str(weeks[t]), name] = None if value is None else float(value)
    there = {
        (row["code"], row["week_start"], name): number(row[name])
        for row in views.rows("gold_surveillance") if row["place"] == "all" for name in "cases c1 c2 c3 cusum".split()}
    same("surveillance", here, there)


def stays(export, views):
    lengths, latency = {}, {}
    for row in export.encounters.values():
        if row["ENCOUNTERCLASS"].lower() == "inpatient" and row["stop"]:
            hours = (row["stop"] - row["start"]).total_seconds() / 3600
            if hours <= 365 * 24:
                lengths.setdefault(row["REASONCODE"] or "unspecified", []).append(hours / 24)
    for patient, encounter, start, _, _, _ in export.disorders:
        row = export.encounters.get(encounter)
        if row and row["PATIENT"] == patient:
            days = (start - row["start"].date()).days
            if days >= -1:
                latency.setdefault(row["ENCOUNTERCLASS"].lower(), []).append(max(0, days))
    there = {
        (row["code"], name): number(row[name]) for row in views.rows("gold_length_of_stay_by_condition")
        if row["basis"] == "principal" for name in ("discharges", "mean_days", "median_days", "p90_days")}
    here = {}
    for code, values in lengths.items():
        here[code, "discharges"], here[code, "mean_days"] = float(len(values)), float(np.mean(values))
        here[code, "median_days"], here[code, "p90_days"] = (float(np.quantile(values, q)) for q in (0.5, 0.9))
    same("length of stay", here, there)
    sums = {}
    for row in views.rows("gold_diagnosis_latency"):
        n = int(row["diagnoses"]) - int(row["known_before"])
        if n:
            held = sums.get(row["encounter_class"], (0, 0.0))
            sums[row["encounter_class"]] = (held[0] + n, held[1] + n * number(row["mean_days"]))
    same(
        "latency of diagnosis", {key: float(np.mean(values)) for key, values in latency.items()},
        {key: total / n for key, (n, total) in sums.items()})
    units = {row["measure"]: row for row in views.rows("gold_quality_by_unit") if row["level"] == "all"}
    every = [one for values in lengths.values() for one in values]
    same(
        "all units", {"length_of_stay_days": float(np.mean(every)), "diagnosis_latency_days": float(
            np.mean([one for values in latency.values() for one in values]))},
        {key: number(units[key]["value"]) for key in ("length_of_stay_days", "diagnosis_latency_days")})


def adherence(export, views):
    """PDC by walking through the days with the supply at hand."""
    end = export.last_day
    try:
        begin = end.replace(year=end.year - 1) + dt.timedelta(days=1)
    except ValueError:
        begin = end.replace(year=end.year - 1, day=28) + dt.timedelta(days=1)
    fills = {}
    for (patient, _, _, start, code), (stop, dispenses, _) in export.medications.items():
        death = export.death.get(patient)
        last = stop.date() if stop and stop >= start else min(death or end, end)
        if (stop.date() if stop and stop >= start else end) < begin or start.date() > end:
            continue
        supply = max(1, (last - start.date()).days)
        for k in range(dispenses):
            given = start.date() + dt.timedelta(days=k * supply // dispenses)
            if begin <= given <= end:
                length = max(1, (k + 1) * supply // dispenses - k * supply // dispenses)
                fills.setdefault((patient, code), []).append((given, length))
    here = {}
    for (patient, code), given in fills.items():
        index, death = min(one for one, _ in given), export.death.get(patient)
        if death and death < index:
            continue
        last = min(death or end, end)
        held = covered = 0
        arriving = {}
        for when, length in given:
            arriving[when] = arriving.get(when, 0) + length
        for n in range((last - index).days + 1):
            held += arriving.get(index + dt.timedelta(days=n), 0)
            covered, held = covered + (held > 0), max(0, held - 1)
        days = (last - index).days + 1
        here[patient, code, "pdc"] = covered / days
        here[patient, code, "mpr"] = sum(length for _, length in given) / days
    there = {
        (row["patient_id"], row["code"], name): number(row[column]) for row in views.rows("gold_medication_adherence")
        for name, column in (("pdc", "pdc"), ("mpr", "mpr_fixed"))}
    same("adherence", here, there)


def demographics(export, views):
    now = export.last_day
    alive = {p: (export.patients[p]["GENDER"], band(age_at(export.birth[p], now))) for p in export.alive(now)}
    active = {
        (p, code) for p, _, start, code, stop, _ in export.disorders
        if p in alive and start <= now and (stop is None or stop > now)}
    here = count((code, alive[p][1]) for p, code in active)
    there = {
        (row["code"], row["member"]): int(row["cases"]) for row in views.rows("gold_prevalence_by_group")
        if row["dimension"] == "age band" and int(row["cases"])}
    same("prevalence by age band", here, there)
    bands = count(group for _, group in alive.values())
    top = {}
    for group in bands:
        ranked = sorted(((-n, code) for (code, g), n in here.items() if g == group))[:5]
        top.update({(group, place + 1): code for place, (_, code) in enumerate(ranked)})
    same("top conditions", top, {(r["age_band"], int(r["place"])): r["code"] for r in views.rows("gold_top_conditions")})
    newest = {}
    for row in export.unique("observations"):
        if row["CODE"] == "39156-5" and row["PATIENT"] in alive and row["TYPE"] == "numeric":
            newest[row["PATIENT"]] = max(newest.get(row["PATIENT"], ("", 0.0)), (row["DATE"], float(row["VALUE"])))
    groups = {}
    for patient, (_, value) in newest.items():
        groups.setdefault(alive[patient][1], []).append(value)
    sums = {}
    for row in views.rows("gold_measurements_by_group"):
        if row["measurement"] == "body_mass_index":
            held = sums.get(row["age_band"], (0, 0.0))
            sums[row["age_band"]] = (held[0] + int(row["patients"]), held[1] + int(row["patients"]) * number(row["mean_value"]))
    same("body mass index", {k: float(np.mean(v)) for k, v in groups.items()}, {k: t / n for k, (n, t) in sums.items()})


def features(export, views):
    rows = views.rows("patient_feature_store")
    dates = sorted({dt.date.fromisoformat(row["as_of"]) for row in rows})
    visits, observed = {}, {}
    for row in export.encounters.values():
        visits.setdefault(row["PATIENT"], []).append(row["start"].date())
    for row in export.unique("observations"):
        if row["CODE"] == "8480-6" and row["TYPE"] == "numeric":
            observed.setdefault(row["PATIENT"], []).append((row["DATE"], float(row["VALUE"])))
    here = {}
    for when in dates:
        for patient in export.alive(when):
            active = {c for p, _, s, c, e, _ in export.disorders if p == patient and s <= when and (e is None or e > when)}
            recent = [v for v in observed.get(patient, []) if v[0][:10] <= str(when) and (when - day(v[0])).days <= 730]
            here[patient, str(when)] = (
                age_at(export.birth[patient], when), len(active),
                sum(0 <= (when - one).days < 365 for one in visits.get(patient, [])), max(recent)[1] if recent else None)
    there = {
        (row["patient_id"], row["as_of"]): (
            int(row["age"]), int(row["active_disorders"]), int(row["encounters_12m"]), number(row["systolic_blood_pressure"]))
        for row in rows}
    same("features", here, there)


def omop(export, views):
    def key(text):
        return str(int(hashlib.md5(text.encode()).hexdigest()[:15], 16))

    sex = {"M": "8507", "F": "8532"}
    here = {key(p): (sex[row["GENDER"]], export.birth[p].year) for p, row in export.patients.items()}
    there = {row["person_id"]: (row["gender_concept_id"], int(row["year_of_birth"])) for row in views.rows("omop_person")}
    same("OMOP person", here, there)
    visits = {row["visit_occurrence_id"]: row["person_id"] for row in views.rows("omop_visit_occurrence")}
    same("OMOP visit_occurrence", {key(e): key(row["PATIENT"]) for e, row in export.encounters.items()}, visits)
    conditions = views.rows("omop_condition_occurrence")
    if len({row["condition_occurrence_id"] for row in conditions}) != len(export.disorders) != len(conditions):
        problems.append("OMOP condition_occurrence: not one row per disorder")
    for name in ("condition_occurrence", "drug_exposure", "measurement", "observation"):
        for row in views.rows(f"omop_{name}"):
            if row["visit_occurrence_id"] and row["visit_occurrence_id"] in visits:
                if visits[row["visit_occurrence_id"]] != row["person_id"]:
                    problems.append(f"OMOP {name}: a row and its visit have different persons")
                    break


def check(csvs, folder):
    export, views = Export(csvs), Views(folder)
    for measure in (metrics, journeys, surveillance, stays, adherence, demographics, features, omop):
        measure(export, views)
    for problem in problems[:40]:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)


def until(date, source, target):
    """What an export of that day would have held."""
    os.makedirs(target, exist_ok=True)
    begins = {"encounters": "START", "conditions": "START", "medications": "START", "procedures": "START",
              "observations": "DATE", "immunizations": "DATE", "allergies": "START", "careplans": "START",
              "devices": "START", "claims": "SERVICEDATE", "patients": "BIRTHDATE"}
    for name, begin in begins.items():
        path = f"{source}/{name}.csv"
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            rows = [line.rstrip("\r\n").split(",") for line in file if line.strip()]
        header = [column.upper() for column in rows[0]]
        with open(f"{target}/{name}.csv", "w", encoding="utf-8") as out:
            out.write(",".join(rows[0]) + "\n")
            for row in rows[1:]:
                if len(row) != len(header) or row[header.index(begin)][:10] > date:
                    continue
                for end in ("STOP", "DEATHDATE"):
                    if end in header and row[header.index(end)][:10] > date:
                        row[header.index(end)] = ""
                out.write(",".join(row) + "\n")


if __name__ == "__main__":
    {"check": check, "until": until}[sys.argv[1]](*sys.argv[2:])
