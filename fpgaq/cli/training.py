"""The commands that need nnabla: finetune, parity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..report.text import columns, printable, shorten
from .options import Settings, common, example, model_options, pop_model_options, pop_quantize_options, quantize_options

if TYPE_CHECKING:
    from ..nnabla.parity import Parity

DELTAS = ("frozen", "recalibrated", "learned")
SCHEDULES = ("cosine", "step", "constant")
"""Spelled out again because the modules that own them import nnabla; a test compares them."""


@click.command(
    epilog=example(
        "fpgaq finetune model.nnp --data train.npz --weight-bits 4 --activation-bits 4 --epochs 2 -o qat.nnp"
    )
)
@click.argument("model")
@click.option("--data", required=True, metavar="NPZ", help="Training samples x with labels or targets y.")
@click.option("--calibration", metavar="NPZ", help="Samples that choose the formats; by default 256 of the data.")
@click.option("--test", metavar="NPZ", help="Labelled samples for the accuracy before and after.")
@click.option("--epochs", type=float, default=1.0, show_default=True, help="Passes over the training samples.")
@click.option(
    "--rate",
    type=float,
    default=1e-3,
    show_default=True,
    help="Learning rate at the start, relative to each layer's range.",
)
@click.option(
    "--schedule", type=click.Choice(SCHEDULES), default="cosine", show_default=True, help="How the learning rate falls."
)
@click.option("--batch-size", type=int, default=64, show_default=True, metavar="N", help="Samples of a training step.")
@click.option(
    "--deltas",
    type=click.Choice(DELTAS),
    default="frozen",
    show_default=True,
    help="Whether training changes the quantization steps.",
)
@click.option(
    "--teacher",
    type=float,
    default=0.0,
    show_default=True,
    metavar="SHARE",
    help="Weight of the float network's answer in each target, 0 to 1; the label has the rest.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the order of the training samples.")
@click.option("-o", "--output", required=True, metavar="NNP", help="The trained fixed-point network to write.")
@quantize_options
@model_options
@common
@click.pass_obj
def finetune(
    settings: Settings,
    /,
    model: str,
    data: str,
    calibration: str | None,
    test: str | None,
    epochs: float,
    rate: float,
    schedule: Any,
    batch_size: int,
    deltas: Any,
    teacher: float,
    seed: int,
    output: str,
    **values: Any,
) -> None:
    """Continue the training of MODEL in fixed point.

    The network is quantized, and trained through its fixed-point functions (straight through). Afterwards `fpgaq
    quantize` takes the formats from the file and needs no calibration. This needs nnabla, hence CPython 3.10.
    """
    reading, options = pop_model_options(values), pop_quantize_options(values)
    from .. import pipeline
    from ..emit.write import check_file
    from ..errors import UsageError
    from ..exporters import save_nnp
    from ..nnabla import TrainOptions
    from ..nnabla.workflow import finetune_model

    check_file(output)
    if not output.endswith(".nnp"):
        raise UsageError(f"{output}: a trained network is written as .nnp; give a name that ends so")
    if batch_size < 1:
        raise UsageError(f"--batch-size {batch_size}: 1 or more is needed")
    training = TrainOptions(epochs=epochs, rate=rate, schedule=schedule, seed=seed)
    with settings.progress("quantizing") as progress:
        graph = pipeline.load_model(model, **reading)
        result = finetune_model(
            graph, data, options, training,
            calibration=calibration, test=test, deltas=deltas, batch_size=batch_size, teacher=teacher,
            progress=progress,
        )  # fmt: skip
        save_nnp(result.graph, output)
    measure, form = ("right answers", "{:.2f} %") if result.loss == "cross_entropy" else ("squared error", "{:.6f}")
    rows = [(name, form.format(value)) for name, value in result.figures.items()]
    losses = ", ".join(f"{epoch.loss:.4f}" for epoch in result.epochs)
    lines = [f"trained on {result.samples:,} samples ({result.loss}); mean loss of each epoch: {losses}"]
    lines += columns(("network", measure), rows) if rows else []
    lines.append(f"written: {printable(output)}; next: fpgaq quantize {printable(output)} -o MODEL.fpgaq")
    shown = {
        "output": output,
        "loss": result.loss,
        "samples": result.samples,
        "epochs": [epoch.loss for epoch in result.epochs],
        "figures": dict(result.figures),
    }
    settings.show(lines, shown)


@click.command(epilog=example("fpgaq parity qat.nnp --data test.npz --frames 64"))
@click.argument("model")
@click.option("--data", required=True, metavar="NPZ", help="Samples in the model's own units.")
@click.option("--frames", type=int, default=64, show_default=True, metavar="N", help="Number of samples to compare.")
@click.option("--network", metavar="NAME", help="Which network of the model file.")
@common
@click.pass_obj
def parity(settings: Settings, model: str, data: str, frames: int, network: str | None) -> int:
    """Compare the integer network with nnabla.

    MODEL has fixed-point functions. Every integer tensor is compared with what nnabla computes, by ==. Where sums may
    pass 2**24, which float32 does not hold, differing elements are counted. The exit code is 7 if equality was
    promised and failed. This needs nnabla, hence CPython 3.10.
    """
    from .. import pipeline
    from ..data import load_data
    from ..errors import UsageError
    from ..nnabla.parity import check_parity

    if frames < 1:
        raise UsageError(f"--frames {frames}: 1 or more is needed")
    with settings.progress("computing"):
        graph = pipeline.load_model(model, network, passes=False)
        shapes = {name: tuple(graph.shapes[name]) for name in (*graph.inputs, *graph.outputs)}
        samples = load_data(data, graph.inputs, outputs=graph.outputs, shapes=shapes).slice(0, frames)
        result = check_parity(graph, samples.inputs)
    settings.show(parity_lines(result), parity_json(result))
    return 7 if result.differing and not result.doubts else 0


def parity_lines(result: Parity) -> list[str]:
    """A line for each tensor, then the differing elements."""
    rows = [
        (shorten(tensor.name), shorten(tensor.variable), tensor.elements, tensor.differing) for tensor in result.tensors
    ]
    lines = columns(("integer tensor", "nnabla variable", "elements", "differing"), rows)
    for tensor in result.tensors:
        lines += [
            f"{shorten(tensor.name)}{list(one.index)}: {one.integer} in the integer network, {one.nnabla:g} in nnabla"
            for one in tensor.first
        ]
    lines.append(f"{result.differing:,} of {result.elements:,} elements differ")
    if result.table_entries:
        lines.append(f"{result.table_entries} table entries of `fpgaq quantize` differ from nnabla's functions")
    if result.internal:
        lines.append(f"inside layers, not compared: {', '.join(shorten(name) for name in result.internal)}")
    lines += [f"equality is not promised: {doubt}" for doubt in result.doubts]
    return lines


def parity_json(result: Parity) -> dict[str, Any]:
    """Plain values for `--json`."""
    from dataclasses import asdict

    return {**asdict(result), "differing": result.differing, "elements": result.elements}


COMMANDS = (finetune, parity)
