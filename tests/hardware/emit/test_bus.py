"""The wrapper's text and numbers: the same pins at every budget, what is refused, what the JSON files tell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fpgaq import pipeline
from fpgaq.base.errors import FitError, UsageError
from fpgaq.hardware.emit.bus import digest_words
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.schedule import Target
from fpgaq.hardware.schedule.bus import BusPort
from fpgaq.integer.graph import IntegerGraph
from tests.support.network_builder import NetworkBuilder

BUDGETS = (1, 4, 30)


def network() -> IntegerGraph:
    return NetworkBuilder(3, (6, 5, 3)).convolution(5).convolution(3, relu=False).graph()


def ports(text: str) -> list[str]:
    return re.findall(r"(?m)^    (?:input|output) +wire .*$", text.split(");")[0])


@pytest.mark.parametrize("width", [32, 64, 128])
def test_the_pins_are_the_same_at_every_budget(width: int, tmp_path: Path) -> None:
    pins, native = set(), set()
    for budget in BUDGETS:
        wish = Wish(width, top="mine")
        folder = tmp_path / str(budget)
        result = pipeline.generate(network(), folder, Target(multipliers=budget), frames=1, wish=wish)
        assert result.wrapper is not None
        pins.add(tuple(ports((folder / "rtl" / "mine.v").read_text(encoding="ascii"))))
        native.add(tuple(ports((folder / "rtl" / "mine_core.v").read_text(encoding="ascii"))))
    assert len(pins) == 1 < len(native)
    (found,) = pins
    assert len(found) == 2 + 2 * 6 + 19


def test_a_bare_core_stays_as_it_is_beside_its_wrapper(tmp_path: Path) -> None:
    target = Target(multipliers=4)
    pipeline.generate(network(), tmp_path / "bare", target, frames=1)
    pipeline.generate(network(), tmp_path / "bus", target, frames=1, wish=Wish(32))
    for path in sorted((tmp_path / "bare" / "rtl").iterdir()):
        assert (tmp_path / "bus" / "rtl" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("wish", [Wish(16), Wish(buffered=True), Wish(32, top="wire")])
def test_refuses_what_cannot_be(wish: Wish, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--bus|--damaged|--top"):
        pipeline.generate(network(), tmp_path / "out", wish=wish)
    assert not (tmp_path / "out").exists()


def test_refuses_hls(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="leave them out with --language hls"):
        pipeline.generate(network(), tmp_path / "out", language="hls", wish=Wish(32))


def test_refuses_a_buffer_that_the_part_does_not_hold(tmp_path: Path) -> None:
    graph = NetworkBuilder(1, (64, 64, 1)).convolution(16, relu=False, padding=(1, 1, 1, 1)).graph()
    wish = Wish(128, buffered=True)
    with pytest.raises(FitError, match="--damaged drop: the buffer for an output frame takes .* block RAM"):
        pipeline.generate(graph, tmp_path / "out", Target(multipliers=1), frames=1, device="ice40-up5k", wish=wish)
    assert not (tmp_path / "out").exists()


def test_slots_and_units() -> None:
    port = BusPort("s_axis", pixels=7, channels=5, lanes=2, width=17, signed=True, bus=128)
    assert (port.slot, port.core_slot, port.core_bits, port.bytes) == (32, 24, 48, 140)
    assert (port.beats, port.last_bytes, port.period, port.rest, port.core_beats) == (9, 12, 3, 1, 21)
    assert (port.unit, port.bus_units, port.core_units) == (32, (4, 3, 9), (2, 1, 3))
    wide = BusPort("m_axis", pixels=1, channels=3, lanes=1, width=40, signed=True, bus=32)
    assert (wide.slot, wide.beats, wide.unit, wide.bus_units, wide.core_units) == (64, 6, 32, (1, 1, 6), (2, 2, 3))


def test_the_digest_starts_in_the_low_word() -> None:
    assert digest_words("0123456789abcdef") == "89abcdef01234567"
