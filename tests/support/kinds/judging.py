"""One member of a kind through the stages."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from fpgaq.base.errors import FpgaqError
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.model.importers.onnx.graph import load_onnx
from fpgaq.model.passes import standard_passes
from fpgaq.proof.file_bench import run_file_bench
from tests.support.onnx_carried import carried

from .drawing import Draw


@dataclass(frozen=True)
class Outcome:
    """What a member passed, and the one line by which it failed."""

    passed: tuple[str, ...]
    failure: str = ""


def judged(kind, name, seed, *, simulate=False):
    """Draw a member and take it as far as it goes; nothing is caught but what refuses or differs."""
    member = kind(Draw(name, seed))
    if not hasattr(member, "proto"):
        return member.judged(simulate)
    if member.refused:
        try:
            standard_passes(load_onnx(member.proto.SerializeToString()))
        except FpgaqError as error:
            told = member.refused in str(error) and "\n" not in str(error)
            return Outcome(("drawn", "refused"), "" if told else f"refused without {member.refused!r}: {error}")
        return Outcome(("drawn",), "is carried; it is expected to be refused")
    try:
        _, integer = carried(
            member.proto, cut=member.cut, error=member.error, data=member.data, float_error=member.float_error
        )
    except (FpgaqError, AssertionError) as error:
        return Outcome(("drawn",), f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
    passed = ("drawn", "float", "quantized")
    if not simulate:
        return Outcome(passed)
    found = simulated(integer)
    return Outcome(passed, found) if found else Outcome((*passed, "simulated"))


def simulated(integer):
    """Every beat of every stream in Icarus; what differs, or nothing."""
    with tempfile.TemporaryDirectory(prefix="fpgaq-kinds-") as folder:
        schedule = make_schedule(integer, Target(multipliers=8))
        result = run_file_bench(integer, schedule, integer.samples, workdir=Path(folder))
    return "" if result.mismatch is None else f"simulation: {result.mismatch}"


def nnabla_kinds():
    """The kinds of nnabla, where that is installed."""
    try:
        from . import nnabla_functions
    except ImportError:
        return {}
    return nnabla_functions.KINDS
