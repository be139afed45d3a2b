"""The stage that makes hardware."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.choices import LANGUAGES
from ..base.errors import UsageError
from ..base.results import Result
from ..hardware.schedule import Schedule, Target, auxiliary_multipliers
from ..integer.graph import IntegerGraph
from .build_record import BUILD_FILE, build_record, engine_rows, timeline_of
from .hardware_files import (
    bench_inputs,
    check_buffer,
    check_loadable,
    check_pixels_taken,
    hls_files,
    hls_schedule,
    loadable_schedule,
    verilog_files,
)
from .models import load_integer
from .samples import Samples, check_frames

if TYPE_CHECKING:
    from ..hardware.emit.wrap import Wish, Wrapper
    from ..hardware.estimate import Estimate, Storage

NETWORK_FILE = "network.fpgaq"
"""The copy of the integer network inside an output folder."""

LOWERED_FILE = "lowered.fpgaq"
"""Beside it, the form of the network that was built, where that is another."""

PIXELS = ("pixels", "output_pixels")
"""The fields of a target that count pixels a beat."""

DEFAULT_MULTIPLIERS = 64
"""Of a network for which nobody says how many, or how fast it is to be."""


@dataclass(frozen=True, repr=False)
class GenerateResult(Result):
    """What `generate` wrote.

    Parameters
    ----------
    directory : Path
    network : IntegerGraph
        The network in the form that was built (`fpgaq.hardware.lowering`).
    schedule : Schedule
        The hardware of each of its layers and the predicted cycles.
    digest : str
        SHA-256 of the integer network.
    files : tuple of str
        Paths inside the folder.
    language : str
        "verilog" or "hls".
    estimate : Estimate, optional
        What it will take on the device that was named.
    limited_by : str
        Where the device chose the schedule, what keeps it from a faster one.
    storage : Storage, optional
        Bits and block RAMs of the Verilog's weights, line buffers and queues.
    wrapper : Wrapper, optional
        What is around the core, with the cycles at its ports.
    """

    directory: Path
    network: IntegerGraph
    schedule: Schedule
    digest: str
    files: tuple[str, ...]
    language: str = "verilog"
    estimate: Estimate | None = None
    limited_by: str = ""
    storage: Storage | None = None
    wrapper: Wrapper | None = None

    @property
    def latency_frames(self) -> float | None:
        """Frames that come in until the first one is out."""
        prediction = self.schedule.prediction
        return prediction.latency / prediction.mean_interval if self.language == "verilog" else None

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        schedule = self.schedule
        # The beat model knows our Verilog; what a vendor's tool makes of the same folds, only that tool can tell.
        known = self.language == "verilog"
        return {
            "directory": str(self.directory),
            "target": self.language,
            "digest": self.digest,
            "multipliers": schedule.multipliers,
            "budget": schedule.budget,
            "interval_cycles": schedule.prediction.interval if known else None,
            "latency_cycles": schedule.prediction.latency if known else None,
            "latency_frames": self.latency_frames,
            "efficiency": schedule.efficiency if known else None,
            # Requantizing shifts; means, scales and products of tensors multiply in addition to the budget.
            "aux_multipliers": auxiliary_multipliers(schedule.plans),
            "macs": schedule.macs,
            "limit_cycles": schedule.limit,
            "estimate": self.estimate.as_json() if self.estimate else None,
            "limited_by": self.limited_by,
            "memory": self.storage.as_json() if self.storage else None,
            "wrapper": self.wrapper.as_json() if self.wrapper else None,
            **({"estimate_only": True} if self.network.estimate_only else {}),
            "files": list(self.files),
        }

    def headline(self) -> str:
        """The folder and the predicted cycles, in one line."""
        schedule, prediction = self.schedule, self.schedule.prediction
        size = f"{self.directory}: {self.language}, {schedule.multipliers:,} multipliers of {schedule.budget:,}"
        if self.language != "verilog":
            return size
        interval = "-" if prediction.interval is None else f"{prediction.interval:,}"
        return f"{size}, a frame every {interval} cycles, latency {prediction.latency:,} cycles"

    def records(self) -> list[dict[str, Any]]:
        """A row for each layer of the hardware."""
        return schedule_rows(self.schedule)


def generate(
    integer: IntegerGraph | str | Path,
    directory: str | Path,
    target: Target | None = None,
    *,
    data: Samples | None = None,
    frames: int | None = None,
    language: str = "verilog",
    device: str | None = None,
    factor_bits: int = 0,
    logic_bits: int | None = None,
    keep: Collection[str] = (),
    thorough: bool = False,
    wish: Wish | None = None,
    progress: Callable[[str], None] = lambda stage: None,
) -> GenerateResult:
    """Write the hardware of a network with its bench.

    Parameters
    ----------
    integer : IntegerGraph, str or Path
    directory : str or Path
        A folder that does not exist, is empty, or was written by `generate` before.
    target : Target, optional
        Multipliers, cycles or latency; by default 64 multipliers.
    data : Samples, optional
        Frames for the golden vectors; by default the samples inside the network.
    frames : int, optional
        How many of them: by default all of the network's own samples, or the first 8 of `data`.
    language : {"verilog", "hls"}
        Verilog with a cocotb bench, or HLS C++ with a C++ bench, folded alike.
    device : str, optional
        One of `fpgaq.hardware.synth.DEVICES`: the result tells what is estimated to be taken there. Without a target
        the schedule is the fastest that a part of known size holds.
    factor_bits : int
        Of the wider factor of the part's multipliers: several outputs share one where their weights fit into it a
        product's width apart. 0: each has its own, or as the device wants it.
    logic_bits : int, optional
        Products of at most so many bits, those of both factors together, are sums of digits in logic. None: those of
        which the device makes logic anyway, where that takes less; without a device none.
    keep : collection of str
        Files and folders of the user in `directory`, by their paths in it, that stay as they are.
    thorough : bool
        Choose as many frames for the bench as are needed to exercise every weight that can be, not a few.
    wish : Wish, optional
        How the network is to stand in a system: behind a bus, under a name of the user's choice.
    progress : callable
        Called with what is being done.

    Raises
    ------
    FitError
        A target that cannot be met; the message says what can.
    UsageError
        A folder that cannot or must not be written.
    """
    from ..base.output import check_folder, write_folder
    from ..hardware.emit.digests import with_digests
    from ..hardware.estimate import estimate_schedule, fit_device, measure_storage, with_cheap_products
    from ..hardware.lowering.wide import plain_form
    from ..hardware.schedule import plan_hardware
    from ..hardware.synth import find_device
    from ..integer.file import digest, dump

    if device is not None and language == "hls":
        raise UsageError("--device estimates Verilog; with --language hls the vendor's tool tells what it takes")
    if target is not None and target.latency is not None and language == "hls":
        raise UsageError("--latency is predicted for Verilog; with --language hls the vendor's tool tells it")
    for option, bits in (("--pack", factor_bits), ("--logic", logic_bits)):
        if bits and language == "hls":
            raise UsageError(f"{option} changes the Verilog's multipliers; leave it out with --language hls")
    if language not in LANGUAGES:
        raise UsageError(f"--language {language}: {' and '.join(LANGUAGES)} are known")
    if wish is not None and wish.buffered and language == "hls":
        raise UsageError("--damaged drop needs the Verilog's wrapper; with --language hls damaged frames are marked")
    if wish is not None:
        wish.check()
    if wish is not None and wish.loadable and language == "hls":
        raise UsageError("--weights loadable: weights are loaded into Verilog's memories; leave --language hls out")
    loadable = wish is not None and wish.loadable
    check_pixels_taken(target, language, loadable)
    if loadable:
        check_loadable(target, device, factor_bits)
    check_folder(directory, keep)
    check_frames(frames)
    network = integer if isinstance(integer, IntegerGraph) else load_integer(integer)
    wanted = target or Target(multipliers=DEFAULT_MULTIPLIERS)
    guess, limited_by, fitted = None, "", None
    searched = device if target is None and device is not None and find_device(device).capacity is not None else None
    if searched is not None and factor_bits:
        raise UsageError(
            "--pack with --device alone: the search shares multipliers by itself where that takes fewer blocks; leave"
            " --pack out, or give --multipliers or --cycles"
        )
    if searched is not None and logic_bits is not None:
        raise UsageError(
            "--logic with --device alone: the search builds products of logic by itself where that takes less; leave"
            " --logic out, or give --multipliers or --cycles"
        )
    if searched is not None:
        fitted = fit_device(network, searched, progress)
        lowered, schedule = fitted.network, fitted.schedule
        guess, limited_by = fitted.estimate, fitted.limited_by
    elif language == "hls":
        lowered, schedule = hls_schedule(network, wanted)
    elif loadable:
        lowered, schedule = loadable_schedule(network, wanted)
        schedule = replace(schedule, logic_bits=logic_bits or 0)
    else:
        lowered, schedule = plan_hardware(network, wanted)
        schedule = replace(schedule, factor_bits=factor_bits, logic_bits=logic_bits or 0)
        if device is not None and logic_bits is None:
            schedule, guess = with_cheap_products(lowered, schedule, device)
        elif device is not None:
            guess = estimate_schedule(lowered, schedule, device)
    inputs = bench_inputs(network, data, frames)
    wrapper = None
    if language == "hls":
        files = hls_files(network, lowered, schedule, inputs, thorough, wish)
    else:
        files, wrapper = verilog_files(network, lowered, schedule, inputs, thorough, wish)
    if wrapper is not None and guess is not None:
        check_buffer(wrapper, guess)
    files[NETWORK_FILE] = dump(network)
    if plain_form(lowered) is not network:
        files[LOWERED_FILE] = dump(plain_form(lowered))
    storage = measure_storage(lowered, schedule, device) if language == "verilog" and not loadable else None
    names = tuple(sorted((*files, BUILD_FILE)))
    result = GenerateResult(
        Path(directory), lowered, schedule, digest(network), names, language, guess, limited_by, storage, wrapper
    )
    # What a device chose was not asked for.
    asked = {} if fitted is not None else _asked(wanted)
    options = {**asked, **(asdict(wish) if wish else {}), "factor_bits": factor_bits, "device": device}
    options |= {} if logic_bits is None else {"logic_bits": logic_bits}
    timeline = timeline_of(lowered, schedule) if language == "verilog" else None
    files[BUILD_FILE] = build_record(
        language, options, result.as_json(), result.records(), timeline, engine_rows(schedule)
    )
    write_folder(directory, with_digests(files), keep)
    return result


def _asked(target: Target) -> dict[str, Any]:
    """The fields of a target; pixels a beat only where there are several."""
    asked = asdict(target)
    return {name: value for name, value in asked.items() if name not in PIXELS or value > 1}


def schedule_rows(schedule: Schedule) -> list[dict[str, Any]]:
    """What the schedule chose for each layer; `queue_words` are beats of the queues at its inputs."""
    layers = []
    queues = Counter({edge.reader: 0 for edge in schedule.edges})
    for edge in schedule.edges:
        queues[edge.reader] += 1 << edge.queue_bits if edge.queue_bits is not None else 0
    for index, plan in enumerate(schedule.plans):
        fold = getattr(plan, "fold", None)
        layers.append(
            {
                "name": plan.operator,
                "multipliers": fold.multipliers if fold else 0,
                "lanes": [fold.taps, fold.channels, fold.outputs] if fold else None,
                "cycles": getattr(plan, "cycles", None),
                "buffer_words": getattr(plan, "capacity", None),
                "queue_words": queues[index] or None,
            }
        )
    return layers
