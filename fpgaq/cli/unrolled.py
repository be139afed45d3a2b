"""The options and the output of `fpgaq generate --unroll`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..report.text import columns, printable, shorten
from .options import common, example

if TYPE_CHECKING:
    from ..pipeline import UnrollResult
    from ..schedule import Target
    from ..unrolled import Unrolling
    from .options import Settings

unroll_options = (
    click.option("--unroll", is_flag=True, help="Put every product into logic, a frame a cycle: for tiny networks."),
    click.option("--levels", type=int, metavar="N", help="With --unroll: chains between registers.  [default: 2]"),
    click.option("--stages", type=int, metavar="N", help="With --unroll: at most N registers in all."),
    click.option("--shallow", is_flag=True, help="With --unroll: a faster clock at more logic."),
    click.option(
        "--tables", type=int, metavar="N", help="With --unroll: inputs of the look-up tables, 4 or 6.  [default: 6]"
    ),
    click.option(
        "--adders", is_flag=True, help="Use no multipliers in layers that use all their weights in every cycle."
    ),
)


def with_unroll_options(command: Any) -> Any:
    """Give a command the options of unrolling."""
    for option in reversed(unroll_options):
        command = option(command)
    return command


def pop_unrolling(values: dict[str, Any]) -> Unrolling | None:
    """Take the options of unrolling out of a command's keyword arguments; None if it is not asked for."""
    from ..unrolled import Unrolling

    names = ("unroll", "levels", "stages", "shallow", "tables")
    unroll, levels, stages, shallow, tables = (values.pop(name) for name in names)
    if not unroll:
        if levels is not None or stages is not None or tables is not None or shallow:
            raise UsageError(
                "--levels, --stages, --tables and --shallow are about unrolled networks: give --unroll too"
            )
        return None
    if levels is not None and stages is not None:
        raise UsageError("--levels and --stages exclude one another: give one")
    # Of a folded network's options, only those that were given are there to object to.
    if values.get("device") is not None:
        raise UsageError("--device estimates folded networks: leave it out with --unroll, and ask fpgaq synth")
    given = [name for name in ("multipliers", "cycles", "fps", "clock", "pack") if values.get(name) is not None]
    if given:
        raise UsageError(f"--unroll takes a frame in every cycle without multipliers: leave --{given[0]} out")
    if values.get("adders"):
        raise UsageError("an unrolled network has nothing but adders: leave --adders out")
    if values.get("target") == "hls":
        raise UsageError("unrolled networks are Verilog: leave --target hls or --unroll out")
    if values.get("buffers"):
        raise UsageError("an unrolled network has no line buffers: leave --buffers out")
    return Unrolling(levels, stages, shallow, 6 if tables is None else tables)


def with_adders(target: Target | None, values: dict[str, Any]) -> Target | None:
    """Take --adders out of a command's keyword arguments and into the target."""
    from dataclasses import replace

    from ..pipeline import DEFAULT_MULTIPLIERS
    from ..schedule import Target

    if not values.pop("adders"):
        return target
    if values.get("target") == "hls":
        raise UsageError("--adders is about Verilog: leave --target hls or --adders out")
    if values.get("device") is not None:
        raise UsageError("--device estimates multipliers, not adders: leave it or --adders out")
    return replace(target or Target(multipliers=DEFAULT_MULTIPLIERS), sharing=False, adders=True)


@click.command(epilog=example("fpgaq cheapen digits.fpgaq --calibration train.npz --bound 0.03 -o cheap.fpgaq"))
@click.argument("integer", metavar="FPGAQ")
@click.option("--calibration", required=True, metavar="NPZ", help="Training samples, .npy or .npz.")
@click.option(
    "--bound", type=float, default=0.03, show_default=True, help="Relative error that a layer's sums may have."
)
@click.option(
    "--layer", "layers", multiple=True, metavar="NAME", help="Change only this layer; may be given several times."
)
@click.option("-o", "--output", required=True, metavar="FPGAQ", help="The file to write.")
@common
@click.pass_obj
def cheapen(
    settings: Settings, integer: str, calibration: str, bound: float, layers: tuple[str, ...], output: str
) -> None:
    """Choose weights that take less logic unrolled, or with --adders.

    Each layer that can be built of adders gets other integers of fewer signed digits, as long as its sums on the
    calibration samples stay within the bound: root mean square error over standard deviation. `fpgaq compare` then
    shows what the result lost.
    """
    from .. import pipeline
    from ..integer_graph import IntegerAffine, IntegerConvolution
    from ..unrolled.cheapen import count_digits

    with settings.progress("choosing weights"):
        before = pipeline.load_integer(integer)
        after = pipeline.cheapen(before, calibration, bound, layers=layers or None, output=output)
    changed: list[dict[str, Any]] = []
    for old, new in zip(before.operators, after.operators, strict=True):
        if old is not new:
            assert isinstance(old, IntegerAffine | IntegerConvolution) and isinstance(new, type(old))
            counts = {"digits_before": count_digits(old.weight), "digits_after": count_digits(new.weight)}
            changed.append({"name": new.name, "weights": new.weight.size, **counts})
    rows = [
        (shorten(layer["name"]), layer["weights"], layer["digits_before"], layer["digits_after"]) for layer in changed
    ]
    lines = [*columns(("layer", "weights", "signed digits before", "after"), rows), f"written: {printable(output)}"]
    settings.show(lines, {"bound": bound, "output": output, "layers": changed})


COMMANDS = (cheapen,)


def show_unrolled(settings: Settings, result: UnrollResult) -> None:
    """Print what `pipeline.unroll` wrote."""
    facts = result.as_json()
    rows = [
        (
            shorten(layer["name"]),
            layer["additions"],
            layer["chains"],
            layer["levels"],
            layer["stages"],
            layer["chain_tables"],
        )
        for layer in facts["layers"]
    ]
    lines = [
        *columns(("layer", "additions", "carry chains", "behind one another", "registers", "LUTs of chains"), rows),
        f"predicted: a frame every cycle, latency {facts['latency_cycles']} cycles; {facts['chain_tables']:,} LUTs of"
        f" {facts['table_inputs']} inputs in carry chains, as the search counts them (requantizers and streams come on"
        " top)",
        f"written: {printable(str(result.directory))} ({len(result.files)} files)",
    ]
    settings.show(lines, facts)
