"""Faults that `simulate` must find with its defaults: wrong words, constants and counts of the hardware."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from fpgaq import pipeline
from fpgaq.base.errors import VerificationError
from fpgaq.base.formats import Format
from fpgaq.hardware.schedule import Target
from fpgaq.integer.graph import IntegerGraph
from tests.support.network_builder import NetworkBuilder
from tests.support.planted_faults import (
    CASE_WORD,
    FAULTS,
    RELEASE,
    count_places,
    renew_digests,
    word_not_released,
    wrong_word,
)

pytestmark = [pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog"), pytest.mark.once]

EXAMPLE = Path(__file__).parent.parent / "examples" / "fashion_cnn"


def signed_network() -> IntegerGraph:
    """Convolution, pooling, rectifier, pointwise convolution, affine layer."""
    builder = NetworkBuilder(50, (6, 6, 2), Format(8, 7))
    builder.convolution(4, padding=(1, 1, 1, 1), relu=False, per_channel=True, rounding="half_away").pool()
    builder.relu().convolution(8, (1, 1), relu=True, rounding="half_even")
    return builder.affine(5, requantize=False).graph()


def depthwise_network() -> IntegerGraph:
    """Depthwise and strided convolutions."""
    builder = NetworkBuilder(7, (9, 7, 4), Format(8, 7, signed=False))
    builder.convolution(4, padding=(1, 1, 1, 1), groups=4, rounding="half_up")
    return builder.convolution(6, (3, 2), stride=(2, 1), rounding="half_up").graph()


def wide_network() -> IntegerGraph:
    """A tall image whose line buffers hold far more than a frame's rounding."""
    builder = NetworkBuilder(11, (12, 5, 3), Format(6, 5))
    return builder.convolution(5, (5, 3), padding=(2, 2, 1, 1), rounding="half_up").pool((3, 3), (3, 3)).graph()


NETWORKS = {"signed": signed_network, "depthwise": depthwise_network, "tall": wide_network}


@pytest.fixture(scope="module", params=NETWORKS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp(request.param) / "out"
    pipeline.generate(NETWORKS[request.param](), directory, Target(multipliers=8))
    return directory


def plant(folder: Path, tmp_path: Path, fault: str, place: int) -> Path:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    FAULTS[fault](copy, place)
    return copy


def test_sound_hardware_passes_and_tells_what_was_exercised(folder: Path) -> None:
    exercise = pipeline.simulate(folder).exercise
    assert exercise is not None
    assert 0 < exercise.exercised <= exercise.words - exercise.unreachable


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault: str, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(VerificationError):
        pipeline.simulate(plant(folder, tmp_path, fault, 3))


RELEASES = 5
"""Counts of released words in a network of two layers that share an engine."""


@pytest.mark.parametrize("place", range(RELEASES))
def test_every_count_of_released_words_is_checked(place: int, tmp_path: Path) -> None:
    """Both layers share one engine; their buffers do not fill up when the output blocks."""
    folder = tmp_path / "out"
    pipeline.generate(depthwise_network(), folder, Target(multipliers=9))
    assert count_places(folder, "layer_*.v", RELEASE) == RELEASES
    word_not_released(folder, place)
    with pytest.raises(VerificationError, match=r"room|stuck|words or beats are lost"):
        pipeline.simulate(folder)


def test_digests_are_renewed(folder: Path, tmp_path: Path) -> None:
    """The paths of memory files and of other files; without any, nothing changes."""
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    before = (copy / "manifest.json").read_bytes()
    renew_digests(copy)
    assert (copy / "manifest.json").read_bytes() == before
    wrong_word(copy, 0)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["others"] = [{"rtl/fpgaq_requantize.v": "0" * 64, "no file": "0" * 64}]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    renew_digests(copy)
    digest = hashlib.sha256((copy / "rtl/fpgaq_requantize.v").read_bytes()).hexdigest()
    found = json.loads((copy / "manifest.json").read_text())["others"]
    assert found == [{"rtl/fpgaq_requantize.v": digest, "no file": "0" * 64}]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("example")
    pipeline.quantize(EXAMPLE / "model.nnp", EXAMPLE / "calibration.npz", output=directory / "integer.fpgaq")
    pipeline.generate(directory / "integer.fpgaq", directory / "out")
    return directory / "out"


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_in_the_example_is_found(fault: str, example: Path, tmp_path: Path) -> None:
    place = count_places(example, "rom_*weights.v", CASE_WORD) // 2 if fault == "wrong word" else 1
    with pytest.raises(VerificationError):
        pipeline.simulate(plant(example, tmp_path, fault, place))
