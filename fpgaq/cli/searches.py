"""The commands that measure many quantizations of one network: sensitivity and search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..report.text import columns, percent, printable, shorten
from .numbers import note_lines
from .options import (
    Settings,
    common,
    example,
    model_options,
    pop_quantize_options,
    quantize_options,
    search_options,
)

if TYPE_CHECKING:
    from ..search.measure import Quality

COSTS = ("rom", "multiplier")

_calibration = click.option("--calibration", required=True, metavar="NPZ", help="Training samples, .npy or .npz.")
_data = click.option(
    "--data", metavar="NPZ", help="Samples to measure on, best training ones; by default those of --calibration."
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

    Every layer's weights and output are quantized alone; then changes of the worst ones are tried on the whole network.
    """
    search = {name: values.pop(name) for name in ("jobs", "dask", "results")}
    network, refuse = values.pop("network"), values.pop("refuse_batch_statistics")
    options = pop_quantize_options(values)
    from .. import pipeline
    from ..search.sensitivity import explain

    with settings.progress("measuring") as show:
        graph = pipeline.load_model(model, network, refuse_batch_statistics=refuse)
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
@click.option("--budget", required=True, metavar="BITS", help="Bits, or a percentage of what 8-bit weights cost.")
@click.option("--cost", type=click.Choice(COSTS), default="rom", show_default=True, help="ROM or multiplier bits.")
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

    What each layer loses at each width is measured; the best combinations are then measured as a whole.
    """
    from ..emit.write import check_file, write_file

    for path in filter(None, (output, picture)):
        check_file(path)
    names = ("budget", "cost", "jobs", "dask", "results")
    chosen = {name: values.pop(name) for name in names}
    widths = _widths(values.pop("widths"))
    network, refuse = values.pop("network"), values.pop("refuse_batch_statistics")
    options = pop_quantize_options(values)
    from .. import pipeline
    from ..search.front import best_so_far, config_text, draw

    with settings.progress("measuring") as show:
        graph = pipeline.load_model(model, network, refuse_batch_statistics=refuse)
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


def _widths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--widths {text!r}: whole numbers with commas between, such as 2,4,8, are needed") from None


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


COMMANDS = (sensitivity, search)
