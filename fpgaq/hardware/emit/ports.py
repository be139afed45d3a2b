"""What enters and leaves a top module, and the streams inside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...base.preparation import channel_axis
from ...integer.graph import HostSoftmax, ImageShape, InputTransform

FORMULAS = {
    "real": "saturate(round((x * scale + offset) * 2**frac))",
    "divide": "saturate(round(x / scale) + offset)",
    "divide_single": "saturate(round(float32(x) / float32(scale)) + offset)",
    "integer": "x",
}
"""How the host makes input integers of the model's values, by the kind of the transform."""


@dataclass(frozen=True)
class Port:
    """An AXI4-Stream port of the top module.

    Parameters
    ----------
    name : str
        What the model calls it.
    tensor : str
    port : str
        Prefix of its signals.
    shape : tuple of int
        (height, width, channels) of a frame.
    lanes : int
        Elements of a beat.
    width, frac : int
        Of an element.
    signed : bool
    model_shape : tuple of int
        Shape of the tensor in the model, without the batch.
    transform : InputTransform, optional
        For an input: how the model's values become the integers.
    channels_last : bool
        For an output: the model keeps channels last, too.
    host : HostSoftmax, optional
        For an output: what the host computes of it.
    step, zero_point, offset : float, int, float
        The real value of an integer is ``(integer - zero_point) * step + offset``.
    pixels : int
        Pixels of a beat, which has all of their channels; only the last beat of a frame may have fewer.
    """

    name: str
    tensor: str
    port: str
    shape: ImageShape
    lanes: int
    width: int
    frac: int
    signed: bool
    model_shape: tuple[int, ...]
    transform: InputTransform | None = None
    channels_last: bool = False
    host: HostSoftmax | None = None
    step: float = 1.0
    zero_point: int = 0
    offset: float = 0.0
    pixels: int = 1

    @property
    def slot_bits(self) -> int:
        """Bits of an element in tdata: whole bytes."""
        return -(-self.width // 8) * 8

    @property
    def tdata_bits(self) -> int:
        """Bits of tdata."""
        return self.slot_bits * self.lanes

    @property
    def beats_per_frame(self) -> int:
        """Beats of a frame."""
        height, width, channels = self.shape
        if self.pixels > 1:
            return -(-height * width // self.pixels)
        return height * width * -(-channels // self.lanes)

    def as_json(self) -> dict[str, object]:
        """The port as ``interface.json`` describes it."""
        port: dict[str, object] = {
            "name": self.name,
            "tensor": self.tensor,
            "port": self.port,
            "shape": list(self.shape),
            "order": "pixels in raster order, channels last, element 0 in the low bits",
            **({"pixels": self.pixels} if self.pixels > 1 else {}),
            "lanes": self.lanes,
            "width": self.width,
            "frac": self.frac,
            "scale": self.step,
            "signed": self.signed,
            "slot_bits": self.slot_bits,
            "tdata_bits": self.tdata_bits,
            "beats_per_frame": self.beats_per_frame,
        }
        # Only models that were integers already have these; without them the keys are those of every other network.
        if self.zero_point or self.offset or self.step != 2.0**-self.frac:
            port |= {"zero_point": self.zero_point, "offset": self.offset}
        if self.transform is None:
            port["model_shape"] = list(self.model_shape)
            return port | ({"channels_last": True} if self.channels_last else {}) | self._host_function()
        port["transform"] = transform = {
            "formula": FORMULAS[self.transform.kind],
            "scale": _one_or_all(self.transform.scales),
            "offset": _one_or_all(self.transform.offsets),
            "rounding": self.transform.rounding,
            "model_shape": list(self.transform.model_shape),
            "image_shape": list(self.transform.image_shape),
            **({"channels_last": True} if self.transform.channels_last else {}),
            **self._axis(),
        }
        if self.transform.preparation.layout != "auto":
            port["transform"] = {**transform, "layout": self.transform.preparation.layout}
        return port

    def _axis(self) -> dict[str, int]:
        """Which axis of the model's shape the numbers of scale and offset are along, if it is not the first."""
        transform = self.transform
        assert transform is not None
        axis = channel_axis(transform.model_shape)
        return {"axis": axis} if axis and max(len(transform.scales), len(transform.offsets)) > 1 else {}

    def _host_function(self) -> dict[str, object]:
        host = self.host
        if host is None:
            return {}
        numbers = {name: getattr(host, name) for name in ("multiplier", "shift", "least", "scale", "zero_point")}
        fmt = host.format
        return {"host_function": {"kind": "softmax", **numbers, "width": fmt.width, "signed": fmt.signed}}


def _one_or_all(values: Sequence[float]) -> float | list[float]:
    """A number for all channels, or a list with one for each."""
    return values[0] if len(values) == 1 else list(values)


@dataclass(frozen=True)
class Stream:
    """A stream inside the top module: `name` is the prefix of its nets, `layer` what gives it ("input": a port)."""

    name: str
    layer: str
    tensor: str
    lanes: int
    width: int
    signed: bool
    shape: ImageShape

    def as_json(self, nets: bool) -> dict[str, object]:
        """The stream, with the names of its `nets` where it has any, as ``manifest.json`` describes it."""
        return {
            "name": self.name,
            "layer": self.layer,
            "tensor": self.tensor,
            **({net: f"{self.name}_{net}" for net in ("data", "valid", "ready")} if nets else {}),
            "lanes": self.lanes,
            "width": self.width,
            "signed": self.signed,
            "shape": list(self.shape),
        }
