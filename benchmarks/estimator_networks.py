"""The networks on which the estimator is fitted and judged: random ones of practical shapes."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fpgaq.base.formats import Format
from fpgaq.hardware.emit.verilog import emit
from fpgaq.hardware.schedule import Schedule, Target, make_schedule
from fpgaq.integer.graph import IntegerGraph
from tests.support.network_builder import NetworkBuilder


@dataclass(frozen=True)
class Sample:
    """One network on a budget of multipliers; `name` says how to make it again."""

    name: str
    graph: IntegerGraph
    schedule: Schedule


def names(practical: int, large: int, packed: int = 0, factor_bits: int = 0) -> Iterator[str]:
    """The names of `practical` networks, of `large` ones and of such whose outputs share multipliers, in turn."""
    kinds = (("practical", practical), ("large", large), (f"packed{factor_bits}", packed))
    for seed in range(max(practical, large, packed)):
        for kind, count in kinds:
            if seed < count:
                yield f"{kind} {seed}"


def make_sample(name: str) -> Sample:
    """The network of a name."""
    kind, seed = name.split()
    if kind.startswith("packed"):
        return packed_sample(int(seed), int(kind.removeprefix("packed")))
    return practical_sample(int(seed), kind == "large")


def packed_sample(seed: int, factor_bits: int) -> Sample:
    """A practical network in which a factor of that many bits holds the weights of several outputs at least once."""
    for attempt in range(1_000 * (seed + 1), 1_000 * (seed + 2)):
        sample = practical_sample(attempt)
        schedule = replace(sample.schedule, factor_bits=factor_bits)
        texts = (str(text) for path, text in emit(sample.graph, schedule).items() if path.endswith(".v"))
        if any(re.search(r"\.PACKED\((?!1\))", text) for text in texts):
            return Sample(f"packed{factor_bits} {seed}", sample.graph, schedule)
    raise AssertionError("none of a thousand networks shares multipliers")


def practical_sample(seed: int, large: bool = False) -> Sample:
    """A network as people build them: 4 to 32 pixels wide, up to 48 channels, mostly 8 bits.

    A `large` one has at least 96 multipliers.
    """
    chance = random.Random(seed)
    bits = chance.choice([8, 8, 8, 4])
    kind = chance.choice(["affine", "convolution", "convolution", "mixed"])
    if kind == "affine":
        builder = NetworkBuilder(seed, (1, 1, chance.choice([16, 64, 100, 256, 784])), Format(bits, 0, False))
        for _ in range(chance.randint(0, 2)):
            builder.affine(chance.choice([10, 16, 32, 64]), relu=True)
        graph = builder.affine(chance.choice([5, 10, 16]), relu=False).graph()
    else:
        size = chance.choice([4, 8, 12, 16, 28, 32])
        builder = NetworkBuilder(seed, (size, size, chance.choice([1, 3, 4, 8])), Format(bits, 0, False))
        for _ in range(chance.randint(1, 2)):
            _grow(chance, builder)
        if kind == "mixed":
            builder.affine(10, relu=False)
        graph = builder.graph()

    multipliers = chance.choice([1, 1, 2, 4, 8, 9, 16, 16, 32, 48, 64])
    if large:
        multipliers = chance.choice([96, 128, 192, 256])
    name = f"{'large' if large else 'practical'} {seed}"
    return Sample(name, graph, make_schedule(graph, Target(multipliers=multipliers)))


def _grow(chance: random.Random, builder: NetworkBuilder) -> None:
    """One more convolution, and now and then a pooling layer after it."""
    height, _, channels = builder.last.shape
    depthwise = channels > 1 and chance.random() < 0.15
    outputs = channels if depthwise else chance.choice([4, 8, 16, 24, 32, 48])
    kernel = chance.choice([1, 3, 3, 3, 5])
    kernel = min(kernel, height)
    edge = kernel // 2 if chance.random() < 0.7 else 0
    builder.convolution(
        outputs,
        (kernel, kernel),
        padding=(edge, edge, edge, edge),
        groups=channels if depthwise else 1,
        relu=chance.random() < 0.85,
        per_channel=chance.random() < 0.3,
    )
    if builder.last.shape[0] >= 4 and chance.random() < 0.5:
        builder.pool()
