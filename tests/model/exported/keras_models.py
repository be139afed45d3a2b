"""Networks of Keras on TensorFlow, by Keras's own export and by tf2onnx; and the lines of the refusals, run."""

from __future__ import annotations

import os
import runpy
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402
from recording import Recorder, run_advice, scratch  # noqa: E402

ADVICE = runpy.run_path(str(Path(__file__).parents[3] / "fpgaq" / "model" / "importers" / "exports.py"))


def soft(x: Any) -> Any:
    """GELU by tanh; of the exact one tf2onnx 1.17 leaves an operator Erfc in the file, which ONNX does not have."""
    return keras.activations.gelu(x, approximate=True)


def models() -> dict[str, keras.Model]:
    """Networks by name."""
    inputs = keras.Input((8, 8, 4))
    branch = layers.Conv2D(4, 3, padding="same", use_bias=False)(inputs)
    branch = layers.ReLU()(layers.BatchNormalization()(branch))
    residual = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(layers.add([inputs, branch]))))
    return {
        "cnn": keras.Sequential([
            keras.Input((8, 8, 3)), layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.BatchNormalization(), layers.MaxPooling2D(), layers.Flatten(), layers.Dense(5, activation="softmax"),
        ]),
        "separable": keras.Sequential([
            keras.Input((9, 9, 3)), layers.SeparableConv2D(4, 3, strides=2, padding="same"), layers.ReLU(6.0),
            layers.DepthwiseConv2D(3, padding="same"), layers.Activation("hard_sigmoid"), layers.Flatten(),
            layers.Dropout(0.2), layers.Dense(2),
        ]),
        "series": keras.Sequential([
            keras.Input((12, 3)), layers.Conv1D(4, 3, activation="elu"), layers.MaxPooling1D(2), layers.Conv1D(4, 3),
            layers.LeakyReLU(), layers.GlobalAveragePooling1D(), layers.Dense(1, activation="sigmoid"),
        ]),
        "decoder": keras.Sequential([
            keras.Input((4, 4, 4)), layers.UpSampling2D(2), layers.Conv2D(4, 3, padding="same", activation="swish"),
            layers.Conv2DTranspose(2, 3, strides=2, padding="same"), layers.Activation("tanh"),
        ]),
        "perceptron": keras.Sequential([
            keras.Input((6,)), layers.Dense(8), layers.Activation(soft), layers.Dense(8, activation="selu"),
            layers.Dense(4, activation="softplus"), layers.Dense(3, activation="log_softmax"),
        ]),
        "padded": keras.Sequential([
            keras.Input((6, 6, 2)), layers.ZeroPadding2D(((1, 2), (0, 1))), layers.Conv2D(3, 3, dilation_rate=2),
            layers.PReLU(shared_axes=[1, 2]), layers.Cropping2D(1), layers.Flatten(), layers.Dense(2),
        ]),
        "residual": residual,
    }  # fmt: skip


def convert(*arguments: object) -> None:
    """Run tf2onnx."""
    command = [sys.executable, "-m", "tf2onnx.convert", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


def run_commands(lines: Sequence[str], folder: Path) -> None:
    """Run commands as they stand in a folder; what they install is there."""

    def shell(line: str) -> None:
        command = shlex.split(line)
        if command[0] == "python":
            subprocess.run([sys.executable, *command[1:]], check=True, capture_output=True, cwd=folder)
        elif command != ["pip", "install", "tf2onnx"]:
            raise ValueError(line)

    run_advice(lines, {}, shell)


def frozen(model: keras.Model, path: Path) -> None:
    """A graph with its values inside, as TensorFlow 1 kept it."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    function = tf.function(lambda x: tf.identity(model(x), name="y"))
    concrete = function.get_concrete_function(tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="x"))
    graph = convert_variables_to_constants_v2(concrete).graph
    tf.io.write_graph(graph, str(path.parent), path.name, as_text=False)


def record_advice(recorder: Recorder, model: keras.Model, sample: Any, values: Any) -> None:
    """Export by the lines that each refusal shows."""
    with scratch() as folder:
        before = Path.cwd()
        os.chdir(folder)
        try:
            model.save("net.keras")
            model.save("net.h5")
            model.export("saved_model", verbose=False)
            frozen(model, folder / "net.pb")
            for name, lines in (("keras", ADVICE["KERAS"]), ("h5", ADVICE["H5"])):
                run_advice(lines, {})
                record(recorder, f"advice_{name}", folder / "model.onnx", sample, values)
            for name, lines in (("saved_model", ADVICE["SAVED_MODEL"]), ("pb", ADVICE["GRAPH"])):
                run_commands(lines, folder)
                record(recorder, f"advice_{name}", folder / "model.onnx", sample, values)
        finally:
            os.chdir(before)


def record(recorder: Recorder, name: str, path: Path, sample: Any, values: Any) -> None:
    """Keep a file under a name, its input under the file's own name for it."""
    import onnx

    model = onnx.load(path)
    given = {tensor.name for tensor in model.graph.initializer}
    (input_name,) = [value.name for value in model.graph.input if value.name not in given]
    recorder.add(name, path, {input_name: sample}, [values])


def main() -> None:
    """Export each network by each exporter."""
    recorder = Recorder(__file__, ("tensorflow-cpu", "keras", "tf2onnx", "onnx"))
    keras.utils.set_random_seed(0)
    chance = np.random.default_rng(0)
    for name, model in models().items():
        for layer in model.layers:
            if isinstance(layer, layers.BatchNormalization):
                count = layer.moving_mean.shape[0]
                layer.moving_mean.assign(chance.normal(size=count))
                layer.moving_variance.assign(chance.uniform(0.5, 1.5, count))
        sample = chance.normal(size=(1, *model.input_shape[1:])).astype(np.float32)
        values = np.asarray(model(sample))
        with scratch() as folder:
            model.export(folder / "model.onnx", format="onnx", verbose=False)
            record(recorder, f"keras_{name}", folder / "model.onnx", sample, values)
            model.export(folder / "saved", verbose=False)
            convert("--saved-model", folder / "saved", "--opset", 13, "--output", folder / "other.onnx")
            record(recorder, f"tf2onnx_{name}", folder / "other.onnx", sample, values)
        if name == "cnn":
            record_advice(recorder, model, sample, values)
    recorder.finish()


if __name__ == "__main__":
    main()
