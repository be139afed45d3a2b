"""Made the networks beside it with fpgaq 0.1.0: ``python tests/compat/0.1.0/networks/make.py`` at that release.

It must be run at 0.1.0 only, and is never run again: the files are what users of 0.1.0 have on their disks, and the
outputs are what 0.1.0 computed. Made anew by a later fpgaq they would prove nothing about 0.1.0.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[4]))

import fpgaq
from fpgaq.cli import invoke
from fpgaq.formats import Format
from fpgaq.integer_file import save
from fpgaq.integer_graph import IntegerGraph
from fpgaq.reference import apply_transform, run
from hdl_tests.network_builder import NetworkBuilder
from tests.integer_operators import residual_network

HERE = Path(__file__).parent
EXAMPLES = Path(__file__).parents[4] / "examples"
FRAMES = 12
QUANTIZED = {
    "series_conv_4": "series_conv --weight-bits 4 --activation-bits 4 --per-channel --rounding half_even --narrow",
    "fashion_residual_8": "fashion_residual --per-channel",
    "fashion_mobile_4": "fashion_mobile --weight-bits 4 --per-channel --rounding half_away --argmax --output-bits 16",
}


def main() -> None:
    assert fpgaq.__version__ == "0.1.0", "made by 0.1.0 only, and never again"
    for name, options in QUANTIZED.items():
        example, *rest = options.split()
        quantize(
            EXAMPLES / example / "model.nnp", name, "--calibration", str(EXAMPLES / example / "calibration.npz"), *rest
        )
        keep(name, np.load(EXAMPLES / example / "test.npz")["x"][:FRAMES])
    trained = HERE / "digits_fixed_point.nnp"
    data = str(EXAMPLES / "digits_tabular" / "calibration.npz")
    bits = ("--weight-bits", "4", "--activation-bits", "6")
    model = str(EXAMPLES / "digits_tabular" / "model.nnp")
    assert invoke(["finetune", model, "--data", data, *bits, "--epochs", "1", "-o", str(trained)]) == 0
    quantize(trained, "digits_fixed_point")
    trained.unlink()
    keep("digits_fixed_point", np.load(EXAMPLES / "digits_tabular" / "test.npz")["x"][:FRAMES])
    builder = NetworkBuilder(4, (1, 1, 6), Format(8, 7, False))
    keep_integers("perceptron", builder.affine(7, per_channel=True).affine(3, requantize=False).graph())
    keep_integers("every_operator", residual_network())


def keep_integers(name: str, graph: IntegerGraph) -> None:
    """A network that was integers from the start, on random inputs of its formats."""
    save(graph, HERE / f"{name}.fpgaq")
    generator = np.random.default_rng(1)
    integers = {}
    for source in graph.inputs:
        fmt, shape = graph.tensors[source].format, graph.tensors[source].shape
        integers[source] = generator.integers(fmt.minimum, fmt.maximum + 1, (FRAMES, *shape))
    write(name, integers)


def quantize(model: Path, name: str, *options: str) -> None:
    assert invoke(["quantize", str(model), "-o", str(HERE / f"{name}.fpgaq"), *options]) == 0


def keep(name: str, data: np.ndarray) -> None:
    """User data, the integers that 0.1.0 made of them, and every output that it computed."""
    graph = fpgaq.load_integer(HERE / f"{name}.fpgaq")
    (source,) = graph.inputs
    write(name, {source: apply_transform(graph.transforms[source], graph.tensors[source].format, data)}, data)


def write(name: str, integers: dict[str, np.ndarray], data: np.ndarray | None = None) -> None:
    graph = fpgaq.load_integer(HERE / f"{name}.fpgaq")
    values = run(graph, integers)
    kept = {f"input {tensor}": array.astype(np.int64) for tensor, array in integers.items()}
    kept |= {f"output {tensor}": np.asarray(values[tensor]).astype(np.int64) for tensor in graph.outputs}
    if data is not None:
        kept["data"] = data
    np.savez_compressed(HERE / f"{name}.npz", **kept)


if __name__ == "__main__":
    main()
