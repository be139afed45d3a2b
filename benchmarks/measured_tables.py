"""The facts of `measure.py` as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Known = Mapping[str, Any]
"""A facts file."""


def accuracy_table(known: Known) -> list[str]:
    """Float against integer."""
    return _table(
        ("network", "images", "float top-1", "integer top-1", "agreement", "parameters float / integer"),
        (_accuracy(name, facts["accuracy"]) for name, facts in known["networks"].items()),
    )


def cycles_table(known: Known) -> list[str]:
    """Predicted and simulated cycles at each budget."""
    return _table(
        ("network", "budget", "multipliers", "limit", "optimum", "predicted interval", "efficiency",
         "predicted latency", "simulated interval, latency", "bench, images"),
        (
            _cycles(name, key, facts)
            for name, facts in known["networks"].items()
            for key in facts
            if key.startswith("predicted")
        ),
    )  # fmt: skip


def synthesis_table(known: Known) -> list[str]:
    """What Yosys counts."""
    return _table(
        ("network at 64", "device", "LUT", "FF", "DSP", "BRAM18", "lint lines"),
        (
            (name, device, *(_count(facts[device][key]) for key in ("lut", "ff", "dsp", "bram")), len(facts["lint"]))
            for name, facts in known["networks"].items()
            for device in ("xc7", "ecp5-85k")
            if device in facts
        ),
    )


def speed_table(known: Known) -> list[str]:
    """Seconds and rates."""
    return _table(
        (
            "network",
            "float images/s",
            "integer images/s",
            "generate s",
            "whole cocotb bench s",
            "plain bench s a frame",
        ),
        (_times(name, facts) for name, facts in known["networks"].items() if "generate seconds" in facts),
    )


def _accuracy(name: str, found: Mapping[str, Any]) -> tuple[object, ...]:
    shares = (f"{100 * found[key]:.2f} %" for key in ("float_top1", "integer_top1", "agreement"))
    sizes = f"{_count(found['float_bytes'])} / {_count(found['integer_bytes'])} B"
    return name, _count(found["samples"]), *shares, sizes


def _cycles(name: str, key: str, facts: Mapping[str, Any]) -> tuple[object, ...]:
    budget = key.removeprefix("predicted ")
    said, done = facts[key], facts.get(f"simulated {budget}")
    measured, bench = "not run", "-"
    if done is not None:
        same = done["mismatch"] is None and (done["interval"], done["latency"]) == (said["interval"], said["latency"])
        measured = f"{'equal' if same else 'DIFFERENT'}: {_count(done['interval'])}, {_count(done['latency'])}"
        bench = f"{done['bench']}, {done['frames']}"
    predicted = (_count(said[part]) for part in ("limit", "optimum", "interval"))
    efficiency = f"{100 * said['efficiency']:.1f} %"
    return name, budget, said["multipliers"], *predicted, efficiency, _count(said["latency"]), measured, bench


def _times(name: str, facts: Mapping[str, Any]) -> tuple[object, ...]:
    runs = [facts[key] for key in facts if key.startswith("simulated")]
    benches = [f"{run['seconds']:.0f} ({run['all_frames']} frames)" for run in runs if run["bench"] == "cocotb"]
    plain = [f"{run['seconds'] / run['frames']:.2f}" for run in runs if run["bench"] == "plain"]
    rates = (_count(round(facts["rates"][key])) for key in ("float", "integer"))
    return name, *rates, f"{facts['generate seconds']:.1f}", ", ".join(benches) or "-", ", ".join(plain) or "-"


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [f"| {' | '.join(headers)} |", "| --- " * len(headers) + "|"]
    return [*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)]
