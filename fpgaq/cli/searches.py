"""The commands that measure many quantizations of one network: sensitivity, search and explore."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

from ..base.choices import Cost
from ..base.errors import UsageError
from ..base.progress import counter
from ..base.tables import columns
from ..base.text import percent, printable
from .hardware import error_line
from .options import DEVICE, Calibration, DataOptions, EvaluationOptions, ModelOptions, QuantizeFlags
from .parameters import Argument, Option, command
from .quantizing import note_lines
from .settings import Settings

if TYPE_CHECKING:
    from ..study.explore import Exploration
    from ..study.search.measure import Quality

Data: TypeAlias = Annotated[
    str | None,
    Option("Samples to measure on, ideally training samples; by default those of --calibration.", metavar="NPZ"),
]


@dataclass(frozen=True, kw_only=True)
class SensitivityOptions:
    """The options of `fpgaq sensitivity`."""

    model: Annotated[str, Argument()]
    calibration: Calibration
    data: Data = None
    samples: DataOptions
    evaluation: EvaluationOptions
    quantizing: QuantizeFlags
    reading: ModelOptions


@command(SensitivityOptions, "fpgaq sensitivity model.nnp --calibration train.npz --weight-bits 4", tables=True)
def sensitivity(settings: Settings, options: SensitivityOptions) -> None:
    """Say which layer of MODEL hurts, and what to change.

    Every layer's weights and output are quantized alone. Then changes of the worst ones are tried on the whole network.
    """
    wanted = options.quantizing.options()
    from .. import pipeline
    from ..study.search.sensitivity import explain

    with settings.progress("measuring") as show:
        graph = options.reading.load(options.model)
        found = pipeline.sensitivity(
            graph,
            options.samples.source(options.calibration),
            options.samples.optional(options.data),
            wanted,
            jobs=options.evaluation.jobs,
            dask=options.evaluation.dask,
            results=options.evaluation.results,
            progress=counter(show, "measuring"),
        )
    rows = [
        (printable(place.layer), place.part, f"{place.bits} bits", percent(place.share), *_decibels(place.noise),
         percent(place.agreement))
        for place in found.places
    ]  # fmt: skip
    lines = [
        f"{found.samples:,} samples; the whole network: {_quality(found.quality)}", "",
        *columns(("layer", "part", "width", "of the noise", "dB alone", "agreement alone"), rows), "",
        *explain(found), *note_lines(graph.notes),
    ]  # fmt: skip
    settings.show(lines, {**found.as_json(), "explanation": explain(found), "notes": list(graph.notes)})


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """The options of `fpgaq search`."""

    model: Annotated[str, Argument()]
    calibration: Calibration
    data: Data = None
    samples: DataOptions
    budget: Annotated[str, Option("Bits, or a percentage of the cost of 8-bit weights.", metavar="BITS")]
    cost: Annotated[Cost, Option("Which bits the budget counts: of ROM, or of multipliers.")] = "rom"
    bits: Annotated[
        str,
        Option("Weight bits to choose from; --widths is the old name.", "--bits", "--widths", metavar="LIST"),
    ] = "2,3,4,5,6,8"
    output: Annotated[str, Option("The options to write, for `quantize --config`.", "-o", metavar="TOML")]
    picture: Annotated[str | None, Option("Draw accuracy against cost: .png, .pdf or .svg.", metavar="FILE")] = None
    evaluation: EvaluationOptions
    quantizing: QuantizeFlags
    reading: ModelOptions


@command(SearchOptions, "fpgaq search model.nnp --calibration train.npz --budget 60% -o mixed.toml", tables=True)
def search(settings: Settings, options: SearchOptions) -> None:
    """Choose the weight bits of each layer of MODEL for a budget.

    The loss of each layer at each width is measured. Then the best combinations are measured as a whole.
    """
    from ..base.output import check_file, write_file
    from ..study.drawing import check_picture

    written = [path for path in (options.output, options.picture) if path]
    for path in written:
        check_file(path)
    if options.picture:
        check_picture(options.picture)
    _refuse_bits(options.quantizing, ("weight_bits",))
    widths, wanted = _widths(options.bits, "bits"), options.quantizing.options()
    from .. import pipeline
    from ..study.search.front import best_so_far, config_text, draw

    with settings.progress("measuring") as show:
        graph = options.reading.load(options.model)
        found = pipeline.search(
            graph,
            options.samples.source(options.calibration),
            options.samples.optional(options.data),
            wanted,
            budget=options.budget,
            cost=options.cost,
            widths=widths,
            jobs=options.evaluation.jobs,
            dask=options.evaluation.dask,
            results=options.evaluation.results,
            progress=counter(show, "measuring"),
        )
    write_file(options.output, config_text(wanted, found.chosen).encode())
    if options.picture:
        write_file(options.picture, draw(found, options.picture))
    front = best_so_far(found)
    rows = [
        (" ".join(str(bits) for bits in each.bits.values()), each.cost, *_decibels(each.quality.noise),
         percent(each.quality.agreement), percent(each.quality.top1),
         "chosen" if each is found.chosen else "front" if each in front else "")
        for each in found.candidates
    ]  # fmt: skip
    lines = columns(("weight bits by layer", f"{options.cost} bits", "dB", "agreement", "top-1", ""), rows)
    lines += ["", "layers in order: " + ", ".join(printable(name) for name in found.chosen.bits)]
    lines.append(f"budget {found.budget:,} bits, {found.chosen.cost:,} used; measured on {found.samples:,} samples")
    lines += note_lines(graph.notes)
    lines += [f"written: {printable(path)}" for path in written]
    files = {"output": options.output, "picture": options.picture}
    settings.show(lines, {**found.as_json(), **files, "notes": list(graph.notes)})


@dataclass(frozen=True, kw_only=True)
class ExploreOptions:
    """The options of `fpgaq explore`."""

    models: Annotated[tuple[str, ...], Argument("MODEL...")]
    calibration: Calibration
    data: Data = None
    samples: DataOptions
    device: Annotated[str, Option("The device of the estimates.", kind=DEVICE)] = "xc7"
    bits: Annotated[str, Option("Bits of weights and activations.", metavar="LIST")] = "8,6,4"
    multipliers: Annotated[str, Option("Budgets of multipliers to try.", metavar="LIST")] = "1,4,16,64,256"
    picture: Annotated[
        str | None,
        Option(
            "Draw logic, memory and accuracy over cycles: .png, .pdf or .svg; --output is the old name.",
            "--picture",
            "-o",
            "--output",
            metavar="FILE",
        ),
    ] = None
    evaluation: EvaluationOptions
    quantizing: QuantizeFlags
    reading: ModelOptions


@command(
    ExploreOptions,
    "fpgaq explore model.nnp --calibration train.npz --data test.npz --device ecp5-25k --picture front.png",
    tables=True,
)
def explore(settings: Settings, options: ExploreOptions) -> None:
    """Show what bits and multipliers buy.

    Every MODEL, such as a network and its pruned versions, is quantized at every width and scheduled on every budget.
    The table shows predicted cycles, estimated logic and memory, and measured accuracy. It marks the networks that no
    other one beats in everything.
    """
    from ..base.output import check_file, write_file
    from ..study.drawing import check_picture

    picture = options.picture
    if picture:
        check_file(picture)
        check_picture(picture)
    _refuse_bits(options.quantizing, ("weight_bits", "activation_bits"))
    widths, budgets = _widths(options.bits, "bits"), _widths(options.multipliers, "multipliers")
    wanted = options.quantizing.options()
    from .. import pipeline

    with settings.progress("exploring") as show:
        found = pipeline.explore(
            {name: options.reading.load(path) for name, path in _names(options.models).items()},
            options.samples.source(options.calibration),
            options.samples.optional(options.data),
            wanted,
            device=options.device,
            bits=widths,
            multipliers=budgets,
            jobs=options.evaluation.jobs,
            dask=options.evaluation.dask,
            results=options.evaluation.results,
            progress=counter(show, "exploring"),
        )
    if picture:
        from ..study.explore.picture import draw

        write_file(picture, draw(found, picture))
    lines = [*explore_lines(found), *([f"written: {printable(picture)}"] if picture else [])]
    settings.show(lines, {**found.as_json(), "picture": picture})


def explore_lines(found: Exploration) -> list[str]:
    """A line for each point, those of the front marked, and how good the estimates are."""
    share = found.accuracy_name != "dB"
    rows = [
        (printable(point.model), point.bits, point.multipliers, round(point.cycles), point.lut, point.ff, point.dsp,
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


def _refuse_bits(quantizing: QuantizeFlags, names: tuple[str, ...]) -> None:
    """UsageError for widths beside --bits, which replaces them."""
    for name in names:
        if getattr(quantizing, name) is not None:
            raise UsageError(f"--{name.replace('_', '-')} would be ignored: --bits names the widths; leave it out")


def _widths(text: str, option: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        example_list = "1,16,64" if option == "multipliers" else "2,4,8"
        raise UsageError(
            f"--{option} {text!r}: whole numbers with commas between, such as {example_list}, are needed"
        ) from None


def _decibels(noise: float | None) -> tuple[str]:
    from ..study.search.measure import Quality

    ratio = Quality(noise, None, None).signal_to_noise
    return ("-" if ratio is None else f"{ratio:.1f}",)


def _quality(quality: Quality) -> str:
    text = f"{_decibels(quality.noise)[0]} dB"
    for label, value in (("agreement", quality.agreement), ("top-1", quality.top1)):
        if value is not None:
            text += f", {label} {percent(value)}"
    return text
