"""What to do about an operator that is not carried: a line of the user's program, or an option."""

from __future__ import annotations

from collections.abc import Iterable

_FLOAT = (
    "`fpgaq quantize MODEL -o MODEL.fpgaq` takes a quantized model as it is, without calibration; elsewhere give the"
    " float model, from before quantization"
)
_SEQUENCE = "sequence and attention layers are not carried; use convolutions over time (Conv1d)"
_NORM = "its statistics are not constant; train with BatchNorm, which becomes constants"
_BOXES = "end the model before it (--outputs NAME) and do the rest on the host"

ADVICE: dict[str, str] = {
    **dict.fromkeys(
        ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger"),
        _FLOAT,
    ),
    **dict.fromkeys(("MatMulInteger", "qonnx.custom_op.general.Quant", "onnx.brevitas.Quant", "Quant"), _FLOAT),
    **dict.fromkeys(("LSTM", "GRU", "RNN", "Attention", "MultiHeadAttention", "Scan", "Loop"), _SEQUENCE),
    **dict.fromkeys(("LayerNormalization", "GroupNormalization", "InstanceNormalization", "LRN"), _NORM),
    **dict.fromkeys(("MeanVarianceNormalization", "SkipLayerNormalization", "RMSNormalization"), _NORM),
    **dict.fromkeys(("NonMaxSuppression", "RoiAlign", "GridSample", "NonZero", "Unique"), _BOXES),
    "FusedConv": "save the model without onnxruntime's optimizations (or with level basic)",
    "If": "export for fixed shapes, so that the condition is a constant (--input-shape, onnxsim)",
    "MaxUnpool": "use nn.Upsample or nn.ConvTranspose2d",
    "ScatterND": "assign by torch.cat instead of by index",
    "GatherElements": _BOXES,
    "CumSum": _BOXES,
    "OneHot": "feed the one-hot vector as the input",
    "Embedding": "feed the embedded vector as the input",
    **dict.fromkeys(
        ("ai.onnx.ml.TreeEnsembleClassifier", "ai.onnx.ml.TreeEnsembleRegressor", "ai.onnx.ml.TreeEnsemble"),
        "trees are not carried; train an MLPClassifier or MLPRegressor",
    ),
    **dict.fromkeys(
        ("ai.onnx.ml.SVMClassifier", "ai.onnx.ml.SVMRegressor"),
        "kernels are not carried; train LinearSVC, LinearSVR or SGDClassifier in place of SVC",
    ),
    **dict.fromkeys(
        ("ai.onnx.ml.OneHotEncoder", "ai.onnx.ml.LabelEncoder", "ai.onnx.ml.CategoryMapper"),
        "encode on the host, and feed what it makes as the input (--inputs NAME)",
    ),
    "ReduceProd": "compute polynomial features on the host, and feed them as the input (--inputs NAME)",
    "StatefulPartitionedCall": "the converter left a function of TensorFlow's in the file: convert a frozen model, or"
    " use another layer (Keras: groups of a convolution)",
    "TopK": "only k=1 at the end is carried; " + _BOXES,
}


def advice(kinds: Iterable[str]) -> str:
    """The remedies for some operators, each once; empty if there is none."""
    found = dict.fromkeys(ADVICE.get(kind) or ADVICE.get(kind.rsplit(".", 1)[-1]) or "" for kind in kinds)
    remedies = [remedy for remedy in found if remedy]
    return (
        f"; {'; '.join(remedies)}" if remedies else "; end the model before it (--outputs NAME), or use another layer"
    )
