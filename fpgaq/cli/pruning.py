"""The command that makes networks smaller: prune."""

from __future__ import annotations

from typing import Any

import click

from ..choices import DEVICES
from ..errors import UsageError
from ..report.text import columns, printable, shorten
from .options import Settings, common, example, pop_model_options, shape_options

MEASURES = ("surgeon", "l1", "l2", "gamma", "median", "activation")
"""Spelled out again because the module that owns them imports numpy; a test compares the two."""


@click.command(
    epilog=example(
        "fpgaq prune model.nnp --budget 0.5 --calibration train.npz --data test.npz -o pruned.nnp\n"
        "  fpgaq prune model.nnp --groups"
    )
)
@click.argument("model")
@click.option(
    "--calibration",
    metavar="NPZ",
    help="Training samples for quantization, and for the choice of channels without --train.",
)
@click.option("-o", "--output", metavar="NNP", help="The pruned network to write.")
@click.option("--budget", type=float, metavar="B", help="Multiplications: a share of all (up to 1), or a number.")
@click.option("--budget-rom", type=float, metavar="B", help="Bits of weights and biases: a share of all, or a number.")
@click.option("--budget-cycles", type=float, metavar="B", help="Cycles a frame at --multipliers: a share, or a number.")
@click.option("--multipliers", type=int, default=64, show_default=True, help="Multipliers of the schedules.")
@click.option(
    "--measure",
    type=click.Choice(MEASURES),
    default=MEASURES[0],
    show_default=True,
    help="Importance of a channel: to its readers (surgeon), by its weights, or by its values.",
)
@click.option("--at-least", type=int, default=1, show_default=True, help="Channels that every layer keeps at least.")
@click.option(
    "--multiple-of", type=int, default=1, show_default=True, help="Keep multiples of this number of channels."
)
@click.option("--train", metavar="NPZ", help="Labelled training samples, for --finetune, --trials and choices.")
@click.option(
    "--finetune", type=float, default=0.0, metavar="EPOCHS", help="Epochs of training after the cut (needs nnabla)."
)
@click.option("--rate", type=float, default=3e-3, show_default=True, help="Learning rate of --finetune at its start.")
@click.option(
    "--trials",
    type=int,
    default=1,
    show_default=True,
    help="Choices of channels to train briefly; the best on a held-out tenth of --train is taken.",
)
@click.option("--trial-epochs", type=float, default=4.0, show_default=True, help="Epochs of each training of --trials.")
@click.option(
    "--refit/--no-refit",
    default=True,
    show_default=True,
    help="Fit the layers after the cut to the whole network's, on the samples of --train or --calibration.",
)
@click.option("--data", metavar="NPZ", help="Labelled test samples, for the accuracy before and after.")
@click.option("--synth", type=click.Choice(DEVICES), help="Synthesize the network before and after for a device.")
@click.option("--groups", "only_groups", is_flag=True, help="Only list what can be pruned, what cannot, and why.")
@click.option("--draw", metavar="DOT", help="Draw the groups into a Graphviz file.")
@click.option("--network", metavar="NAME", help="Name of the network in the model file.")
@shape_options
@click.option("--jobs", type=int, metavar="N", help="Processes that measure; by default one per processor.")
@common
@click.pass_obj
def prune(
    settings: Settings,
    /,
    model: str,
    calibration: str | None,
    output: str | None,
    only_groups: bool,
    draw: str | None,
    **values: Any,
) -> None:
    """Take channels out of MODEL.

    The least important channels go, until the budget is met. Weights really shrink in every layer that they run
    through.
    """
    from .. import pipeline

    graph = pipeline.load_model(model, passes=False, **pop_model_options(values))
    if only_groups or draw:
        _show_groups(settings, graph, draw)
        if only_groups or output is None:
            return
    if output is None or calibration is None:
        raise UsageError("give --calibration and -o/--output, or --groups to list what can be pruned")
    from ..pruning.masks import Limits
    from ..pruning.options import PruneOptions
    from ..pruning.workflow import prune as prune_network

    options = PruneOptions(
        values["budget"],
        values["budget_rom"],
        values["budget_cycles"],
        values["multipliers"],
        values["measure"],
        Limits(values["at_least"], values["multiple_of"]),
        values["jobs"],
        values["finetune"],
        values["rate"],
        values["trials"],
        values["trial_epochs"],
        values["refit"],
    )
    with settings.progress("reading") as tell:
        result = prune_network(
            graph,
            calibration,
            options,
            training=values["train"],
            data=values["data"],
            device=values["synth"],
            output=output,
            progress=tell,
        )
    from ..pruning.figures import table_rows

    lines = columns(("layers", "channels", "kept"), [
        (shorten(" + ".join(group.layers), 48), group.size, kept)
        for group, kept in zip(result.groups, result.found.counts, strict=True) if group.units
    ])  # fmt: skip
    lines += ["", *columns(("", "before", "after", "left"), table_rows(result.before, result.after))]
    lines.append(f"written: {printable(output)}")
    settings.show(lines, {**result.as_json(), "output": output})


def _show_groups(settings: Settings, graph: Any, draw: str | None) -> None:
    from ..emit.write import write_file
    from ..pruning import draw_groups, find_groups, find_units

    units = find_units(graph)
    groups = find_groups(units)
    rows = [
        (" + ".join(group.layers), len(group.units), len(group.fixed), ", ".join(group.readers) or "-")
        for group in groups
    ]
    lines = columns(("channels of", "can go", "must stay", "read by"), rows)
    lines += [
        f"{printable(' + '.join(group.layers))}: {len(group.fixed)} must stay: {printable(group.reason)}"
        for group in groups
        if group.fixed
    ]
    if draw:
        write_file(draw, draw_groups(units, groups))
        lines.append(f"written: {printable(draw)}")
    settings.show(lines, {"groups": [group.as_json() for group in groups], "drawing": draw})


COMMANDS = (prune,)
