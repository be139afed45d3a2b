"""The command that makes networks smaller: prune."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from ..base.choices import Measure
from ..base.errors import UsageError
from ..base.tables import columns
from ..base.text import printable
from .options import DEVICE, DataOptions, NetworkOptions
from .parameters import Argument, Option, command
from .settings import Settings

if TYPE_CHECKING:
    from ..model.graph import Graph
    from ..study.pruning.options import PruneOptions


@dataclass(frozen=True, kw_only=True)
class PruneCommandOptions:
    """The options of `fpgaq prune`."""

    headings: ClassVar[dict[str, str]] = {
        "budget": "How much goes, and which channels",
        "train": "Training after the cut",
        "test": "What is reported",
    }

    model: Annotated[str, Argument()]
    calibration: Annotated[
        str | None,
        Option("Training samples for quantization, and for the choice of channels without --train.", metavar="NPZ"),
    ] = None
    output: Annotated[str | None, Option("The pruned network to write.", "-o", metavar="NNP")] = None
    budget: Annotated[
        float | None,
        Option("Multiplications: a share of all (up to 1), or a number.", metavar="B"),
    ] = None
    budget_rom: Annotated[
        float | None, Option("Bits of weights and biases: a share of all, or a number.", metavar="B")
    ] = None
    budget_cycles: Annotated[
        float | None, Option("Cycles a frame at --multipliers: a share, or a number.", metavar="B")
    ] = None
    multipliers: Annotated[int, Option("Multipliers of the schedules.", metavar="N")] = 64
    measure: Annotated[
        Measure, Option("Importance of a channel: to its readers (surgeon), by its weights, or by its values.")
    ] = "surgeon"
    at_least: Annotated[int, Option("Channels that every layer keeps at least.", metavar="N")] = 1
    multiple_of: Annotated[int, Option("Keep multiples of this number of channels.", metavar="N")] = 1
    train: Annotated[
        str | None, Option("Labelled training samples, for --finetune, --trials and choices.", metavar="NPZ")
    ] = None
    finetune: Annotated[
        float,
        Option("Epochs of training after the cut (needs nnabla).", metavar="EPOCHS", show_default=False),
    ] = 0.0
    rate: Annotated[
        float, Option("Learning rate of --finetune at its start.", metavar="RATE", needs=("finetune", "trials"))
    ] = 3e-3
    trials: Annotated[
        int,
        Option("Choices of channels to train briefly; the best on a held-out tenth of --train is taken.", metavar="N"),
    ] = 1
    trial_epochs: Annotated[
        float, Option("Epochs of each training of --trials.", metavar="EPOCHS", needs=("trials",))
    ] = 4.0
    refit: Annotated[
        bool,
        Option(
            "Fit the layers after the cut to the whole network's, on the samples of --train or --calibration.",
            "--refit/--no-refit",
        ),
    ] = True
    test: Annotated[
        str | None,
        Option(
            "Labelled test samples, for the accuracy before and after; --data is the old name.",
            "--test",
            "--data",
            metavar="NPZ",
        ),
    ] = None
    synth: Annotated[str | None, Option("Synthesize the network before and after for a device.", kind=DEVICE)] = None
    groups: Annotated[bool, Option("Only list what can be pruned, what cannot, and why.")] = False
    picture: Annotated[
        str | None,
        Option("Draw the groups, for Graphviz; --draw is the old name.", "--picture", "--draw", metavar="DOT"),
    ] = None
    samples: DataOptions
    reading: NetworkOptions
    jobs: Annotated[int | None, Option("Processes that measure; by default one per processor.", metavar="N")] = None

    def pruning(self) -> PruneOptions:
        """What of them is about the choice of channels and the training after it."""
        from ..study.pruning.masks import Limits
        from ..study.pruning.options import PruneOptions

        return PruneOptions(
            macs=self.budget,
            rom_bits=self.budget_rom,
            cycles=self.budget_cycles,
            multipliers=self.multipliers,
            measure=self.measure,
            limits=Limits(self.at_least, self.multiple_of),
            jobs=self.jobs,
            epochs=self.finetune,
            rate=self.rate,
            trials=self.trials,
            trial_epochs=self.trial_epochs,
            refit=self.refit,
        )


@command(
    PruneCommandOptions,
    "fpgaq prune model.nnp --budget 0.5 --calibration train.npz --test test.npz -o pruned.nnp\n"
    "  fpgaq prune model.nnp --groups",
    tables=True,
)
def prune(settings: Settings, options: PruneCommandOptions) -> None:
    """Take channels out of MODEL.

    The least important channels go, until the budget is met. Weights really shrink in every layer that they run
    through.
    """
    _refuse_beside_groups(options)
    graph = options.reading.load(options.model, passes=False)
    output, calibration = options.output, options.calibration
    if options.groups or options.picture:
        _show_groups(settings, graph, options.picture)
        if options.groups or output is None:
            return
    if output is None or calibration is None:
        raise UsageError("give --calibration and -o/--output, or --groups to list what can be pruned")
    from ..pipeline.pruning import prune as prune_network

    wanted = options.pruning()
    with settings.progress("reading") as tell:
        result = prune_network(
            graph,
            options.samples.source(calibration),
            wanted,
            training=options.samples.optional(options.train),
            data=options.samples.optional(options.test),
            device=options.synth,
            output=output,
            progress=tell,
        )
    from ..study.pruning.figures import table_rows

    lines = columns(("layers", "channels", "kept"), [
        (printable(" + ".join(group.layers)), group.size, kept)
        for group, kept in zip(result.groups, result.found.counts, strict=True) if group.units
    ])  # fmt: skip
    lines += ["", *columns(("", "before", "after", "left"), table_rows(result.before, result.after))]
    lines.append(f"written: {printable(output)}")
    settings.show(lines, {**result.as_json(), "output": output})


def _refuse_beside_groups(options: PruneCommandOptions) -> None:
    """UsageError for an option of pruning beside --groups, which only lists."""
    names = ("calibration", "output", "budget", "budget_rom", "budget_cycles", "train", "test", "synth")
    for name in names if options.groups else ():
        if getattr(options, name) is not None:
            raise UsageError(f"--groups only lists: leave --{name.replace('_', '-')} out")


def _show_groups(settings: Settings, graph: Graph, draw: str | None) -> None:
    from ..base.output import write_file
    from ..study.pruning import draw_groups, find_groups, find_units

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
