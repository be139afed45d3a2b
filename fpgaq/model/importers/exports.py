"""Advice for model files of other kinds: the lines that export them to ONNX.

The scripts of `tests/model/exported` run these lines as they stand.
"""

from __future__ import annotations

TORCH = (
    "model.eval()",
    "x = torch.zeros(1, 3, 64, 64)",
    'torch.onnx.export(model, (x,), "model.onnx")',
)
KERAS = (
    'import keras; model = keras.models.load_model("net.keras")',
    # A model that was loaded is exported only after it was called once.
    "model(keras.ops.zeros((1, *model.input_shape[1:])))",
    'model.export("model.onnx", format="onnx")',
)
H5 = (KERAS[0].replace("net.keras", "net.h5"), *KERAS[1:])
SAVED_MODEL = (
    "pip install tf2onnx",
    "python -m tf2onnx.convert --saved-model saved_model --opset 18 --output model.onnx",
)
GRAPH = (
    "pip install tf2onnx",
    "python -m tf2onnx.convert --graphdef net.pb --inputs x:0 --outputs y:0 --opset 18 --output model.onnx",
)

_TORCH = (
    f"holds no network that can be read safely; export it where the network was made, x being one sample:"
    f" {'; '.join(TORCH)}"
)
_KERAS = "a Keras model; export it (with TensorFlow it needs: pip install tf2onnx)"

ADVICE: dict[str, str] = {
    **dict.fromkeys((".pt", ".pth", ".ckpt"), f"a PyTorch checkpoint {_TORCH}"),
    ".safetensors": f"a file of weights {_TORCH}",
    ".keras": f"{_KERAS}: {'; '.join(KERAS)}",
    **dict.fromkeys((".h5", ".hdf5"), f"{_KERAS}: {'; '.join(H5)}"),
    ".pb": f"a TensorFlow model; export it, of a SavedModel's folder: {'; '.join(SAVED_MODEL)}; of a frozen graph,"
    f" with the names of its tensors: {GRAPH[1]}",
    ".fpgaq": "an integer network, quantized already; give the model from which it was made, or use generate or run",
}
"""By the end of the file's name; one line each, for an error is one line."""
