"""Accuracy and look-up tables of the small trained perceptron with weights chosen for cheap adders.

    python benchmarks/cheap_weights.py

Tables are those of the carry chains as the search counts them; `benchmarks/unrolled.py trained` synthesizes.
"""

from __future__ import annotations

import numpy as np
from unrolled_networks import cheap_network, trained_network
from unrolled_trained import load_features

from fpgaq.integer_graph import IntegerAffine
from fpgaq.reference import run
from fpgaq.unrolled import Unrolling, plan_network
from fpgaq.unrolled.cheapen import count_digits

BOUNDS = (None, 0.01, 0.02, 0.04, 0.08, 0.12)


def main() -> None:
    """Print a row for each bound on the error."""
    _, _, features, labels = load_features()
    frames = features.astype(np.int64).reshape(-1, 1, 1, 16)
    print(f"{len(labels)} test samples")
    print("| bound | accuracy | signed digits | look-up tables |")
    print("| --- | --- | --- | --- |")
    for bound in BOUNDS:
        network = trained_network() if bound is None else cheap_network(bound)
        scores = run(network, {network.inputs[0]: frames})[network.outputs[0]].reshape(len(labels), -1)
        accuracy = (scores.argmax(axis=1) == labels).mean()
        digits = sum(count_digits(op.weight) for op in network.operators if isinstance(op, IntegerAffine))
        tables = plan_network(network, Unrolling(stages=9)).tables
        print(f"| {bound or 'rounded'} | {accuracy:.1%} | {digits:,} | {tables:,} |", flush=True)


if __name__ == "__main__":
    main()
