"""Random networks that take and give 1 to 16 pixels a beat: every beat of every stream, and every predicted cycle.

    python -m hdl_tests.fuzz.pixels 100 [--first 0]

A network is one of the fuzz's, or a chain of convolutions and poolings whose sizes pixels divide. What no form takes is
refused in one line; such a case is counted, and no other error is let pass.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fpgaq.base.errors import FitError, UnsupportedError
from fpgaq.base.formats import Format
from fpgaq.hardware.lowering.wide import HARDWARE_ONLY, WideGraph
from fpgaq.hardware.schedule import Schedule, Target, plan_hardware
from fpgaq.integer.graph import IntegerGraph
from fpgaq.proof.file_bench import run_file_bench
from tests.support.fuzz.networks import random_graph
from tests.support.network_builder import NetworkBuilder

MOST_PIXELS = 16
MOST_CYCLES = 3000


@dataclass(frozen=True)
class PixelCase:
    """A network, what is asked for, and what is built: none where it was `refused`."""

    graph: IntegerGraph
    target: Target
    built: IntegerGraph | None
    schedule: Schedule | None
    refused: str = ""

    @property
    def wide_layers(self) -> list[str]:
        """The kinds of layers that take or give several pixels a beat."""
        if not isinstance(self.built, WideGraph):
            return []
        wide = [op for op in self.built.operators if op.input in self.built.pixels or op.output in self.built.pixels]
        return [type(op).__name__ for op in wide] + ["repeated"] * len(self.built.repeated)


def divided_chain(seed: int) -> IntegerGraph:
    """Convolutions and poolings of sizes that many numbers divide."""
    chance = random.Random(seed)
    width, height = chance.choice((4, 6, 8, 12)), chance.choice((6, 8, 12, 16))
    bits = chance.randint(1, 10)
    builder = NetworkBuilder(seed, (height, width, chance.randint(1, 3)), Format(bits, 3, bits > 1))
    for _ in range(chance.randint(1, 3)):
        rows, columns, _ = builder.last.shape
        kind = chance.random()
        if kind < 0.3 and rows > 1:
            kernel = (chance.choice((1, 2)), 2 if columns % 2 == 0 and chance.random() < 0.7 else 1)
            builder.pool(kernel, kernel)
        elif kind < 0.4:
            builder.relu()
        else:
            kernel = chance.randint(1, min(5, rows)), chance.randint(1, min(3, columns))
            down, across = chance.choice((0, (kernel[0] - 1) // 2)), (kernel[1] - 1) // 2
            builder.convolution(
                chance.randint(1, 4),
                kernel,
                (chance.choice((1, 1, 2, 3)), chance.choice((1, 1, 2))),
                (down, kernel[0] - 1 - down if down else 0, across, kernel[1] - 1 - across),
                per_channel=chance.random() < 0.5,
                relu=chance.random() < 0.7,
            )
    if chance.random() < 0.6:
        builder.affine(chance.randint(1, 5))
    return builder.graph()


def _pixels(chance: random.Random, graph: IntegerGraph, names: Sequence[str]) -> int:
    """Pixels a beat that all ports have: often such as divide a row, or whole rows."""
    shapes = [graph.tensors[name].shape for name in names]
    most = min(MOST_PIXELS, *(height * width for height, width, _ in shapes))
    width = shapes[0][1]
    fitting = [count for count in range(2, most + 1) if width % count == 0 or count % width == 0]
    return chance.choice(fitting) if fitting and chance.random() < 0.7 else chance.randint(1, most)


def random_case(seed: int) -> PixelCase:
    """The case of a seed."""
    chance = random.Random(f"pixels {seed}")
    graph = random_graph(seed) if seed % 4 == 3 else divided_chain(seed)
    pixels, outputs = (_pixels(chance, graph, names) for names in (graph.inputs, graph.outputs))
    adders = chance.random() < 0.3
    target = Target(
        multipliers=chance.choice((8, 256, 1 << 14, 1 << 14)),
        sharing=not adders,
        adders=adders,
        pixels=pixels,
        output_pixels=outputs if chance.random() < 0.5 else 1,
    )
    try:
        built, schedule = plan_hardware(graph, target)
    except (UnsupportedError, FitError) as error:
        return PixelCase(graph, target, None, None, str(error))
    return PixelCase(graph, target, built, schedule)


def prove(case: PixelCase, seed: int, folder: Path) -> str | None:
    """What is wrong of a case that was not refused; None if nothing."""
    assert case.built is not None and case.schedule is not None
    for stalls in (None, seed + 1):
        workdir = folder / f"stalls_{stalls}"
        workdir.mkdir()
        samples = dict(case.graph.samples)
        result = run_file_bench(case.built, case.schedule, samples, stall_seed=stalls, workdir=workdir)
        if result.mismatch is not None:
            return f"stalls {stalls}: {result.mismatch}"
    return None


def main() -> int:
    """Try cases, print what they covered and those that fail."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    covered: Counter[str] = Counter()
    failed = 0
    for seed in range(given.first, given.first + given.count):
        case = random_case(seed)
        if case.schedule is None:
            covered["refused"] += 1
            continue
        if case.schedule.prediction.mean_interval > MOST_CYCLES:
            covered["too slow to simulate here"] += 1
            continue
        with tempfile.TemporaryDirectory(prefix="fpgaq-pixels-") as folder:
            wrong = prove(case, seed, Path(folder))
        covered["wide" if case.target.is_wide else "one pixel"] += 1
        covered.update(set(case.wide_layers))
        if wrong is not None:
            failed += 1
            print(f"seed {seed}, {case.target}: {wrong}", flush=True)
    print(f"{given.count} cases, {failed} failed; {dict(sorted(covered.items()))}")
    return 1 if failed else 0


__all__ = ["HARDWARE_ONLY", "PixelCase", "prove", "random_case"]


if __name__ == "__main__":
    raise SystemExit(main())
