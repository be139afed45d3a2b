"""The options and the output of `fpgaq generate --unroll`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from ..base.errors import UsageError
from ..base.tables import columns
from ..base.text import printable
from .options import Calibration
from .parameters import Argument, Option, command
from .settings import Settings
from .wrapper import wrapper_lines

if TYPE_CHECKING:
    from ..hardware.schedule import Target
    from ..hardware.unrolled import Unrolling
    from ..pipeline import UnrollResult
    from .generating import GenerateOptions


def chosen_unrolling(options: GenerateOptions) -> Unrolling | None:
    """What `--unroll` asks for; None if it was not given.

    Raises
    ------
    UsageError
        An option that would be ignored, by name.
    """
    from ..hardware.unrolled import Unrolling

    chosen, target = options.unrolling, options.target
    levels, stages, shallow, tables = chosen.levels, chosen.stages, chosen.shallow, chosen.tables
    if not chosen.unroll:
        if levels is not None or stages is not None or tables is not None or shallow:
            raise UsageError(
                "--levels, --stages, --tables and --shallow are about unrolled networks: give --unroll too"
            )
        return None
    if options.beats.given:
        if levels is not None or stages is not None or tables is not None or shallow:
            raise UsageError("--levels, --stages, --tables and --shallow are about a frame a beat: leave --pixels out")
        return None
    if levels is not None and stages is not None:
        raise UsageError("--levels and --stages exclude one another: give one")
    if target.device is not None:
        raise UsageError("--device estimates folded networks: leave it out with --unroll, and ask fpgaq synth")
    given = _given({**asdict(target), "pack": options.factor_bits, "logic": options.logic_bits})
    if given:
        raise UsageError(f"--unroll takes a frame in every cycle without multipliers: leave {given[0]} out")
    if chosen.adders:
        raise UsageError("an unrolled network has nothing but adders: leave --adders out")
    if options.language == "hls":
        raise UsageError("unrolled networks are Verilog: leave --language hls or --unroll out")
    if options.buffers:
        raise UsageError("an unrolled network has no line buffers: leave --buffers out")
    return Unrolling(levels, stages, shallow, 6 if tables is None else tables)


def chosen_target(options: GenerateOptions) -> Target | None:
    """The target of a folded network, with adders where they were asked for; None if the user named nothing.

    Raises
    ------
    UsageError
        A target that makes no sense, or with adders an option that would be ignored, by name.
    """
    from ..hardware.schedule import Target
    from ..pipeline import DEFAULT_MULTIPLIERS

    named = options.target.target()
    if options.beats.given and named is None and options.target.device is not None:
        raise UsageError("--device chooses schedules of a pixel a beat: with --pixels give --multipliers or --cycles")
    target = options.beats.target(named)
    if options.unrolling.unroll:
        target = _unrolled_target(options)
    elif not options.unrolling.adders:
        return target
    if options.language == "hls":
        raise UsageError("--adders is about Verilog: leave --language hls or --adders out")
    if options.target.device is not None:
        raise UsageError("--device estimates multipliers, not adders: leave it or --adders out")
    return replace(target or Target(multipliers=DEFAULT_MULTIPLIERS), sharing=False, adders=True)


def _unrolled_target(options: GenerateOptions) -> Target | None:
    """As fast as the pixels come: every convolution in logic that can be, with multipliers for what changes."""
    from ..hardware.schedule import Target
    from ..pipeline.unrolled import ENDLESS_MULTIPLIERS

    given = _given(asdict(options.target))
    if given:
        raise UsageError(f"--unroll is as fast as the pixels come: leave {given[0]} out, or give --adders for --unroll")
    return options.beats.target(Target(multipliers=ENDLESS_MULTIPLIERS))


@dataclass(frozen=True, kw_only=True)
class CheapenOptions:
    """The options of `fpgaq cheapen`."""

    integer: Annotated[str, Argument("FPGAQ")]
    calibration: Calibration
    bound: Annotated[float, Option("Relative error that a layer's sums may have.", metavar="SHARE")] = 0.03
    layers: Annotated[
        tuple[str, ...], Option("Change only this layer; may be given several times.", "--layer", metavar="NAME")
    ] = ()
    output: Annotated[str, Option("The file to write.", "-o", metavar="FPGAQ")]


@command(CheapenOptions, "fpgaq cheapen digits.fpgaq --calibration train.npz --bound 0.03 -o cheap.fpgaq", tables=True)
def cheapen(settings: Settings, options: CheapenOptions) -> None:
    """Choose weights that take less logic unrolled, or with --adders.

    Each layer that can be built of adders gets other integers of fewer signed digits, as long as its sums on the
    calibration samples stay within the bound: root mean square error over standard deviation. `fpgaq compare` then
    shows what the result lost.
    """
    from .. import pipeline
    from ..hardware.unrolled.cheapen import count_digits
    from ..integer.graph import IntegerAffine, IntegerConvolution

    with settings.progress("choosing weights"):
        before = pipeline.load_integer(options.integer)
        after = pipeline.cheapen(
            before, options.calibration, options.bound, layers=options.layers or None, output=options.output
        )
    changed: list[dict[str, Any]] = []
    for old, new in zip(before.operators, after.operators, strict=True):
        if old is not new:
            assert isinstance(old, IntegerAffine | IntegerConvolution) and isinstance(new, type(old))
            counts = {"digits_before": count_digits(old.weight), "digits_after": count_digits(new.weight)}
            changed.append({"name": new.name, "weights": new.weight.size, **counts})
    rows = [
        (printable(layer["name"]), layer["weights"], layer["digits_before"], layer["digits_after"]) for layer in changed
    ]
    lines = [
        *columns(("layer", "weights", "signed digits before", "after"), rows),
        f"written: {printable(options.output)}",
    ]
    settings.show(lines, {"bound": options.bound, "output": options.output, "layers": changed})


def show_unrolled(settings: Settings, result: UnrollResult) -> None:
    """Print what `pipeline.unroll` wrote."""
    facts = result.as_json()
    rows = [
        (
            printable(layer["name"]),
            layer["additions"],
            layer["chains"],
            layer["levels"],
            layer["stages"],
            layer["chain_tables"],
        )
        for layer in facts["layers"]
    ]
    lines = [
        *columns(("layer", "additions", "carry chains", "in series", "registers", "LUTs of chains"), rows),
        f"predicted: a frame every cycle, latency {facts['latency_cycles']} cycles; {facts['chain_tables']:,} LUTs of"
        f" {facts['table_inputs']} inputs in carry chains, as the search counts them (requantizers and streams come on"
        " top)",
        *wrapper_lines(result.wrapper),
        f"written: {printable(str(result.directory))} ({len(result.files)} files)",
    ]
    settings.show(lines, facts)


def _given(values: Mapping[str, Any]) -> list[str]:
    """The options among these that were given: neither None nor a flag that was left out."""
    return [f"--{name.replace('_', '-')}" for name, value in values.items() if value is not None and value is not False]
