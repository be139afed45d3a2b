"""The cocotb tests: the network against the golden vectors, every beat of every stream, by equality.

Sources, sinks and monitors are Verilog (fpgaq_bench*.v), so that Python does nothing each cycle: a test sets the
bench's inputs, applies a reset, waits for `finished` and reads what the monitors logged.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import cocotb
import compare
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, First, RisingEdge

GOLDEN = compare.Golden(Path(__file__).parent)
PREDICTION = GOLDEN.description["prediction"]
LATENCY = PREDICTION["latency_cycles"]
# Where the interval is not predicted, a bound that no sound network reaches stands in for it.
INTERVAL_BOUND = PREDICTION["interval_cycles"] or 4 * LATENCY + 10_000
FRAMES = len(GOLDEN.labels)
NEVER = 0xFFFFFFFF
# More frames than any network holds; the sinks take none of them.
ENDLESS = 1 << 24
COUNTS = {"walker": ("missing", "free", "credit"), "credit": ("left",), "queue": ("free",)}
"""The counters of words and beats, by the cells of a layer that hold them (fpgaq_walker.v and so on)."""
MOST_FRAMES = 64
LOG = Path("beats.log")
OUTCOME = Path("outcome.jsonl")


@dataclass(frozen=True)
class Traffic:
    """How a run is fed and drained; chances in 256ths, holds as masks (0: redrawn each cycle, 15: every 16 cycles)."""

    frames: int
    first_frame: int = 0
    surplus: int = 0
    gap: int = 0
    gap_hold: int = 0
    stall: int = 0
    stall_hold: int = 0
    seed: int = 1
    flip_input: int = 0
    flip_beat: int = NEVER

    @property
    def idle_limit(self) -> int:
        """Cycles without any beat that only a stuck network shows."""
        return 2 * (LATENCY + INTERVAL_BOUND) + 1000 + 100 * (self.gap_hold + self.stall_hold)

    @property
    def drain_limit(self) -> int:
        """Cycles without any beat after which nothing more is to come, once all beats have arrived."""
        return LATENCY + INTERVAL_BOUND + 100 if self.surplus else min(LATENCY, 1000) + 50

    @property
    def cycle_limit(self) -> int:
        """Cycles that no sound network needs for the run."""
        slowdown = 10 if self.gap or self.stall else 2
        return min(slowdown * (LATENCY + self.frames * INTERVAL_BOUND) + 2 * self.idle_limit, NEVER)


class Bench:
    """The handles and the log of one simulation."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.position = 0

    @classmethod
    async def begin(cls, dut: Any) -> Bench:
        """Start the clock and skip what earlier tests left in the log."""
        if OUTCOME.exists() and any(json.loads(line)["message"] for line in OUTCOME.read_text("utf-8").splitlines()):
            raise AssertionError("not run, since an earlier test failed")
        bench = cls(dut)
        dut.flush.value = 0
        Clock(dut.clk, 10, unit="ns", impl="gpi").start()
        await FallingEdge(dut.clk)
        await bench.flush()
        bench.position = LOG.stat().st_size
        return bench

    async def flush(self) -> None:
        """Have the simulator write its log out."""
        self.dut.flush.value = 1
        await FallingEdge(self.dut.clk)
        self.dut.flush.value = 0

    async def reset(self, traffic: Traffic, cycles: int = 3) -> None:
        """Apply the reset for `cycles` rising edges and set the traffic that follows it."""
        dut = self.dut
        await FallingEdge(dut.clk)
        dut.rst.value = 1
        dut.mark_beats.value = NEVER
        for field in fields(Traffic):
            getattr(dut, field.name).value = getattr(traffic, field.name)
        dut.drain_limit.value = traffic.drain_limit
        dut.idle_limit.value = traffic.idle_limit
        dut.cycle_limit.value = traffic.cycle_limit
        for _ in range(cycles):
            await FallingEdge(dut.clk)
        dut.rst.value = 0

    async def run(self) -> list[compare.Episode]:
        """Wait for the end of the run that the last reset began; return what was logged since the last call."""
        await RisingEdge(self.dut.finished)
        await FallingEdge(self.dut.clk)
        await self.flush()
        with LOG.open(encoding="ascii") as log:
            log.seek(self.position)
            text = log.read()
            self.position = log.tell()
        return compare.parse_log(text, len(GOLDEN.streams))

    def counts(self) -> dict[str, str]:
        """The words and beats that every layer counts, where the simulator shows them."""
        modules = [*self.dut.dut]
        # An engine holds the layers that it serves.
        modules += [part for engine in modules if engine._name.startswith("engine_") for part in engine]
        found = {}
        for module in (self.dut.dut, *modules):
            for cell, counts in COUNTS.items():
                # A queue between two layers stands in the network itself.
                place = module if module._name.endswith(f"_{cell}") else getattr(module, cell, None)
                for count in counts:
                    if hasattr(place, count):
                        found[f"{count} of {module._name}"] = str(getattr(place, count).value)
        return found

    def states(self) -> list[str]:
        """What valid and ready of every stream are now."""
        monitors = [getattr(self.dut, f"monitor_{index}") for index in range(len(GOLDEN.streams))]
        return [f"valid {monitor.valid.value} ready {monitor.ready.value}" for monitor in monitors]

    def judge(self, episode: compare.Episode, traffic: Traffic, complete: bool = True) -> tuple[int, str | None]:
        """Count the beats that differ and find the message of the first fault, None if there is none."""
        frames = compare.frames_begun(GOLDEN, episode) if traffic.surplus else traffic.frames
        wrong, message = compare.find_mismatch(GOLDEN, episode, traffic.first_frame, frames)
        message = message or compare.find_violation(GOLDEN, episode)
        if complete:
            message = message or compare.find_missing(GOLDEN, episode, traffic.frames, self.states())
            if message is None and str(self.dut.frame_error.value) != "0":
                message = f"frame_error is {self.dut.frame_error.value} although all frames are well formed"
        return wrong, message


def report(test: str, message: str | None, **measured: Any) -> None:
    """Record a test's outcome for run.py and fail the test if there is a message."""
    with OUTCOME.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"test": test, "message": message, **measured}) + "\n")
    if message is not None:
        raise AssertionError(message)


@cocotb.test()
async def unstalled(dut: Any) -> None:
    """Back-to-back frames at full speed: all beats right, latency and interval as predicted, no room lost.

    At the end the sinks block while the sources go on, until every buffer is full.
    """
    bench = await Bench.begin(dut)
    early, early_counts = await count_room(bench)
    frames = max(3, FRAMES, PREDICTION.get("frames") or 0)
    while True:
        traffic = Traffic(frames, surplus=ENDLESS)
        await bench.reset(traffic)
        episode = (await bench.run())[-1]
        wrong, message = bench.judge(episode, traffic)
        if message is not None:
            report("unstalled", message, frames=frames, mismatches=wrong)
        latency, intervals = compare.measure(GOLDEN, episode)
        interval = compare.settled(intervals)
        if interval is not None or PREDICTION["interval_cycles"] is None or frames >= MOST_FRAMES:
            break
        frames = min(2 * frames, MOST_FRAMES)
    message = timing_message(latency, interval, intervals)
    message = message or compare.find_leak(GOLDEN, early, compare.count_held(GOLDEN, episode, frames), frames)
    message = message or compare.find_changed_count(early_counts, bench.counts(), frames)
    report("unstalled", message, frames=frames, mismatches=wrong, latency_cycles=latency, interval_cycles=interval)


async def count_room(bench: Bench) -> tuple[list[int], dict[str, str]]:
    """What every stream carries beyond the first frame if the outputs block after it, and what is counted then."""
    traffic = Traffic(1, surplus=ENDLESS)
    await bench.reset(traffic)
    episode = (await bench.run())[-1]
    wrong, message = bench.judge(episode, traffic)
    if message is not None:
        report("unstalled", message, frames=traffic.frames, mismatches=wrong)
    return compare.count_held(GOLDEN, episode, traffic.frames), bench.counts()


def timing_message(latency: int, interval: int | None, intervals: list[int]) -> str | None:
    """What differs between the measured and the predicted cycles."""
    if latency != LATENCY:
        return f"timing: latency is {latency} cycles, predicted {LATENCY}"
    predicted = PREDICTION["interval_cycles"]
    if predicted is not None and interval is None:
        return f"timing: the interval does not settle in {len(intervals)} frames ({intervals[-3:]} cycles at the end)"
    if predicted is not None and interval != predicted:
        return f"timing: interval is {interval} cycles, predicted {predicted}"
    return None


@cocotb.test()
async def stalled(dut: Any) -> None:
    """Gaps at the source and stalls at the sink, short and long: the same beats."""
    bench = await Bench.begin(dut)
    # Long enough a hold to fill and to empty every buffer between the layers.
    long_hold = (1 << min(max((INTERVAL_BOUND // 8).bit_length(), 4), 12)) - 1
    # The last frames, of extremes and random values; stalls meet data in the second and third pattern.
    some = min(FRAMES, 4)
    patterns = (
        Traffic(some, FRAMES - some, gap=96, stall=96, seed=0x1234567),
        Traffic(2, FRAMES // 3, stall=128, stall_hold=long_hold, seed=0x89ABCDE),
        Traffic(2, FRAMES // 2, gap=128, gap_hold=long_hold, stall=32, seed=0xF012345),
        Traffic(1, FRAMES - 1, gap=224, stall=224, gap_hold=1, stall_hold=3, seed=0x6789ABC),
    )
    for traffic in patterns:
        await bench.reset(traffic)
        episode = (await bench.run())[-1]
        wrong, message = bench.judge(episode, traffic)
        if message is not None:
            report("stalled", message, frames=traffic.frames, mismatches=wrong)
    report("stalled", None, frames=sum(traffic.frames for traffic in patterns), mismatches=0)


@cocotb.test()
async def reset_mid_frame(dut: Any) -> None:
    """A reset in the midst of a frame: the frames after it are right."""
    bench = await Bench.begin(dut)
    chance = random.Random(20261)
    # (traffic, cycles until the reset or None for half an output frame, cycles of the reset)
    cuts: tuple[tuple[Traffic, int | None, int], ...] = (
        (Traffic(2, seed=3), max(LATENCY // 2, 2), 1),
        (Traffic(3, seed=5, stall=160, gap=64), LATENCY + chance.randrange(1, INTERVAL_BOUND + 1), 2),
        (Traffic(2, seed=7, stall=255, stall_hold=255), chance.randrange(2, LATENCY + 3), 3),
        (Traffic(2, seed=9), None, 1),
    )
    for traffic, cycles, reset_cycles in cuts:
        await bench.reset(traffic)
        if cycles is None:
            output = next(stream for stream in GOLDEN.streams if stream["kind"] == "output")
            dut.mark_beats.value = (compare.packing.beats_per_frame(output) + 1) // 2
            await First(RisingEdge(dut.marked), RisingEdge(dut.finished))
        else:
            await ClockCycles(dut.clk, cycles)
        after = Traffic(1 if reset_cycles > 1 else 2, chance.randrange(FRAMES), seed=11)
        await bench.reset(after, reset_cycles)
        before_it, after_it = (await bench.run())[-2:]
        wrong, message = bench.judge(before_it, traffic, complete=False)
        if message is None:
            wrong, message = bench.judge(after_it, after)
            message = message and f"after a reset of {reset_cycles} cycles in mid-frame: {message}"
        if message is not None:
            report("reset_mid_frame", message, frames=traffic.frames, mismatches=wrong)
    report("reset_mid_frame", None, frames=len(cuts), mismatches=0)


@cocotb.test()
async def misplaced_tlast(dut: Any) -> None:
    """A tlast too early or missing sets frame_error for good; a reset clears it; right frames leave it low."""
    bench = await Bench.begin(dut)
    inputs = [(index, stream) for index, stream in enumerate(GOLDEN.streams) if stream["kind"] == "input"]
    for place, (index, stream) in enumerate(inputs):
        last = compare.packing.beats_per_frame(stream) - 1
        for kind, beat in [("early", (last - 1) // 2), ("missing", last)][last == 0 :]:
            # A right frame follows: it must not take the error back.
            traffic = Traffic(2, flip_input=place, flip_beat=beat, seed=13)
            await bench.reset(traffic)
            cycles, errors = (episode := (await bench.run())[-1]).cycles[index], episode.errors
            sent = cycles[beat] if len(cycles) > beat else None
            raised = [cycle for cycle, value in errors if value != "0"]
            value = str(dut.frame_error.value)
            if sent is None or value != "1" or not raised or not sent <= raised[0] <= sent + 16:
                message = (
                    f"frame_error: tlast {kind} at beat {beat} of input {place} (cycle {sent}) must raise it for good:"
                    f" found {value} at the end, raised at cycle {raised[0] if raised else None}"
                )
                report("misplaced_tlast", message)
    traffic = Traffic(1, seed=17)
    await bench.reset(traffic, 1)
    wrong, message = bench.judge((await bench.run())[-1], traffic)
    report("misplaced_tlast", message and f"after a misplaced tlast and a reset: {message}", frames=1, mismatches=wrong)
