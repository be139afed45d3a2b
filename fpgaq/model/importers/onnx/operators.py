"""The ONNX operators that are read, by name: the function that converts each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import activations as activations
from . import arithmetic as arithmetic
from . import convolutions as convolutions
from . import dense as layers
from . import einsum as einsum
from . import endings as endings
from . import pads as pads
from . import pools as pools
from . import repeats as repeats
from . import resize as resizing
from . import shapes as shapes
from .builder import Call

OF_SEVERAL_OUTPUTS = frozenset({"BatchNormalization", "Dropout", "Split", "TopK", "ai.onnx.ml.LinearClassifier"})
"""The operators whose conversion minds the outputs after the first."""

KEEPING = frozenset(
    ("Cast", "Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "Identity", "Reshape", "Slice", "SpaceToDepth")
    + (
        "Split",
        "Squeeze",
        "Tile",
        "Transpose",
        "Unsqueeze",
        "MaxPool",
        "Where",
        "ReduceSum",
        "Not",
        "And",
        "ai.onnx.ml.ArrayFeatureExtractor",
    )
)
"""The operators that compute the same on whole numbers as on real ones."""

ROWWISE = frozenset(
    (
        "Add",
        "Cast",
        "Clip",
        "Div",
        "Dropout",
        "Elu",
        "Exp",
        "Gelu",
        "Gemm",
        "HardSigmoid",
        "Identity",
        "LeakyRelu",
        "MatMul",
    )
    + ("Max", "Min", "Mul", "Pow", "Reciprocal", "Relu", "Reshape", "Selu", "Softplus", "Sub", *activations.NAMED)
)
"""The operators that compute the same on rows of all samples together as on those of one."""

STACKING = (ROWWISE - {"Reshape"}) | frozenset(
    ("Concat", "Gather", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "Slice", "Split", "Squeeze", "Transpose")
)
"""The operators that are read where the batch stands after the first axis."""

CONVERTERS: Mapping[str, Callable[[Call], None]] = {
    "Add": arithmetic.arithmetic,
    "ArgMax": endings.arg_max,
    "ArgMin": endings.arg_max,
    "AveragePool": pools.average_pooling,
    "BatchNormalization": layers.batch_normalization,
    "Cast": layers.cast,
    "And": activations.conjunction,
    "Celu": activations.celu,
    "Clip": activations.clip,
    "Concat": shapes.concatenate,
    "Conv": convolutions.convolution,
    "ConvTranspose": convolutions.deconvolution,
    "DepthToSpace": repeats.depth_to_space,
    "Div": arithmetic.arithmetic,
    "Dropout": layers.dropout,
    "Elu": activations.elu,
    "Einsum": einsum.einsum,
    "Erfc": activations.complementary_error,
    "Exp": endings.exponential,
    "Expand": repeats.expand,
    "Flatten": shapes.flatten,
    "Gather": shapes.gather,
    "Gelu": activations.gelu,
    "Gemm": layers.gemm,
    "GlobalAveragePool": pools.global_average,
    "GlobalMaxPool": pools.global_maximum,
    **dict.fromkeys(("Greater", "GreaterOrEqual", "Less", "LessOrEqual"), activations.comparison),
    "HardSigmoid": activations.hard_sigmoid,
    "Identity": layers.identity,
    "Log": endings.logarithm,
    "LpNormalization": endings.lp_normalization,
    "LogSoftmax": endings.softmax,
    "LeakyRelu": activations.leaky_relu,
    "MatMul": layers.matrix_product,
    "Max": activations.extreme,
    "MaxPool": pools.max_pooling,
    "Min": activations.extreme,
    "Mul": arithmetic.arithmetic,
    "Neg": arithmetic.negate,
    "Not": activations.negation,
    "PRelu": activations.prelu,
    "Pad": pads.pad,
    "Pow": activations.power,
    "Reciprocal": activations.reciprocal,
    **dict.fromkeys(("ReduceL1", "ReduceL2", "ReduceSumSquare"), pools.reduce_norm),
    "ReduceMin": pools.reduce_min,
    "ReduceMax": pools.reduce_max,
    "ReduceMean": pools.reduce_mean,
    "ReduceSum": pools.reduce_sum,
    "Relu": activations.relu,
    "Reshape": shapes.reshape,
    "Resize": resizing.resize,
    "Selu": activations.selu,
    "Shrink": activations.shrink,
    "Sign": activations.sign,
    "Slice": shapes.slice_,
    "Softmax": endings.softmax,
    "Softplus": activations.softplus,
    "SpaceToDepth": repeats.space_to_depth,
    "Split": shapes.split,
    "Squeeze": shapes.squeeze,
    "Sub": arithmetic.arithmetic,
    "Sum": arithmetic.add_all,
    "ThresholdedRelu": activations.thresholded_relu,
    "Tile": repeats.tile,
    "TopK": endings.top_k,
    "Transpose": shapes.transpose,
    "Unsqueeze": shapes.unsqueeze,
    "Upsample": resizing.upsample,
    "Where": activations.where,
    "com.microsoft.Gelu": activations.microsoft_gelu,
    "ai.onnx.ml.ArrayFeatureExtractor": endings.extract_features,
    "ai.onnx.ml.Binarizer": endings.binarizer,
    "ai.onnx.ml.Imputer": endings.imputer,
    "ai.onnx.ml.LinearClassifier": endings.linear_classifier,
    "ai.onnx.ml.LinearRegressor": endings.linear_regressor,
    "ai.onnx.ml.Normalizer": endings.normalizer,
    "ai.onnx.ml.Scaler": endings.scaler,
    **dict.fromkeys(activations.NAMED, activations.named),
}
