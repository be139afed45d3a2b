"""Elementwise functions of nnabla: by name where their arguments are plain numbers, and with constants."""

from __future__ import annotations

from ....base.errors import UnsupportedError
from ...graph import Identity, Pointwise, Relu, ScaleOffset, Shape, Slice, Softmax
from .function import Converted, Converter, Function, parameter_count
from .proto_fields import Fields

SIMPLE: dict[str, tuple[str, tuple[str, ...]]] = {
    "Abs": ("abs", ()),
    "ATan": ("arctan", ()),
    "Ceil": ("ceil", ()),
    "Cos": ("cos", ()),
    "ELU": ("elu", ("alpha",)),
    "Exp": ("exp", ()),
    "Floor": ("floor", ()),
    "GELU": ("gelu_tanh", ()),
    "LeakyReLU": ("leaky_relu", ("alpha",)),
    "Log": ("log", ()),
    "LogSigmoid": ("log_sigmoid", ()),
    "MaximumScalar": ("maximum", ("val",)),
    "MinimumScalar": ("minimum", ("val",)),
    "Mish": ("mish", ()),
    "PowScalar": ("power", ("val",)),
    "RDivScalar": ("reciprocal", ("val",)),
    "ReLU6": ("relu6", ()),
    "Round": ("round", ()),
    "SELU": ("selu", ("scale", "alpha")),
    "Sigmoid": ("sigmoid", ()),
    "Sign": ("sign", ("alpha",)),
    "Sin": ("sin", ()),
    "Sinh": ("sinh", ()),
    "SoftPlus": ("softplus", ("beta",)),
    "SoftSign": ("softsign", ()),
    "Swish": ("swish", ()),
    "Tanh": ("tanh", ()),
    "TanhShrink": ("tanh_shrink", ()),
}
"""nnabla's name to ours, and the arguments that are its parameters, in order."""

FIXED: dict[str, tuple[str, tuple[float, ...]]] = {
    "BinarySigmoid": ("above", (0.0,)),
    "BinaryTanh": ("sign", (-1.0,)),
    "HardSigmoid": ("hard_sigmoid", (0.2, 0.5)),
    "HardTanh": ("clip", (-1.0, 1.0)),
}
"""Functions without arguments in nnabla that have parameters here."""


def _pointwise(function: Function, arguments: Fields) -> Converted:
    parameter_count(function, 0, 0)
    arguments.skip(("inplace",))
    if function.type in FIXED:
        name, parameters = FIXED[function.type]
    else:
        name, fields = SIMPLE[function.type]
        parameters = tuple(arguments.real(field) for field in fields)
    if name == "softplus" and parameters == (0.0,):
        # Files from before `beta` existed leave it out.
        parameters = (1.0,)
    if (name, parameters) == ("maximum", (0.0,)):
        return [(Relu(function.name, function.inputs, function.output), None)]
    if (name, parameters) == ("power", (2.0,)):
        name, parameters = "square", ()
    return [(Pointwise(function.name, function.inputs, function.output, name, parameters), None)]


def _relu(function: Function, arguments: Fields) -> Converted:
    arguments.skip(("inplace",))
    parameter_count(function, 0, 0)
    return [(Relu(function.name, function.inputs, function.output), None)]


def _scaled(function: Function, arguments: Fields) -> Converted:
    """MulScalar, AddScalar and RSubScalar."""
    arguments.skip(("inplace",))
    parameter_count(function, 0, 0)
    value = arguments.real("val")
    scale, offset = {"MulScalar": (value, 0.0), "AddScalar": (1.0, value), "RSubScalar": (-1.0, value)}[function.type]
    return [(ScaleOffset(function.name, function.inputs, function.output, scale, offset), None)]


def _softmax(function: Function, arguments: Fields) -> Converted:
    parameter_count(function, 0, 0)
    axis = arguments.integer("axis")
    position = axis + len(function.shape) + 1 if axis < 0 else axis
    if not 1 <= position <= len(function.shape):
        raise UnsupportedError(
            f"{function.where}: axis {axis} of an input {function.shape}; supported: 1 or the last; transpose before it"
        )
    log = function.type == "LogSoftmax"
    return [(Softmax(function.name, function.inputs, function.output, position - 1, log), None)]


def _identity(function: Function, arguments: Fields) -> Converted:
    parameter_count(function, 0, 0)
    return [(Identity(function.name, function.inputs, function.output, function.type), None)]


def _dropout(function: Function, arguments: Fields) -> Converted:
    arguments.skip(("p", "seed", "output_mask"))
    return _identity(function, arguments)


def _at_rest(function: Function, arguments: Fields) -> Converted:
    """RandomShift and RandomFlip, which are of training."""
    arguments.skip(("shifts", "border_mode", "constant_value", "axes", "base_axis", "seed"))
    function.note(f"{function.where}: augments in training; it is left out")
    return _identity(function, arguments)


def _image_augmentation(function: Function, arguments: Fields) -> Converted:
    """A function for training only: left out, with a note where it would change anything."""
    arguments.skip(("contrast_center", "contrast_each", "brightness_each", "seed"))
    moving = []
    shape = arguments.shape("shape")
    cut = _centre(function, tuple(shape)) if shape else None
    if any(arguments.shape("pad") or []):
        moving.append("pad")
    for name in ("min_scale", "max_scale", "aspect_ratio", "contrast"):
        if (value := arguments.real(name)) != 1.0:
            moving.append(f"{name} {value}")
    for name in ("angle", "distortion", "brightness", "noise"):
        if (value := arguments.real(name)) != 0.0:
            moving.append(f"{name} {value}")
    moving += [name for name in ("flip_lr", "flip_ud") if arguments.boolean(name)]
    if moving:
        function.note(f"{function.where}: augments by {', '.join(moving)} in training; it is left out")
    if cut is None:
        return _identity(function, arguments)
    parameter_count(function, 0, 0)
    function.note(f"{function.where}: cuts images of {function.shape} to {cut[1]}; their middle is taken")
    return [(Slice(function.name, function.inputs, function.output, cut[0]), cut[1])]


def _centre(function: Function, shape: Shape) -> tuple[Shape, Shape] | None:
    """Where the middle of an image of a smaller shape begins, and that shape; None for the whole image."""
    if len(shape) == len(function.shape) + 1:
        shape = shape[1:]
    if shape == function.shape:
        return None
    if len(shape) != len(function.shape) or any(
        have < want or (have - want) % 2 for have, want in zip(function.shape, shape, strict=True)
    ):
        raise UnsupportedError(
            f"{function.where}: makes images of {shape} of {function.shape}; feed images of that size and remove it"
        )
    return tuple((have - want) // 2 for have, want in zip(function.shape, shape, strict=True)), shape


def _field(kind: str) -> str:
    """The name of the message that holds the arguments of these functions."""
    special = {
        "ATan": "atan",
        "ELU": "elu",
        "GELU": "gelu",
        "SELU": "selu",
        "ReLU6": "relu6",
        "LeakyReLU": "leaky_relu",
    }
    if kind in special:
        return f"{special[kind]}_param"
    if kind == "RDivScalar":
        return "r_div_scalar_param"
    if kind == "SoftPlus":
        return "softplus_param"
    if kind == "SoftSign":
        return "softsign_param"
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind).lstrip("_") + "_param"


ACTIVATIONS: dict[str, tuple[str, Converter]] = {
    **{kind: (_field(kind), _pointwise) for kind in (*SIMPLE, *FIXED)},
    "AddScalar": ("add_scalar_param", _scaled),
    "Dropout": ("dropout_param", _dropout),
    "Identity": ("identity_param", _identity),
    "ImageAugmentation": ("image_augmentation_param", _image_augmentation),
    "LogSoftmax": ("log_softmax_param", _softmax),
    "MulScalar": ("mul_scalar_param", _scaled),
    "RandomFlip": ("random_flip_param", _at_rest),
    "RandomShift": ("random_shift_param", _at_rest),
    "RSubScalar": ("r_sub_scalar_param", _scaled),
    "ReLU": ("relu_param", _relu),
    "Softmax": ("softmax_param", _softmax),
}
