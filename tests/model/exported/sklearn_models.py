"""Models of scikit-learn by skl2onnx: linear ones, perceptrons and pipelines, with and without ZipMap."""

from __future__ import annotations

import warnings

import numpy as np
from recording import Recorder, scratch
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler


def main() -> None:
    """Fit each model to noise and export it."""
    recorder = Recorder(__file__, ("scikit-learn", "skl2onnx", "onnx", "numpy"))
    chance = np.random.default_rng(0)
    x = (chance.normal(size=(200, 5)) * [1, 10, 0.1, 3, 1] + [0, 5, 1, 0, -2]).astype(np.float32)
    few = (x[:, 0] + x[:, 3] > 0).astype(int)
    classes = few + (x[:, 1] > 5)
    names = np.array(["ant", "bee", "cow"])[classes]
    real, two = x @ np.arange(5.0), np.stack([x @ np.arange(5.0), x[:, 0]], 1)
    perceptron = {"hidden_layer_sizes": (6, 4), "max_iter": 30, "random_state": 0}
    models = {
        "linear": (LinearRegression(), real),
        "ridge_two": (Ridge(), two),
        "logistic": (LogisticRegression(), classes),
        "logistic_two": (LogisticRegression(), few),
        "logistic_names": (LogisticRegression(), names),
        "sgd": (SGDClassifier(loss="log_loss", random_state=0), few),
        "perceptron": (MLPClassifier(**perceptron), classes),
        "perceptron_two": (MLPClassifier(**perceptron), few),
        "perceptron_tanh": (MLPClassifier(activation="tanh", **perceptron), classes),
        "perceptron_real": (MLPRegressor(activation="logistic", **perceptron), real),
        "scaled": (make_pipeline(StandardScaler(), MLPClassifier(**perceptron)), classes),
        "scaled_real": (make_pipeline(MinMaxScaler(), MLPRegressor(**perceptron)), real),
        "scaled_logistic": (make_pipeline(StandardScaler(), LogisticRegression()), names),
    }
    for name, (model, target) in models.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(x, target)
        classifier = hasattr(model, "predict_proba")
        variants = {"": {}, "_plain": {"zipmap": False}} if classifier else {"": {}}
        for variant, options in variants.items():
            proto = to_onnx(model, x[:1], options={id(model): options} if options else None)
            sample = x[:4]
            # The label comes first, the probabilities after it.
            outputs = [model.predict_proba(sample)] if classifier else [model.predict(sample).reshape(len(sample), -1)]
            with scratch() as folder:
                path = folder / f"sklearn_{name}{variant}.onnx"
                path.write_bytes(proto.SerializeToString())
                # The exporter keeps weights of float64 in float32.
                recorder.add(path.stem, path, {proto.graph.input[0].name: sample}, outputs, tolerance=1e-4)
    recorder.finish()


if __name__ == "__main__":
    main()
