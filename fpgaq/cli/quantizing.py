"""The commands about numbers: summary, quantize, compare, run, doctor."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ..base.errors import UsageError
from ..base.tables import columns
from ..base.text import printable, shape_text
from .options import ArrayOptions, DataOptions, Engine, ModelOptions, NoOptions, QuantizeFlags, numbers
from .parameters import Argument, Option, command
from .settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ..integer.graph import IntegerGraph


@dataclass(frozen=True, kw_only=True)
class SummaryOptions:
    """The options of `fpgaq summary`."""

    model: Annotated[str, Argument()]
    svg: Annotated[
        str | None,
        Option("Draw the network too, as .svg, .png or .pdf.", "--svg", "--picture", metavar="FILE"),
    ] = None
    reading: ModelOptions


@command(SummaryOptions, "fpgaq summary examples/fashion_cnn/model.nnp", tables=True)
def summary(settings: Settings, options: SummaryOptions) -> None:
    """List the layers of MODEL.

    Each line has a layer's output shape, parameters and multiplications a frame.
    """
    from ..study.report.summary import summarize

    if options.svg is not None:
        from ..base.output import check_file
        from ..study.drawing import check_picture

        check_file(options.svg)
        check_picture(options.svg)
    graph = options.reading.load(options.model)
    result = summarize(graph)
    rows = [
        (printable(layer.name), layer.operator, shape_text(layer.shape), layer.parameters, layer.macs)
        for layer in result.layers
    ]
    lines = columns(("layer", "operator", "output", "parameters", "multiplications"), rows)
    inputs, outputs = (
        ", ".join(f"{printable(name)} {shape_text(shape)}" for name, shape in tensors.items())
        for tensors in (result.inputs, result.outputs)
    )
    lines.append(
        f"{printable(result.name)}: {inputs} -> {outputs}; {result.parameters:,} parameters,"
        f" {result.macs:,} multiplications a frame"
    )
    if options.svg is not None:
        from ..base.output import write_file
        from ..study.report.network_picture import network_picture

        write_file(options.svg, network_picture(graph, options.svg))
        lines.append(f"written: {printable(options.svg)}")
    settings.show([*lines, *note_lines(result.notes)], result.as_json())


@dataclass(frozen=True, kw_only=True)
class QuantizeCommandOptions:
    """The options of `fpgaq quantize`."""

    model: Annotated[str, Argument()]
    calibration: Annotated[
        str | None, Option("Training samples, .npy or .npz; none for a finetuned model.", metavar="NPZ")
    ] = None
    input_range: Annotated[
        str | None,
        Option("Without samples: the range of inputs, for size and speed alone (estimate only).", metavar="LO,HI"),
    ] = None
    output: Annotated[str, Option("The integer network to write.", "-o", metavar="FPGAQ")]
    samples: DataOptions
    quantizing: QuantizeFlags
    reading: ModelOptions


@command(
    QuantizeCommandOptions, "fpgaq quantize model.nnp --calibration train.npz -o model.fpgaq --per-channel", tables=True
)
def quantize(settings: Settings, options: QuantizeCommandOptions) -> None:
    """Turn MODEL into an integer network.

    A model that was trained in fixed point (`fpgaq finetune`) states its own formats and needs no calibration, nor does
    an .onnx or a full-integer .tflite that is quantized already. What such a model leaves real is quantized and named.
    """
    wanted = options.quantizing.options()
    calibration, extent = options.samples.optional(options.calibration), chosen_range(options.input_range)
    from .. import pipeline
    from ..pipeline.quantizing import quantize_stated
    from ..study.report.scales import unfolded_scales

    with settings.progress("quantizing"):
        stated = quantize_stated(
            options.model,
            calibration,
            wanted,
            network=options.reading.network,
            input_shapes=options.reading.input_shapes(),
            outputs=options.reading.output_names(),
            inputs=options.reading.input_names(),
            output=options.output,
            input_range=extent,
        )
    if stated is not None:
        integer, remarks = stated
        lines = [*integer_lines(integer), *choice_lines(integer), *note_lines(remarks), *estimate_only(integer)]
        lines.append(f"written: {printable(options.output)}")
        parts = {"notes": list(remarks), "unfolded": [], **_choices(integer)}
        settings.show(lines, {**integer_json(integer, options.output), **parts})
        return
    with settings.progress("quantizing"):
        graph = options.reading.load(options.model)
        integer = pipeline.quantize(graph, calibration, wanted, output=options.output, input_range=extent)
    scales = unfolded_scales(graph, integer)
    notes = note_lines([*graph.notes, *(scale.line() for scale in scales)])
    lines = [*integer_lines(integer), *choice_lines(integer), *notes, *estimate_only(integer)]
    lines.append(f"written: {printable(options.output)}")
    parts = {"notes": list(graph.notes), "unfolded": [asdict(scale) for scale in scales]}
    settings.show(lines, {**integer_json(integer, options.output), **parts, **_choices(integer)})


def _choices(integer: IntegerGraph) -> dict[str, Any]:
    """What was chosen by measurement and what was measured, as plain values."""
    told = integer.options
    return {"chosen": told.get("chosen", []), "measured": told.get("measured"), "completed": told.get("completed", [])}


def choice_lines(integer: IntegerGraph) -> list[str]:
    """What was chosen by measurement, and the agreement with the float network that it lets expect."""
    from ..quantizer.completion import completed_line

    lines = [f"chosen by the error at the output: {printable(words)}" for words in integer.options.get("chosen", [])]
    for name, border in integer.options.get("borders", {}).items():
        padding, place = border["integer"], border["place"]
        lines.append(
            f"layer {printable(name)}: pads with {padding} for {place:.3f}; at the border its input is"
            f" {abs(padding - place):.3f} of a step off"
        )
    if "completed" in integer.options:
        lines.append(printable(completed_line(integer.options["completed"])))
    measured = integer.options.get("measured")
    if measured is None:
        return lines
    if measured["agreement"] is None:
        expected = f"error {measured['divergence']:.2e} of the outputs' variance"
    else:
        expected = f"{100 * measured['agreement']:.1f} % of answers as the float network's"
    return [*lines, f"expected: {expected} ({measured['samples']} calibration samples held out)"]


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """The options of `fpgaq compare`."""

    model: Annotated[str, Argument()]
    integer: Annotated[str, Argument("FPGAQ")]
    data: Annotated[
        str,
        Option(
            "Samples x with labels y, or with targets of the outputs; --data is the old name.",
            "--test",
            "--data",
            metavar="NPZ",
        ),
    ]
    samples: ArrayOptions
    reading: ModelOptions
    engine: Engine = "auto"
    hardware: Annotated[
        str | None, Option("Show the cycles a frame of this folder of generate too.", metavar="DIR")
    ] = None
    clock: Annotated[float | None, Option("Clock in MHz, for frames a second.", metavar="MHZ", needs=("hardware",))] = (
        None
    )


@command(CompareOptions, "fpgaq compare model.nnp model.fpgaq --test test.npz", tables=True)
def compare(settings: Settings, options: CompareOptions) -> None:
    """Compare the integer network with the float one.

    MODEL and FPGAQ are run on the same data. Labels give accuracies, targets of an output mean squared errors.
    """
    from .. import pipeline
    from ..base.kinds import kind_of
    from ..study.report.comparison_table import table_lines

    if kind_of(options.model) == "integer" and kind_of(options.integer) == "model":
        raise UsageError(
            f"the model comes first: fpgaq compare {options.integer} {options.model} --test {options.data}"
        )
    if options.clock is not None and not 0 < options.clock < float("inf"):
        raise UsageError(f"--clock {options.clock:g} must be above 0 and finite")

    with settings.progress("comparing integer with float"):
        integer, data = pipeline.load_integer(options.integer), options.samples.source(options.data)
        source, graph = (options.reading.load(options.model, passes=passes) for passes in (False, True))
        result = pipeline.compare(graph, integer, data, engine=options.engine, source=source)
        if options.hardware is not None:
            result = pipeline.with_hardware(result, options.hardware, integer, options.clock)
    lines = [*table_lines(result), *note_lines(graph.notes), *estimate_only(integer)]
    settings.show(lines, {**result.as_json(), "notes": list(graph.notes)})


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The options of `fpgaq run`."""

    integer: Annotated[str, Argument("FPGAQ")]
    data: Annotated[str, Option("Samples in the units of calibration.", metavar="NPZ")]
    samples: ArrayOptions
    output: Annotated[
        str,
        Option(
            "Integer outputs y and real values y_float as .npz; the integers alone as .npy or .csv.",
            "-o",
            metavar="FILE",
        ),
    ]
    engine: Engine = "auto"


@command(RunOptions, "fpgaq run model.fpgaq --data test.npz -o outputs.npz")
def run(settings: Settings, options: RunOptions) -> None:
    """Compute the integer network, exactly.

    Every engine gives the same integers.
    """
    from .. import pipeline
    from ..base.output import check_file, write_file
    from ..proof.runner import describe_engine

    _check_suffix(options.output)
    check_file(options.output)
    with settings.progress("computing"):
        integer = pipeline.load_integer(options.integer)
        results, used = pipeline.run_with_engine(integer, options.samples.source(options.data), options.engine)
    arrays: dict[str, NDArray[Any]] = {}
    lines = []
    for name, (integers, real) in results.items():
        key = "y" if len(results) == 1 else name
        arrays[key], arrays[f"{key}_float"] = integers, real
        lines.append(f"{printable(name)}: {len(integers):,} frames of {shape_text(integers.shape[1:])}")
    write_file(options.output, _as_file(options.output, arrays))
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    lines += [f"computed by {describe_engine(used)}", *estimate_only(integer), f"written: {printable(options.output)}"]
    settings.show(lines, {"output": options.output, "arrays": shapes, "engines": sorted(used)})


def _check_suffix(path: str) -> None:
    """UsageError for a suffix that names another format than those that are written."""
    suffix = Path(path).suffix.lower()
    if suffix not in ("", ".npz", ".npy", ".csv"):
        raise UsageError(f"{path}: outputs are written as .npz, .npy or .csv; name one of these")


def _as_file(path: str, arrays: dict[str, NDArray[Any]]) -> bytes:
    """The arrays in the format of the path: all of them as .npz, the integers of an only output as .npy or .csv.

    A line of a .csv is a frame, its elements in the model's own order.
    """
    import io

    import numpy as np

    suffix, buffer = Path(path).suffix.lower(), io.BytesIO()
    if suffix not in (".npy", ".csv"):
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()
    if "y" not in arrays or len(arrays) != 2:
        raise UsageError(f"{path}: the network has several outputs, which only an .npz holds; name one")
    if suffix == ".npy":
        np.save(buffer, arrays["y"])
    else:
        np.savetxt(buffer, arrays["y"].reshape(len(arrays["y"]), -1), fmt="%d", delimiter=",")
    return buffer.getvalue()


@command(NoOptions, "fpgaq doctor --json", tables=True)
def doctor(settings: Settings, options: NoOptions) -> int:
    """List the tools that are installed.

    Each with its version, the least version that will do, and what it is needed for.
    """
    from ..base import tools as diagnosis

    tools = diagnosis.find_tools()
    rows = [(tool.name, tool.status, tool.version or "-", tool.minimum or "-", tool.needed_for) for tool in tools]
    missing = [tool for tool in tools if tool.required and tool.status != "ok"]
    lines = columns(("tool", "status", "version", "least", "needed for"), rows)
    lines += [f"{tool.name}: {tool.remedy}" for tool in tools if tool.status != "ok"]
    settings.show(lines, {"tools": [tool.as_json() for tool in tools]})
    return 6 if missing else 0


def note_lines(notes: Iterable[str]) -> list[str]:
    """The decisions that the importer and the passes took on their own, a line each."""
    return [f"note: {printable(note)}" for note in notes]


def chosen_range(text: str | None) -> tuple[float, float] | None:
    """The range of --input-range; None if it was not given."""
    ends = numbers(text, "--input-range")
    if text is not None and len(ends) != 2:
        raise UsageError(f"--input-range {text!r}: two numbers are needed, such as 0,255")
    return (ends[0], ends[1]) if ends else None


def estimate_only(integer: IntegerGraph) -> list[str]:
    """The mark of a network that was quantized without data."""
    if not integer.estimate_only:
        return []
    return ["estimate only: quantized without data, so that size and speed hold and values mean nothing"]


def integer_lines(integer: IntegerGraph) -> list[str]:
    """A line for each integer layer: formats, accumulator and shifts."""
    rows = []
    for layer in integer_json(integer)["layers"]:
        shifts = sorted(set(layer["shift"]))
        span = str(shifts[0]) if len(shifts) == 1 else f"{shifts[0]}..{shifts[-1]}" if shifts else "-"
        rows.append(
            (
                printable(layer["name"]),
                layer["operator"],
                shape_text(layer["shape"]),
                layer["weight_format"] or "-",
                layer["output_format"] if layer["scale"] is None else _stepped(layer),
                layer["accumulator_width"],
                span,
            )
        )
    return columns(("layer", "operator", "output", "weights", "format", "accumulator", "shift"), rows)


def _stepped(layer: dict[str, Any]) -> str:
    """The format of a tensor whose step is no power of two."""
    return f"{layer['output_format'].split('.')[0]} x {layer['scale']:.4g}, zero {layer['zero_point']}"


def integer_json(integer: IntegerGraph, output: str | None = None) -> dict[str, Any]:
    """The integer network as plain values; shapes are (height, width, channels)."""
    from ..integer.file import digest

    layers = []
    for op in integer.operators:
        tensor = integer.tensors[op.output]
        weight_format = getattr(op, "weight_format", None)
        requantize = getattr(op, "requantize", None)
        layers.append(
            {
                "name": op.name,
                "operator": type(op).__name__.removeprefix("Integer"),
                "shape": list(tensor.shape),
                "weight_format": weight_format.describe() if weight_format else None,
                "weight_frac": sorted(set(getattr(op, "weight_frac", ()))),
                "output_format": tensor.format.describe(),
                "scale": tensor.scale,
                "zero_point": tensor.zero_point,
                "accumulator_width": getattr(op, "accumulator_width", None),
                "shift": list(requantize.shift) if requantize else [],
                "multiplier": list(requantize.multiplier) if requantize else [],
            }
        )
    mark = {"estimate_only": True} if integer.estimate_only else {}
    return {"name": integer.name, "output": output, "digest": digest(integer), "layers": layers, **mark}
