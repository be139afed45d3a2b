"""Rules for steps compared: agreement with the float network, and signal to noise of its outputs.

    python benchmarks/step_rules.py     # needs Debian's package `dataset-fashion-mnist`

Both example networks on Fashion-MNIST **training** images: 256 calibrate, 4,000 others are measured, chosen with a
fixed seed. Steps are one a tensor, weights are rounded to nearest, biases stay as they are. Stored beside this script;
the table of docs/numerics.md is printed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fpgaq import pipeline
from fpgaq.base.data import Dataset
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from tests.support.provenance import about, store

RESULTS = Path(__file__).with_suffix(".json")
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NETWORKS, BITS = ("fashion_mlp", "fashion_cnn"), (8, 6, 4)
RULES = (("max", "ceil"), ("max", "mse"), ("mse", "ceil"), ("mse", "mse"), ("mse", "floor"), ("percentile", "mse"))
"""Rule of the activations, rule of the weights."""
CALIBRATION, MEASURED = 256, 4000


def measure(name: str, calibration: Any, images: Any) -> list[dict[str, Any]]:
    """Agreement and decibels of every rule at every width."""
    graph = pipeline.load_model(EXAMPLES / name / "model.nnp")
    (source,), (output,) = graph.inputs, graph.outputs
    rows = []
    for bits in BITS:
        for activations, weights in RULES:
            options = QuantizeOptions(
                bits, bits, per_channel=False, method="mse", activation_range=activations, weight_delta=weights
            )
            integer = quantize(graph, {source: calibration}, options)
            found = pipeline.compare(graph, integer, Dataset({source: images}, None))
            (tensor,) = (layer for layer in found.layers if layer.name == output)
            rows.append({"network": name, "bits": bits, "rules": f"{activations}, {weights}",
                         "agreement": found.agreement, "decibels": tensor.signal_to_noise})  # fmt: skip
            print(rows[-1], file=sys.stderr, flush=True)
    return rows


def table(results: Mapping[str, Any]) -> list[str]:
    """The rows of the page, the best agreement of each in bold."""
    names = [", ".join(pair) for pair in RULES]
    lines = [f"| | bits | {' | '.join(names)} |", "| --- " * (len(names) + 2) + "|"]
    rows = {(row["network"], row["bits"], row["rules"]): row for row in results["rows"]}
    for network in NETWORKS:
        for bits in BITS:
            found = [rows[network, bits, name] for name in names]
            best = max(row["agreement"] for row in found)
            cells = [f"{100 * row['agreement']:.2f} %, {row['decibels']:.1f} dB" for row in found]
            cells = [
                f"**{cell}**" if row["agreement"] == best else cell for cell, row in zip(cells, found, strict=True)
            ]
            lines.append(f"|{f' {network} ' if bits == BITS[0] else ' '}| {bits} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Measure, store and print."""
    sys.path.insert(0, str(EXAMPLES))
    from fashion_data import DEFAULT_FOLDER, load_fashion

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-folder", type=Path, default=DEFAULT_FOLDER, help="default: %(default)s")
    images, _ = load_fashion("train", parser.parse_args().data_folder)
    order = np.random.default_rng(0).permutation(len(images))
    calibration, others = images[order[:CALIBRATION]], images[order[CALIBRATION : CALIBRATION + MEASURED]]
    origin = about("python benchmarks/step_rules.py", [])
    results = {**origin, "rows": [row for name in NETWORKS for row in measure(name, calibration, others)]}
    store(RESULTS, results)
    print("\n".join(table(results)))


if __name__ == "__main__":
    main()
