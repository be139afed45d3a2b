"""Requantizer, multiply-accumulate, maximum, sum, divider and bias against NumPy and fractions, by equality."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from cell_bench import Port, drive, missing_simulator, signed, unpack

from fpgaq.base.formats import ROUNDINGS, Format, round_shift, saturate
from fpgaq.hardware.emit.layers.division import division_of
from fpgaq.hardware.emit.literals import pack
from fpgaq.integer.accumulators import signed_width
from fpgaq.integer.graph import IntegerSumPooling, Requantize
from tests.support.slow_interpreter import exact_round

pytestmark = [pytest.mark.skipif(missing_simulator(), reason="needs iverilog"), pytest.mark.once]

TOTAL = 7


def requantizers() -> list[tuple[int, int, Format, bool]]:
    """(largest shift, greatest lift, result, relu)."""
    shifts = [(0, 0), (1, 0), (2, 2), (3, 0), (3, 1), (5, 3), (9, 0)]
    formats = [Format(3, 0), Format(3, 0, True, True), Format(3, 0, False), Format(2, 0), Format(1, 0, False)]
    formats += [Format(9, 0), Format(9, 0, False)]
    return [(shift, most, fmt, relu) for (shift, most), fmt, relu in product(shifts, formats, (False, True))]


def clips() -> list[tuple[int, int, Format, int, int]]:
    """(largest shift, greatest lift, result, low, high): every pair of limits of three bits, some of nine."""
    found = []
    for shift, most in [(0, 0), (2, 1), (9, 0)]:
        for fmt in (Format(3, 0), Format(3, 0, False)):
            codes = range(fmt.minimum, fmt.maximum + 1)
            found += [(shift, most, fmt, low, high) for low in codes for high in codes if low <= high]
        found += [(shift, most, Format(9, 0), low, high) for low, high in [(-256, 5), (-3, -1), (0, 255), (7, 7)]]
        found += [(shift, most, Format(9, 0, False), low, high) for low, high in [(0, 384), (1, 511), (300, 301)]]
    return found


@pytest.mark.parametrize(
    ("rounding", "stages"), [(rounding, place % 2 + 1) for place, rounding in enumerate(ROUNDINGS)]
)
def test_clip_every_total(rounding: str, stages: int, tmp_path: Path) -> None:
    cases = clips()
    values = np.array(list(product(range(-(1 << (TOTAL - 1)), 1 << (TOTAL - 1)), range(2))))
    totals, lifts = values[:, 0], values[:, 1]
    instances = [
        {
            "TOTAL_WIDTH": TOTAL, "LIFT_MAX": most, "LIFT_WIDTH": 1, "SHIFT": shift,
            "ROUNDING": ROUNDINGS.index(rounding), "RESULT_WIDTH": fmt.width, "RESULT_SIGNED": int(fmt.signed),
            "CLIP": 1, "LOW": low % (2 << fmt.width), "HIGH": high % (2 << fmt.width), "STAGES": stages,
        }
        for shift, most, fmt, low, high in cases
    ]  # fmt: skip
    tail = [0] * stages
    inputs = {"total": Port(TOTAL, [*totals.tolist(), *tail]), "lift": Port(1, [*lifts.tolist(), *tail])}
    outcome = drive(tmp_path, "fpgaq_requantize", instances, inputs, [{"result": c[2].width} for c in cases])
    for (shift, most, fmt, low, high), found in zip(cases, outcome.outputs, strict=True):
        legal = lifts <= most
        expected = np.clip(round_shift(totals[legal], shift - lifts[legal], rounding), low, high)  # type: ignore[arg-type]
        results = np.array(found["result"][stages:])[legal]
        if fmt.signed:
            results = np.array([signed(value, fmt.width) for value in results])
        np.testing.assert_array_equal(results, expected, err_msg=f"{shift} {most} {fmt} {low}..{high}")


@pytest.mark.parametrize(
    ("rounding", "stages"), [(rounding, 2 - place % 2) for place, rounding in enumerate(ROUNDINGS)]
)
def test_requantize_every_total(rounding: str, stages: int, tmp_path: Path) -> None:
    cases = requantizers()
    values = np.array(list(product(range(-(1 << (TOTAL - 1)), 1 << (TOTAL - 1)), range(4))))
    totals, lifts = values[:, 0], values[:, 1]
    instances = [
        {
            "TOTAL_WIDTH": TOTAL, "LIFT_MAX": most, "LIFT_WIDTH": 2, "SHIFT": shift,
            "ROUNDING": ROUNDINGS.index(rounding), "RESULT_WIDTH": fmt.width, "RESULT_SIGNED": int(fmt.signed),
            "NARROW": int(fmt.narrow), "RELU": int(relu), "STAGES": stages,
        }
        for shift, most, fmt, relu in cases
    ]  # fmt: skip
    tail = [0] * stages
    inputs = {"total": Port(TOTAL, [*totals.tolist(), *tail]), "lift": Port(2, [*lifts.tolist(), *tail])}
    outcome = drive(tmp_path, "fpgaq_requantize", instances, inputs, [{"result": c[2].width} for c in cases])
    for (shift, most, fmt, relu), found in zip(cases, outcome.outputs, strict=True):
        legal = lifts <= most
        expected = round_shift(totals[legal], shift - lifts[legal], rounding)  # type: ignore[arg-type]
        if relu:
            expected = np.maximum(expected, 0)
        results = np.array(found["result"][stages:])[legal]
        if fmt.signed:
            results = np.array([signed(value, fmt.width) for value in results])
        np.testing.assert_array_equal(results, saturate(expected, fmt), err_msg=f"{shift} {most} {fmt} relu {relu}")


def levels_of(products: int) -> int:
    return (products - 1).bit_length()


def ends_of(lengths: list[int], groups: int) -> int:
    """The steps of the first groups."""
    return sum(lengths[:groups])


MACS = [(1, 1, 8, False), (1, 2, 4, True), (2, 1, 8, True), (3, 2, 3, False), (4, 3, 8, False), (5, 1, 1, False),
        (9, 2, 8, True), (16, 1, 2, True), (17, 2, 5, False)]  # fmt: skip


def mac_run(
    directory: Path,
    products: int,
    outputs: int,
    fmt: Format,
    weight_width: int,
    most: int,
    spare: int,
    checks: bool,
    packed: int = 1,
    least: int | None = None,
    cell: str = "fpgaq_mac",
) -> tuple[list[list[int]], list[list[int]], str]:
    """Random groups of steps; returns expected and found sums of each group and what the hardware said.

    Sums are as wide as proved for these weights and any elements, plus `spare` bits.
    """
    chance = np.random.default_rng(products * 100 + outputs)
    levels = levels_of(products)
    lengths = [int(n) for n in chance.integers(1, 6, size=12)]
    steps = sum(lengths)
    least = -most if least is None else least
    weights = chance.integers(least, most + 1, size=(steps, outputs, products))
    elements = chance.integers(fmt.minimum, fmt.maximum + 1, size=(steps, products))
    elements[: lengths[0]] = fmt.maximum
    weights[: lengths[0]] = most
    if packed > 1:
        # Neighbours in a factor at opposite ends, and all at the lower one.
        elements[: ends_of(lengths, 3)] = fmt.maximum
        weights[lengths[0] : ends_of(lengths, 2)] = least
        weights[ends_of(lengths, 2) : ends_of(lengths, 3), ::2] = least
        elements[ends_of(lengths, 3) : ends_of(lengths, 4)] = fmt.minimum
    ends = np.cumsum(lengths)
    starts = [0, *(int(end) for end in ends[:-1])]
    bounds = [0, 0]
    for start, end in zip(starts, ends, strict=True):
        low = np.minimum(weights[start:end] * fmt.minimum, weights[start:end] * fmt.maximum)
        high = np.maximum(weights[start:end] * fmt.minimum, weights[start:end] * fmt.maximum)
        bounds[0] = min(bounds[0], int(np.minimum(low, 0).sum(axis=(0, 2)).min()))
        bounds[1] = max(bounds[1], int(np.maximum(high, 0).sum(axis=(0, 2)).max()))
    width = signed_width(*bounds) + spare
    tail = levels + 3
    first, valid = [0] * (steps + tail), [0] * (steps + tail)
    for step in range(steps):
        first[step + 1 + levels] = int(step in starts)
        valid[step + 1 + levels] = 1
    inputs = {
        "first": Port(1, first),
        "valid": Port(1, valid),
        "elements": Port(products * fmt.width, [pack(row, fmt.width) for row in elements.tolist()] + [0] * tail),
        "weights": Port(
            outputs * products * weight_width,
            [pack(row, weight_width) for row in weights.reshape(steps, -1).tolist()] + [0] * tail,
        ),
    }
    parameters = {
        "PRODUCTS": products, "OUTPUTS": outputs, "ELEMENT_WIDTH": fmt.width, "ELEMENT_SIGNED": int(fmt.signed),
        "WEIGHT_WIDTH": weight_width, "SUM_WIDTH": width, "LEVELS": levels,
        **({"PACKED": packed} if cell == "fpgaq_mac" else {}),
    }  # fmt: skip
    outcome = drive(directory, cell, [parameters], inputs, [{"sums": outputs * width}], checks)
    expected = [
        (weights[start:end] * elements[start:end, None, :]).sum(axis=(0, 2)).tolist()
        for start, end in zip(starts, ends, strict=True)
    ]
    sampled = outcome.outputs[0]["sums"]
    found = [
        [signed(value, width) or 0 for value in unpack(sampled[end - 1 + 2 + levels], width, outputs)]
        for end in ends.tolist()
        if end + 1 + levels < len(sampled)
    ]
    return expected, found, outcome.spoken


@pytest.mark.parametrize(("products", "outputs", "width", "is_signed"), MACS)
def test_mac(products: int, outputs: int, width: int, is_signed: bool, tmp_path: Path) -> None:
    expected, found, spoken = mac_run(tmp_path, products, outputs, Format(width, 0, is_signed), 6, 31, 0, True)
    assert found == expected and not spoken


# Products, outputs, bits of elements, whether these are signed, bits of weights: every number of products of a group of
# four and of the tree after it, every width of the highest digit.
DIGITS = [(1, 3, 4, False, 4), (2, 2, 4, True, 4), (3, 2, 3, False, 2), (4, 1, 2, True, 5), (5, 2, 4, False, 4),
          (6, 1, 1, False, 3), (9, 2, 8, True, 8), (15, 1, 4, True, 7), (17, 1, 4, False, 4),
          (3, 2, 4, True, 1), (2, 1, 1, True, 2), (8, 1, 1, False, 2), (1, 2, 1, False, 8)]  # fmt: skip


@pytest.mark.parametrize(("products", "outputs", "width", "is_signed", "weight_width"), DIGITS)
def test_digits(products: int, outputs: int, width: int, is_signed: bool, weight_width: int, tmp_path: Path) -> None:
    most = (1 << (weight_width - 1)) - 1
    fmt, cell = Format(width, 0, is_signed), "fpgaq_digits"
    expected, found, spoken = mac_run(
        tmp_path, products, outputs, fmt, weight_width, most, 0, True, least=-most - 1, cell=cell
    )
    assert found == expected and not spoken


@pytest.mark.parametrize("is_signed", [False, True])
def test_every_product_of_digits(is_signed: bool, tmp_path: Path) -> None:
    """Weights of 4 bits and elements of 4 bits, signed or not, beside the element and weight that are furthest: all."""
    fmt = Format(4, 0, is_signed)
    every = [(weight, element) for weight in range(-8, 8) for element in range(fmt.minimum, fmt.maximum + 1)]
    inputs = {
        "first": Port(1, [1] * (len(every) + 4)),
        "valid": Port(1, [1] * (len(every) + 4)),
        "elements": Port(8, [pack([element, fmt.minimum], 4) for _, element in every] + [0] * 4),
        "weights": Port(8, [pack([weight, -8], 4) for weight, _ in every] + [0] * 4),
    }
    parameters = {"PRODUCTS": 2, "OUTPUTS": 1, "ELEMENT_WIDTH": 4, "ELEMENT_SIGNED": int(is_signed),
                  "WEIGHT_WIDTH": 4, "SUM_WIDTH": 9, "LEVELS": 1}  # fmt: skip
    outcome = drive(tmp_path, "fpgaq_digits", [parameters], inputs, [{"sums": 9}], True)
    sums = [signed(value, 9) for value in outcome.outputs[0]["sums"][3 : 3 + len(every)]]
    assert sums == [weight * element - 8 * fmt.minimum for weight, element in every]


def test_digits_with_sums_narrower_than_products(tmp_path: Path) -> None:
    fmt = Format(2, 0, False)
    expected, found, spoken = mac_run(tmp_path, 3, 2, fmt, 16, 1, 0, True, cell="fpgaq_digits")
    assert found == expected and not spoken


# Products, outputs, bits of elements, whether these are signed, bits of weights, outputs to a multiplier.
PACKED = [(1, 2, 8, False, 8, 2), (1, 5, 8, True, 8, 2), (9, 3, 8, False, 8, 2), (4, 7, 4, False, 4, 3),
          (2, 3, 4, True, 4, 3), (3, 4, 1, False, 2, 4), (5, 2, 3, True, 5, 2)]  # fmt: skip


@pytest.mark.parametrize(("products", "outputs", "width", "is_signed", "weight_width", "packed"), PACKED)
def test_packed_mac(
    products: int, outputs: int, width: int, is_signed: bool, weight_width: int, packed: int, tmp_path: Path
) -> None:
    most = (1 << (weight_width - 1)) - 1
    fmt = Format(width, 0, is_signed)
    expected, found, spoken = mac_run(tmp_path, products, outputs, fmt, weight_width, most, 0, True, packed, -most - 1)
    assert found == expected and not spoken


def test_every_pair_of_packed_products(tmp_path: Path) -> None:
    """Two weights of 3 bits and an element of 3 bits, signed or not: all there are."""
    for is_signed in (False, True):
        fmt = Format(3, 0, is_signed)
        every = [
            (first, second, element)
            for first in range(-4, 4)
            for second in range(-4, 4)
            for element in range(fmt.minimum, fmt.maximum + 1)
        ]
        inputs = {
            "first": Port(1, [1] * (len(every) + 3)),
            "valid": Port(1, [1] * (len(every) + 3)),
            "elements": Port(3, [pack([element], 3) for *_, element in every] + [0] * 3),
            "weights": Port(6, [pack(pair, 3) for *pair, _ in every] + [0] * 3),
        }
        parameters = {"PRODUCTS": 1, "OUTPUTS": 2, "ELEMENT_WIDTH": 3, "ELEMENT_SIGNED": int(is_signed),
                      "WEIGHT_WIDTH": 3, "SUM_WIDTH": 7, "LEVELS": 0, "PACKED": 2}  # fmt: skip
        directory = tmp_path / str(is_signed)
        directory.mkdir()
        outcome = drive(directory, "fpgaq_mac", [parameters], inputs, [{"sums": 14}], True)
        for step, (first, second, element) in enumerate(every):
            sums = unpack(outcome.outputs[0]["sums"][step + 2], 7, 2)
            assert [signed(value, 7) for value in sums] == [first * element, second * element]


@pytest.mark.parametrize("products", [1, 3, 9])
def test_mac_with_sums_narrower_than_products(products: int, tmp_path: Path) -> None:
    """Weights far below their format's range: the proof gives fewer bits than any product could need."""
    expected, found, spoken = mac_run(tmp_path, products, 2, Format(2, 0, False), 16, 1, 0, True)
    assert found == expected and not spoken


def test_mac_says_so_when_its_sums_overflow(tmp_path: Path) -> None:
    _, _, spoken = mac_run(tmp_path, 4, 1, Format(6, 0, False), 6, 31, -1, True)
    assert "fpgaq: accumulator overflow in bench.cell_0" in spoken


MAXIMA = [(1, 1, 8, False), (1, 3, 4, True), (4, 1, 3, True), (3, 2, 1, False), (9, 5, 8, False)]


@pytest.mark.parametrize(("lanes", "elements", "width", "is_signed"), MAXIMA)
def test_max(lanes: int, elements: int, width: int, is_signed: bool, tmp_path: Path) -> None:
    chance = np.random.default_rng(lanes)
    fmt = Format(width, 0, is_signed)
    values = chance.integers(fmt.minimum, fmt.maximum + 1, size=(60, lanes, elements))
    starts = [0, *(step for step in range(1, 60) if chance.random() < 0.3)]
    inputs = {
        "first": Port(1, [0] + [int(step in starts) for step in range(60)] + [0]),
        "elements": Port(
            lanes * elements * width, [pack(row, width) for row in values.reshape(60, -1).tolist()] + [0, 0]
        ),
    }
    parameters = {"TAPS": lanes, "CHANNELS": elements, "ELEMENT_WIDTH": width, "ELEMENT_SIGNED": int(is_signed)}
    outcome = drive(tmp_path, "fpgaq_max", [parameters], inputs, [{"maxima": elements * width}])
    for step in range(60):
        start = max(place for place in starts if place <= step)
        found = unpack(outcome.outputs[0]["maxima"][step + 2], width, elements)
        wanted = values[start : step + 1].max(axis=(0, 1)).tolist()
        assert [signed(value, width) if is_signed else value for value in found] == wanted


@pytest.mark.parametrize(("lanes", "elements", "width", "is_signed"), MAXIMA)
def test_sum(lanes: int, elements: int, width: int, is_signed: bool, tmp_path: Path) -> None:
    chance = np.random.default_rng(lanes)
    fmt, total = Format(width, 0, is_signed), width + 9
    values = chance.integers(fmt.minimum, fmt.maximum + 1, size=(60, lanes, elements))
    values[:10] = fmt.minimum
    starts = [0, *(step for step in range(1, 60) if chance.random() < 0.3)]
    counted = {*starts, *(step for step in range(60) if chance.random() < 0.7)}
    inputs = {
        "first": Port(1, [0] + [int(step in starts) for step in range(60)] + [0]),
        "valid": Port(1, [0] + [int(step in counted) for step in range(60)] + [0]),
        "elements": Port(
            lanes * elements * width, [pack(row, width) for row in values.reshape(60, -1).tolist()] + [0, 0]
        ),
    }
    parameters = {"TAPS": lanes, "CHANNELS": elements, "ELEMENT_WIDTH": width, "ELEMENT_SIGNED": int(is_signed),
                  "SUM_WIDTH": total}  # fmt: skip
    outcome = drive(tmp_path, "fpgaq_sum", [parameters], inputs, [{"sums": elements * total}])
    for step in range(60):
        start = max(place for place in starts if place <= step)
        found = [signed(word, total) for word in unpack(outcome.outputs[0]["sums"][step + 2], total, elements)]
        taken = [place for place in range(start, step + 1) if place in counted]
        assert found == values[taken].sum(axis=(0, 1)).tolist()


@pytest.mark.parametrize("fmt", [Format(4, 0, False), Format(7, 0, True, True)])
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_divide_every_total(rounding: str, fmt: Format, tmp_path: Path) -> None:
    """Every total of every divisor, odd ones, even ones and both in one cell, against the exact fraction."""
    cases = []
    for source, taps in ((Format(4, 0), 5), (Format(4, 0, False), 5), (Format(3, 0), 12)):
        for divisors in [(d,) for d in (1, 2, 3, 4, 5, 6, 7, 9, 12)] + [(4, 2, 6), (9, 6, 4), (3, 2, 1)]:
            for shift, relu in ((0, False), (1, taps == 12)):
                op = IntegerSumPooling(
                    "p", ("x",), "y", (1, taps), (1, taps), (0, 0, 0, 0), divisors, 12,
                    Requantize((shift,), rounding, relu),  # type: ignore[arg-type]
                )  # fmt: skip
                cases.append((op, source, taps))
    wrong = [difference for case in cases for difference in divided(tmp_path, *case, fmt)]
    assert not wrong, f"operator, (total, divisor, expected, found): {wrong[:3]} of {len(wrong)}"


def divided(
    directory: Path, op: IntegerSumPooling, source: Format, taps: int, fmt: Format
) -> Iterator[tuple[IntegerSumPooling, tuple[int, int, int, int]]]:
    """Totals whose result differs; the cell is driven with what the emitter computes for it."""
    division = division_of(op, source, fmt)
    entries = [division.entries[0]] * len(op.divisor)
    for place, entry in division.exceptions:
        entries[int(place.split("'d")[1])] = entry
    totals = range(taps * source.minimum, taps * source.maximum + 1)
    pairs = [(total, place) for place in range(len(op.divisor)) for total in totals]
    words = [int(entries[place].split("'h")[1], 16) for _, place in pairs]
    low, high = division.multiplier_width, division.dividend_width
    # The addend comes with the total, the multiplier a cycle later, the divisor two.
    inputs = {
        "total": Port(division.total_width, [*(total for total, _ in pairs), 0, 0, 0]),
        "addend": Port(high, [*(word >> low & ((1 << high) - 1) for word in words), 0, 0, 0]),
        "multiplier": Port(low, [0, *(word & ((1 << low) - 1) for word in words), 0, 0]),
        "divisor": Port(high, [0, 0, *(word >> (low + high) for word in words), 0]),
    }
    found = drive(directory, "fpgaq_divide", [division.divide.parameters], inputs, [{"result": fmt.width}]).outputs[0][
        "result"
    ]
    rule = op.requantize
    for (total, place), bits in zip(pairs, found[3:], strict=True):
        divisor = op.divisor[place]
        expected = exact_round(Fraction(total, divisor << rule.shift[0]), rule.rounding)
        expected = min(max(expected, 0 if rule.relu else fmt.minimum, fmt.minimum), fmt.maximum)
        result = signed(bits, fmt.width) if fmt.signed else bits
        if result != expected:
            yield op, (total, divisor, expected, -1 if result is None else result)


@pytest.mark.parametrize("overflow", [False, True])
def test_bias(overflow: bool, tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    sums, biases = chance.integers(-64, 64, size=(2, 40, 3))
    if overflow:
        sums[20, 1], biases[20, 1] = 127, 1
    inputs = {
        "valid": Port(1, [1] * 40),
        "sums": Port(24, [pack(row, 8) for row in sums.tolist()]),
        "biases": Port(24, [pack(row, 8) for row in biases.tolist()]),
    }
    outcome = drive(tmp_path, "fpgaq_bias", [{"LANES": 3, "SUM_WIDTH": 8}], inputs, [{"totals": 24}], checks=True)
    assert ("overflow at the bias in bench.cell_0" in outcome.spoken) == overflow
    if not overflow:
        found = [[signed(v, 8) for v in unpack(word, 8, 3)] for word in outcome.outputs[0]["totals"][1:]]
        assert found == (sums + biases)[:-1].tolist()
