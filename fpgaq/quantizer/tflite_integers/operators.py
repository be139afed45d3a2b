"""Which function reads which operator of a quantized TensorFlow Lite model."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import connected, functions, movements, products, softmax, sums
from .conversion import Call

CONVERTERS: Mapping[str, Callable[[Call], None]] = {
    "ADD": sums.add,
    "ARG_MAX": movements.arg_max,
    "AVERAGE_POOL_2D": movements.average_pool_2d,
    "CONCATENATION": movements.concatenation,
    "CONV_2D": products.conv_2d,
    "DEPTHWISE_CONV_2D": products.depthwise_conv_2d,
    "ELU": functions.elu,
    "EXPAND_DIMS": movements.reshape,
    "FULLY_CONNECTED": connected.fully_connected,
    "HARD_SWISH": functions.hard_swish,
    "LEAKY_RELU": functions.leaky_relu,
    "LOGISTIC": functions.logistic,
    "MAX_POOL_2D": movements.max_pool_2d,
    "MEAN": products.mean,
    "MIRROR_PAD": movements.mirror_pad,
    "MUL": sums.multiply,
    "PAD": movements.pad,
    "PADV2": movements.pad,
    "PRELU": functions.prelu,
    "RELU": functions.relu("RELU"),
    "RELU6": functions.relu("RELU6"),
    "RELU_0_TO_1": functions.relu("RELU_0_TO_1"),
    "RELU_N1_TO_1": functions.relu("RELU_N1_TO_1"),
    "RESHAPE": movements.reshape,
    "RESIZE_NEAREST_NEIGHBOR": movements.resize_nearest_neighbor,
    "SLICE": movements.slice_of,
    "SOFTMAX": softmax.softmax,
    "SPLIT": movements.split,
    "SQUEEZE": movements.reshape,
    "STRIDED_SLICE": movements.strided_slice,
    "SUB": sums.subtract,
    "TANH": functions.hyperbolic_tangent,
    "TRANSPOSE": movements.transpose,
    "TRANSPOSE_CONV": products.transpose_conv,
}
"""QUANTIZE and DEQUANTIZE are read with the inputs and outputs, in `network`."""
