"""Training, scoring and explaining side by side, and anomalies against the simulator's truth.

Started by bench/models. Every round measures each side in turn, with folds and simulated streams of its own; what is
told of a figure is its median over the rounds, with the least and the most. A section that fails is named at the end,
with exit status 1; the others go on.
"""

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy

from measure import run

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.join(ROOT, "bench", ".work")
FOLDS = 5
# No step takes longer on any machine that the figures are meant for.
LIMIT_SECONDS = 1200
PIMA_MISSING = ["Glucose", "BloodPressure", "SkinThickness", "Insulin", "BMI"]


class Failure(Exception):
    """A section cannot be measured: its own or the program's last words."""


def ended(command, **options):
    """Standard output of a command that must succeed, within the limit."""
    try:
        outcome = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, **options)
    except subprocess.TimeoutExpired:
        raise Failure("%s was still running after %d s" % (" ".join(command), LIMIT_SECONDS)) from None
    if outcome.returncode != 0:
        raise Failure("%s\n%s" % (" ".join(command), outcome.stderr[-2000:]))
    return outcome.stdout


def best_of(count, body):
    """Seconds of the quickest of `count` runs, the first of which may still have to warm up."""
    seconds = []
    for _ in range(count):
        began = time.perf_counter()
        body()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        os.makedirs(WORK, exist_ok=True)
        self.folder = tempfile.mkdtemp(prefix="models-", dir=WORK)
        self.sections = {}
        self.prepared = {}

    def place(self, *names):
        path = os.path.join(self.folder, *names)
        os.makedirs(path, exist_ok=True)
        return path

    def ours(self, *words):
        text = ended([self.arguments.program, *map(str, words)])
        return json.loads(text.strip().splitlines()[-1])

    def lakeward(self, lake, *words):
        return ended([self.arguments.lakeward, *map(str, words), "--lake", lake], cwd=ROOT)

    def note(self, name, rounds):
        """Adds a section from one mapping of sides to figures for each round."""
        section = {}
        for side in rounds[0]:
            section[side] = {}
            for figure in rounds[0][side]:
                values = [float(each[side][figure]) for each in rounds]
                section[side][figure] = {
                    "median": statistics.median(values), "least": min(values), "most": max(values)}
            text = "  ".join(
                "%s %.4g (%.4g – %.4g)" % (figure, value["median"], value["least"], value["most"])
                for figure, value in section[side].items())
            print("%-24s %-26s %s" % (name, side, text), flush=True)
        self.sections[name] = section

    # Rows

    def illness(self):
        """Folder, values, labels and patients of the illness model's training rows, made once."""
        if "illness" not in self.prepared:
            folder, lake, population = self.place("illness"), self.place("lake"), self.place("synthea")
            self.ours("population", population, self.arguments.patients)
            self.lakeward(lake, "import", population)
            self.ours("rows", lake, ROOT + "/pipelines/illness", folder)
            labels = numpy.fromfile(folder + "/labels.f4", "<f4")
            values = numpy.fromfile(folder + "/values.f4", "<f4").reshape(len(labels), -1)
            self.prepared["illness"] = folder, values, labels, numpy.fromfile(folder + "/groups.f4", "<f4")
        return self.prepared["illness"]

    def pima(self):
        shared = os.environ.get("LAKEWARD_SHARED") or os.path.join(ROOT, "..", "shared")
        path = os.path.join(shared, "data", "pima", "diabetes.csv")
        if not os.path.exists(path):
            return None
        with open(path) as file:
            rows = list(csv.DictReader(file))
        names = [name for name in rows[0] if name != "Outcome"]
        values = numpy.array([[float(row[name]) for name in names] for row in rows], "<f4")
        for column in map(names.index, PIMA_MISSING):
            values[values[:, column] == 0, column] = numpy.nan
        labels = numpy.array([float(row["Outcome"]) for row in rows], "<f4")
        folder = self.place("pima")
        values.tofile(folder + "/values.f4")
        labels.tofile(folder + "/labels.f4")
        return folder, values, labels, numpy.arange(len(labels), dtype="<f4")

    # Measurements

    def forest(self):
        self.forests("training, illness", self.illness(), "smote")

    def forest_of_pima(self):
        rows = self.pima()
        if rows is None:
            print("skipped: there is no ../shared/data/pima/diabetes.csv")
        else:
            self.forests("training, Pima", rows, "none")

    def forests(self, name, rows, balance):
        """Every round deals the patients into other folds, the same for all sides: mean ROC-AUC and seconds for one
        training, SMOTE included."""
        folder, values, labels, groups = rows
        chance = numpy.random.default_rng(5)
        rounds = []
        for number in range(self.arguments.rounds):
            dealt = {group: index % FOLDS for index, group in enumerate(chance.permutation(numpy.unique(groups)))}
            fold = numpy.array([dealt[group] for group in groups])
            fold.astype("<f4").tofile(folder + "/folds.f4")
            own = self.ours("folds", folder, values.shape[1], 1, "random-forest", balance)
            sides = {"Lakeward": {"roc_auc": own["roc_auc"], "seconds_per_fit": own["seconds_per_fit"]}}
            for side, depth in (("scikit-learn", None), ("scikit-learn, depth 8", 8)):
                sides[side] = scikit_forest(values, labels, fold, balance, depth, seed=100 * number)
            best = max(sides[side]["roc_auc"] for side in sides if side != "Lakeward")
            quickest = min(sides[side]["seconds_per_fit"] for side in sides if side != "Lakeward")
            sides["Lakeward beside the better"] = {
                "roc_auc_difference": own["roc_auc"] - best, "times_faster": quickest / own["seconds_per_fit"]}
            rounds.append(sides)
        self.note(name, rounds)

    def score(self):
        import xgboost
        from sklearn.ensemble import RandomForestClassifier

        folder, values, labels, _ = self.illness()
        file, count = folder + "/model.ubj", self.arguments.rows
        many = numpy.resize(values, (count, values.shape[1]))
        filled = numpy.nan_to_num(many)
        forest = RandomForestClassifier(100, max_depth=8, n_jobs=-1, random_state=1).fit(numpy.nan_to_num(values), labels)
        rounds = []
        for _ in range(self.arguments.rounds):
            own = self.ours("score", folder, values.shape[1], count, file)
            booster = xgboost.Booster(model_file=file)
            raw = count / best_of(3, lambda: booster.inplace_predict(many))
            rounds.append({
                "Lakeward": {
                    "predict_in_sql": own["sql"], "evaluator_on_one_thread": own["evaluator"],
                    "xgboost_on_one_thread": own["xgboost_one_thread"]},
                "XGBoost (Python)": {"rows_per_second": raw},
                "scikit-learn": {"rows_per_second": count / best_of(3, lambda: forest.predict_proba(filled))},
                "share of XGBoost's rate in SQL": {"share": own["sql"] / raw},
            })
        self.note("scoring, %s rows" % format(count, ","), rounds)

    def shap(self):
        import shap
        import xgboost

        folder, values, _, _ = self.illness()
        file = folder + "/model.ubj"
        if not os.path.exists(file):
            self.ours("score", folder, values.shape[1], 10_000, file)
        sample = numpy.ascontiguousarray(values[:2000])
        sample.tofile(folder + "/sample.f4")
        explainer = shap.TreeExplainer(xgboost.Booster(model_file=file))
        rounds = []
        for _ in range(self.arguments.rounds):
            own = self.ours("explain", file, folder + "/sample.f4", values.shape[1])
            seconds = best_of(2, lambda: explainer.shap_values(sample, check_additivity=False))
            rounds.append({
                "Lakeward": {
                    "explain_in_sql": own["sql"], "on_one_thread": own["rows_per_second"],
                    "one_at_a_time": own["one_at_a_time"]},
                "shap": {"rows_per_second": len(sample) / seconds},
                "times shap's rate in SQL": {"times": own["sql"] * seconds / len(sample)},
            })
        self.note("TreeSHAP, rows per second", rounds)

    def reasons(self):
        """Core-seconds of the illness stream with no reasons, with those for alerts as the pipeline has them, and for every
        row."""
        self.illness()
        home = self.place("reasons")
        folder = os.path.join(home, "pipelines", "illness")
        lake = os.path.join(home, "lake")
        shutil.copytree(os.path.join(ROOT, "pipelines", "illness"), folder)
        shutil.copytree(os.path.join(self.folder, "lake"), lake)
        program = self.arguments.lakeward
        ended([program, "train", "illness"], cwd=home)
        ended([program, "simulate", "illness", "--count", str(self.arguments.readings), "--to",
               os.path.join(lake, "landing", "patient_data")], cwd=home)
        with open(os.path.join(folder, "gold.sql")) as file:
            gold = file.read()
        end = gold.index("END AS explanation")
        start = gold.rindex("CASE\n", 0, end)
        call = gold[gold.index("THEN", start) + 4:end]
        variants = {
            "no reasons": "CAST(NULL AS STRING)", "reasons for alerts": gold[start:end] + "END",
            "reasons for every row": call}
        rounds = []
        for _ in range(self.arguments.rounds):
            sides = {}
            for name, text in variants.items():
                with open(os.path.join(folder, "gold.sql"), "w") as file:
                    file.write(gold[:start] + text + gold[end + 3:])
                copy = os.path.join(home, "copy")
                shutil.copytree(lake, copy)
                outcome = run([program, "run", "illness", "--once", "--lake", copy], cwd=home)
                share = ended(
                    [program, "query", "SELECT count(explanation) / count(*) FROM gold_patient_data", "--format", "csv",
                     "--lake", copy], cwd=home)
                sides[name] = {"core_seconds": outcome["core_seconds"], "share_of_rows": float(share.split()[-1])}
                shutil.rmtree(copy)
            rounds.append(sides)
        self.note("reasons in the stream, %s records" % format(self.arguments.readings, ","), rounds)

    def anomaly(self):
        """Trains on one simulated stream, judges another by its labelled deteriorations."""
        kinds = ["isolation-forest", "autoencoder", "lstm"]
        rounds = {name: [] for name in kinds}
        for number in range(self.arguments.rounds):
            lake, truth = self.wards(seed=11 + 2 * number)
            without = self.scored(lake, None)
            for kind in kinds:
                copy = self.scored(lake, kind)
                rounds[kind].append(judged(self, copy["lake"], truth, kind) | {
                    "cost": {
                        "training_seconds": copy["training_seconds"],
                        "stream_core_seconds": copy["core_seconds"],
                        "stream_core_seconds_without": without["core_seconds"]}})
                shutil.rmtree(copy["lake"])
            shutil.rmtree(lake)
            shutil.rmtree(without["lake"])
        for kind in kinds:
            self.note("anomalies, %s" % kind, rounds[kind])

    def wards(self, seed):
        """A lake with a stream to learn from in its tables, and another one waiting in its landing folder."""
        readings = self.arguments.readings
        lake = self.place("wards")
        landing = os.path.join(lake, "landing", "patient_vitals")
        common = ["--patients", 300, "--speed", 6000]
        self.lakeward(lake, "simulate", "vitals", "--count", readings // 2, "--seed", seed, *common, "--to", landing + "/a")
        self.lakeward(lake, "run", "vitals", "--once")
        self.lakeward(
            lake, "simulate", "vitals", "--count", readings, "--seed", seed + 1, *common,
            "--start", "2026-03-01T00:00:00Z", "--to", landing + "/b")
        return lake, landing + "/b/_episodes.csv"

    def scored(self, lake, kind):
        """A copy of the lake with the waiting stream scored by a model of this kind, or by none."""
        copy = os.path.join(self.folder, "wards-%s" % kind)
        shutil.copytree(lake, copy)
        began = time.perf_counter()
        if kind:
            self.lakeward(copy, "train", "vitals", "--model", kind)
        trained = time.perf_counter() - began
        outcome = run([self.arguments.lakeward, "run", "vitals", "--once", "--lake", copy], cwd=ROOT)
        return {"lake": copy, "training_seconds": trained, "core_seconds": outcome["core_seconds"]}

    def run(self):
        parts = {
            "forest": self.forest, "pima": self.forest_of_pima, "score": self.score, "shap": self.shap,
            "reasons": self.reasons, "anomaly": self.anomaly}
        failed = []
        began = time.time()
        try:
            for name in self.arguments.only.split(","):
                try:
                    parts[name]()
                except Failure as problem:
                    failed.append(name)
                    print("bench/models: %s failed: %s" % (name, problem), file=sys.stderr, flush=True)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        results = os.path.join(WORK, "results")
        os.makedirs(results, exist_ok=True)
        facts = {
            "rounds": self.arguments.rounds, "patients": self.arguments.patients, "rows": self.arguments.rows,
            "readings": self.arguments.readings, "seconds": round(time.time() - began), "failed": failed}
        with open(os.path.join(results, "models.json"), "w") as file:
            json.dump({"facts": facts, "sections": self.sections}, file, indent=1)
        return 1 if failed else 0


def scikit_forest(values, labels, fold, balance, depth, seed):
    """Mean ROC-AUC over the folds and seconds of one training of the peer, with medians for what is missing."""
    from imblearn.over_sampling import SMOTE
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.metrics import roc_auc_score

    areas, seconds = [], 0.0
    for number in range(FOLDS):
        train, test = fold != number, fold == number
        began = time.perf_counter()
        fill = SimpleImputer(strategy="median", keep_empty_features=True).fit(values[train])
        known, truth = fill.transform(values[train]), labels[train]
        if balance == "smote":
            known, truth = SMOTE(random_state=number).fit_resample(known, truth)
        model = RandomForestClassifier(100, max_depth=depth, n_jobs=-1, random_state=seed + number).fit(known, truth)
        seconds += time.perf_counter() - began
        areas.append(roc_auc_score(labels[test], model.predict_proba(fill.transform(values[test]))[:, 1]))
    return {"roc_auc": numpy.mean(areas), "seconds_per_fit": seconds / FOLDS}


def judged(bench, lake, truth, kind):
    """How well scores and flags of the second stream find its deteriorations, and how well NEWS2 does."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    out = os.path.join(bench.folder, "scores.csv")
    during = "EXISTS (SELECT 1 FROM read_csv('%s') AS e WHERE e.patient_id = s.patient_id AND s.event_time BETWEEN %s)"
    bench.lakeward(
        lake, "query",
        "SELECT s.anomaly_score AS score, s.anomaly_flag::INT AS flag, s.news2_total_min AS news2, %s::INT AS ill,"
        " %s::INT AS around FROM gold_vital_scores AS s"
        " WHERE s.event_time >= '2026-03-01' AND s.anomaly_score IS NOT NULL" % (
            during % (truth, "e.peak AND e.turn"), during % (truth, 'e.onset AND e."end"')),
        "--format", "csv", "--output", out)
    table = numpy.genfromtxt(out, delimiter=",", names=True)
    # On the way into and out of a deterioration nobody can say which side a reading is on.
    table = table[(table["ill"] == 1) | (table["around"] == 0)]
    ill, flag = table["ill"] == 1, table["flag"] == 1
    return {
        "Lakeward": {
            "roc_auc": roc_auc_score(ill, table["score"]), "pr_auc": average_precision_score(ill, table["score"]),
            "found_at_threshold": flag[ill].mean(), "false_alarms_at_threshold": flag[~ill].mean(),
            "share_ill": ill.mean()},
        "NEWS2": {
            "roc_auc": roc_auc_score(ill, table["news2"]), "pr_auc": average_precision_score(ill, table["news2"])},
    }


def main():
    parser = argparse.ArgumentParser(prog="bench/models", description=__doc__)
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--lakeward", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--only", default="forest,pima,score,shap,reasons,anomaly")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--patients", type=int, default=3_000, help="of the generated population")
    parser.add_argument("--rows", type=int, default=1_000_000, help="to score")
    parser.add_argument("--readings", type=int, default=120_000, help="of the streams; half as many to learn anomalies from")
    arguments = parser.parse_args()
    arguments.program = os.path.abspath(arguments.program)
    arguments.lakeward = os.path.abspath(arguments.lakeward)
    known = {"forest", "pima", "score", "shap", "reasons", "anomaly"}
    unknown = [name for name in arguments.only.split(",") if name not in known]
    if unknown:
        parser.error("--only: no section is called %s" % unknown[0])
    if min(arguments.rounds, arguments.patients, arguments.rows, arguments.readings) < 1:
        parser.error("--rounds, --patients, --rows and --readings must be at least 1")
    return Bench(arguments).run()


if __name__ == "__main__":
    sys.exit(main())
