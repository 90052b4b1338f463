"""Training, scoring and explaining side by side, and anomalies against the simulator's truth. One JSON at the end."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import numpy
import pandas

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REPETITIONS = 3
FOLDS = 5


def ours(program, *words):
    outcome = subprocess.run([program, *map(str, words)], capture_output=True, text=True)
    if outcome.returncode != 0:
        raise SystemExit("%s %s\n%s" % (program, " ".join(map(str, words)), outcome.stderr[-2000:]))
    return json.loads(outcome.stdout.strip().splitlines()[-1])


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.folder = tempfile.mkdtemp(prefix="models-bench-")
        self.results = {}

    def place(self, *names):
        path = os.path.join(self.folder, *names)
        os.makedirs(path, exist_ok=True)
        return path

    def lakeward(self, lake, *words):
        command = [self.arguments.lakeward, *map(str, words), "--lake", lake]
        outcome = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        if outcome.returncode != 0:
            raise SystemExit("%s\n%s" % (" ".join(command), outcome.stderr[-2000:]))
        return outcome.stdout

    def note(self, name, figures):
        self.results[name] = figures
        for side, numbers in figures.items():
            text = "  ".join("%s %.4g" % pair for pair in numbers.items()) if isinstance(numbers, dict) else numbers
            print("%-22s %-14s %s" % (name, side, text), flush=True)

    # Rows

    def illness(self):
        folder = self.place("illness")
        if not os.path.exists(folder + "/values.f4"):
            lake = self.place("lake")
            csv = self.place("synthea")
            ours(self.arguments.program, "population", csv, self.arguments.patients)
            self.lakeward(lake, "import", csv)
            ours(self.arguments.program, "rows", lake, ROOT + "/pipelines/illness", folder)
        labels = numpy.fromfile(folder + "/labels.f4", "<f4")
        values = numpy.fromfile(folder + "/values.f4", "<f4").reshape(len(labels), -1)
        return folder, values, labels, numpy.fromfile(folder + "/groups.f4", "<f4")

    def pima(self):
        shared = os.environ.get("LAKEWARD_SHARED") or os.path.join(ROOT, "..", "shared")
        file = os.path.join(shared, "data", "pima", "diabetes.csv")
        if not os.path.exists(file):
            print("skipped: no %s" % file)
            return None
        table = pandas.read_csv(file)
        missing = ["Glucose", "BloodPressure", "SkinThickness", "Insulin", "BMI"]
        table[missing] = table[missing].replace(0, numpy.nan)
        values = table.drop(columns="Outcome").to_numpy("<f4")
        labels = table["Outcome"].to_numpy("<f4")
        folder = self.place("pima")
        values.tofile(folder + "/values.f4")
        labels.tofile(folder + "/labels.f4")
        return folder, values, labels, numpy.arange(len(labels), dtype="<f4")

    # Measurements

    def forest(self, name, rows, balance):
        """Repeated cross-validation over the same folds: ROC-AUC and seconds for one training, SMOTE included."""
        from imblearn.over_sampling import SMOTE
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.impute import SimpleImputer
        from sklearn.metrics import roc_auc_score

        folder, values, labels, groups = rows
        chance = numpy.random.default_rng(5)
        folds = []
        for _ in range(REPETITIONS):
            number = {group: index % FOLDS for index, group in enumerate(chance.permutation(numpy.unique(groups)))}
            folds.append(numpy.array([number[group] for group in groups]))
        numpy.concatenate(folds).astype("<f4").tofile(folder + "/folds.f4")
        figures = {
            "lakeward": ours(
                self.arguments.program, "folds", folder, values.shape[1], REPETITIONS, "random-forest", balance)
        }
        areas, seconds = [], 0.0
        for repetition, fold in enumerate(folds):
            for number in range(FOLDS):
                train, test = fold != number, fold == number
                start = time.perf_counter()
                fill = SimpleImputer(strategy="median", keep_empty_features=True).fit(values[train])
                known, truth = fill.transform(values[train]), labels[train]
                if balance == "smote":
                    known, truth = SMOTE(random_state=number).fit_resample(known, truth)
                model = RandomForestClassifier(100, n_jobs=-1, random_state=repetition * 100 + number).fit(known, truth)
                seconds += time.perf_counter() - start
                areas.append(roc_auc_score(labels[test], model.predict_proba(fill.transform(values[test]))[:, 1]))
        figures["scikit-learn"] = {
            "deviation": numpy.std(areas, ddof=1), "fits": len(areas), "roc_auc": numpy.mean(areas),
            "seconds_per_fit": seconds / len(areas),
        }
        self.note(name, figures)

    def score(self):
        import xgboost
        from sklearn.ensemble import RandomForestClassifier

        folder, values, labels, _ = self.illness()
        file = folder + "/model.ubj"
        count = self.arguments.rows
        figures = {"lakeward": ours(self.arguments.program, "score", folder, values.shape[1], count, file)}
        many = numpy.resize(values, (count, values.shape[1]))
        booster = xgboost.Booster(model_file=file)
        rates = []
        for _ in range(3):
            start = time.perf_counter()
            booster.inplace_predict(many)
            rates.append(count / (time.perf_counter() - start))
        figures["XGBoost"] = {"all_threads": max(rates)}
        model = RandomForestClassifier(100, max_depth=8, n_jobs=-1).fit(numpy.nan_to_num(values), labels)
        filled = numpy.nan_to_num(many)
        start = time.perf_counter()
        model.predict_proba(filled)
        figures["scikit-learn"] = {"all_threads": count / (time.perf_counter() - start)}
        figures["share"] = {"sql_of_XGBoost": figures["lakeward"]["sql"] / max(rates)}
        self.note("scoring, rows/s", figures)

    def shap(self):
        import shap
        import xgboost

        folder, values, _, _ = self.illness()
        file = folder + "/model.ubj"
        if not os.path.exists(file):
            ours(self.arguments.program, "score", folder, values.shape[1], 10_000, file)
        sample = numpy.ascontiguousarray(values[:2000])
        sample.tofile(folder + "/sample.f4")
        figures = {"lakeward": ours(self.arguments.program, "explain", file, folder + "/sample.f4", values.shape[1])}
        explainer = shap.TreeExplainer(xgboost.Booster(model_file=file))
        start = time.perf_counter()
        explainer.shap_values(sample[:200], check_additivity=False)
        figures["shap"] = {"rows_per_second": 200 / (time.perf_counter() - start)}
        self.note("TreeSHAP", figures)

    def smote(self):
        """Every synthetic point of the peer, too, lies between two neighbours; how long each takes is in forest."""
        print("SMOTE: segments are a property test (SMOTETests); times are part of the forest's figures above")

    def anomaly(self):
        """Trains on one simulated stream, judges another by its labelled deteriorations."""
        from sklearn.metrics import average_precision_score, roc_auc_score

        lake = self.place("wards")
        landing = os.path.join(lake, "landing", "patient_vitals")
        common = ["--patients", 300, "--speed", 6000]
        self.lakeward(lake, "simulate", "vitals", "--count", 60_000, "--seed", 5, *common, "--to", landing + "/a")
        self.lakeward(lake, "run", "vitals", "--once")
        self.lakeward(
            lake, "simulate", "vitals", "--count", 120_000, "--seed", 6, *common, "--start", "2026-03-01T00:00:00Z",
            "--to", landing + "/b")
        truth = landing + "/b/_episodes.csv"
        for kind in ["isolation-forest", "autoencoder", "lstm"]:
            copy = self.place("wards-" + kind)
            shutil.rmtree(copy)
            shutil.copytree(lake, copy)
            start = time.perf_counter()
            self.lakeward(copy, "train", "vitals", "--model", kind)
            trained = time.perf_counter() - start
            start = time.perf_counter()
            self.lakeward(copy, "run", "vitals", "--once")
            ran = time.perf_counter() - start
            out = os.path.join(self.folder, kind + ".csv")
            self.lakeward(
                copy, "query",
                "SELECT s.anomaly_score AS score, s.anomaly_flag AS flag, s.news2_total_min AS news2,"
                " EXISTS (SELECT 1 FROM read_csv('%s') AS e WHERE e.patient_id = s.patient_id"
                " AND s.event_time BETWEEN e.peak AND e.turn) AS ill,"
                " EXISTS (SELECT 1 FROM read_csv('%s') AS e WHERE e.patient_id = s.patient_id"
                " AND s.event_time BETWEEN e.onset AND e.\"end\") AS around"
                " FROM gold_vital_scores AS s WHERE s.event_time >= '2026-03-01' AND s.anomaly_score IS NOT NULL"
                % (truth, truth), "--format", "csv", "--output", out)
            table = pandas.read_csv(out)
            # On the way into and out of a deterioration nobody can say which side a reading is on.
            table = table[table.ill | ~table.around]
            flag = table.flag.astype(bool)
            self.note("anomalies " + kind, {
                "lakeward": {
                    "roc_auc": roc_auc_score(table.ill, table.score),
                    "pr_auc": average_precision_score(table.ill, table.score),
                    "share_ill": table.ill.mean(), "recall_at_threshold": flag[table.ill].mean(),
                    "false_alarms_at_threshold": flag[~table.ill].mean(), "training_seconds": trained,
                    "stream_records_per_second": 120_000 / ran,
                },
                "NEWS2": {
                    "roc_auc": roc_auc_score(table.ill, table.news2),
                    "pr_auc": average_precision_score(table.ill, table.news2),
                },
            })

    def run(self):
        wanted = self.arguments.only.split(",")
        try:
            if "forest" in wanted:
                self.forest("illness, SMOTE", self.illness(), "smote")
            if "pima" in wanted:
                rows = self.pima()
                if rows:
                    self.forest("Pima", rows, "none")
            for name in ["score", "smote", "shap", "anomaly"]:
                if name in wanted:
                    getattr(self, name)()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        target = os.path.join(ROOT, "bench", ".work", "results")
        os.makedirs(target, exist_ok=True)
        with open(target + "/models.json", "w") as file:
            json.dump(self.results, file, indent=2, default=float)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--lakeward", required=True)
    parser.add_argument("--only", default="forest,pima,score,smote,shap,anomaly")
    parser.add_argument("--patients", type=int, default=3_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    options.program = os.path.abspath(options.program)
    options.lakeward = os.path.abspath(options.lakeward)
    Bench(options).run()
