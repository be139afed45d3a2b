"""Adder graphs and their carry chains against ``matrix @ inputs + constants``, by equality."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgaq.hardware.unrolled.adders.chains import ONE, Bit
from fpgaq.hardware.unrolled.adders.compress import compress
from fpgaq.hardware.unrolled.adders.graph import AdderGraph, Interval, Term
from fpgaq.hardware.unrolled.adders.search import find_sums
from fpgaq.hardware.unrolled.adders.words import add_words


def prove(matrix: np.ndarray, constants: np.ndarray, inputs: tuple[Interval, ...], frames: np.ndarray) -> None:
    """Both programs compute the product, and every bit of every value is where it should be."""
    graph = find_sums(matrix, constants, inputs)
    expected = frames @ matrix.T + constants
    assert (graph.matrix == matrix).all()
    assert (graph.run(frames) == expected).all()
    for shallow in (False, True):
        program = compress(graph, shallow)
        assert (program.run(frames) == expected).all()
        for index, bits in enumerate(program.outputs):
            assert len(bits) == graph.intervals[len(inputs) + graph.outputs[index]].width
    words = find_sums(matrix, constants, inputs, bit_price=1.0, depth=matrix.size)
    for sums in (graph, words):
        program = add_words(sums)
        assert (program.run(frames) == expected).all()
        for chain in program.chains:
            # Two words: a wire of each in a position, and no carry but that of a difference, all of it inverted.
            assert all(len(group.bits) == 1 and group.digits == 1 for group in chain.groups)
            named = [bit for group in chain.groups for bit, _ in group.bits if bit.row != ONE]
            assert chain.carry in (None, Bit(ONE, 0))
            assert all(bit.inverted == (chain.carry is not None) for bit in named)
            assert not any(bit is not None and bit.inverted for bit in chain.plain)


def corners(inputs: tuple[Interval, ...], count: int, seed: int) -> np.ndarray:
    """Random frames, and ones where every input is at an end of its range."""
    generator = np.random.default_rng(seed)
    lower = np.array([interval.lower for interval in inputs])
    upper = np.array([interval.upper for interval in inputs])
    inside = generator.integers(lower, upper, (count, len(inputs)), endpoint=True)
    ends = np.where(generator.integers(0, 2, (count, len(inputs))) == 0, lower, upper)
    return np.concatenate([inside, ends, lower[None], upper[None]])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 6), st.sampled_from([1, 3, 20, 127, 3000]))
def test_random_matrices(seed: int, outputs: int, count: int, largest: int) -> None:
    generator = np.random.default_rng(seed)
    matrix = generator.integers(-largest, largest, (outputs, count), endpoint=True)
    matrix[generator.random(matrix.shape) < 0.2] = 0
    constants = generator.integers(-5000, 5000, outputs) * generator.integers(0, 2, outputs)
    ends = np.sort(generator.integers(-300, 300, (count, 2)), axis=1)
    inputs = tuple(Interval(int(low), int(high)) for low, high in ends)
    prove(matrix, constants, inputs, corners(inputs, 50, seed))


@pytest.mark.parametrize(
    "weights", [(1, 1), (-1, -1), (3, -5), (7, 7), (-128, 127), (85, -85), (0, 0), (2, 0), (-6, 1)]
)
@pytest.mark.parametrize("constant", [0, 1, -1, 8, -37])
@pytest.mark.parametrize("signed", [False, True])
def test_two_inputs_exhaustively(weights: tuple[int, int], constant: int, signed: bool) -> None:
    interval = Interval(-8, 7) if signed else Interval(0, 15)
    values = range(interval.lower, interval.upper + 1)
    frames = np.array(list(product(values, values)))
    prove(np.array([weights]), np.array([constant]), (interval, interval), frames)


@pytest.mark.once
@pytest.mark.parametrize("outputs, count", [(32, 16), (5, 32), pytest.param(24, 40, marks=pytest.mark.slow)])
def test_layers(outputs: int, count: int) -> None:
    generator = np.random.default_rng(outputs)
    matrix = np.rint(generator.normal(0, 30, (outputs, count))).astype(np.int64)
    inputs = (Interval(0, 255),) * count
    prove(matrix, generator.integers(-9000, 9000, outputs), inputs, corners(inputs, 40, count))


def test_shared_sums_cost_less() -> None:
    """Rows that have much in common share it."""
    rows = np.array([[3, 5, 0, 7], [3, 5, 1, 7], [6, 10, 1, 14], [-3, -5, 2, -7]])
    inputs = (Interval(0, 255),) * 4
    graph = find_sums(rows, np.zeros(4, dtype=np.int64), inputs)
    assert graph.additions < sum(find_sums(row[None], np.zeros(1, int), inputs).additions for row in rows)
    alone = sum(compress(find_sums(row[None], np.zeros(1, int), inputs)).tables for row in rows)
    assert compress(graph).tables < alone


def test_words_take_an_adder_for_each_term_but_one() -> None:
    inputs = (Interval(0, 255),) * 5
    graph = find_sums(np.array([[1, 2, -4, 8, 1]]), np.zeros(1, dtype=np.int64), inputs)
    program = add_words(graph)
    assert len(program.chains) == 4 and program.depth == 3
    # Bits below the shifted word's are handed on.
    assert sum(chain.width for chain in program.chains) < sum((9, 11, 10, 12))


def test_a_chain_takes_five_bits_in_two_positions() -> None:
    """Three inputs cost little more than two adders' worth of one: what the carry chains are for."""
    inputs = (Interval(0, 255),) * 5
    graph = find_sums(np.ones((1, 5), dtype=np.int64), np.zeros(1, dtype=np.int64), inputs)
    program = compress(graph)
    # Four adders of eight bits and more need 35 tables.
    assert program.tables < 30


def test_exact_intervals() -> None:
    graph = AdderGraph((Interval(0, 3), Interval(-2, 5)), ((Term(0, 1, False), Term(1, 0, True)),), (7,), (0,))
    assert graph.intervals[2] == Interval(2 * 0 - 5 + 7, 2 * 3 + 2 + 7)
    assert Interval(0, 0).width == 0
    assert Interval(-1, 0).width == 1
    assert Interval(-129, 127).width == 9
    assert Interval(0, 256).width == 9


def test_plain_wires_are_counted_with_their_inverters() -> None:
    """A program's tables are those of its chains, and no group has more than five wires."""
    generator = np.random.default_rng(5)
    matrix = generator.integers(-60, 60, (6, 12))
    program = compress(find_sums(matrix, np.zeros(6, dtype=np.int64), (Interval(0, 255),) * 12))
    assert program.tables == sum(chain.tables for chain in program.chains)
    for chain in program.chains:
        assert all(1 <= len(group.bits) <= 5 for group in chain.groups)
        positions = [group.start + digit for group in chain.groups for digit in range(group.digits)]
        assert len(positions) == len(set(positions))
        assert chain.carry is None or not chain.carry.inverted
        assert all(row < len(program.input_widths) + len(program.chains) for row in chain.reads)
    assert Bit(ONE, 0).row == ONE


def test_shallow_programs_have_fewer_levels() -> None:
    matrix = np.rint(np.random.default_rng(2).normal(0, 40, (4, 24))).astype(np.int64)
    graph = find_sums(matrix, np.zeros(4, dtype=np.int64), (Interval(0, 255),) * 24, depth=1)
    shallow, least = compress(graph, shallow=True), compress(graph)
    assert shallow.depth < least.depth
    assert shallow.tables > least.tables


def test_the_same_matrix_gives_the_same_program() -> None:
    matrix = np.random.default_rng(3).integers(-100, 100, (8, 9))
    programs = [compress(find_sums(matrix, np.zeros(8, dtype=np.int64), (Interval(0, 255),) * 9)) for _ in range(2)]
    assert programs[0] == programs[1]
