"""The quantities that determine the cost of each cell in LUTs and flip-flops, computed from its parameters.

A quantity is what a designer would count by hand: bits of a register, an adder, a multiplexer. The coefficients by
which they are weighed are fitted per device family (`fpgaq.hardware.estimate.model`); without fit each would be near
one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TypeAlias

from .inventory import Facts

Terms: TypeAlias = dict[str, float]


def _multiplexer(choices: int) -> float:
    """Inputs that a bit of a multiplexer adds to those of a wire, in units of a two-way one."""
    return choices - 1


def _bits(count: int) -> int:
    """Bits of a counter that counts to `count`; none if there is nothing to count."""
    return (count - 1).bit_length() if count > 1 else 0


def _source(f: Facts) -> tuple[Terms, Terms]:
    bits = _bits(f["FRAME_BEATS"])
    return {"counters": bits, "modules": 1}, {"plain": bits + 1}


def _sink(f: Facts) -> tuple[Terms, Terms]:
    bits = _bits(f["FRAME_BEATS"])
    return {"counters": bits}, {"plain": bits}


def _slice(f: Facts) -> tuple[Terms, Terms]:
    return {"multiplexers": f["WIDTH"], "modules": 1}, {"plain": 2 * f["WIDTH"] + 2}


def _credit(f: Facts) -> tuple[Terms, Terms]:
    return {"counters": f["ADDRESS_WIDTH"] + 1}, {"plain": f["ADDRESS_WIDTH"] + 1}


def _delay(f: Facts) -> tuple[Terms, Terms]:
    return {}, {"plain": f["WIDTH"] * f["STAGES"]}


def _gather(f: Facts) -> tuple[Terms, Terms]:
    word = f["BEAT_WIDTH"] * f["BEATS_PER_WORD"]
    counters = f["ADDRESS_WIDTH"]
    if f["BEATS_PER_WORD"] > 1:
        counters += _bits(f["BEATS_PER_WORD"]) + _bits(f["BEATS_PER_PIXEL"])
    beats = f["BEATS_PER_WORD"] if f["BEATS_PER_WORD"] > 1 else 0
    return {"counters": counters, "gathered": beats}, {"plain": word + counters + 1}


def _walker(f: Facts) -> tuple[Terms, Terms]:
    sizes = ("ROWS", "COLUMNS", "GROUPS", "TAP_GROUPS", "CHANNEL_GROUPS")
    counters = sum(_bits(f[name]) for name in sizes)
    moves = f.get("ADVANCE_WORDS", 0) or f.get("ADVANCE_SELECTS", 0)
    counters += _bits(f["GROUPS_SHARING"]) if moves else 0
    selects = _bits(f["SELECTS"])
    # The window's base, the address that walks and where it returns to; the channels' base where groups move.
    returns = f["TAP_GROUPS"] > 1 and f["CHANNEL_GROUPS"] > 1
    addresses = f["ADDRESS_WIDTH"] * (2 + returns + bool(moves))
    masks = (f["ROW_MASK_WIDTH"] + f["COLUMN_MASK_WIDTH"]) if f["padded"] else 0
    counts, credit = f["NEED_WIDTH"] + f["FREE_WIDTH"], f["CREDIT_WIDTH"]
    lut: Terms = {"counters": counters + selects, "addresses": addresses, "counts": counts + credit, "walkers": 1}
    return lut, {
        "plain": counters + addresses + credit + masks + 3,
        "walked_counts": counts,
        "walked_selects": selects * (2 + returns + bool(moves)),
    }


def _line_buffer(f: Facts) -> tuple[Terms, Terms]:
    lanes, group = f["TAPS"], f["CHANNELS"] * f["ELEMENT_WIDTH"]
    out = lanes * group
    lut: Terms = {
        "lane_addresses": lanes * f["ADDRESS_WIDTH"],
        "multiplexers": out * _multiplexer(f["SELECTS"]),
        "masks": out if f["padded"] else 0,
    }
    more = f.get("STAGES", 1) - 1
    flags = (2 + more) * ((lanes if f["padded"] else 0) + _bits(f["SELECTS"]))
    ff: Terms = {"plain": flags, "lane_addresses": lanes * f["ADDRESS_WIDTH"]}
    # What goes straight to products has its registers in their blocks, and a word from block RAM may have one there.
    straight = f["element_bits"] and not f["merged"]
    ff["operands" if straight else "elements"] = out
    ff["fetched_operands" if straight else "fetched_elements"] = more * out * f["SELECTS"]
    return lut, ff


def _nodes(products: int, levels: int) -> list[int]:
    """Sums that leave each level of the tree, whose nodes have as many inputs as its levels need."""
    inputs = next(count for count in range(1, products + 1) if count**levels >= products)
    left = []
    for _ in range(levels):
        products = -(-products // inputs)
        left.append(products)
    return left


def _mac(f: Facts) -> tuple[Terms, Terms]:
    products, outputs, width = f["PRODUCTS"], f["OUTPUTS"], f["SUM_WIDTH"]
    kept = min(width, f["ELEMENT_WIDTH"] + f["WEIGHT_WIDTH"])
    levels = _nodes(products, f["LEVELS"])
    alone = not levels
    first = (products - levels[0]) * outputs if levels else 0
    later = (products - 1) * outputs - first
    accumulators = "accumulators_alone" if alone else "accumulators"
    lut: Terms = {"first_sums": first * kept, "later_sums": later * width, accumulators: outputs * width}
    ff: Terms = {
        "products": products * outputs * kept,
        "tree_nodes": sum(levels) * outputs * width,
        accumulators: outputs * width,
    }
    packed = f.get("PACKED", 1)
    if packed > 1:
        # No DSP block adds after a product that is split; all but the lowest product of each are corrected.
        split = (outputs - -(-outputs // packed)) * products
        lut = {
            "logic_first_sums": first * kept,
            "logic_later_sums": later * width,
            "logic_accumulators": outputs * width,
        }
        lut["split_products"] = split * (f["ELEMENT_WIDTH"] + f["WEIGHT_WIDTH"])
        ff = {
            "products": ff["products"],
            "logic_tree_nodes": sum(levels) * outputs * width,
            "logic_accumulators": outputs * width,
        }
    return lut, ff


def _digits(f: Facts) -> tuple[Terms, Terms]:
    """A table of six inputs adds a row of a digit to a sum; of fewer inputs, two make a bit of the row, or one."""
    products, outputs, width = f["PRODUCTS"], f["OUTPUTS"], f["SUM_WIDTH"]
    digits, row, levels = -(-f["WEIGHT_WIDTH"] // 2), f["ELEMENT_WIDTH"] + 2, f["LEVELS"]
    step = f["ELEMENT_WIDTH"] + levels + max(2, f["WEIGHT_WIDTH"])
    groups = -(-products // 4)
    starts, seconds = groups, sum(products > 4 * group + 1 for group in range(groups))
    later = products - starts - seconds
    two, four = row + 1, row + 2
    # Sums of groups in the tree, by their level.
    nodes = [groups]
    while nodes[-1] > 1:
        nodes.append(-(-nodes[-1] // 2))
    joins = sum((before - after) * (four + place + 1) for place, (before, after) in enumerate(pairwise(nodes)))
    sums = digits * (seconds * two + later * four + joins) + (digits - 1) * (step - 2) + width
    kept = sum(count * (four + place) for place, count in enumerate(nodes)) if products > 2 else 0
    kept += groups * two if products > 1 else 0
    delayed = later * (f["WEIGHT_WIDTH"] * outputs + f["ELEMENT_WIDTH"] * (1 if f["SHARED"] else outputs))
    return (
        {
            "digit_sums": outputs * sums,
            "digit_starts": outputs * digits * starts * (row - 1),
            "digit_rows": outputs * products * (2 * digits - 1) * (row - 1),
        },
        {"plain": outputs * (digits * kept + step + width) + delayed},
    )


def _collect(f: Facts) -> tuple[Terms, Terms]:
    width, outputs, lanes = f["SUM_WIDTH"], f["OUTPUTS"], f["LANES"]
    beats = outputs // lanes
    counters = f["INDEX_WIDTH"] + (2 * f["PLACE_WIDTH"] + 1 if beats > 1 else 0)
    lut: Terms = {"counters": counters, "multiplexers": lanes * width * _multiplexer(beats)}
    return lut, {"plain": counters + 3, "beats": lanes * width, "held": outputs * width if beats > 1 else 0}


def _turns(f: Facts) -> tuple[Terms, Terms]:
    # Weighed as the logic of modules themselves is.
    return {"arithmetic": 1}, {"registers": 2 * f["OWNER_WIDTH"] + f["PLACE_WIDTH"] + 4}


def _spread(f: Facts) -> tuple[Terms, Terms]:
    return {"joined": f["PLACES"] * f["OWN_LANES"] * f["ELEMENT_WIDTH"]}, {}


def _bias(f: Facts) -> tuple[Terms, Terms]:
    bits = f["LANES"] * f["SUM_WIDTH"]
    return {"bias_sums": bits}, {"bias_sums": bits}


def _requantize(f: Facts) -> tuple[Terms, Terms]:
    total = f["TOTAL_WIDTH"]
    rounds = total if f.get("ROUNDING", 0) != 3 and f["SHIFT"] > 0 else 0
    lifted = f.get("LIFT_MAX", 0)
    lut: Terms = {
        "rounding": rounds,
        "lifted": (total + lifted) * min(lifted, 2 * f.get("LIFT_WIDTH", 1)),
        # A comparator with a constant takes about a LUT for two bits, as the overflow's does.
        "saturation": (1 + f.get("CLIP", 0)) * max(0, total - f["SHIFT"] - f["RESULT_WIDTH"]) + f["RESULT_WIDTH"],
    }
    quotient = max(total + lifted, f["SHIFT"] + f["RESULT_WIDTH"]) + 1 - f["SHIFT"]
    return lut, {"plain": f["RESULT_WIDTH"] + (f.get("STAGES", 1) - 1) * quotient}


def _max(f: Facts) -> tuple[Terms, Terms]:
    bits = f["CHANNELS"] * f["ELEMENT_WIDTH"]
    return {"maxima": bits * f["TAPS"]}, {"plain": 2 * bits}


def _sum(f: Facts) -> tuple[Terms, Terms]:
    bits = f["CHANNELS"] * f["SUM_WIDTH"]
    return {"window_sums": bits * f["TAPS"]}, {"plain": 2 * bits}


def _divide(f: Facts) -> tuple[Terms, Terms]:
    product, dividend = f["DIVIDEND_WIDTH"] + f["MULTIPLIER_WIDTH"], f["DIVIDEND_WIDTH"]
    lut, ff = _requantize({**f, "TOTAL_WIDTH": max(1, product - f["SHIFT"]) + 2, "ROUNDING": 3, "SHIFT": 0})
    ties = bool(f["TIES"])
    return (
        {**lut, "divided": dividend + ties * product},
        {**ff, "divided": dividend + (1 + ties) * product},
    )


def _own(f: Facts) -> tuple[Terms, Terms]:
    lut: Terms = {name: f[name] for name in ("lookup", "entries", "arithmetic")}
    return lut, {"registers": f["registers"], "operands": f["operands"]}


def _fifo(f: Facts) -> tuple[Terms, Terms]:
    if f["ADDRESS_WIDTH"] == 1:
        return {"short_fifos": 1}, {"plain": 2 * f["WIDTH"] + 2}
    return {"counters": 2 * f["ADDRESS_WIDTH"], "fifos": 1}, {"plain": 2 * (f["ADDRESS_WIDTH"] + 1) + 1}


def _queue(f: Facts) -> tuple[Terms, Terms]:
    lut, ff = _fifo(f)
    more = f["ADDRESS_WIDTH"] + 1
    return {**lut, "counters": lut.get("counters", 0) + more}, {"plain": ff["plain"] + more}


def _ram(f: Facts) -> tuple[Terms, Terms]:
    return {}, {}  # nothing beside the memory


CELLS: Mapping[str, Callable[[Facts], tuple[Terms, Terms]]] = {
    "fpgaq_ram": _ram,
    "fpgaq_source": _source,
    "fpgaq_sink": _sink,
    "fpgaq_slice": _slice,
    "fpgaq_credit": _credit,
    "fpgaq_delay": _delay,
    "fpgaq_gather": _gather,
    "fpgaq_walker": _walker,
    "fpgaq_line_buffer": _line_buffer,
    "fpgaq_mac": _mac,
    "fpgaq_digits": _digits,
    "fpgaq_turns": _turns,
    "fpgaq_spread": _spread,
    "fpgaq_collect": _collect,
    "fpgaq_bias": _bias,
    "fpgaq_requantize": _requantize,
    "fpgaq_max": _max,
    "fpgaq_sum": _sum,
    "fpgaq_divide": _divide,
    "fpgaq_fifo": _fifo,
    "fpgaq_queue": _queue,
    "own": _own,
}
"""Every cell that a layer or the top module instantiates, and `own`: the logic of a module itself."""
