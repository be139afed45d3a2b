"""The commands that need nnabla: finetune, parity."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import click

from ..base.choices import Deltas, RateSchedule
from ..base.errors import UsageError
from ..base.tables import columns
from ..base.text import printable
from .options import DataOptions, ModelOptions, NetworkOptions, QuantizeFlags
from .parameters import Argument, Option, command
from .settings import Settings

if TYPE_CHECKING:
    from ..nnabla.parity import Parity


@dataclass(frozen=True, kw_only=True)
class FinetuneOptions:
    """The options of `fpgaq finetune`."""

    model: Annotated[str, Argument()]
    train: Annotated[
        str | None,
        Option(
            "Training samples x with labels or targets y; --data is the old name.  [required]",
            "--train",
            "--data",
            metavar="NPZ",
        ),
    ] = None
    calibration: Annotated[
        str | None, Option("Samples that choose the formats; by default 256 of --train.", metavar="NPZ")
    ] = None
    test: Annotated[str | None, Option("Labelled samples for the accuracy before and after.", metavar="NPZ")] = None
    epochs: Annotated[float, Option("Passes over the training samples.", metavar="N")] = 1.0
    rate: Annotated[float, Option("Learning rate at the start, relative to each layer's range.", metavar="RATE")] = 1e-3
    schedule: Annotated[RateSchedule, Option("How the learning rate falls.")] = "cosine"
    batch_size: Annotated[int, Option("Samples of a training step.", metavar="N")] = 64
    deltas: Annotated[Deltas, Option("Whether training changes the quantization steps.")] = "frozen"
    teacher: Annotated[
        float,
        Option("Weight of the float network's answer in each target, 0 to 1; the label has the rest.", metavar="SHARE"),
    ] = 0.0
    seed: Annotated[int, Option("Seed of the order of the training samples.", metavar="SEED")] = 0
    output: Annotated[str, Option("The trained fixed-point network to write.", "-o", metavar="NNP")]
    samples: DataOptions
    quantizing: QuantizeFlags
    reading: ModelOptions


@command(
    FinetuneOptions,
    "fpgaq finetune model.nnp --train train.npz --weight-bits 4 --activation-bits 4 --epochs 2 -o qat.nnp",
    tables=True,
)
def finetune(settings: Settings, options: FinetuneOptions) -> None:
    """Continue the training of MODEL in fixed point.

    The network is quantized, and trained through its fixed-point functions (straight through). Afterwards `fpgaq
    quantize` takes the formats from the file and needs no calibration. This needs nnabla, hence CPython 3.10.
    """
    if options.train is None:
        # Not click's own check: --data was the required one, and the longest name is what a caller may rely on.
        raise click.MissingParameter(param_type="option", param_hint="'--train'")
    if options.quantizing.per_feature:
        raise UsageError("--per-feature would be ignored: training in fixed point has one input step; leave it out")
    wanted = options.quantizing.options()
    from ..base.output import check_file
    from ..model.exporters import save_nnp
    from ..nnabla import TrainOptions
    from ..pipeline.finetuning import finetune_model

    output = options.output
    check_file(output)
    if not output.endswith(".nnp"):
        raise UsageError(f"{output}: a trained network is written as .nnp; give a name that ends so")
    if options.batch_size < 1:
        raise UsageError(f"--batch-size {options.batch_size}: 1 or more is needed")
    training = TrainOptions(epochs=options.epochs, rate=options.rate, schedule=options.schedule, seed=options.seed)
    with settings.progress("quantizing") as progress:
        result = finetune_model(
            options.reading.load(options.model),
            options.samples.source(options.train),
            wanted,
            training,
            calibration=options.samples.optional(options.calibration),
            test=options.samples.optional(options.test),
            deltas=options.deltas,
            batch_size=options.batch_size,
            teacher=options.teacher,
            progress=progress,
        )
        save_nnp(result.graph, output)
    measure, form = ("right answers", "{:.2f} %") if result.loss == "cross_entropy" else ("squared error", "{:.6f}")
    rows = [(name, form.format(value)) for name, value in result.figures.items()]
    losses = ", ".join(f"{epoch.loss:.4f}" for epoch in result.epochs)
    lines = [f"trained on {result.samples:,} samples ({result.loss}); mean loss of each epoch: {losses}"]
    lines += columns(("network", measure), rows) if rows else []
    if result.held_out is not None:
        start, end = (form.format(value) for value in result.held_out)
        lines.append(f"on samples held out of training: {start} before, {end} after")
    if result.kept:
        lines.append("training made it worse there: the network that it started from is written")
    lines.append(f"written: {printable(output)}; next: fpgaq quantize {printable(output)} -o MODEL.fpgaq")
    shown = {
        "output": output,
        "loss": result.loss,
        "samples": result.samples,
        "epochs": [epoch.loss for epoch in result.epochs],
        "figures": dict(result.figures),
        "kept": result.kept,
        "held_out": result.held_out,
    }
    settings.show(lines, shown)


@dataclass(frozen=True, kw_only=True)
class ParityOptions:
    """The options of `fpgaq parity`."""

    model: Annotated[str, Argument()]
    data: Annotated[str, Option("Samples in the model's own units.", metavar="NPZ")]
    samples: DataOptions
    frames: Annotated[int, Option("Number of samples to compare.", metavar="N")] = 64
    reading: NetworkOptions


@command(ParityOptions, "fpgaq parity qat.nnp --data test.npz --frames 64", tables=True)
def parity(settings: Settings, options: ParityOptions) -> int:
    """Compare the integer network with nnabla.

    MODEL has fixed-point functions. Every integer tensor is compared with what nnabla computes, by ==. Where sums may
    pass 2**24, which float32 does not hold, differing elements are counted. The exit code is 7 if equality was
    promised and failed. This needs nnabla, hence CPython 3.10.
    """
    from ..base.data import load_data
    from ..nnabla.parity import check_parity

    if options.frames < 1:
        raise UsageError(f"--frames {options.frames}: 1 or more is needed")
    with settings.progress("computing"):
        graph = options.reading.load(options.model, passes=False)
        shapes = {name: tuple(graph.shapes[name]) for name in (*graph.inputs, *graph.outputs)}
        source = options.samples.source(options.data)
        samples = load_data(source, graph.inputs, outputs=graph.outputs, shapes=shapes).slice(0, options.frames)
        samples = samples.in_model_units()
        result = check_parity(graph, samples.inputs)
    settings.show(parity_lines(result), parity_json(result))
    return 7 if result.differing and not result.doubts else 0


def parity_lines(result: Parity) -> list[str]:
    """A line for each tensor, then the differing elements."""
    rows = [
        (printable(tensor.name), printable(tensor.variable), tensor.elements, tensor.differing)
        for tensor in result.tensors
    ]
    lines = columns(("integer tensor", "nnabla variable", "elements", "differing"), rows)
    for tensor in result.tensors:
        lines += [
            f"{printable(tensor.name)}{list(one.index)}: {one.integer} in the integer network, {one.nnabla:g} in nnabla"
            for one in tensor.first
        ]
    lines.append(f"{result.differing:,} of {result.elements:,} elements differ")
    if result.table_entries:
        lines.append(f"{result.table_entries} table entries of `fpgaq quantize` differ from nnabla's functions")
    if result.internal:
        lines.append(f"inside layers, not compared: {', '.join(printable(name) for name in result.internal)}")
    lines += [f"equality is not promised: {doubt}" for doubt in result.doubts]
    return lines


def parity_json(result: Parity) -> dict[str, Any]:
    """Plain values for `--json`."""
    return {**asdict(result), "differing": result.differing, "elements": result.elements}
