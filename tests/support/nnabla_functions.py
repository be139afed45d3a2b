"""Small nnabla networks around single functions in many geometries, for tests of parity with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Build = Callable[[Any, Any, Any], Any]
"""From nnabla's functions, its parametric functions and an input variable to the output variable."""

IMAGE = (3, 7, 6)
ROW = (4, 9)
VECTOR = (5,)


def constant(nn: Any, shape: tuple[int, ...], seed: int = 3) -> Any:
    from nnabla.parameter import get_parameter_or_create

    data = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return get_parameter_or_create("constant", shape, data)


def prelu(f: Any, pf: Any, x: Any, shared: bool) -> Any:
    from nnabla.parameter import get_parameter_or_create

    slope = np.linspace(-0.5, 0.6, 1 if shared else x.shape[1]).astype(np.float32)
    return f.prelu(x, get_parameter_or_create("slope", slope.shape, slope))


def several(f: Any, pf: Any, x: Any) -> tuple[Any, Any, Any]:
    return f.tanh(x), f.relu(x), f.mul_scalar(x, 0.5)


POINTWISE: dict[str, Build] = {
    "abs": lambda f, pf, x: f.abs(x),
    "atan": lambda f, pf, x: f.atan(x),
    "binary_sigmoid": lambda f, pf, x: f.binary_sigmoid(x),
    "binary_tanh": lambda f, pf, x: f.binary_tanh(x),
    "ceil": lambda f, pf, x: f.ceil(x),
    "cos": lambda f, pf, x: f.cos(x),
    "elu": lambda f, pf, x: f.elu(x, 0.7),
    "exp": lambda f, pf, x: f.exp(x),
    "floor": lambda f, pf, x: f.floor(x),
    "gelu": lambda f, pf, x: f.gelu(x),
    "hard_sigmoid": lambda f, pf, x: f.hard_sigmoid(x),
    "hard_tanh": lambda f, pf, x: f.hard_tanh(x),
    "leaky_relu": lambda f, pf, x: f.leaky_relu(x, 0.3),
    "log": lambda f, pf, x: f.log(f.add_scalar(f.exp(x), 0.1)),
    "log_sigmoid": lambda f, pf, x: f.log_sigmoid(x),
    "maximum": lambda f, pf, x: f.maximum_scalar(x, -0.4),
    "maximum_zero": lambda f, pf, x: f.maximum_scalar(x, 0.0),
    "minimum": lambda f, pf, x: f.minimum_scalar(x, 0.4),
    "mish": lambda f, pf, x: f.mish(x),
    "power": lambda f, pf, x: f.pow_scalar(x, 3.0),
    "square": lambda f, pf, x: f.pow_scalar(x, 2.0),
    "reciprocal": lambda f, pf, x: f.r_div_scalar(f.add_scalar(f.abs(x), 0.5), 2.0),
    "relu": lambda f, pf, x: f.relu(x),
    "relu6": lambda f, pf, x: f.relu6(f.mul_scalar(x, 4.0)),
    "round": lambda f, pf, x: f.round(f.mul_scalar(x, 1.7)),
    "r_sub_scalar": lambda f, pf, x: f.r_sub_scalar(x, 0.25),
    "selu": lambda f, pf, x: f.selu(x),
    "sigmoid": lambda f, pf, x: f.sigmoid(x),
    "sign": lambda f, pf, x: f.sign(f.relu(x), 0.5),
    "sin": lambda f, pf, x: f.sin(x),
    "sinh": lambda f, pf, x: f.sinh(x),
    "softplus": lambda f, pf, x: f.softplus(x),
    "softplus_beta": lambda f, pf, x: f.softplus(x, 2.5),
    "softsign": lambda f, pf, x: f.softsign(x),
    "swish": lambda f, pf, x: f.swish(x),
    "tanh": lambda f, pf, x: f.tanh(x),
    "tanh_shrink": lambda f, pf, x: f.tanh_shrink(x),
    "prelu": lambda f, pf, x: prelu(f, pf, x, False),
    "prelu_shared": lambda f, pf, x: prelu(f, pf, x, True),
}

IMAGES: dict[str, Build] = {
    "depthwise": lambda f, pf, x: pf.depthwise_convolution(x, (3, 3), pad=(1, 0), multiplier=2),
    "depthwise_stride": lambda f, pf, x: pf.depthwise_convolution(
        x, (2, 3), stride=(2, 1), dilation=(2, 1), with_bias=False
    ),
    "deconvolution": lambda f, pf, x: pf.deconvolution(x, 4, (3, 2), pad=(1, 0), stride=(2, 3)),
    "deconvolution_output_padding": lambda f, pf, x: pf.deconvolution(
        x, 4, (3, 3), pad=(1, 1), stride=(2, 2), output_padding=(1, 1)
    ),
    "deconvolution_groups": lambda f, pf, x: pf.deconvolution(
        x, 6, (2, 3), dilation=(2, 2), stride=(1, 2), group=3, with_bias=False
    ),
    "deconvolution_wide_stride": lambda f, pf, x: pf.deconvolution(x, 2, (2, 2), stride=(3, 4)),
    "global_average": lambda f, pf, x: f.global_average_pooling(x),
    "mean": lambda f, pf, x: f.mean(x, axis=(2, 3)),
    "mean_keep": lambda f, pf, x: f.mean(x, axis=(2, 3), keepdims=True),
    "sum": lambda f, pf, x: f.sum(x, axis=(2, 3), keepdims=True),
    "sum_pooling": lambda f, pf, x: f.sum_pooling(x, (3, 2), (2, 1), ignore_border=False, pad=(1, 1)),
    "sum_pooling_inside": lambda f, pf, x: f.sum_pooling(x, (2, 2), pad=(1, 0)),
    "unpooling": lambda f, pf, x: f.unpooling(x, (2, 3)),
    "add2": lambda f, pf, x: f.add2(f.tanh(x), f.relu(x)),
    "add_itself": lambda f, pf, x: f.add2(x, x),
    "add_n": lambda f, pf, x: f.add_n(*several(f, pf, x)),
    "sub2": lambda f, pf, x: f.sub2(f.tanh(x), x),
    "maximum2": lambda f, pf, x: f.maximum2(f.tanh(x), f.mul_scalar(x, 0.5)),
    "minimum2": lambda f, pf, x: f.minimum2(f.tanh(x), f.mul_scalar(x, 0.5)),
    "mul2": lambda f, pf, x: f.mul2(f.sigmoid(x), x),
    "mul_n": lambda f, pf, x: f.mul_n(f.sigmoid(x), x),
    "identity": lambda f, pf, x: f.relu(f.identity(x)),
    "squeeze_and_excite": lambda f, pf, x: f.mul2(x, f.sigmoid(f.global_average_pooling(x))),
    "add_constant": lambda f, pf, x: f.add2(x, constant(None, (1, 3, 1, 1))),
    "constant_minus": lambda f, pf, x: f.sub2(constant(None, (1, 3, 1, 1)), x),
    "add_one_number": lambda f, pf, x: f.add2(x, constant(None, (1, 1, 1, 1))),
    "multiply_constant": lambda f, pf, x: f.mul2(x, constant(None, (1, 3, 1, 1))),
    "broadcast": lambda f, pf, x: f.broadcast(f.tanh(f.global_average_pooling(x)), x.shape),
    "crelu": lambda f, pf, x: f.crelu(x, axis=1),
    "interpolate": lambda f, pf, x: f.interpolate(x, scale=(2, 3), mode="nearest", align_corners=False),
    "max": lambda f, pf, x: f.max(x, axis=(2, 3)),
    "min": lambda f, pf, x: f.min(x, axis=(2, 3), keepdims=True),
    "tile": lambda f, pf, x: f.tile(f.tanh(x), (1, 2, 1, 1)),
    "concatenate": lambda f, pf, x: f.concatenate(x, f.relu(x), axis=1),
    "split": lambda f, pf, x: f.concatenate(*f.split(pf.convolution(x, 2, (1, 1)), axis=2), axis=1),
    "slice": lambda f, pf, x: f.slice(x, (0, 1, 2, 1), (2, 3, 6, 4), (1, 1, 1, 1)),
    "slice_channels": lambda f, pf, x: x[:, 1:3],
    "slice_negative": lambda f, pf, x: f.slice(x, (0, 0, 1, -4), (2, 3, -1, -1), (1, 1, 1, 1)),
    "slice_short": lambda f, pf, x: f.slice(x, (2, 1), (6, 4), (1, 1)),
    "pad": lambda f, pf, x: f.pad(x, (1, 2, 0, 3), "constant", 0.5),
    "pad_width": lambda f, pf, x: f.pad(x, (0, 0, 0, 0, 1, 0, 2, 1), "constant"),
    "pad_reflect": lambda f, pf, x: f.pad(x, (1, 2, 3, 0), "reflect"),
    "pad_repeat": lambda f, pf, x: f.pad(x, (1, 2, 3, 4), "repeat"),
    "pad_before_maximum": lambda f, pf, x: f.max_pooling(f.pad(x, (0, 1, 0, 1), "constant", -np.inf), (2, 2), (1, 1)),
    "transpose": lambda f, pf, x: f.transpose(x, (0, 3, 1, 2)),
    "batch_normalization": lambda f, pf, x: pf.batch_normalization(x, batch_stat=False),
    "swish_by_hand": lambda f, pf, x: f.relu(f.mul2(x, f.sigmoid(x))),
    "clips": lambda f, pf, x: f.minimum_scalar(f.relu(f.mul_scalar(x, 5)), 6.0),
    "reshape": lambda f, pf, x: f.reshape(x, (2, 7, 18)),
    "reshape_inside": lambda f, pf, x: pf.convolution(f.reshape(f.tanh(x), (2, 6, 7, 3)), 2, (2, 2)),
    **{
        f"average_{counts}_{ignore}_{name}": (
            lambda f, pf, x, counts=counts, ignore=ignore, geometry=geometry: f.average_pooling(
                x, geometry[0], geometry[1], ignore, geometry[2], including_pad=counts
            )
        )
        for counts in (True, False)
        for ignore in (True, False)
        for name, geometry in {
            "plain": ((2, 3), (2, 3), (0, 0)),
            "padded": ((3, 3), (2, 2), (1, 1)),
            "overlapping": ((4, 2), (1, 3), (0, 1)),
        }.items()
    },
}

ROWS: dict[str, Build] = {
    "convolution": lambda f, pf, x: pf.convolution(x, 6, (3,), pad=(1,), stride=(2,), dilation=(2,), group=2),
    "depthwise": lambda f, pf, x: pf.depthwise_convolution(x, (3,), multiplier=2),
    "deconvolution": lambda f, pf, x: pf.deconvolution(x, 3, (3,), stride=(2,), pad=(1,)),
    "max_pooling": lambda f, pf, x: f.max_pooling(x, (1, 2), ignore_border=False, pad=(0, 1)),
    "average_pooling": lambda f, pf, x: f.average_pooling(x, (1, 4), (1, 2), ignore_border=False, pad=(0, 1)),
    "mean": lambda f, pf, x: f.mean(x, axis=2),
    "unpooling": lambda f, pf, x: f.unpooling(x, (2,)),
    "pad": lambda f, pf, x: f.pad(x, (2, 1), "reflect"),
    "chain": lambda f, pf, x: pf.affine(
        f.max_pooling(f.relu(pf.batch_normalization(pf.convolution(x, 6, (3,)), batch_stat=False)), (1, 2)), 3
    ),
    "batch_normalization": lambda f, pf, x: pf.batch_normalization(x, batch_stat=False),
    "concatenate": lambda f, pf, x: f.concatenate(x, f.relu(x), axis=1),
    "transpose": lambda f, pf, x: f.transpose(x, (0, 2, 1)),
    "prelu": lambda f, pf, x: prelu(f, pf, x, False),
}

VECTORS: dict[str, Build] = {
    "tabular": lambda f, pf, x: f.softmax(pf.affine(f.swish(pf.affine(x, 8, name="a")), 3, name="b")),
    "residual": lambda f, pf, x: f.add2(pf.affine(f.selu(pf.affine(x, 8, name="a")), 5, name="b"), x),
    "prelu": lambda f, pf, x: prelu(f, pf, pf.affine(x, 6), False),
    "decoder": lambda f, pf, x: pf.deconvolution(
        f.reshape(f.relu(pf.affine(x, 24)), (2, 4, 2, 3)), 3, (3, 3), stride=(2, 2)
    ),
    "scale_features": lambda f, pf, x: f.mul2(f.sub2(x, constant(None, (1, 5))), constant(None, (1, 5))),
    "slice": lambda f, pf, x: f.slice(x, (0, 1), (2, 4), (1, 1)),
    "log_softmax": lambda f, pf, x: f.log_softmax(pf.affine(x, 4)),
}

CASES: dict[str, tuple[tuple[int, ...], Build]] = {
    **{f"pointwise-{name}": (IMAGE, build) for name, build in POINTWISE.items()},
    **{f"image-{name}": (IMAGE, build) for name, build in IMAGES.items()},
    **{f"row-{name}": (ROW, build) for name, build in ROWS.items()},
    **{f"vector-{name}": (VECTOR, build) for name, build in VECTORS.items()},
}


def make_case(nn: Any, name: str, seed: int = 7) -> tuple[Any, Any]:
    """(input variable, output variable) of a case, with reproducible weights."""
    import nnabla.functions as f
    import nnabla.parametric_functions as pf

    from tests.support.nnabla_networks import randomize

    nn.clear_parameters()
    nn.seed(seed)
    shape, build = CASES[name]
    x = nn.Variable((2, *shape))
    y = build(f, pf, x)
    randomize(nn, seed)
    x.d = np.random.default_rng(seed).normal(size=x.shape)
    return x, y


STEPS: list[Build] = [
    *(POINTWISE[name] for name in ("elu", "leaky_relu", "relu6", "tanh", "swish", "selu", "hard_sigmoid", "minimum")),
    lambda f, pf, x: f.relu(x),
    lambda f, pf, x: f.add_scalar(f.mul_scalar(x, -0.7), 0.3),
    lambda f, pf, x: pf.batch_normalization(x, batch_stat=False, name=fresh()),
    lambda f, pf, x: pf.convolution(x, 4, (3, 3), pad=(1, 1), name=fresh()),
    lambda f, pf, x: pf.convolution(x, 4, (2, 1), group=2, name=fresh()),
    lambda f, pf, x: pf.depthwise_convolution(x, (3, 3), pad=(1, 1), name=fresh()),
    lambda f, pf, x: pf.deconvolution(x, 4, (3, 2), pad=(1, 0), name=fresh()),
    lambda f, pf, x: f.max_pooling(x, (2, 2), (1, 1), pad=(1, 0)),
    lambda f, pf, x: f.average_pooling(x, (3, 2), (1, 1), pad=(1, 1)),
    lambda f, pf, x: f.average_pooling(x, (2, 3), (2, 1), ignore_border=False, including_pad=False),
    lambda f, pf, x: f.pad(x, (1, 0, 0, 1), "repeat"),
    lambda f, pf, x: f.unpooling(f.max_pooling(x, (2, 2), ignore_border=False), (1, 2)),
    lambda f, pf, x: f.slice(x, (0, 0, 0, 1), (2, x.shape[1], x.shape[2], x.shape[3]), (1, 1, 1, 1)),
]
"""From any image of four channels to one, of three pixels and more where it was larger."""


def fresh() -> str:
    """A parameter scope that is not in use yet."""
    from nnabla import get_parameters

    return f"layer{len(get_parameters(grad_only=False))}"


def random_graph(nn: Any, seed: int, length: int = 14) -> tuple[Any, list[Any]]:
    """A network of random functions on random earlier tensors, with joins where shapes agree: (input, outputs)."""
    import nnabla.functions as f
    import nnabla.parametric_functions as pf

    from tests.support.nnabla_networks import randomize

    nn.clear_parameters()
    nn.seed(seed)
    generator = np.random.default_rng(seed)
    x = nn.Variable((2, 4, 9, 8))
    tensors = [x]
    for _ in range(length):
        one = tensors[max(0, len(tensors) - 1 - int(generator.integers(3)))]
        alike = [other for other in tensors if other.shape == one.shape and other is not one]
        if alike and generator.random() < 0.5:
            other = alike[int(generator.integers(len(alike)))]
            kind = int(generator.integers(5))
            joins = (f.add2, f.sub2, lambda a, b: f.mul2(a, f.sigmoid(b)), f.maximum2, lambda a, b: f.add_n(a, b, a))
            tensors.append(joins[kind](one, other))
        elif min(one.shape[2:]) < 3:
            tensors.append(pf.deconvolution(one, 4, (3, 3), stride=(2, 2), name=fresh()))
        else:
            tensors.append(STEPS[int(generator.integers(len(STEPS)))](f, pf, one))
    randomize(nn, seed)
    x.d = generator.normal(size=x.shape)
    last = tensors[-1]
    spread = f.concatenate(last, f.relu(last), axis=1)
    return x, [f.global_average_pooling(spread), pf.affine(last, 3, name="head")]
