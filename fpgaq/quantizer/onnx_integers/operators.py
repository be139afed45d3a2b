"""Which function reads which node of a quantized ONNX model."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...model.importers.onnx.builder import Call
from . import elements, movements, products, qonnx, signs

CONVERTERS: Mapping[str, Callable[[Call], None]] = {
    "Add": elements.add,
    "ArgMax": movements.arg_max,
    "AveragePool": products.average_pooling,
    "BatchNormalization": elements.batch_normalization,
    "Cast": movements.cast,
    "Clip": elements.clip,
    "Concat": elements.concatenate,
    "Conv": products.conv,
    "ConvInteger": products.conv_integer,
    "DequantizeLinear": elements.dequantize_linear,
    "Div": elements.divide,
    "Dropout": movements.keep,
    "Elu": elements.unary("elu", ("alpha", 1.0)),
    "Flatten": movements.flatten,
    "Gemm": products.gemm,
    "GlobalAveragePool": products.global_average,
    "GlobalMaxPool": movements.global_maximum,
    "HardSigmoid": elements.unary("hard_sigmoid", ("alpha", 0.2), ("beta", 0.5)),
    "HardSwish": elements.unary("hard_swish"),
    "Identity": movements.keep,
    "LeakyRelu": elements.unary("leaky_relu", ("alpha", 0.01)),
    "MatMul": products.matrix_product,
    "MatMulInteger": products.matrix_product_integer,
    "MaxPool": movements.max_pooling,
    "Mul": elements.multiply,
    "Pad": movements.pad,
    "QLinearConv": products.qlinear_conv,
    "QLinearMatMul": products.qlinear_matrix_product,
    "QuantizeLinear": elements.quantize_linear,
    "Relu": elements.relu,
    "Reshape": movements.reshape,
    "Sigmoid": elements.unary("sigmoid"),
    "Sign": signs.sign,
    "LogSoftmax": movements.softmax,
    "Softmax": movements.softmax,
    "Squeeze": movements.squeeze,
    "Sub": elements.subtract,
    "Tanh": elements.unary("tanh"),
    "Transpose": movements.transpose,
    "Unsqueeze": movements.unsqueeze,
    "com.microsoft.DequantizeLinear": elements.dequantize_linear,
    "com.microsoft.QGemm": products.qgemm,
    "com.microsoft.QLinearAdd": elements.qlinear_add,
    "com.microsoft.QLinearAveragePool": products.qlinear_average,
    "com.microsoft.QLinearConcat": elements.qlinear_concatenate,
    "com.microsoft.QLinearGlobalAveragePool": products.qlinear_global_average,
    "com.microsoft.QLinearLeakyRelu": elements.qlinear_function("leaky_relu", ("alpha", 0.01)),
    "com.microsoft.QLinearMul": elements.qlinear_multiply,
    "com.microsoft.QuantizeLinear": elements.quantize_linear,
    "com.microsoft.QLinearSigmoid": elements.qlinear_function("sigmoid"),
    **{f"{domain}.Quant": qonnx.quant for domain in qonnx.DOMAINS},
    **{f"{domain}.Trunc": qonnx.trunc for domain in qonnx.DOMAINS},
    **{f"{domain}.BipolarQuant": qonnx.bipolar_quant for domain in qonnx.DOMAINS},
}

REFUSED: Mapping[str, str] = {
    "DynamicQuantizeLinear": (
        "chooses its scale anew for each input, so that no fixed hardware computes it; quantize statically"
        " (onnxruntime.quantization.quantize_static with calibration data)"
    ),
    "com.microsoft.DynamicQuantizeMatMul": "chooses its scale anew for each input; quantize statically",
    "com.microsoft.QLinearSoftmax": "is no function of one integer; end the model before it and take the greatest",
}
"""Operators that are refused, each with its reason and remedy."""

QUANTIZERS = (
    *("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger"),
    "com.microsoft.DequantizeLinear",
    *(
        "MatMulInteger",
        *(f"{domain}.{kind}" for domain in qonnx.DOMAINS for kind in ("Quant", "BipolarQuant", "Trunc")),
    ),
)
"""Operators that a model has if it is quantized already, in addition to those of com.microsoft that begin with Q."""
