"""Whole output folders, kept as they are, so that every change of emitted text is seen in review.

``pytest tests/hardware/emit/test_golden.py --renew-goldens`` writes them anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import fpgaq
from fpgaq.base.formats import Format
from fpgaq.hardware.schedule import Target
from fpgaq.integer.graph import IntegerGraph
from fpgaq.pipeline.unrolled import unroll
from tests.support.integer_operators import residual_network
from tests.support.network_builder import NetworkBuilder

GOLDEN = Path(__file__).parents[2] / "golden"


def perceptron() -> IntegerGraph:
    """Two affine layers with a scale for each channel."""
    builder = NetworkBuilder(4, (1, 1, 6), Format(8, 7, False))
    return builder.affine(7, per_channel=True).affine(3, requantize=False).graph()


def chain() -> IntegerGraph:
    """Convolution, depthwise convolution, pooling and an affine layer."""
    builder = NetworkBuilder(7, (6, 6, 2), Format(8, 7, False))
    builder.convolution(4, padding=(1, 1, 1, 1), per_channel=True).convolution(4, groups=4).pool()
    return builder.affine(3, requantize=False).graph()


FOLDERS: dict[str, Callable[[Path], object]] = {
    "shared_engine": lambda folder: fpgaq.generate(residual_network(), folder, Target(multipliers=2)),
    "unrolled": lambda folder: unroll(perceptron(), folder),
    "hls": lambda folder: fpgaq.generate(chain(), folder, Target(multipliers=6), language="hls"),
}


def read_folder(folder: Path) -> dict[str, bytes]:
    """The files of a folder by path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", FOLDERS)
def test_emitted_folder(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    FOLDERS[name](tmp_path / "out")
    if request.config.getoption("--renew-goldens"):
        shutil.rmtree(GOLDEN / name, ignore_errors=True)
        shutil.copytree(tmp_path / "out", GOLDEN / name)
    expected, found = read_folder(GOLDEN / name), read_folder(tmp_path / "out")
    assert list(found) == list(expected)
    different = [path for path in expected if expected[path] != found[path]]
    assert not different, f"{different} differ; where that is meant, renew by --renew-goldens and look at the diff"


@pytest.mark.parametrize("name", FOLDERS)
def test_a_changed_golden_is_found(name: str, tmp_path: Path) -> None:
    FOLDERS[name](tmp_path / "out")
    (changed, *_) = (path for path in (tmp_path / "out").rglob("*") if path.suffix in (".v", ".cpp"))
    changed.write_bytes(changed.read_bytes() + b"\n")
    assert read_folder(tmp_path / "out") != read_folder(GOLDEN / name)
