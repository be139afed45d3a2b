"""Frames for the bench of a wrapper in HLS C++: whole ones, and damaged ones with what must come of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..base.formats import Format
from ..hardware.emit.hls import WrappedFrames
from ..hardware.schedule.bus import BusPort
from ..integer.graph import IntegerArray, IntegerGraph
from ..integer.reference import run
from .bus_bench import slot_bytes


def wrapped_frames(
    graph: IntegerGraph, source: BusPort, result: BusPort, golden: Mapping[str, IntegerArray]
) -> WrappedFrames:
    """Golden frames, then each kind of damage with a whole frame after it.

    What a damaged frame gives is what the reference gives for the frame that the wrapper's rule completes.

    Parameters
    ----------
    graph : IntegerGraph
        With one input and one output.
    source, result : BusPort
        How frames stand on the bus.
    golden : mapping of str to array of int64
        (frames, height, width, channels) of the input and the output.
    """
    (name,), (output,) = graph.inputs, graph.outputs
    tensor = graph.tensors[name]
    whole = slot_bytes(golden[name], source.slot)
    rows, damages = [*whole], [[source.beats, 0, -1, 0]] * len(whole)
    for index, damage in enumerate(_damages(source)):
        rows += [_completed(whole[index % len(whole)], damage, source), whole[(index + 1) % len(whole)]]
        damages += [list(damage), [source.beats, 0, -1, 0]]
    octets = np.array(rows)
    values = elements(octets, source, tensor.format).reshape(len(rows), *tensor.shape)
    found = run(graph, {name: values})[output]
    assert np.array_equal(found[: len(whole)], golden[output])
    frames = {"s_axis": octets, "m_axis": slot_bytes(found, result.slot), "damage": np.array(damages, dtype=np.int64)}
    return WrappedFrames(source, result, frames)


def _damages(port: BusPort) -> Iterator[tuple[int, int, int, int]]:
    """Beats sent, surplus beats, the first byte without tkeep, and tuser: each kind of damage where there is room."""
    beats, last = port.beats, port.bytes - 1
    for few in sorted({1, beats // 2, beats - 1} - {0, beats}):
        yield few, 0, -1, 0
    yield beats, 1, -1, 0
    yield beats, 3, -1, 1
    yield beats, 0, last, 0
    yield beats, 0, max(0, last - port.bus // 8), 0
    yield beats, 0, -1, 1
    if beats > 1:
        yield beats - 1, 0, 0, 1


def _completed(row: IntegerArray, damage: Sequence[int], port: BusPort) -> IntegerArray:
    beats, _, cut, _ = damage
    end = min(beats * port.bus // 8, cut if cut >= 0 else port.bytes)
    return np.where(np.arange(len(row)) < end, row, 0)


def elements(octets: IntegerArray, port: BusPort, fmt: Format) -> IntegerArray:
    """The elements that a wrapper takes out of slots: their low bits, as numbers of the format."""
    parts = octets.reshape(len(octets), -1, port.slot // 8).astype(np.uint64)
    words = np.zeros(parts.shape[:2], dtype=np.uint64)
    for place in range(port.slot // 8):
        words |= parts[:, :, place] << np.uint64(8 * place)
    spare = np.uint64(64 - fmt.width)
    lifted = words << spare
    return lifted.view(np.int64) >> np.int64(spare) if fmt.signed else (lifted >> spare).astype(np.int64)
