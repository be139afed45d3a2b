"""Advice for model files of other kinds: the lines that export them to ONNX."""

from __future__ import annotations

_TORCH = (
    "a PyTorch checkpoint holds no network that can be read safely; export it: model.eval();"
    " x = torch.zeros(1, 3, 64, 64);  # the size of an input"
    ' torch.onnx.export(model, x, "model.onnx")'
)
_KERAS = (
    "a Keras model; export it: pip install tf2onnx; model = keras.models.load_model(PATH);"
    ' model.export("model.onnx", format="onnx")'
    ' (older Keras: tf2onnx.convert.from_keras(model, inputs_as_nchw=None, output_path="model.onnx"))'
)
_TENSORFLOW = (
    "a TensorFlow model; export it: pip install tf2onnx; python -m tf2onnx.convert --saved-model DIRECTORY --opset 13"
    " --output model.onnx; of a frozen graph: --graphdef FILE.pb --inputs NAME:0 --outputs NAME:0"
)
ADVICE: dict[str, str] = {
    **dict.fromkeys((".pt", ".pth", ".ckpt"), _TORCH),
    ".safetensors": _TORCH.replace("a PyTorch checkpoint holds", "a file of weights holds"),
    **dict.fromkeys((".keras", ".h5", ".hdf5"), _KERAS),
    ".pb": _TENSORFLOW,
    ".fpgaq": "an integer network, quantized already; give the model from which it was made, or use generate or run",
}
"""By the end of the file's name; one line each, for an error is one line."""
