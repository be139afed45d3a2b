"""Instances of the cells that modules of several kinds have in common."""

from __future__ import annotations

from ...base.formats import ROUNDINGS, Format
from .design import Instance


def delay(name: str, width: int, stages: int) -> Instance:
    """Flags that come `stages` cycles later."""
    return Instance("fpgaq_delay", name, {"WIDTH": width, "STAGES": stages})


def fifo(name: str, width: int, address_width: int) -> Instance:
    """A result FIFO of words of `width` bits."""
    return Instance("fpgaq_fifo", name, {"WIDTH": width, "ADDRESS_WIDTH": address_width})


def requantizer(
    name: str,
    total_width: int,
    shift: int,
    rounding: str,
    result: Format,
    relu: bool,
    *,
    clip: tuple[int, int] | None = None,
    lifts: tuple[int, int] | None = None,
    times: int = 1,
    stages: int = 1,
) -> Instance:
    """What shifts, rounds and saturates; `lifts` are the greatest lift and its bits where channels have their own.

    A lift is what a channel's shift falls short of the layer's largest. `clip` are the least and the greatest result
    where they are not those of the format. `stages` are its cycles.
    """
    lifted = {} if lifts is None else {"LIFT_MAX": lifts[0], "LIFT_WIDTH": lifts[1]}
    parameters = {
        "TOTAL_WIDTH": total_width,
        **lifted,
        "SHIFT": shift,
        "ROUNDING": ROUNDINGS.index(rounding),
        "RESULT_WIDTH": result.width,
        "RESULT_SIGNED": int(result.signed),
        "NARROW": int(result.narrow),
        "RELU": int(relu),
    }
    if stages > 1:
        parameters["STAGES"] = stages
    if clip is not None:
        codes = 1 << (result.width + 1)
        parameters |= {"CLIP": 1, "LOW": clip[0] % codes, "HIGH": clip[1] % codes}
    return Instance("fpgaq_requantize", name, parameters, times, {"ROUNDING": rounding})
