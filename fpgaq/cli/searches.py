"""The commands that measure many quantizations of one network: sensitivity, search and explore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..choices import DEVICES
from ..errors import UsageError
from ..report.text import columns, percent, printable, shorten
from .hardware import error_line
from .numbers import note_lines
from .options import (
    Settings,
    common,
    example,
    model_options,
    pop_model_options,
    pop_quantize_options,
    quantize_options,
    search_options,
)

if TYPE_CHECKING:
    from ..explore import Exploration
    from ..search.measure import Quality

COSTS = ("rom", "multiplier")

_calibration = click.option("--calibration", required=True, metavar="NPZ", help="Training samples, .npy or .npz.")
_data = click.option(
    "--data", metavar="NPZ", help="Samples to measure on, ideally training samples; by default those of --calibration."
)


@click.command(epilog=example("fpgaq sensitivity model.nnp --calibration train.npz --weight-bits 4"))
@click.argument("model")
@_calibration
@_data
@search_options
@quantize_options
@model_options
@common
@click.pass_obj
def sensitivity(settings: Settings, /, model: str, calibration: str, data: str | None, **values: Any) -> None:
    """Say which layer of MODEL hurts, and what to change.

    Every layer's weights and output are quantized alone. Then changes of the worst ones are tried on the whole network.
    """
    search = {name: values.pop(name) for name in ("jobs", "dask", "results")}
    reading = pop_model_options(values)
    options = pop_quantize_options(values)
    from .. import pipeline
    from ..search.sensitivity import explain

    with settings.progress("measuring") as show:
        graph = pipeline.load_model(model, **reading)
        found = pipeline.sensitivity(
            graph, calibration, data, options, **search,
            progress=lambda done, total: show(f"measuring: {done} of {total}"),
        )  # fmt: skip
    rows = [
        (shorten(place.layer, 40), place.part, f"{place.bits} bits", percent(place.share), *_decibels(place.noise),
         percent(place.agreement))
        for place in found.places
    ]  # fmt: skip
    lines = [
        f"{found.samples:,} samples; the whole network: {_quality(found.quality)}", "",
        *columns(("layer", "part", "width", "of the noise", "dB alone", "agreement alone"), rows), "",
        *explain(found), *note_lines(graph.notes),
    ]  # fmt: skip
    settings.show(lines, {**found.as_json(), "explanation": explain(found), "notes": list(graph.notes)})


@click.command(epilog=example("fpgaq search model.nnp --calibration train.npz --budget 60% -o mixed.toml"))
@click.argument("model")
@_calibration
@_data
@click.option("--budget", required=True, metavar="BITS", help="Bits, or a percentage of the cost of 8-bit weights.")
@click.option(
    "--cost",
    type=click.Choice(COSTS),
    default="rom",
    show_default=True,
    help="Which bits the budget counts: of ROM, or of multipliers.",
)
@click.option("--widths", default="2,3,4,5,6,8", show_default=True, metavar="LIST", help="Weight bits to choose from.")
@click.option("-o", "--output", required=True, metavar="TOML", help="The options to write, for `quantize --config`.")
@click.option("--picture", metavar="PNG", help="Draw accuracy against cost.")
@search_options
@quantize_options
@model_options
@common
@click.pass_obj
def search(
    settings: Settings, /, model: str, calibration: str, data: str | None, output: str, picture: str | None,
    **values: Any,
) -> None:  # fmt: skip
    """Choose the weight bits of each layer of MODEL for a budget.

    The loss of each layer at each width is measured. Then the best combinations are measured as a whole.
    """
    from ..emit.write import check_file, write_file

    for path in filter(None, (output, picture)):
        check_file(path)
    names = ("budget", "cost", "jobs", "dask", "results")
    chosen = {name: values.pop(name) for name in names}
    widths = _widths(values.pop("widths"))
    reading = pop_model_options(values)
    options = pop_quantize_options(values)
    from .. import pipeline
    from ..search.front import best_so_far, config_text, draw

    with settings.progress("measuring") as show:
        graph = pipeline.load_model(model, **reading)
        found = pipeline.search(
            graph, calibration, data, options, widths=widths, **chosen,
            progress=lambda done, total: show(f"measuring: {done} of {total}"),
        )  # fmt: skip
    write_file(output, config_text(options, found.chosen).encode())
    if picture:
        write_file(picture, draw(found))
    front = best_so_far(found)
    rows = [
        (" ".join(str(bits) for bits in each.bits.values()), each.cost, *_decibels(each.quality.noise),
         percent(each.quality.agreement), percent(each.quality.top1),
         "chosen" if each is found.chosen else "front" if each in front else "")
        for each in found.candidates
    ]  # fmt: skip
    lines = columns(("weight bits by layer", f"{chosen['cost']} bits", "dB", "agreement", "top-1", ""), rows)
    lines += ["", "layers in order: " + ", ".join(shorten(name) for name in found.chosen.bits)]
    lines.append(f"budget {found.budget:,} bits, {found.chosen.cost:,} used; measured on {found.samples:,} samples")
    lines += note_lines(graph.notes)
    lines += [f"written: {printable(path)}" for path in filter(None, (output, picture))]
    settings.show(lines, {**found.as_json(), "output": output, "picture": picture, "notes": list(graph.notes)})


@click.command(
    epilog=example("fpgaq explore model.nnp --calibration train.npz --data test.npz --device ecp5-25k -o front.png")
)
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@_calibration
@_data
@click.option(
    "--device", type=click.Choice(DEVICES), default="xc7", show_default=True, help="The device of the estimates."
)
@click.option("--bits", default="8,6,4", show_default=True, metavar="LIST", help="Bits of weights and activations.")
@click.option(
    "--multipliers", default="1,4,16,64,256", show_default=True, metavar="LIST", help="Budgets of multipliers to try."
)
@click.option("-o", "--output", metavar="PNG", help="Draw logic, memory and accuracy over cycles.")
@search_options
@quantize_options
@model_options
@common
@click.pass_obj
def explore(
    settings: Settings, /, models: tuple[str, ...], calibration: str, data: str | None, device: str, bits: str,
    multipliers: str, output: str | None, **values: Any,
) -> None:  # fmt: skip
    """Show what bits and multipliers buy.

    Every MODEL, such as a network and its pruned versions, is quantized at every width and scheduled on every budget.
    The table shows predicted cycles, estimated logic and memory, and measured accuracy. It marks the networks that no
    other one beats in everything.
    """
    from ..emit.write import check_file, write_file

    if output:
        check_file(output)
    search = {name: values.pop(name) for name in ("jobs", "dask", "results")}
    reading = pop_model_options(values)
    widths, budgets = _widths(bits, "bits"), _widths(multipliers, "multipliers")
    options = pop_quantize_options(values)
    from .. import pipeline

    with settings.progress("exploring") as show:
        graphs = {name: pipeline.load_model(path, **reading) for name, path in _names(models).items()}
        found = pipeline.explore(
            graphs, calibration, data, options, device=device, bits=widths, multipliers=budgets, **search,
            progress=lambda done, total: show(f"exploring: {done} of {total}"),
        )  # fmt: skip
    if output:
        from ..explore.picture import draw

        write_file(output, draw(found))
    lines = [*explore_lines(found), *([f"written: {printable(output)}"] if output else [])]
    settings.show(lines, {**found.as_json(), "picture": output})


def explore_lines(found: Exploration) -> list[str]:
    """A line for each point, those of the front marked, and how good the estimates are."""
    share = found.accuracy_name != "dB"
    rows = [
        (shorten(point.model), point.bits, point.multipliers, round(point.cycles), point.lut, point.ff, point.dsp,
         point.bram, percent(point.accuracy) if share else f"{point.accuracy:.1f}",
         "front" if point in found.front else "" if point.fits else "too large")
        for point in found.points
    ]  # fmt: skip
    headers = ("network", "bits", "multipliers", "cycles", "LUT", "FF", "DSP", "block RAM", found.accuracy_name, "")
    return [
        *columns(headers, rows), "",
        f"estimated for {found.device}; accuracy measured on {found.samples:,} samples",
        error_line(found.known),
    ]  # fmt: skip


def _names(paths: tuple[str, ...]) -> dict[str, str]:
    """Models by the names of their files, or by their paths where two files share a name."""
    from pathlib import Path

    stems = [Path(path).stem for path in paths]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise UsageError(f"MODEL {twice} is given twice; name each once")
    return dict(zip(stems if len(set(stems)) == len(stems) else paths, paths, strict=True))


def _widths(text: str, option: str = "widths") -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        example_list = "1,16,64" if option == "multipliers" else "2,4,8"
        raise UsageError(
            f"--{option} {text!r}: whole numbers with commas between, such as {example_list}, are needed"
        ) from None


def _decibels(noise: float | None) -> tuple[str]:
    from ..search.measure import Quality

    ratio = Quality(noise, None, None).signal_to_noise
    return ("-" if ratio is None else f"{ratio:.1f}",)


def _quality(quality: Quality) -> str:
    text = f"{_decibels(quality.noise)[0]} dB"
    for label, value in (("agreement", quality.agreement), ("top-1", quality.top1)):
        if value is not None:
            text += f", {label} {percent(value)}"
    return text


COMMANDS = (sensitivity, search, explore)
