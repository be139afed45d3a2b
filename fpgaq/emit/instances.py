"""Instances of the cells that modules of several kinds have in common."""

from __future__ import annotations

from ..formats import ROUNDINGS, Format
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
    raises: tuple[int, int] | None = None,
    times: int = 1,
) -> Instance:
    """What shifts, rounds and saturates; `raises` are the greatest raise and its bits where channels have their own."""
    raised = {} if raises is None else {"RAISE_MAX": raises[0], "RAISE_WIDTH": raises[1]}
    parameters = {
        "TOTAL_WIDTH": total_width,
        **raised,
        "SHIFT": shift,
        "ROUNDING": ROUNDINGS.index(rounding),
        "RESULT_WIDTH": result.width,
        "RESULT_SIGNED": int(result.signed),
        "NARROW": int(result.narrow),
        "RELU": int(relu),
    }
    return Instance("fpgaq_requantize", name, parameters, times, {"ROUNDING": rounding})
