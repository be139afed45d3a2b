"""Cells of the streams against small models of theirs, cycle by cycle, by equality; reset comes in mid-run too."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from cell_bench import Port, drive, missing_simulator, unpack

from fpgaq.hardware.emit.literals import index_width, pack

pytestmark = [pytest.mark.skipif(missing_simulator(), reason="needs iverilog"), pytest.mark.once]

CYCLES = 400
RESET = [1, 1] + [0] * 197 + [1] + [0] * 200


def coins(chance: random.Random, likely: float) -> list[int]:
    return [int(chance.random() < likely) for _ in range(CYCLES)]


@pytest.mark.parametrize(("bits", "writing", "reading"), [(1, 0.9, 0.9), (2, 0.9, 0.4), (3, 0.5, 1.0), (2, 1.0, 1.0)])
def test_fifo(bits: int, writing: float, reading: float, tmp_path: Path) -> None:
    """The writer spends credits; a word of cycle t is offered in t + 2, one a cycle passes, order is kept."""
    chance = random.Random(bits)
    wishes, ready = coins(chance, writing), coins(chance, reading)
    memory: list[int] = []
    shown: int | None = None
    credits, write, data, expected = 1 << bits, [], [], []
    for cycle in range(CYCLES):
        popped = int(shown is not None and ready[cycle] and not RESET[cycle])
        expected.append((int(shown is not None), shown))
        write.append(int(wishes[cycle] and credits > 0 and not RESET[cycle]))
        data.append(chance.randrange(256))
        credits += popped - write[-1]
        if memory and (shown is None or ready[cycle]):
            shown = memory.pop(0)
        elif ready[cycle]:
            shown = None
        if write[-1]:
            memory.append(data[-1])
        if RESET[cycle]:
            memory, shown, credits = [], None, 1 << bits
        assert len(memory) <= 1 << bits
    inputs = {"rst": Port(1, RESET), "write_enable": Port(1, write), "write_data": Port(8, data),
              "m_ready": Port(1, ready)}  # fmt: skip
    parameters = {"WIDTH": 8, "ADDRESS_WIDTH": bits}
    found = drive(
        tmp_path, "fpgaq_fifo", [parameters], inputs, [{"m_data": 8, "m_valid": 1, "popped": 1}]
    ).outputs[0]  # fmt: skip
    for cycle, (valid, word) in enumerate(expected):
        assert found["m_valid"][cycle] == valid, cycle
        assert found["popped"][cycle] == (valid and ready[cycle]), cycle
        if valid:
            assert found["m_data"][cycle] == word, cycle
    assert sum(valid and ready[cycle] for cycle, (valid, _) in enumerate(expected)) > 50


def test_fifo_passes_a_word_a_cycle(tmp_path: Path) -> None:
    write = [0, 0, *([1] * 20), *([0] * 10)]
    inputs = {
        "rst": Port(1, [1, 1] + [0] * 30),
        "write_enable": Port(1, write),
        "write_data": Port(8, range(32)),
        "m_ready": Port(1, [1] * 32),
    }
    found = drive(tmp_path, "fpgaq_fifo", [{"WIDTH": 8, "ADDRESS_WIDTH": 1}], inputs, [{"m_data": 8, "m_valid": 1}])
    assert found.outputs[0]["m_valid"][1:] == [0, 0, 0, *([1] * 20), *([0] * 8)]
    assert found.outputs[0]["m_data"][4:24] == list(range(2, 22))


def test_slice(tmp_path: Path) -> None:
    """Two words deep, offered a cycle after it was taken, no path from ready to ready."""
    chance = random.Random(2)
    valid, ready, words = coins(chance, 0.7), coins(chance, 0.7), [chance.randrange(256) for _ in range(CYCLES)]
    held: list[int] = []
    expected = []
    for cycle in range(CYCLES):
        expected.append((int(len(held) < 2), held[0] if held else None))
        taken, passed = valid[cycle] and len(held) < 2, bool(held) and ready[cycle]
        if passed:
            held.pop(0)
        if taken:
            held.append(words[cycle])
        if RESET[cycle]:
            held = []
    found = drive_stream(tmp_path, "fpgaq_slice", {"WIDTH": 8}, valid, words, ready)
    for cycle, (room, word) in enumerate(expected[1:], 1):
        assert (found["s_ready"][cycle], found["m_valid"][cycle]) == (room, int(word is not None)), cycle
        if word is not None:
            assert found["m_data"][cycle] == word, cycle


@pytest.mark.parametrize(("bits", "writing", "reading"), [(1, 0.9, 0.9), (2, 0.9, 0.4), (3, 0.5, 1.0), (2, 1.0, 1.0)])
def test_queue(bits: int, writing: float, reading: float, tmp_path: Path) -> None:
    """A word is offered two cycles later; it holds its place until the cycle after it left."""
    chance = random.Random(bits)
    valid, ready = coins(chance, writing), coins(chance, reading)
    words = [chance.randrange(256) for _ in range(CYCLES)]
    held: list[tuple[int, int]] = []
    expected = []
    for cycle in range(CYCLES):
        room = int(len(held) < 1 << bits)
        offered = held[0][1] if held and held[0][0] + 2 <= cycle else None
        expected.append((room, offered))
        if offered is not None and ready[cycle]:
            held.pop(0)
        if valid[cycle] and room:
            held.append((cycle, words[cycle]))
        if RESET[cycle]:
            held = []
    found = drive_stream(tmp_path, "fpgaq_queue", {"WIDTH": 8, "ADDRESS_WIDTH": bits}, valid, words, ready)
    for cycle, (room, word) in enumerate(expected[1:], 1):
        assert (found["s_ready"][cycle], found["m_valid"][cycle]) == (room, int(word is not None)), cycle
        if word is not None:
            assert found["m_data"][cycle] == word, cycle
    assert reading > 0.4 or {room for room, _ in expected} == {0, 1}


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_credit(bits: int, tmp_path: Path) -> None:
    chance = random.Random(bits)
    left, expected, spent, popped = 1 << bits, [], [], []
    for cycle in range(CYCLES):
        expected.append(int(left > 0))
        # Phases in which all is spent and phases in which all comes back.
        likely = 0.9 if cycle // 40 % 2 else 0.2
        spent.append(int(left > 0 and chance.random() < likely))
        popped.append(int(left < 1 << bits and chance.random() > likely))
        left += popped[-1] - spent[-1]
        if RESET[cycle]:
            left = 1 << bits
    inputs = {"rst": Port(1, RESET), "spent": Port(1, spent), "popped": Port(1, popped)}
    found = drive(tmp_path, "fpgaq_credit", [{"ADDRESS_WIDTH": bits}], inputs, [{"available": 1}]).outputs[0]
    assert found["available"][1:] == expected[1:]
    assert 0 < sum(expected) < CYCLES


def drive_stream(
    directory: Path, cell: str, parameters: dict[str, int], valid: list[int], words: list[int], ready: list[int]
) -> dict[str, list[int | None]]:
    inputs = {"rst": Port(1, RESET), "s_valid": Port(1, valid), "s_data": Port(8, words), "m_ready": Port(1, ready)}
    return drive(directory, cell, [parameters], inputs, [{"s_ready": 1, "m_valid": 1, "m_data": 8}]).outputs[0]


@pytest.mark.parametrize("beats", [1, 5])
def test_source(beats: int, tmp_path: Path) -> None:
    """A misplaced or missing tlast sets the sticky error; reset clears it, and holds ready and valid low."""
    chance = random.Random(beats)
    valid, ready = coins(chance, 0.7), coins(chance, 0.7)
    words = [chance.randrange(1 << 24) for _ in range(CYCLES)]
    faults = {60, 300}
    beat, error, last, errors = 0, 0, [], []
    for cycle in range(CYCLES):
        errors.append(error)
        taken = valid[cycle] and ready[cycle] and not RESET[cycle]
        right = int(beat == beats - 1)
        # tlast means nothing while nothing is taken.
        wrong = taken and any(fault <= cycle for fault in faults)
        if wrong:
            faults = {fault for fault in faults if fault > cycle}
            error = 1
        last.append(right ^ int(bool(wrong)) if taken else chance.randrange(2))
        if taken:
            beat = 0 if right else beat + 1
        if RESET[cycle]:
            beat, error = 0, 0
    assert 0 < sum(errors) < CYCLES and errors[150] == 1 and errors[250] == 0
    inputs = {"rst": Port(1, RESET), "s_axis_tdata": Port(24, words), "s_axis_tvalid": Port(1, valid),
              "s_axis_tlast": Port(1, last), "m_ready": Port(1, ready)}  # fmt: skip
    parameters = {"LANES": 3, "ELEMENT_WIDTH": 5, "SLOT_WIDTH": 8, "FRAME_BEATS": beats,
                  "COUNT_WIDTH": index_width(beats)}  # fmt: skip
    ports = {"s_axis_tready": 1, "m_valid": 1, "m_data": 15, "frame_error": 1}
    found = drive(tmp_path, "fpgaq_source", [parameters], inputs, [ports]).outputs[0]
    assert found["s_axis_tready"] == [one & (1 - rst) for one, rst in zip(ready, RESET, strict=True)]
    assert found["m_valid"] == [one & (1 - rst) for one, rst in zip(valid, RESET, strict=True)]
    assert found["m_data"] == [pack([lane & 31 for lane in unpack(word, 8, 3)], 5) for word in words]
    assert found["frame_error"] == errors


@pytest.mark.parametrize("is_signed", [0, 1])
def test_sink(is_signed: int, tmp_path: Path) -> None:
    chance = random.Random(9)
    valid, ready = coins(chance, 0.7), coins(chance, 0.7)
    values = [[chance.randrange(64) for _ in range(2)] for _ in range(CYCLES)]
    beat, last = 0, []
    for cycle in range(CYCLES):
        last.append(int(beat == 2))
        if valid[cycle] and ready[cycle]:
            beat = (beat + 1) % 3
        if RESET[cycle]:
            beat = 0
    inputs = {"rst": Port(1, RESET), "s_data": Port(12, [pack(row, 6) for row in values]),
              "s_valid": Port(1, valid), "m_axis_tready": Port(1, ready)}  # fmt: skip
    parameters = {"LANES": 2, "ELEMENT_WIDTH": 6, "ELEMENT_SIGNED": is_signed, "SLOT_WIDTH": 8, "FRAME_BEATS": 3,
                  "COUNT_WIDTH": 2}  # fmt: skip
    ports = {"s_ready": 1, "m_axis_tdata": 16, "m_axis_tvalid": 1, "m_axis_tlast": 1}
    found = drive(tmp_path, "fpgaq_sink", [parameters], inputs, [ports]).outputs[0]
    extended = [[value - 64 if is_signed and value >= 32 else value for value in row] for row in values]
    assert found["m_axis_tdata"] == [pack(row, 8) for row in extended]
    assert (found["m_axis_tvalid"], found["s_ready"]) == (valid, ready)
    # Before the first reset the count is unknown.
    assert found["m_axis_tlast"][1:] == last[1:]


@pytest.mark.parametrize(("per_word", "per_pixel"), [(1, 1), (1, 3), (2, 2), (2, 5), (3, 4), (4, 3)])
def test_gather(per_word: int, per_pixel: int, tmp_path: Path) -> None:
    """Words follow each other in memory; the last of a pixel may have empty lanes, which are zero."""
    chance = random.Random(per_word * 10 + per_pixel)
    taken = [one & (1 - rst) for one, rst in zip(coins(chance, 0.7), RESET, strict=True)]
    beats = [chance.randrange(1, 256) for _ in range(CYCLES)]
    place, address, joined = 0, 0, [0] * per_word
    expected: list[tuple[int, int, int] | None] = [None]
    done = []
    for cycle in range(CYCLES):
        completed = None
        if taken[cycle]:
            lane = place % per_word
            if lane == 0:
                joined = [0] * per_word
            joined[lane] = beats[cycle]
            place = (place + 1) % per_pixel
            if place % per_word == 0 or place == 0:
                completed = (1, address, pack(joined, 8))
                address = (address + 1) % 8
        if RESET[cycle]:
            place, address, completed = 0, 0, None
        done.append(int(completed is not None))
        expected.append(completed)
    inputs = {"rst": Port(1, RESET), "beat_taken": Port(1, taken), "beat_data": Port(8, beats)}
    parameters = {"BEAT_WIDTH": 8, "BEATS_PER_WORD": per_word, "BEATS_PER_PIXEL": per_pixel, "ADDRESS_WIDTH": 3}
    ports = {"word_taken": 1, "write_enable": 1, "write_address": 3, "write_data": 8 * per_word}
    found = drive(tmp_path, "fpgaq_gather", [parameters], inputs, [ports]).outputs[0]
    assert found["word_taken"][1:] == done[1:] and sum(done) > 20
    for cycle in range(1, CYCLES):
        word = expected[cycle]
        assert found["write_enable"][cycle] == int(word is not None), cycle
        if word is not None:
            assert (1, found["write_address"][cycle], found["write_data"][cycle]) == word, cycle


@pytest.mark.parametrize(("outputs", "lanes", "pixel_beats"), [(1, 1, 1), (3, 3, 4), (4, 1, 4), (4, 2, 7), (6, 2, 3)])
def test_collect(outputs: int, lanes: int, pixel_beats: int, tmp_path: Path) -> None:
    """Groups of sums leave in beats, in order; the last group of a pixel may hold fewer beats than the others."""
    chance = random.Random(outputs * 10 + lanes)
    per_group = outputs // lanes
    delay = 1 if per_group == 1 else 2
    done, sums = [0] * CYCLES, [[chance.randrange(256) for _ in range(outputs)] for _ in range(CYCLES)]
    owners = [0] * CYCLES
    expected: dict[int, tuple[int, list[int], int]] = {}
    cycle, index = 3, 0
    while cycle < CYCLES - per_group - 3:
        if 190 < cycle < 200:
            # Nothing in flight while the reset of the middle comes: what it drops is not modelled.
            cycle, index = 203, 0
        done[cycle - 1], owners[cycle - 1] = 1, chance.randrange(4)
        for beat in range(min(per_group, pixel_beats - index)):
            expected[cycle + delay + beat] = (
                index + beat, sums[cycle][beat * lanes : (beat + 1) * lanes], owners[cycle - 1]
            )  # fmt: skip
        count = min(per_group, pixel_beats - index)
        index = (index + count) % pixel_beats
        cycle += max(per_group, 1) + chance.choice([0, 0, 1, 4])
    inputs = {"rst": Port(1, RESET), "done_next": Port(1, done),
              "sums": Port(8 * outputs, [pack(row, 8) for row in sums]), "owner": Port(2, owners),
              "last_index": Port(index_width(pixel_beats), [pixel_beats - 1] * CYCLES),
              "last_place": Port(index_width(per_group), [per_group - 1] * CYCLES)}  # fmt: skip
    parameters = {"OUTPUTS": outputs, "LANES": lanes, "SUM_WIDTH": 8, "INDEX_WIDTH": index_width(pixel_beats),
                  "PLACE_WIDTH": index_width(per_group), "OWNER_WIDTH": 2}  # fmt: skip
    ports = {"beat_index": index_width(pixel_beats), "beat": 8 * lanes, "beat_valid": 1, "beat_owner": 2, "serving": 2}
    found = drive(tmp_path, "fpgaq_collect", [parameters], inputs, [ports]).outputs[0]
    assert len(expected) > 60
    for at in range(2, CYCLES):
        assert found["beat_valid"][at] == int(at in expected), at
        if at in expected:
            # The index runs two cycles ahead of its beat, in time for the ROM and a register.
            beat, owner = unpack(found["beat"][at], 8, lanes), found["beat_owner"][at]
            assert (found["beat_index"][at - 2], beat, owner) == expected[at], at
            assert found["serving"][at - 2] == owner, at


@pytest.mark.parametrize("stages", [1, 2, 5])
def test_delay(stages: int, tmp_path: Path) -> None:
    values = [random.Random(stages).randrange(4) for _ in range(CYCLES)]
    inputs = {"rst": Port(1, RESET), "in": Port(2, values)}
    found = drive(tmp_path, "fpgaq_delay", [{"WIDTH": 2, "STAGES": stages}], inputs, [{"out": 2}]).outputs[0]
    line = [0] * stages
    for cycle in range(CYCLES):
        if cycle > 0:
            assert found["out"][cycle] == line[-1], cycle
        line = [0] * stages if RESET[cycle] else [values[cycle], *line[:-1]]
