"""What scikit-learn, shap and XGBoost answer to the same rows. Numbers go through files of float32."""
import json
import sys

import numpy


def rows(path, width):
    return numpy.fromfile(path, dtype="<f4").reshape(-1, width)


def isolation(source, width, target):
    """Anomaly scores, larger for more unusual, of an isolation forest on its own training rows."""
    from sklearn.ensemble import IsolationForest

    values = rows(source, int(width))
    scores = numpy.zeros(len(values))
    # The mean of several forests, so that the peer's own chance does not blur the comparison.
    for seed in range(5):
        scores -= IsolationForest(n_estimators=100, random_state=seed).fit(values).score_samples(values)
    (scores / 5).astype("<f4").tofile(target)


def shap(model, source, width, target):
    """SHAP values by shap's TreeExplainer, and the expected value at the end of each row."""
    import shap
    import xgboost

    values = rows(source, int(width))
    explainer = shap.TreeExplainer(xgboost.Booster(model_file=model))
    found = numpy.asarray(explainer.shap_values(values, check_additivity=False))
    base = numpy.broadcast_to(numpy.asarray(explainer.expected_value), (len(values),) + numpy.shape(explainer.expected_value))
    if found.ndim == 3:
        found = numpy.concatenate([found, base[:, None, :]], axis=1).transpose(2, 0, 1)
    else:
        found = numpy.concatenate([found, base[:, None]], axis=1)
    found.astype("<f4").tofile(target)


def xgboost(folder, source, width, names):
    """Models of several objectives, each as UBJSON and JSON, with what they predict for the rows."""
    import xgboost

    values = rows(source, int(width))
    truth = (numpy.nan_to_num(values[:, 0]) > numpy.nanmedian(values[:, 0])).astype(int)
    three = truth + (numpy.nan_to_num(values[:, 1]) > numpy.nanmedian(values[:, 1])).astype(int)
    features = names.split(",")
    objectives = {
        "binary:logistic": {}, "reg:logistic": {}, "multi:softprob": {"num_class": 3}, "binary:logistic dart": {"booster": "dart"},
        "binary:hinge": {}, "rank:pairwise": {}, "count:poisson": {}, "multi:softmax": {"num_class": 3},
    }
    for name, more in objectives.items():
        labels = three if "num_class" in more else truth
        matrix = xgboost.DMatrix(values, labels, feature_names=features)
        settings = {"objective": name.split()[0], "max_depth": 3, "nthread": 1, **more}
        model = xgboost.train(settings, matrix, 8)
        file = f"{folder}/{name.replace(':', '_').replace(' ', '_')}"
        model.save_model(file + ".ubj")
        model.save_model(file + ".json")
        numpy.asarray(model.predict(matrix)).astype("<f4").tofile(file + ".f4")
    # Through scikit-learn's interface, as most people do it.
    classifier = xgboost.XGBClassifier(n_estimators=8, max_depth=3, n_jobs=1).fit(values, truth)
    classifier.save_model(f"{folder}/classifier.json")
    classifier.predict_proba(values)[:, 1].astype("<f4").tofile(f"{folder}/classifier.f4")


def logistic(source, width, labels, target):
    """Probabilities of a scaled logistic regression with C = 1 on its training rows."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    values = rows(source, int(width)).astype(float)
    truth = numpy.fromfile(labels, dtype="<f4").astype(int)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1, tol=1e-10, max_iter=1000)).fit(values, truth)
    model.predict_proba(values)[:, 1].astype("<f4").tofile(target)


def calibration(source, labels, target):
    """Isotonic regression, and Platt's curve, over the same scores."""
    from sklearn.calibration import _SigmoidCalibration
    from sklearn.isotonic import IsotonicRegression

    scores = numpy.fromfile(source, dtype="<f4").astype(float)
    truth = numpy.fromfile(labels, dtype="<f4")
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(scores, truth).predict(scores)
    inside = numpy.clip(scores, 1e-6, 1 - 1e-6)
    platt = _SigmoidCalibration().fit(numpy.log(inside / (1 - inside)), truth)
    platt = platt.predict(numpy.log(inside / (1 - inside)))
    numpy.concatenate([isotonic, platt]).astype("<f4").tofile(target)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
    print(json.dumps({"done": sys.argv[1]}))
