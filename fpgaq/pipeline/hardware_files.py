"""What stands in an output folder as options ask for it: the form of the network, its schedule, and all files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ..base.errors import FitError, UsageError
from ..hardware.schedule import Schedule, Target
from ..integer.graph import IntegerAffine, IntegerArray, IntegerConvolution, IntegerGraph
from ..integer.inputs import transform_data
from .samples import DATA_FRAMES, Samples, user_data

if TYPE_CHECKING:
    from ..hardware.emit.design import Design
    from ..hardware.emit.wrap import Wish, Wrapper
    from ..hardware.estimate import Estimate
    from ..hardware.schedule.beats import BeatNetwork

VECTORS = ("bench/bench.json", "bench/vectors/")
"""Those files of a bench that other benches read."""


def check_loadable(target: Target | None, device: str | None, factor_bits: int) -> None:
    """Refuse options that choose hardware by the weights, or count it as constants."""
    if device is not None:
        raise UsageError(
            "--weights loadable: --device estimates weights that are constants; give --multipliers, and `fpgaq synth`"
            " counts what is there"
        )
    if factor_bits:
        raise UsageError("--weights loadable: --pack lets constants share multipliers; leave it out")
    if target is not None and target.adders:
        raise UsageError("--weights loadable: --adders makes logic of the weights; leave one of both out")
    if target is not None and target.multipliers is None and target.cycles is None and target.latency is not None:
        raise UsageError("--weights loadable: --latency needs --multipliers or --fps beside it")


def check_pixels_taken(target: Target | None, language: str, loadable: bool) -> None:
    """Refuse what does not go with several pixels a beat."""
    if target is None or not target.is_wide:
        return
    option = "--pixels" if target.pixels > 1 else "--output-pixels"
    if language == "hls":
        raise UsageError(f"{option}: HLS C++ carries a pixel a beat; leave it out, or --language hls")
    if loadable:
        raise UsageError(f"{option}: loaded weights go with a pixel a beat; leave it or --weights loadable out")


def loadable_schedule(network: IntegerGraph, target: Target) -> tuple[IntegerGraph, Schedule]:
    """The form of a network whose weights are loaded, which does not depend on them, and its hardware."""
    from ..hardware.schedule import make_schedule

    lowered = loadable_form(network)
    if not any(isinstance(op, IntegerConvolution | IntegerAffine) for op in lowered.operators):
        raise UsageError("--weights loadable: the network has no weights; leave it out")
    return lowered, replace(make_schedule(lowered, target), loadable=True)


def loadable_form(network: IntegerGraph) -> IntegerGraph:
    """The form of a network whose weights are loaded; UnsupportedError if it has none."""
    from ..hardware.lowering import lower
    from ..hardware.lowering.factors import with_loadable_factors
    from ..hardware.lowering.loadable import with_loadable_weights

    return with_loadable_weights(lower(with_loadable_weights(with_loadable_factors(network)), zero_lanes=False))


def hls_schedule(network: IntegerGraph, target: Target) -> tuple[IntegerGraph, Schedule]:
    """The form of a network for HLS C++, where a function multiplies for one layer, and its lanes.

    A lowered network has more layers, and may need more multipliers than there are; then it stays as it is.
    """
    from ..hardware.lowering import lower
    from ..hardware.schedule import make_schedule

    alone, lowered = replace(target, sharing=False), lower(network, wires=0)
    try:
        return lowered, make_schedule(lowered, alone)
    except FitError:
        if lowered is network:
            raise
        return network, make_schedule(network, alone)


def bench_inputs(network: IntegerGraph, data: Samples | None, frames: int | None) -> Mapping[str, IntegerArray]:
    """The frames of the golden vectors."""
    from ..proof.vectors import limit_frames
    from ..study.report.remarks import remark_inputs

    if data is None:
        return limit_frames(network.samples, frames)
    count = DATA_FRAMES if frames is None else frames
    inputs = transform_data(network, user_data(network, data).slice(0, count).inputs)
    remark_inputs(network, inputs)
    return inputs


def verilog_files(
    network: IntegerGraph,
    lowered: IntegerGraph,
    schedule: Schedule,
    inputs: Mapping[str, IntegerArray],
    thorough: bool,
    wish: Wish | None,
) -> tuple[dict[str, str | bytes], Wrapper | None]:
    """Verilog and its cocotb bench, and the wrapper if there is one."""
    from ..hardware.emit.verilog import design_of
    from ..hardware.lowering.wide import plain_form
    from ..integer.file import digest

    design = design_of(lowered, schedule)
    plain = plain_form(lowered)
    if design.layout is not None:
        # What the register tells is the network as its file is, not the form of it that is built.
        design = replace(design, digest=digest(network))
    if wish is None:
        return with_bench(network, design, inputs, plain, thorough), None
    from ..hardware.schedule.memories import describe

    wrapper = None
    if wish.bus is not None:
        beats = describe(lowered, schedule.plans, schedule.edges, schedule.input_beats, schedule.engines)
        wrapper = wrapper_of(design, beats, wish)
    return wrapped_files(network, plain, design, wish, wrapper, inputs, thorough), wrapper


def wrapped_files(
    network: IntegerGraph,
    lowered: IntegerGraph,
    design: Design,
    wish: Wish,
    wrapper: Wrapper | None,
    inputs: Mapping[str, IntegerArray],
    thorough: bool,
) -> dict[str, str | bytes]:
    """The files of a design as wished, with its bench."""
    from ..hardware.emit.wrap import print_wrapped
    from ..proof.bench import bench_files
    from ..proof.bus_bench import adapter_files

    printed = print_wrapped(design, wish, wrapper, network.name)
    bench = bench_files(network, printed.manifest, printed.interface, inputs, lowered=lowered, thorough=thorough)
    adapter = adapter_files(printed.manifest, printed.interface)
    if design.layout is None:
        return {**printed.files, **bench, **adapter}
    from ..hardware.emit.image import IMAGE, LAYOUT, layout_bytes, make_image

    # A core whose weights are not there yet runs in the wrapper only: the frames alone are kept of its own bench.
    frames = {name: content for name, content in bench.items() if name.startswith(VECTORS)}
    image = make_image(lowered, design.layout, design.digest, network.name)
    return {**printed.files, **frames, **adapter, IMAGE: image, LAYOUT: layout_bytes(design.layout)}


def wrapper_of(design: Design, beats: BeatNetwork, wish: Wish) -> Wrapper:
    """The wrapper that is wished, with its predicted cycles."""
    from ..hardware.emit.wrap import Wrapper, bus_of
    from ..hardware.schedule.bus_processes import predict_bus

    bus = bus_of(design, wish)
    prediction = predict_bus(beats, bus)
    # Nothing that the wrapper adds waits for itself, so that a core that runs does so inside it.
    assert prediction is not None
    return Wrapper(wish.top or f"{design.top}_bus", bus, prediction)


def check_buffer(wrapper: Wrapper, guess: Estimate) -> None:
    """Refuse a buffer for an output frame that the part named does not hold together with the core."""
    from ..hardware.estimate.memories import map_memory
    from ..hardware.synth import find_device

    device, bus = find_device(guess.device), wrapper.bus
    if not bus.buffered or device.capacity is None:
        return
    blocks = map_memory(device.family, bus.width + 2, 1 << bus.buffer_bits, rom=False).blocks
    if guess.counts.bram + blocks > device.capacity.bram:
        raise FitError(
            f"--damaged drop: the buffer for an output frame takes {bus.buffer_memory:,} bits, {blocks:,} block RAM,"
            f" and the core {guess.counts.bram:,} of the {device.capacity.bram:,} of {guess.device}; leave it out, so"
            " that damaged frames are marked, or name a larger part"
        )


def with_bench(
    network: IntegerGraph,
    design: Design,
    inputs: Mapping[str, IntegerArray],
    lowered: IntegerGraph | None = None,
    thorough: bool = False,
) -> dict[str, str | bytes]:
    """Printed hardware and its cocotb bench; `lowered` is the form of the network that was built, if it is another."""
    from ..hardware.emit.printer import print_design
    from ..proof.bench import bench_files

    manifest, interface = design.as_json(), design.interface()
    bench = bench_files(network, manifest, interface, inputs, lowered=lowered, thorough=thorough)
    return {**print_design(design), **bench}


def hls_files(
    network: IntegerGraph,
    lowered: IntegerGraph,
    schedule: Schedule,
    inputs: Mapping[str, IntegerArray],
    thorough: bool,
    wish: Wish | None,
) -> dict[str, str | bytes]:
    """HLS C++ and its C++ bench."""
    from ..hardware.emit.hls import emit
    from ..hardware.emit.top import ports_of
    from ..hardware.emit.wrap import bus_ports
    from ..proof.hls_bus import wrapped_frames
    from ..proof.vectors import golden_vectors

    golden = golden_vectors(network, inputs, lowered=lowered, thorough=thorough).tensors
    if wish is None or wish.bus is None:
        return emit(lowered, schedule, golden, wish.top if wish is not None else None)
    source, result = bus_ports(*ports_of(lowered, schedule.lanes), wish)
    return emit(lowered, schedule, golden, wish.top, wrapped_frames(lowered, source, result, golden))
