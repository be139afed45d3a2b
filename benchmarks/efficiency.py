"""Tables how near schedules come to the physical limit, and what keeps them from it.

    python benchmarks/efficiency.py                               # every example at 4, 16, 64, 256 and 1024 multipliers
    python benchmarks/efficiency.py fashion_cnn w3 --multipliers 16 144 --dedicated

The limit is that of the design: a multiplier makes at most one useful product a cycle, and every beat of the input and
of the output takes a cycle. Busy is the work of the busiest array or layer: what is lost from the limit to there is
lost to lanes that do not divide their layer, what is lost from there to the interval is lost to waiting. Prints a
Markdown table and the mean and the least efficiency; everything is predicted, which the benches hold to simulation.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from workloads import WORKLOADS

from fpgaq import pipeline
from fpgaq.hardware.schedule import Schedule, Target, WindowPlan, plan_hardware
from fpgaq.integer.graph import IntegerGraph

EXAMPLES = Path(__file__).parents[1] / "examples"
BUDGETS = (4, 16, 64, 256, 1024)
HEAD = (
    "| network | multipliers | used | arrays | limit | busy | interval | efficiency | busiest | s |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def network(name: str) -> IntegerGraph:
    """A workload, or an example quantized as its README says."""
    if name in WORKLOADS:
        return WORKLOADS[name]()
    folder = EXAMPLES / name
    return pipeline.quantize(pipeline.load_model(folder / "model.nnp"), folder / "calibration.npz")


def loads(schedule: Schedule) -> Iterator[tuple[int, str]]:
    """Cycles of a frame of each array and of each layer outside of arrays, with its name."""
    plans = {plan.operator: plan for plan in schedule.plans if isinstance(plan, WindowPlan)}
    for engine in schedule.engines:
        shape = f"{engine.products}x{engine.outputs}"
        yield sum(plans[name].cycles for name in engine.layers), f"{shape}: {', '.join(engine.layers)}"
    served = {name for engine in schedule.engines for name in engine.layers}
    for plan in plans.values():
        if plan.operator not in served:
            yield plan.cycles, plan.operator
    for name, beats in schedule.input_beats.items():
        yield beats, f"input {name}"


def row(name: str, graph: IntegerGraph, target: Target) -> tuple[float, str]:
    """The efficiency of a schedule, and its line of the table."""
    started = time.process_time()
    _, schedule = plan_hardware(graph, target)
    seconds = time.process_time() - started
    busy, busiest = max(loads(schedule))
    interval = schedule.prediction.mean_interval
    efficiency = schedule.limit / interval
    return efficiency, (
        f"| {name} | {target.multipliers} | {schedule.multipliers} | {len(schedule.engines)} | {schedule.limit:,} |"
        f" {busy:,} | {interval:,.10g} | {efficiency:.3f} | {busiest} | {seconds:.1f} |"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", help=f"examples, or {', '.join(WORKLOADS)}; by default every example")
    parser.add_argument("--multipliers", nargs="+", type=int, default=BUDGETS)
    parser.add_argument("--dedicated", action="store_true", help="multipliers of its own for every layer")
    options = parser.parse_args(arguments)
    names = options.networks or sorted(path.parent.name for path in EXAMPLES.glob("*/model.nnp"))
    print(HEAD)
    found = []
    for name in names:
        graph = network(name)
        for multipliers in options.multipliers:
            efficiency, line = row(name, graph, Target(multipliers, sharing=not options.dedicated))
            found.append(efficiency)
            print(line, flush=True)
    print(f"\nmean {sum(found) / len(found):.3f}, least {min(found):.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
