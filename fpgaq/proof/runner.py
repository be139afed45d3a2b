"""Which engine computes the integers: numpy, the network compiled from its HLS C++, or the faster of the two.

Both are exact, so the choice changes times and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ..base.choices import ENGINES
from ..base.errors import ToolError, UnsupportedError, UsageError
from ..integer.graph import IntegerArray, IntegerGraph
from ..integer.reference import run

if TYPE_CHECKING:
    from .compiled import Library


Arrays: TypeAlias = Mapping[str, IntegerArray]

PROBE_FRAMES = 256
"""Frames by which an engine is timed; numpy needs full batches to be at its best."""
WORTH_COMPILING = 15.0
"""Seconds that numpy must be expected to need before a compiler, which takes some 2 to 5 of them, is started."""
WORTH_LOADING = 1.0
"""The same where the compiled network is in the cache."""


@dataclass
class Runner:
    """Computes a network on many frames, in one call or several.

    Parameters
    ----------
    name : {"auto", "numpy", "cpp"}
        auto times numpy on the first frames. If the rest would take it long enough, the network is compiled, timed on
        the same number of frames, and the faster one computes the rest.
    graph : IntegerGraph
    frames : int
        How many frames there are in all.
    keep : bool
        Results hold every tensor, not only the outputs.
    """

    name: str
    graph: IntegerGraph
    frames: int
    keep: bool = False
    used: set[str] = field(default_factory=set)
    """The engines that computed so far."""
    _chosen: str | None = None
    _library: Library | None = None

    def __post_init__(self) -> None:
        if self.name not in ENGINES:
            raise UsageError(f"--engine {self.name}: {', '.join(ENGINES)} are known")
        if self.name != "auto":
            self._chosen = self.name

    @property
    def chosen(self) -> str:
        """The engine that computes from here on, numpy while nothing is decided."""
        return self._chosen or "numpy"

    def run(self, inputs: Arrays) -> dict[str, IntegerArray]:
        """Compute some of the frames; results and errors are those of `reference.run`."""
        parts = []
        count = len(next(iter(inputs.values())))
        done = 0
        if self._chosen is None and count:
            done = min(PROBE_FRAMES, count)
            part, numpy_seconds = self._timed("numpy", inputs, 0, done)
            parts.append(part)
            if self._worth_it(numpy_seconds * (self.frames - done), inputs):
                stop = min(done + PROBE_FRAMES, count)
                part, compiled_seconds = self._timed("cpp", inputs, done, stop)
                parts.append(part)
                done = stop
                self._chosen = "cpp" if compiled_seconds < numpy_seconds else "numpy"
            else:
                self._chosen = "numpy"
        if done < count or not parts:
            parts.append(self._compute(self.chosen, {name: array[done:] for name, array in inputs.items()}))
        return (
            {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if len(parts) > 1 else parts[0]
        )

    def _worth_it(self, numpy_seconds: float, inputs: Arrays) -> bool:
        """Whether to time the compiled network, which is then there; that it cannot be compiled is no error here."""
        if numpy_seconds < WORTH_LOADING or len(next(iter(inputs.values()))) <= PROBE_FRAMES:
            return False
        from .compiled import compiled_path, find_compiler

        if find_compiler() is None:
            return False
        try:
            if numpy_seconds < WORTH_COMPILING and not compiled_path(self._compiled_graph()).is_file():
                return False
            self._compiled()
        except (ToolError, UnsupportedError):
            return False
        return True

    def _timed(self, engine: str, inputs: Arrays, start: int, stop: int) -> tuple[dict[str, IntegerArray], float]:
        """Results and seconds for each frame."""
        part = {name: array[start:stop] for name, array in inputs.items()}
        began = time.perf_counter()
        results = self._compute(engine, part)
        return results, (time.perf_counter() - began) / max(1, stop - start)

    def _compute(self, engine: str, inputs: Arrays) -> dict[str, IntegerArray]:
        self.used.add(engine)
        if engine == "numpy":
            return run(self.graph, inputs, keep=self.keep)
        results = self._compiled().run(inputs)
        if self.keep:
            results.update({name: np.asarray(inputs[name], dtype=np.int64) for name in self.graph.inputs})
        return results

    def _compiled(self) -> Library:
        if self._library is None:
            from .compiled import compile_graph

            self._library = compile_graph(self._compiled_graph())
        return self._library

    def _compiled_graph(self) -> IntegerGraph:
        from ..hardware.lowering import with_plain_requantizers
        from .compiled import with_all_tensors

        # Every tensor of the network is one of its lowered form too.
        graph = with_plain_requantizers(self.graph)
        return with_all_tensors(graph) if self.keep else graph


def describe_engine(used: set[str]) -> str:
    """The engines that computed, in words."""
    return " and ".join({"numpy": "numpy", "cpp": "the compiled network"}[name] for name in sorted(used, reverse=True))
