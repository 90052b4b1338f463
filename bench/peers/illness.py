"""What both peers of bench/stream share: the record's fields, the limits, the features, and the forest.

The limits are those of pipelines/illness/pipeline.yml; a value outside them sends the record to quarantine, a missing
value passes.
"""

# Field of the record, column of the silver table, lowest and highest plausible value.
MEASUREMENTS = [
    ("body_mass_index", "body_mass_index", 7, 120),
    ("body_temperature", "body_temperature", 25, 45),
    ("heart_rate", "heart_rate", 10, 300),
    ("systolic_blood_pressure", "systolic_blood_pressure", 30, 300),
    ("creatinine", "creatinine", 0.05, 60),
    ("alanine_aminotransferase_[enzymatic_activity/volume]_in_serum_or_plasma", "alt", 0, 15000),
    ("glucose", "glucose", 10, 2000),
    ("hemoglobin_[mass/volume]_in_blood", "hemoglobin", 1, 25),
    ("leukocytes_[#/volume]_in_blood_by_automated_count", "leukocytes", 0, 1000),
    ("oxygen_saturation_in_arterial_blood", "oxygen_saturation", 20, 100),
]

AGE_GROUPS = ["0-17", "18-34", "35-49", "50-64", "65-79", "80+"]

# The columns of the model's matrix: one per age group, gender, then the measurements.
FEATURES = ["age_" + group for group in AGE_GROUPS] + ["gender"] + [column for _, column, _, _ in MEASUREMENTS]

TREES = 100
# The depth of the pipeline's own forest.
DEPTH = 8


def train_forest(folder, path, records=50000):
    """Trains scikit-learn's forest on the first records of an NDJSON folder and saves it with joblib."""
    import json
    import os

    import joblib
    import numpy
    from sklearn.ensemble import RandomForestClassifier

    matrix = []
    for name in sorted(os.listdir(folder)):
        if name.startswith((".", "_")) or not name.endswith("json"):
            continue
        with open(os.path.join(folder, name), "rb") as file:
            for line in file:
                row = features(line, json)
                if row is not None:
                    matrix.append(row)
                if len(matrix) == records:
                    break
        if len(matrix) == records:
            break
    values = numpy.array(matrix, dtype="float32")
    medians = numpy.nanmedian(values, axis=0)
    random = numpy.random.default_rng(7)
    column = {name: values[:, FEATURES.index(name)] for name in FEATURES}

    def raised(name, factor):
        filled = numpy.where(numpy.isnan(column[name]), medians[FEATURES.index(name)], column[name])
        return filled / medians[FEATURES.index(name)] > factor

    # The answer's truth does not matter to the clock; that the trees grow deep does, so the label is noisy.
    score = (
        raised("body_temperature", 1.02) * 1.5 + raised("leukocytes", 1.5) + raised("creatinine", 1.4)
        + raised("glucose", 1.4) + raised("alt", 1.8) + raised("heart_rate", 1.25) + column["age_80+"] * 0.5
    )
    label = score + random.normal(0, 0.6, len(score)) > 1
    forest = RandomForestClassifier(n_estimators=TREES, max_depth=DEPTH, n_jobs=-1, random_state=7)
    forest.fit(values, label)
    forest.n_jobs = 1
    joblib.dump(forest, path)
    return {"trees": TREES, "depth": DEPTH, "rows": len(values), "share_ill": float(label.mean())}


def features(line, json):
    """One row of the matrix, or None for a record that the rules would quarantine."""
    try:
        record = json.loads(line)
        years = int(record["timestamp"][:4]) - int(record["birthday"][:4])
        before = record["timestamp"][5:10] < record["birthday"][5:10]
        group = age_group(years - before)
        row = [1.0 if group == name else 0.0 for name in AGE_GROUPS] + [float(record["gender"])]
        for field, _, low, high in MEASUREMENTS:
            value = record.get(field)
            if value is not None and not low <= value <= high:
                return None
            row.append(float("nan") if value is None else float(value))
        return row
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def age_group(years):
    return AGE_GROUPS[sum(years >= bound for bound in (18, 35, 50, 65, 80))]
