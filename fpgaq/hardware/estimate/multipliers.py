"""How many DSP blocks a product takes on each device family, by the rules that Yosys maps multiplications with.

Sources: Yosys's synth_xilinx, synth_lattice, synth_ice40 and synth_gowin (the DSP_* limits that they give to mul2dsp).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...base.formats import MAX_WIDTH
from .inventory import Facts


@dataclass(frozen=True)
class Multiplier:
    """A DSP block that multiplies signed numbers of `first` by `second` bits.

    Products with a factor below `least` bits, or that are below `least_product` bits wide, go into logic. Wider factors
    are cut: `step` bits at a time, of which the block takes one more where it knows signed factors alone.
    """

    first: int
    second: int
    least: int
    least_product: int
    step: int
    units: int = 1


MULTIPLIERS: Mapping[str, tuple[Multiplier, ...]] = {
    "xc7": (Multiplier(25, 18, 2, 9, 17),),
    "xcup": (Multiplier(27, 18, 2, 9, 17),),
    "ecp5": (Multiplier(18, 18, 2, 0, 18),),
    "ice40": (),
    "ice40up": (Multiplier(16, 16, 2, 11, 16),),
    "gowin": (Multiplier(9, 9, 4, 0, 9), Multiplier(18, 18, 4, 0, 18, units=2)),
}


def factor_bits(family: str) -> int:
    """Bits of the wider factor of the family's DSP block; 0 if it has none."""
    return max((block.first for block in MULTIPLIERS[family]), default=0)


def logic_bits(family: str) -> int:
    """Bits of both factors together up to which a product surely takes no DSP block of the family."""
    blocks = MULTIPLIERS[family]
    if not blocks:
        return 2 * MAX_WIDTH
    # Of such a sum the narrower factor is below the least that a block takes.
    return min(max(block.least_product - 1, 2 * (block.least - 1)) for block in blocks)


def dsp_blocks(kind: str, facts: Facts, family: str) -> tuple[int, int]:
    """(DSP blocks, bits of products that are in logic) of an item.

    Parameters
    ----------
    kind : str
        Only cells that multiply take any.
    facts : mapping
        The cell's parameters.
    family : str
    """
    if kind == "fpgaq_mac":
        packed = facts.get("PACKED", 1)
        if packed > 1:
            # A shared factor is never as simple as a power of two.
            teams, rest = divmod(facts["OUTPUTS"], packed)
            shared = _shared_products(facts, teams, packed, family)
            last = _shared_products(facts, 1, rest, family) if rest else (0, 0)
            return shared[0] + last[0], shared[1] + last[1]
        count = facts["PRODUCTS"] * facts["OUTPUTS"] - facts["shifts"]
        blocks, bits = _products(count, facts["element_bits"], facts["weight_bits"], family, facts["product_bits"])
        return blocks, bits * facts["changing_bits"] // facts["all_bits"]
    if kind == "fpgaq_divide":
        if facts["MULTIPLIER_WIDTH"] == 1:
            return 0, 0  # by a power of two: the only factor of one bit is 1, and its product is wires
        return _products(1, facts["DIVIDEND_WIDTH"] + 1, facts["MULTIPLIER_WIDTH"] + 1, family)
    if kind == "own" and facts["products"]:
        return _products(facts["products"], facts["first"], facts["second"], family)
    return 0, 0


def _shared_products(facts: Facts, teams: int, members: int, family: str) -> tuple[int, int]:
    """Products of `teams` factors that hold the weights of `members` outputs each, for all elements of a step."""
    field = facts["ELEMENT_WIDTH"] + facts["WEIGHT_WIDTH"]
    factor = (members - 1) * field + facts["WEIGHT_WIDTH"] + (members > 1)
    return _products(teams * facts["PRODUCTS"], factor, facts["ELEMENT_WIDTH"] + 1, family)


def in_logic(facts: Facts, family: str) -> bool:
    """Whether the products that an item's elements go into are too small for DSP blocks."""
    widths = facts["element_bits"], facts["weight_bits"]
    return bool(facts["element_bits"]) and _products(1, *widths, family, facts["product_bits"])[0] == 0


def _logic_bits(first: int, second: int) -> int:
    """Bits of the adders that a product in logic is the sum by: one less than the narrower factor has bits."""
    return max(first, second) * (min(first, second) - 1)


def _products(count: int, first: int, second: int, family: str, product: int | None = None) -> tuple[int, int]:
    product = first + second if product is None else product
    if not MULTIPLIERS[family]:
        return 0, count * _logic_bits(first, second)
    for block in MULTIPLIERS[family]:
        if min(first, second) < block.least or product < block.least_product:
            return 0, count * _logic_bits(first, second)
        if max(first, second) <= max(block.first, block.second) and min(first, second) <= min(
            block.first, block.second
        ):
            return count * block.units, 0
    last = MULTIPLIERS[family][-1]
    parts = [
        _products(count, wide, narrow, family)
        for wide in _cut(max(first, second), last.first, last.step)
        for narrow in _cut(min(first, second), last.second, last.step)
    ]
    return sum(blocks for blocks, _ in parts), sum(bits for _, bits in parts)


def _cut(width: int, most: int, step: int) -> list[int]:
    """The bits of the parts of a factor of which a block takes `most`."""
    parts = max(0, -(-(width - most) // step))
    return [step] * parts + [width - parts * step]
