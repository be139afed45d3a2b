"""ONNX convolutions, plain and transposed, with constant weights."""

from __future__ import annotations

from ....base.errors import ModelError, UnsupportedError
from ...graph import Array, Convolution, Deconvolution, Padding, Pair
from .builder import Call, Tensor, graph_shape
from .windows import Window, auto_pad, model_shape, read_pads, read_window, spatial


def _weights(call: Call, image: Tensor) -> Array:
    weight = call.parameter(1)
    if weight.ndim != len(image.shape) + 1:
        raise ModelError(f"{call.where}: weights of shape {weight.shape} do not fit an input of shape {image.shape}")
    return weight if weight.ndim == 4 else weight[:, :, None, :]


def _bias(call: Call, outputs: int) -> Array | None:
    if not call.has(2):
        return None
    bias = call.parameter(2)
    if bias.shape != (outputs,):
        raise ModelError(f"{call.where}: bias of shape {bias.shape}; {outputs} outputs need ({outputs},)")
    return bias


def convolution(call: Call) -> None:
    """Conv."""
    call.count(2, 3)
    image = call.image()
    weight = _weights(call, image)
    window = read_window(call, image, (weight.shape[2], weight.shape[3]))
    groups = call.attributes.integer("group", 1)
    outputs, channels = weight.shape[0], image.shape[0]
    if groups < 1 or channels % groups or outputs % groups or weight.shape[1] * groups != channels:
        raise ModelError(
            f"{call.where}: weights of shape {weight.shape} with {groups} groups do not fit {channels} channels"
        )
    sizes = _extents(call, image, window)
    call.emit(
        Convolution,
        (image,),
        model_shape(image, outputs, *sizes),
        weight=weight,
        bias=_bias(call, outputs),
        stride=window.stride,
        padding=window.padding,
        dilation=window.dilation,
        groups=groups,
    )


def _extents(call: Call, image: Tensor, window: Window) -> Pair:
    _, height, width = graph_shape(image.shape)
    top, bottom, left, right = window.padding
    rows = height + top + bottom - (window.dilation[0] * (window.kernel[0] - 1) + 1)
    columns = width + left + right - (window.dilation[1] * (window.kernel[1] - 1) + 1)
    if min(rows, columns) < 0:
        raise ModelError(
            f"{call.where}: kernel {window.kernel} with dilation {window.dilation} is larger than the padded input"
            f" {(height, width)} + {window.padding}; feed larger images, or use a smaller kernel"
        )
    return rows // window.stride[0] + 1, columns // window.stride[1] + 1


def deconvolution(call: Call) -> None:
    """ConvTranspose."""
    call.count(2, 3)
    image = call.image()
    weight, attributes, count = _weights(call, image), call.attributes, len(image.shape) - 1
    kernel = (weight.shape[2], weight.shape[3])
    declared = attributes.integers("kernel_shape")
    if declared is not None and spatial(call, declared, count, 1, "kernel_shape") != kernel:
        raise ModelError(f"{call.where}: kernel_shape is {declared}; the weights have {kernel}")
    stride = spatial(call, attributes.integers("strides"), count, 1, "strides")
    dilation = spatial(call, attributes.integers("dilations"), count, 1, "dilations")
    extra = spatial(call, attributes.integers("output_padding"), count, 0, "output_padding")
    groups = attributes.integer("group", 1)
    if min(*kernel, *stride, *dilation) < 1 or groups < 1 or image.shape[0] % groups:
        raise ModelError(
            f"{call.where}: kernel {kernel}, strides {stride}, dilations {dilation}, {groups} groups of"
            f" {image.shape[0]} channels; each is at least 1, groups divide the channels"
        )
    if weight.shape[0] != image.shape[0]:
        raise ModelError(f"{call.where}: weights of shape {weight.shape} do not fit {image.shape[0]} channels")
    sizes = graph_shape(image.shape)[1:]
    full = [(sizes[i] - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1 + extra[i] for i in range(2)]
    padding = _deconvolution_padding(call, count, full, [sizes[i] * stride[i] for i in range(2)])
    top, bottom, left, right = padding
    outputs = weight.shape[1] * groups
    call.emit(
        Deconvolution,
        (image,),
        model_shape(image, outputs, full[0] - top - bottom, full[1] - left - right),
        weight=weight,
        bias=_bias(call, outputs),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        output_padding=extra,
    )


def _deconvolution_padding(call: Call, count: int, full: list[int], same: list[int]) -> Padding:
    """What is cut off the full result, by pads, auto_pad or output_shape."""
    mode, pads = auto_pad(call), read_pads(call, count)
    wanted = call.attributes.integers("output_shape")
    if wanted is None and not mode.startswith("SAME"):
        if mode == "VALID" and any(pads):
            raise UnsupportedError(f"{call.where}: both auto_pad {mode} and pads are set; keep one")
        return pads
    if any(pads):
        raise UnsupportedError(f"{call.where}: both pads and {'output_shape' if wanted else 'auto_pad'}; keep one")
    # Some exporters put the batch and the channels in front.
    sizes = same if wanted is None else list(spatial(call, wanted[-count:], count, 1, "output_shape"))
    cut = [full[i] - sizes[i] for i in range(2)]
    if wanted is None:
        cut = [max(0, value) for value in cut]
    if min(cut) < 0:
        raise UnsupportedError(
            f"{call.where}: output_shape {wanted} is larger than the full result {tuple(full)};"
            " supported: up to that; use output_padding, or pad after it"
        )
    less, more = [value // 2 for value in cut], [value - value // 2 for value in cut]
    before, after = (less, more) if mode == "SAME_UPPER" else (more, less)
    return before[0], after[0], before[1], after[1]
