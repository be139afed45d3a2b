"""Fits the estimator's coefficients to what `estimator_collect.py` measured, and judges them on networks held out.

    python benchmarks/estimator_fit.py

Five times a fifth of the networks is held out; the errors that the coefficients file states, and that every printed
estimate repeats, are over all networks, each judged by coefficients that have not seen it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from estimator_collect import DATA, DESIGNS, read
from numpy.typing import NDArray

from fpgaq.hardware.estimate.inventory import Item
from fpgaq.hardware.estimate.model import COEFFICIENTS, PRIOR
from fpgaq.hardware.estimate.quantities import Quantities, sum_quantities
from fpgaq.hardware.synth.devices import find_device
from fpgaq.hardware.synth.yosys import yosys_version

FOLDS = 5
# How strongly a coefficient is held to one, against a design that is wrong by its whole size.
RIDGE = 0.01
# A family with few networks is held more strongly, to the coefficients of a similar family.
ALIKE = {"xcup": ("xc7", 0.1)}
ROUNDS = 30

Matrix = NDArray[np.float64]


def solve(matrix: Matrix, target: Matrix, prior: Matrix, ridge: float) -> Matrix:
    """Coefficients of least relative error, none negative, rare ones near `prior`; robust against single designs.

    Reweighted least squares towards the sum of absolute relative errors, each round by coordinate descent.
    """
    relative, wanted = matrix / target[:, None], np.ones(len(target))
    columns = relative.shape[1]
    coefficients = prior.copy()
    # A column's own size: the ridge is blind to units.
    sizes = np.maximum(np.sqrt((relative**2).mean(axis=0)), 1e-9)
    weights = np.ones(len(target))
    for _ in range(ROUNDS):
        scaled = relative * np.sqrt(weights)[:, None]
        gram = scaled.T @ scaled
        right = scaled.T @ (wanted * np.sqrt(weights))
        held = ridge * len(target) * sizes**2 + 1e-12
        for _ in range(60):
            for column in range(columns):
                rest = right[column] - gram[column] @ coefficients + gram[column, column] * coefficients[column]
                best = (rest + held[column] * prior[column]) / (gram[column, column] + held[column])
                coefficients[column] = max(0.0, best)
        residual = np.abs(relative @ coefficients - wanted)
        weights = 1 / np.maximum(residual, 0.05)
        weights /= weights.mean()
    return coefficients


def to_matrix(rows: Sequence[dict[str, float]], names: Sequence[str]) -> Matrix:
    """A row for each design, a column for each quantity."""
    return np.array([[row.get(name, 0.0) for name in names] for row in rows])


def fit(
    rows: Sequence[dict[str, float]], target: Matrix, known: dict[str, float], ridge: float
) -> tuple[dict[str, float], Matrix]:
    """The coefficients over all designs, and the relative error of each as judged without it."""
    names = sorted({name for row in rows for name in row} | set(known))
    prior = np.array([known.get(name, PRIOR) for name in names])
    matrix = to_matrix(rows, names)
    errors = np.zeros(len(target))
    for fold in range(FOLDS):
        held = np.arange(len(target)) % FOLDS == fold
        coefficients = solve(matrix[~held], target[~held], prior, ridge)
        errors[held] = np.abs(matrix[held] @ coefficients - target[held]) / target[held]
    return dict(zip(names, solve(matrix, target, prior, ridge).round(4).tolist(), strict=True)), errors


def judge(errors: Matrix) -> dict[str, float]:
    """Median and 95th percentile."""
    return {
        "median": round(float(np.median(errors)), 4),
        "percentile95": round(float(np.percentile(errors, 95)), 4),
    }


def fit_family(records: Sequence[dict[str, Any]], family: str, found: dict[str, Any]) -> dict[str, Any]:
    """The entry of one family in the coefficients file; `found` holds the families before it."""
    alike, ridge = ALIKE.get(family, ("", RIDGE))
    quantities: list[Quantities] = [sum_quantities([Item(*item) for item in r["items"]], family) for r in records]
    result: dict[str, Any] = {"errors": {}, "designs": len(records)}
    for name in ("lut", "ff"):
        counts = np.array([record["counts"][name] for record in records], dtype=np.float64)
        coefficients, errors = fit(
            [dict(getattr(q, name)) for q in quantities], counts, found[alike][name] if alike else {}, ridge
        )
        result[name] = coefficients
        result["errors"][name] = judge(errors)
        worst = np.argsort(errors)[::-1][:6]
        listed = ", ".join(f"{records[i]['name']} {errors[i]:.0%}" for i in worst)
        print(f"{family} {name}: {result['errors'][name]}; worst: {listed}")
    for name in ("dsp", "bram"):
        wrong = [
            f"{record['name']} {getattr(q, name)} for {record['counts'][name]}"
            for q, record in zip(quantities, records, strict=True)
            if getattr(q, name) != record["counts"][name]
        ]
        result[f"{name}_exact"] = round(1 - len(wrong) / len(records), 4)
        print(f"{family} {name}: exact for {len(records) - len(wrong)} of {len(records)}; {', '.join(wrong[:8])}")
    return result


def table(found: dict[str, Any]) -> str:
    """The errors as the documentation prints them."""
    lines = [
        "| family | networks | LUT, median | LUT, 19 of 20 | FF, median | FF, 19 of 20 | DSP exact | block RAM exact |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for family, facts in found.items():
        errors = (facts["errors"][name][part] for name in ("lut", "ff") for part in ("median", "percentile95"))
        right = (f"{round(facts[name] * facts['designs'])}" for name in ("dsp_exact", "bram_exact"))
        cells = (family, str(facts["designs"]), *(f"{100 * error:.1f} %" for error in errors), *right)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Fit every family that has data."""
    found = {}
    designs = {design["name"]: design for design in read(DESIGNS)}
    for path in sorted(set(DATA.glob("*.jsonl")) - {DESIGNS}):
        records = [{**designs[record["name"]], **record} for record in read(path)]
        if any(record["digest"] != designs[record["name"]]["digest"] for record in records):
            raise SystemExit(f"{path.name} counts other Verilog than {DESIGNS.name} lists")
        family = find_device(path.stem).family
        found[family] = {**fit_family(records, family, found), "tool": yosys_version()}
    COEFFICIENTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(table(found))
    print(f"written: {COEFFICIENTS}", file=sys.stderr)


if __name__ == "__main__":
    main()
