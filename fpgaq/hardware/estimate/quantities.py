"""From an inventory to the sums that fitted coefficients weigh, and to what needs no fit: DSP blocks and block RAMs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ...base.errors import FitError
from .inventory import Facts, Item
from .memories import Memory, map_memory
from .multipliers import dsp_blocks, in_logic
from .terms import CELLS, Terms

_LUT_INPUTS = {"xc7": 6, "xcup": 6, "ecp5": 4, "ice40": 4, "ice40up": 4, "gowin": 4}


@dataclass(frozen=True)
class Quantities:
    """Sums over a design: terms of LUTs and flip-flops by name, and exact counts."""

    lut: Mapping[str, float]
    ff: Mapping[str, float]
    dsp: int
    bram: int


def sum_quantities(items: Iterable[Item], family: str) -> Quantities:
    """The quantities of all `items` on a device family."""
    lut: dict[str, float] = defaultdict(float)
    ff: dict[str, float] = defaultdict(float)
    dsp = bram = 0
    for item in items:
        for terms_lut, terms_ff, blocks in _parts(item, family):
            for name, value in terms_lut.items():
                lut[name] += value * item.count
            for name, value in terms_ff.items():
                ff[name] += value * item.count
            bram += blocks * item.count
        multipliers, bits = dsp_blocks(item.kind, item.facts, family)
        dsp += multipliers * item.count
        if bits:
            lut["product_bits"] += bits * item.count
    return Quantities(dict(lut), dict(ff), dsp, bram)


def _parts(item: Item, family: str) -> Iterator[tuple[Terms, Terms, int]]:
    """(terms of LUTs, terms of flip-flops, block RAMs) of one item: its logic, then its memories."""
    if item.kind.startswith("fpgaq_") and item.kind not in CELLS:
        raise FitError(
            f"no estimate for a design with {item.kind}, adders in place of multipliers: leave --device out, and"
            " measure with `fpgaq synth`"
        )
    if item.kind in CELLS:
        lut, ff = CELLS[item.kind](item.facts)
        if in_logic(item.facts, family):
            # No DSP block takes registers or sums in.
            lut, ff = _in_logic(lut), _in_logic(ff)
        # Group starts are the rows that tables of six inputs do not add at once.
        unused = "digit_rows" if _LUT_INPUTS[family] == 6 else "digit_starts"
        yield {name: value for name, value in lut.items() if name != unused}, ff, 0
    if item.kind == "rom_choice":
        columns = item.facts["columns"]
        lut, ff = {"memory_banks": (item.facts["banks"] - 1) * columns}, {}
        if item.facts.get("weights", 0):
            ff = _operands(item, columns, family)
        yield lut, ff, 0
    for width, words, rom, copies in _memories(item.kind, item.facts):
        memory = map_memory(family, width, words, rom, in_block=bool(item.facts.get("in_block", 0)))
        lut = {"memory_banks": (memory.deep - 1) * width * copies}
        ff = {}
        if memory.kind != "block":
            ff["rom_registers" if rom else "memory_registers"] = _registers(item, memory) if rom else width * copies
        if item.facts.get("weights", 0):
            ff |= _operands(item, _registers(item, memory), family)
        if memory.kind == "lutram":
            lut["memory_sites"] = memory.sites * copies
        elif memory.kind == "logic" and rom:
            # Tables of few inputs are shared among bits, those of many are seldom found whole.
            inputs, address = _LUT_INPUTS[family], min(8, max(3, (words - 1).bit_length()))
            lut[f"rom_tables_{address}"] = item.facts[f"leaves{inputs}"] * copies
            lut["rom_choices"] = item.facts[f"joints{inputs}"] * copies
        elif memory.kind == "logic":
            lut["memory_bits"] = ff["memory_bits"] = width * words * copies
        yield lut, ff, memory.blocks * copies


def _operands(item: Item, registers: int, family: str) -> Terms:
    """Bits of weights that are constant or like another need no register in front of the products either."""
    return {"logic_operands" if in_logic(item.facts, family) else "operands": registers - item.facts["width"]}


def _registers(item: Item, memory: Memory) -> int:
    """Bits of a ROM's words that differ from one another; few words have few different columns, or their opposites."""
    columns = item.facts["columns"]
    if memory.kind == "logic" and item.facts["words"] <= 1 << 6:
        return min(columns, 2 * item.facts["leaves6"])
    return columns


_BESIDE_DSP = ("operands", "products", "tree_nodes", "first_sums", "later_sums", "accumulators", "accumulators_alone")


def _in_logic(terms: Terms) -> Terms:
    return {f"logic_{name}" if name in _BESIDE_DSP else name: value for name, value in terms.items()}


def _memories(kind: str, facts: Facts) -> Iterator[tuple[int, int, bool, int]]:
    """(width, words, whether it is a ROM, copies) of each memory in an item."""
    if kind == "fpgaq_line_buffer":
        width = facts["SELECTS"] * facts["CHANNELS"] * facts["ELEMENT_WIDTH"]
        yield width, 1 << facts["ADDRESS_WIDTH"], False, facts["TAPS"]
    elif kind == "fpgaq_ram" or (kind in ("fpgaq_fifo", "fpgaq_queue") and facts["ADDRESS_WIDTH"] > 1):
        yield facts["WIDTH"], 1 << facts["ADDRESS_WIDTH"], False, 1
    elif kind == "rom":
        yield facts["columns"], facts["words"], True, 1
