"""Print every table of results in README and docs anew from the stored results of runs: ``make tables``.

A page says ``<!-- table: NAME -->`` in the line above a table. Results lie beside the scripts that measured them, in
benchmarks/. Nothing is measured here.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks"
MARK = re.compile(r"^<!-- table: (\w+) -->\n(?:\|.*\n)*", re.MULTILINE)
PLAIN_RULE = re.compile(r"^\|(?: ?-+ ?\|)+$")


def stored(name: str) -> Any:
    """A file of results in benchmarks/."""
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of Markdown."""
    return [line(columns), line(["---"] * len(columns)), *map(line, rows)]


def line(cells: Sequence[str]) -> str:
    """A row; an empty cell takes one blank."""
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def accuracy_in_short() -> list[str]:
    """Mean and worst of the default method at each width, and of training in fixed point."""
    from benchmarks import defaults, finetuning

    names = {"8/8": "`fpgaq quantize`, defaults", "6/8": "`--weight-bits 6`", "4/8": "`--weight-bits 4`"}
    names["4/4"] = "`--weight-bits 4 --activation-bits 4`"
    found = [
        *((names[row["bits"]], row) for row in defaults.in_short(stored("defaults_data/examples.json"), list(names))),
        *(("`fpgaq finetune`", row) for row in finetuning.in_short(stored("finetuning.json"), ["4/4", "3/8", "2/8"])),
    ]
    rows = []
    for how, row in found:
        agreement = f"{row['agreement']:.2f} %, {row['least']:.2f} %"
        rows.append([row["bits"], how, f"{row['networks']}", f"{row['loss']:.2f}", f"{row['worst']:.2f}", agreement])
    columns = ["bits", "how", "networks", "mean loss, points", "worst", "agreement with float: mean, least"]
    return table(columns, rows)


def efficiency() -> list[str]:
    """Efficiency, interval, arrays and block RAMs of each example at each budget."""
    from schedules import BUDGETS

    rows = stored("schedule_data/after.json")["rows"]
    examples = sorted(path.parent.name for path in ROOT.glob("examples/*/model.nnp"))
    found = []
    for name in examples:
        if f"{name} 4" in rows:
            cells = (rows[f"{name} {budget}"] for budget in BUDGETS)
            found.append([name, *(efficiency_cell(row) for row in cells)])
    return table(["network", *(f"{budget:,}" for budget in BUDGETS)], found)


def efficiency_cell(row: dict[str, Any]) -> str:
    """One schedule of the table."""
    interval, blocks = row["interval"], sum(row["blocks"].values())
    return f"{row['limit'] / interval:.3f} ({interval:,.10g}; {row['arrays']}; {blocks})"


def compared_unrolled() -> list[str]:
    """Look-up tables of unrolled networks by each tool, alkaid at its better."""
    from benchmarks import unrolled

    tools = ("fpgaq", "da4ml", "alkaid")
    rows = []
    for work, found in unrolled.counted(stored("unrolled.json")):
        luts = {tool: min(row["lut"] for row in found if row["by"].split()[0] == tool) for tool in tools}
        rows.append([work, *(f"{luts[tool]:,}" for tool in tools)])
    return table(["work", *(f"{tool}, LUT" for tool in tools)], rows)


def pixels() -> list[str]:
    """Interval and efficiency of folded examples with ports of several widths."""
    rows = stored("pixels.json")["rows"]
    ports = sorted({row["port"] for row in rows})
    cells: dict[tuple[str, int], dict[int, str]] = {}
    for row in rows:
        text = f"{row['interval']:,.10g} ({row['efficiency']:.3f})"
        cells.setdefault((row["network"], row["multipliers"]), {})[row["port"]] = text
    found = [[name, f"{budget:,}", *(own[port] for port in ports)] for (name, budget), own in cells.items()]
    return table(["network", "multipliers", *(f"{port} bits" for port in ports)], found)


def recovery() -> list[str]:
    """What damage at the input of each example left behind."""
    results = json.loads((RESULTS / "recovery.json").read_text(encoding="utf-8"))["rows"]
    columns = ["example", "frames sent", "beats that arrived", "frames of them", "damaged", "wrong"]
    keys = ("example", "sent", "beats", "frames", "damaged", "wrong")
    cells = [[f"{row[key]:,}" if isinstance(row[key], int) else row[key] for key in keys] for row in results]
    return table(columns, cells)


def cases(module: ModuleType, name: str) -> list[str]:
    """The rows of the cases of the onnx package; what stands after them in the output is no row."""
    lines: list[str] = [*module.table(module.counts_of(stored(name))), ""]
    return lines[: lines.index("")]


def of_scripts() -> dict[str, Callable[[], Sequence[str]]]:
    """The tables that the scripts of benchmarks/ print of what they stored."""
    sys.path[:0] = [str(RESULTS), str(ROOT)]
    from benchmarks import (
        boards,
        cheap_weights,
        clocks,
        defaults,
        emulation,
        estimator_fit,
        examples,
        finetuning,
        fitted_parts,
        folded_networks,
        loadable,
        loadable_trainings,
        logic_products,
        measured_tables,
        mlperf_tiny,
        network_slimming,
        odd_budgets,
        onnx_float_cases,
        onnx_node_cases,
        operators,
        packed_multipliers,
        post_training,
        pruning,
        ravel,
        reference_engines,
        requantizers,
        rounding_methods,
        rows,
        scale,
        schedules,
        shuffles,
        step_rules,
        toggles,
        torchvision_networks,
        unrolled,
        wrapper,
    )

    data = RESULTS / "defaults_data"
    return {
        "accuracy_by_rules": lambda: defaults.table(
            [
                data / f"{name}.json"
                for name in (
                    *("examples", "passengers_seen", "passengers_unseen"),
                    *("features_seen", "features_unseen", "deep_seen", "deep_unseen"),
                )
            ]
        ),
        "boards": lambda: boards.table(stored("boards.json")),
        "cheap_convolution": lambda: cheap_weights.image_table(stored("cheap_weights.json")),
        "cheap_weights": lambda: cheap_weights.perceptron_table(stored("cheap_weights.json")),
        "clocks": lambda: clocks.table(clocks.load()),
        "compared_folded": lambda: folded_networks.compared(stored("folded_networks.json")),
        "emulation": lambda: emulation.table(stored("emulation.json")),
        "estimator": lambda: estimator_fit.table(json.loads(estimator_fit.COEFFICIENTS.read_text())).splitlines(),
        "examples": lambda: examples.table(stored("examples.json")),
        "examples_trained": lambda: examples.trained_table(stored("examples.json")),
        "finetuning": lambda: finetuning.table(stored("finetuning.json")),
        "fitted_parts": lambda: list(fitted_parts.table(stored("fitted_parts.json"))),
        "folded_networks": lambda: folded_networks.table(stored("folded_networks.json")),
        "fuzzed_operators": lambda: operators.table(stored("verification_data/fuzz.json")),
        "loadable": lambda: loadable.table(stored("loadable.json")["results"]),
        "loadable_kinds": lambda: loadable.kinds_table(stored("loadable.json")["kinds"]),
        "loadable_trainings": lambda: loadable_trainings.table(stored("loadable_trainings.json")["results"]),
        "methods_agreement": lambda: post_training.agreement_table(stored("post_training.json")),
        "methods_loss": lambda: post_training.loss_table(stored("post_training.json")),
        "methods_seconds": lambda: defaults.seconds_table(stored("defaults_data/examples.json")),
        "logic_products": lambda: logic_products.table(stored("logic_products.json")),
        "logic_products_whole": lambda: logic_products.network_table(stored("logic_products.json")),
        "mlperf_tiny": lambda: mlperf_tiny.table(stored("mlperf_tiny.json")).splitlines(),
        "mlperf_tiny_ecp5": lambda: mlperf_tiny.part_table(stored("mlperf_tiny.json"), "ecp5-85k").splitlines(),
        "mlperf_tiny_xc7z020": lambda: mlperf_tiny.part_table(stored("mlperf_tiny.json"), "xc7z020").splitlines(),
        "odd_budgets": lambda: list(odd_budgets.table(stored("odd_budgets.json"))),
        "onnx_float_cases": lambda: cases(onnx_float_cases, "onnx_float_cases.json"),
        "onnx_node_cases": lambda: cases(onnx_node_cases, "onnx_node_cases.json"),
        "packed_multipliers": lambda: packed_multipliers.table(stored("packed_multipliers.json")),
        "pruning_trained": lambda: pruning.trained_table(stored("pruning_trained.json")),
        "pruning_untrained": lambda: pruning.untrained_table(stored("pruning.json")),
        "ravel": lambda: ravel.table(stored("ravel.json")),
        "reference_engines": lambda: reference_engines.table(stored("reference_engines.json")),
        "requantizers": lambda: requantizers.table(stored("requantizers.json")).splitlines(),
        "rounding_methods": lambda: rounding_methods.table(stored("rounding_methods.json")),
        "rows": lambda: list(rows.table(stored("rows.json"))),
        "scale": lambda: list(scale.table(stored("scale.json"))),
        "schedules": lambda: list(
            schedules.table(stored("schedule_data/before.json")["rows"], stored("schedule_data/after.json")["rows"])
        ),
        "shuffles": lambda: shuffles.table(stored("shuffles.json")),
        "slimming": lambda: network_slimming.table(stored("network_slimming.json")),
        "step_rules": lambda: step_rules.table(stored("step_rules.json")),
        "tiny_shapes": lambda: list(schedules.tiny_shapes(stored("schedule_data/after.json")["rows"])),
        "toggles": lambda: toggles.table(stored("toggles.json")),
        "torchvision_blocks": lambda: torchvision_networks.table("blocks", stored("torchvision_results.json")),
        "torchvision_read": lambda: torchvision_networks.table("read", stored("torchvision_results.json")),
        "unrolled_logic": lambda: unrolled.logic_table(stored("unrolled.json")),
        "whole_accuracy": lambda: measured_tables.accuracy_table(stored("measurements.json")),
        "whole_cycles": lambda: measured_tables.cycles_table(stored("measurements.json")),
        "whole_speed": lambda: measured_tables.speed_table(stored("measurements.json")),
        "whole_synthesis": lambda: measured_tables.synthesis_table(stored("measurements.json")),
        "wrapper_cost": lambda: wrapper.cost_table(stored("wrapper.json")),
        "wrapper_cycles": lambda: wrapper.cycles_table(stored("wrapper.json")),
    }


def tables() -> dict[str, list[str]]:
    """The lines of every table by its name."""
    own = (accuracy_in_short, compared_unrolled, efficiency, pixels, recovery)
    found = {name: list(make()) for name, make in of_scripts().items()}
    return found | {function.__name__: function() for function in own}


def renewed(text: str, found: dict[str, list[str]]) -> str:
    """A page with its tables anew; a mark that names none is an error."""

    def anew(match: re.Match[str]) -> str:
        rows = [re.sub(r"-+", "---", row.replace("|-", "| -").replace("-|", "- |")) if PLAIN_RULE.match(row) else row
                for row in found[match[1]]]  # fmt: skip
        return "\n".join([f"<!-- table: {match[1]} -->", *rows]) + "\n"

    return MARK.sub(anew, text)


def pages() -> list[Path]:
    """Every page that may hold a table of results."""
    return [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("examples/**/*.md"))]


def main() -> None:
    """Renew the pages and name those that change."""
    found = tables()
    changed = 0
    for path in pages():
        text = path.read_text(encoding="utf-8")
        new = renewed(text, found)
        if new != text:
            path.write_text(new, encoding="utf-8")
            print(f"renewed: {path.relative_to(ROOT)}")
            changed += 1
    print(f"{len(found)} tables; {changed} pages changed")


if __name__ == "__main__":
    main()
