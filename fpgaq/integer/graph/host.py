"""What the host computes: the input integers from user data, and a softmax at the end."""

from __future__ import annotations

from dataclasses import dataclass

from ...base.formats import Format, Rounding
from ...base.preparation import Preparation

TRANSFORM_KINDS = ("real", "divide", "divide_single", "integer")


@dataclass(frozen=True)
class InputTransform:
    """From user data to input integers, by its `kind`:

    real
        ``q = saturate(round((x * scale + offset) * 2**frac))``, in float64, in this order of operations.
    divide
        ``q = saturate(round(x / scale) + offset)`` in float64, as ONNX's QuantizeLinear states it: a rounding to even
        takes place before the zero point is added, and the quotient of two float32 rounds in float64 as exactly.
    divide_single
        The same with the quotient in float32, as LiteRT's QUANTIZE computes it.
    integer
        Samples are of the model's own input type, and are taken as they are; scale 1 and offset 0.

    Applied by `run`, `simulate`, golden vectors and host drivers alike. With a `preparation`, x is a sample in the
    user's units, and ``scale`` and ``offset`` give way to `scales` and `offsets`. So they do with `factors`: powers of
    two, one for each feature, by which the value is multiplied at last.
    `model_shape` is the model's own shape without the batch, such as (1, 28, 28) (channels first) or (784,);
    `image_shape` is (channels, height, width); samples are reshaped to it in C order, or to (height, width, channels)
    where the model keeps `channels_last`, as the stream does.
    """

    scale: float
    offset: float
    rounding: Rounding
    model_shape: tuple[int, ...]
    image_shape: tuple[int, int, int]
    kind: str = "real"
    preparation: Preparation = Preparation()
    channels_last: bool = False
    factors: tuple[float, ...] = ()

    @property
    def scales(self) -> tuple[float, ...]:
        """The factor of the user's samples: one, or one for each channel of `model_shape` (`channel_axis`)."""
        return self._times_factors(tuple(factor * self.scale for factor in self.preparation.scale))

    @property
    def offsets(self) -> tuple[float, ...]:
        """What is added to that product: one number, or one for each channel of `model_shape` (`channel_axis`)."""
        return self._times_factors(tuple(term * self.scale + self.offset for term in self.preparation.offset))

    def _times_factors(self, values: tuple[float, ...]) -> tuple[float, ...]:
        if not self.factors or not any(values):
            return values
        spread = values * len(self.factors) if len(values) == 1 else values
        return tuple(value * factor for value, factor in zip(spread, self.factors, strict=True))


@dataclass(frozen=True)
class HostSoftmax:
    """A softmax that ends a model and that the host computes, as LiteRT's reference kernel of 8 bits does.

    Parameters
    ----------
    multiplier, shift : int
        A difference to the greatest element times ``multiplier * 2**(shift - 31)`` is its value in 26 fractional bits.
    least : int
        The least difference that counts; others give the least result.
    format : Format
        Of the results, whose real value is ``(integer - zero_point) * scale``.
    scale : float
    zero_point : int
    """

    multiplier: int
    shift: int
    least: int
    format: Format
    scale: float
    zero_point: int
