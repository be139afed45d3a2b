"""From an integer graph and a target to a schedule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from ...base.errors import FitError
from ...integer.check.carried import check_carried
from ...integer.graph import IntegerGraph, IntegerOperator, IntegerScale, IntegerTranspose
from ..lowering.wide import WideGraph
from .beats import BeatNetwork
from .candidates import NEARLY, Candidate, Candidates, is_weighed, leanest_budget
from .folding import FoldRange, fold_sizes
from .lanes import BUBBLE, Choice, choose_lanes
from .memories import Sized, describe, shrink_memories, with_generous_queue
from .operator_plans import fold_range, is_copying, plan_operator, serializer_plan
from .plans import Fold, Plan, Target, WindowPlan
from .schedule import Edge, Engine, Prediction, Schedule
from .taken_lanes import common_lanes, copying_lanes, multiplying_lanes
from .turns import WHOLE_FRAMES, Demands, make_engine

BUBBLES = (12, BUBBLE, 64)
"""Cycles that a layer of a shared engine is thought to wait for the one before; each guess gives a candidate."""

HASTE = (1, 8, 64)
"""Parts of the interval in which the layers are done that don't multiply: a shared engine may wait for them."""

WIDENINGS = 8
"""How often layers get more outputs before what their results pass is left as narrow as it is."""

LAGS = (0, 1, 2, WHOLE_FRAMES)
"""Orders of turns that are tried: how many turns a result is taken to be on its way."""


def make_schedule(graph: IntegerGraph, target: Target) -> Schedule:
    """Decide the hardware of a network.

    The division of the layers among engines and their lanes come first (`fpgaq.hardware.schedule.lanes`), with and
    without sharing, then the lanes between layers and the order of turns; the beat model picks the fastest of these
    candidates. Its memories are then shrunk: line buffers in topological order, queues on branches, result FIFOs, each
    to the least that keeps the interval with the rest held.

    Raises
    ------
    FitError
        If the target cannot be met; the message says what can.
    """
    return finish(draft(graph, target))


@dataclass(frozen=True)
class Draft:
    """A schedule whose memories have not been shrunk yet, which is most of the work; its interval is known."""

    target: Target
    lanes: Mapping[str, int]
    sized: Sized
    macs: int
    repeated: tuple[str, ...] = ()
    """Layers whose groups all have the same weights."""

    @property
    def interval(self) -> float:
        """Cycles of a frame."""
        return self.sized.prediction.mean_interval

    @property
    def budget(self) -> int:
        """Multipliers asked for, or those of the engines."""
        wanted = self.target.multipliers
        return wanted if wanted is not None else sum(engine.multipliers for engine in self.sized.network.engines)

    @property
    def limit(self) -> int:
        """Cycles that no hardware of this budget can beat."""
        network = self.sized.network
        products = -(-self.macs // self.budget) if self.budget else 0
        return max(products, *network.input_beats.values(), *network.output_beats.values())


def draft(graph: IntegerGraph, target: Target) -> Draft:
    """The hardware of a network but for the last savings of memory; errors are those of `make_schedule`."""
    check_carried(graph)
    if target.latency is not None:
        return draft_of(graph, target, *candidates(graph, target).within(graph, target.latency))
    best, sized = candidates(graph, target).chosen(graph)
    if target.multipliers is not None and is_weighed(graph, sized):
        # The fewest multipliers that are nearly as fast may be divided such that far less waits.
        slower = replace(target, multipliers=None, cycles=int(NEARLY * sized.prediction.mean_interval))
        fewer = choose_lanes(fold_ranges(graph), slower, port_beats(graph), BUBBLE).multipliers
        with suppress(FitError):
            best, sized = leanest_budget(
                graph,
                (best, sized),
                range(fewer, target.multipliers),
                lambda budget: candidates(graph, replace(target, multipliers=budget)).chosen(graph),
            )
    return draft_of(graph, target, best, sized)


def candidates(graph: IntegerGraph, target: Target, may_fit: Callable[[BeatNetwork], bool] | None = None) -> Candidates:
    """The networks that may be built for a target, before any of them is predicted.

    `may_fit` says of each division, engines without their order and memories generous, whether it is of interest.
    """
    ranges, least = fold_ranges(graph), port_beats(graph)
    built = _choices(graph, ranges, target, least)
    return Candidates([pair for choice in built for pair in _networks(graph, choice, may_fit)])


def draft_of(graph: IntegerGraph, target: Target, candidate: Candidate, sized: Sized) -> Draft:
    """The draft of a candidate."""
    repeated = graph.repeated if isinstance(graph, WideGraph) else ()
    return Draft(target, candidate.lanes, sized, sum(layer.macs for layer in fold_ranges(graph)), repeated)


def fold_ranges(graph: IntegerGraph) -> list[FoldRange]:
    """Every layer that has lanes, in the order of the network."""
    return [layer for op in graph.operators if (layer := fold_range(graph, op)) is not None]


def finish(found: Draft) -> Schedule:
    """The schedule of a draft."""
    network, prediction = shrink_memories(found.sized)
    if found.target.latency is not None and prediction.latency > found.target.latency:
        # Smaller memories kept the interval, but not the latency.
        network, prediction = found.sized.network, found.sized.prediction
    return _scheduled(found, network, prediction)


def unshrunk(found: Draft) -> Schedule:
    """The schedule of a draft with memories larger than need be; its multipliers are those of the finished one."""
    return _scheduled(found, found.sized.network, found.sized.prediction)


def _scheduled(found: Draft, network: BeatNetwork, prediction: Prediction) -> Schedule:
    engines = network.engines
    if found.target.adders:
        engines = tuple(
            replace(engine, adders=_is_constant(engine, network.plans, found.repeated)) for engine in engines
        )
    return Schedule(
        network.plans, network.edges, found.lanes, engines, network.input_beats,
        found.budget, found.macs, found.limit, prediction,
    )  # fmt: skip


def port_beats(graph: IntegerGraph) -> int:
    """Beats of the largest input or output: one carries channels of one pixel."""
    return max(graph.tensors[name].shape[0] * graph.tensors[name].shape[1] for name in (*graph.inputs, *graph.outputs))


def _is_constant(engine: Engine, plans: Sequence[Plan], repeated: Sequence[str]) -> bool:
    """Whether an engine multiplies by the same weights in every cycle."""
    plan = next(plan for plan in plans if plan.operator == engine.layers[0])
    assert isinstance(plan, WindowPlan)
    changes = plan.steps * (plan.groups_sharing if plan.operator in repeated else plan.groups)
    return not engine.shared and plan.kind == "mac" and changes == 1


@dataclass(frozen=True, eq=False)
class _Built:
    """A division, and the engines, plans, ways and lanes that it is built of; for `narrow` see `_wide_enough`."""

    choice: Choice
    engines: list[Engine]
    plans: list[Plan]
    edges: list[Edge]
    lanes: dict[str, int]
    narrow: set[str]


def _choices(graph: IntegerGraph, ranges: Sequence[FoldRange], target: Target, least: int) -> Iterator[_Built]:
    """The divisions among engines that are worth a prediction; first the one without sharing, where there is one."""
    layers = sum(layer.multiplies for layer in ranges)
    if not target.sharing or target.cycles is not None or (target.multipliers or 0) >= layers:
        yield from _choices_for(graph, ranges, replace(target, sharing=False), least, 0, 1, [])
    if target.sharing:
        found: list[_Built] = []
        known: list[_Built] = []
        for haste in HASTE:
            for bubble in BUBBLES:
                for built in _choices_for(graph, ranges, target, least, bubble, haste, known):
                    if built not in found and any(len(array.folds) > 1 for array in built.choice.arrays):
                        found.append(built)
        yield from found
        if target.latency is not None:
            # One array for all layers has no frame wait before another one.
            yield from _choices_for(graph, ranges, replace(target, arrays=1), least, BUBBLE, 1, [])


def _choices_for(
    graph: IntegerGraph,
    ranges: Sequence[FoldRange],
    target: Target,
    least: int,
    bubble: int,
    haste: int,
    known: list[_Built],
) -> Iterator[_Built]:
    """The division with the least cycles, and the one with enough outputs for what the results pass, if it differs.

    What was built is added to what is `known`, and taken from there.
    """
    choice = choose_lanes(ranges, target, least, bubble, haste)
    for tried in range(WIDENINGS):
        built = next((other for other in known if other.choice == choice), None)
        if built is None:
            built = _Built(choice, *_wide_enough(graph, ranges, choice, max(least, choice.interval)))
            known.append(built)
        if not tried or not built.narrow:
            yield built
        if not built.narrow:
            return
        wanted = {op.name: built.lanes[op.output] + 1 for op in graph.operators if op.output in built.narrow}
        ranges = [
            replace(
                layer,
                least_outputs=min(
                    wanted.get(layer.operator, layer.least_outputs),
                    layer.channels if layer.lanewise else layer.outputs,
                ),
            )
            for layer in ranges
        ]
        try:
            choice = choose_lanes(ranges, target, least, bubble, haste)
        except FitError:
            return


def _networks(
    graph: IntegerGraph, built: _Built, may_fit: Callable[[BeatNetwork], bool] | None
) -> Iterator[tuple[BeatNetwork, dict[str, int]]]:
    """A division with each order of turns, memories generous, and the lanes of its tensors."""
    engines, plans, lanes = built.engines, built.plans, built.lanes
    readers = Counter(edge.tensor for edge in built.edges)
    generous = [with_generous_queue(graph, edge) if readers[edge.tensor] > 1 else edge for edge in built.edges]
    input_beats = {}
    for name in graph.inputs:
        height, width, depth = graph.tensors[name].shape
        input_beats[name] = height * width * -(-depth // lanes[name])
    if may_fit is not None and not may_fit(describe(graph, plans, generous, input_beats, engines)):
        return
    demands = Demands(graph, plans)
    tried = set()
    for lag in LAGS if any(engine.shared for engine in engines) else LAGS[:1]:
        ordered = tuple(replace(engine, order=demands.turns(engine, lag)) for engine in engines)
        if ordered not in tried:
            tried.add(ordered)
            yield describe(graph, plans, generous, input_beats, ordered), lanes


def _wide_enough(
    graph: IntegerGraph, ranges: Sequence[FoldRange], choice: Choice, interval: int
) -> tuple[list[Engine], list[Plan], list[Edge], dict[str, int], set[str]]:
    """Engines, plans, ways and lanes such that nothing between the layers with lanes takes longer than they do.

    The tensors that would have to have more lanes than their producers have outputs come last.
    """
    by_name = {layer.operator: layer for layer in ranges}
    written = {op.name: op.output for op in graph.operators}
    # Lanes of tensors; maxima are taken of all results of a pixel at once.
    wanted = {op.output: by_name[op.name].outputs for op in graph.operators if _has_maxima(graph, op)}
    before: dict[str, int] = {}
    while True:
        engines = [
            make_engine(array, by_name, max(wanted.get(written[name], 1) for name, _ in array.folds))
            for array in choice.arrays
        ]
        folds = {
            name: _widened(by_name[name], fold, wanted.get(written[name], 1)) for name, fold in choice.folds.items()
        }
        plans, edges, lanes = _plan_all(graph, folds, engines, interval, wanted)
        narrow = _narrow(graph, plans, by_name, interval)
        if not narrow or lanes == before:
            return engines, plans, edges, lanes, narrow
        before = lanes
        wanted.update({name: lanes[name] + 1 for name in narrow})


def _has_maxima(graph: IntegerGraph, op: IntegerOperator) -> bool:
    return isinstance(graph, WideGraph) and op.name in graph.maxima


def _widened(layer: FoldRange, fold: Fold, wanted: int) -> Fold:
    """The lanes of a pooling layer with at least so many outputs, if there are so many."""
    if layer.multiplies or fold.outputs >= wanted:
        return fold
    lanes = next(lanes for lanes in fold_sizes(layer.channels, False) if lanes >= min(wanted, layer.channels))
    return Fold(fold.taps, lanes, lanes, 0)


def _narrow(graph: IntegerGraph, plans: Sequence[Plan], layers: Mapping[str, FoldRange], interval: int) -> set[str]:
    """Tensors whose lanes make something after them slower than the interval, or than its fold is."""
    producers = {op.output: op for op in graph.operators}
    given = {op.output: plan.lanes_out for op, plan in zip(graph.operators, plans, strict=True)}
    taken = {plan.operator: plan.lanes_in for plan in plans}

    def sources(op: IntegerOperator) -> set[str]:
        found: set[str] = set()
        for name in op.inputs:
            above = producers.get(name)
            if above is None or (above.name in layers and not is_copying(above)):
                found.add(name)
            elif isinstance(above, IntegerScale) and taken[above.name] < given.get(above.input, 0):
                # It can take more lanes than it does.
                found.add(name)
            else:
                found |= sources(above)
        return found

    narrow: set[str] = set()
    for op, plan in zip(graph.operators, plans, strict=True):
        between = op.name not in layers or is_copying(op)
        slower = isinstance(plan, WindowPlan) and plan.cycles > layers[op.name].cycles(plan.fold)
        if _busy_cycles(op, plan) > interval and (between or slower):
            narrow |= sources(op)
    return narrow


def _busy_cycles(op: IntegerOperator, plan: Plan) -> int:
    """Cycles that a layer takes for a frame; blocks of channels may come in in more beats than they leave in."""
    if isinstance(plan, WindowPlan) and isinstance(op, IntegerTranspose) and op.view:
        return max(plan.cycles, plan.image[0] * plan.image[1] * plan.beats_per_pixel)
    return plan.cycles


def _plan_all(
    graph: IntegerGraph,
    folds: Mapping[str, Fold],
    engines: Sequence[Engine],
    interval: int,
    wanted: Mapping[str, int],
) -> tuple[list[Plan], list[Edge], dict[str, int]]:
    """Plans in the order of the operators, every way from a tensor to a reader, and the lanes of each tensor."""
    serving = {name: engine for engine in engines for name in engine.layers}
    lanes: dict[str, int] = {}
    for name in graph.inputs:
        height, width, depth = graph.tensors[name].shape
        fewest = min(wanted.get(name, 1), depth)
        # A beat that carries several pixels carries them whole.
        fewest = depth if isinstance(graph, WideGraph) and name in graph.pixels else fewest
        enough = (n for n in range(fewest, depth) if height * width * -(-depth // n) <= interval)
        lanes[name] = next(enough, depth)
    plans: list[Plan] = []
    edges: list[Edge] = []
    for index, op in enumerate(graph.operators):
        fold = folds.get(op.name)
        common = common_lanes(graph, op, [lanes[name] for name in op.inputs])
        taken = common if fold is None or is_copying(op) else lanes[op.input]
        if isinstance(op, IntegerScale):
            taken = multiplying_lanes(graph, op, common, interval, wanted.get(op.output, 1))
        if is_copying(op):
            copied = copying_lanes(graph, op, taken, interval)
            fold = Fold(1, copied, copied, 0)
        for slot, name in enumerate(op.inputs):
            edges.append(_edge(graph, name, lanes[name], taken, index, slot, op))
        plan = plan_operator(graph, op, fold, taken, serving.get(op.name))
        plans.append(plan)
        lanes[op.output] = plan.lanes_out
    for slot, name in enumerate(graph.outputs):
        edges.append(Edge(name, None, slot, lanes[name]))
    order = {name: place for place, name in enumerate(graph.tensors)}
    return plans, sorted(edges, key=lambda edge: order[edge.tensor]), lanes


def _edge(
    graph: IntegerGraph, tensor: str, given: int, taken: int, reader: int, slot: int, op: IntegerOperator
) -> Edge:
    serializer = None if given == taken else serializer_plan(op.name, graph.tensors[tensor].shape, given, taken)
    return Edge(tensor, reader, slot, taken, serializer)
