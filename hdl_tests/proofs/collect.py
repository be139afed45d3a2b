"""The statements to prove: one for each set of parameters with which the emitter instantiated a cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from fpgaq.base.formats import ROUNDINGS, Format
from fpgaq.hardware.emit.design import Design, Instance
from fpgaq.hardware.emit.layers.division import division_of
from fpgaq.hardware.emit.verilog import design_of
from fpgaq.hardware.schedule.schedule import Schedule
from fpgaq.integer.graph import IntegerGraph, IntegerSumPooling
from tests.support.fuzz.networks import random_case

from .prover import Statement

LEAST_OPERAND = 3
"""Bits of an element and of a weight in proofs of one product, two in those of a sum: SAT decides no wide ones."""

LEAST_ARRAY = 4
"""Products and outputs of an array in its proof: two full levels of the adder tree."""

DIGIT_CELLS = ("fpgaq_digits", "fpgaq_digit_sum", "fpgaq_chain")

MOST_WORDS = 2
"""Bits of a queue's address in its proof: the counters of a longer queue are the same text, with more bits."""


def statement_of(instance: Instance) -> Statement | None:
    """What is to be proved of a cell with these parameters; None for cells without a statement."""
    given: Mapping[str, int] = instance.parameters
    match instance.module:
        case "fpgaq_requantize":
            return Statement("requantize", ("fpgaq_requantize",), dict(given), flat=True)
        case "fpgaq_bias":
            parameters = dict(given)
            parameters["LANES"] = min(parameters.get("LANES", 1), 2)
            return Statement("bias", ("fpgaq_bias",), parameters, flat=True)
        case "fpgaq_spread":
            return Statement("spread", ("fpgaq_spread",), dict(given), flat=True)
        case "fpgaq_chain" | "fpgaq_adder":
            return Statement(instance.module.removeprefix("fpgaq_"), (instance.module,), dict(given), flat=True)
        case "fpgaq_mac":
            return Statement("mac", ("fpgaq_mac",), reduced_array(given))
        case "fpgaq_digits":
            parameters = {**reduced_array(given), "DIGITS": 1}
            # Two outputs have nothing in common; sums of four rows are as much as SAT decides in a minute.
            if parameters["PRODUCTS"] > 2:
                parameters |= {"OUTPUTS": 1, "SHARED": 1}
            return Statement("mac", DIGIT_CELLS, parameters)
        case "fpgaq_max" | "fpgaq_sum":
            parameters = dict(given)
            parameters["TAPS"] = min(parameters.get("TAPS", 1), LEAST_ARRAY)
            parameters["CHANNELS"] = min(parameters.get("CHANNELS", 1), 2)
            parameters["ELEMENT_WIDTH"] = min(parameters["ELEMENT_WIDTH"], LEAST_OPERAND)
            if "SUM_WIDTH" in parameters:
                parameters["SUM_WIDTH"] = parameters["ELEMENT_WIDTH"] + 3
            return Statement(instance.module.removeprefix("fpgaq_"), (instance.module,), parameters)
        case "fpgaq_slice":
            return Statement("slice", ("fpgaq_slice",), {"WIDTH": 2})
        case "fpgaq_queue":
            address = min(given["ADDRESS_WIDTH"], MOST_WORDS)
            words = min(given.get("WORDS", 1 << address), 1 << address)
            parameters = {"WIDTH": 1, "ADDRESS_WIDTH": address, "WORDS": words}
            return Statement("queue", ("fpgaq_queue", "fpgaq_fifo"), parameters)
        case "fpgaq_fifo":
            parameters = {"ADDRESS_WIDTH": min(given["ADDRESS_WIDTH"], MOST_WORDS), "EAGER": given.get("EAGER", 0)}
            return Statement("fifo", ("fpgaq_fifo", "fpgaq_credit", "fpgaq_delay"), parameters)
    return None


def reduced_array(given: Mapping[str, int]) -> dict[str, int]:
    """An array of the same form with fewer and narrower products; widths that hold every sum stay wide enough."""
    parameters = dict(given)
    packed = parameters.get("PACKED", 1)
    parameters["PRODUCTS"] = min(parameters["PRODUCTS"], LEAST_ARRAY)
    for name in ("ELEMENT_WIDTH", "WEIGHT_WIDTH"):
        parameters[name] = min(parameters[name], LEAST_OPERAND if parameters["PRODUCTS"] == 1 else 2)
    parameters["OUTPUTS"] = min(parameters["OUTPUTS"], packed + 1 if packed > 1 else 2)
    parameters["LEVELS"] = (parameters["PRODUCTS"] - 1).bit_length()
    parameters["SUM_WIDTH"] = parameters["ELEMENT_WIDTH"] + parameters["WEIGHT_WIDTH"] + 4
    return parameters


def divisions(graph: IntegerGraph, schedule: Schedule) -> Iterator[Statement]:
    """Every divisor of every mean of a network."""
    for op in graph.operators:
        if isinstance(op, IntegerSumPooling) and op.divisor != (1,):
            formats = graph.tensors[op.inputs[0]].format, graph.tensors[op.output].format
            yield from divisions_of(op, *formats)


def divisions_of(op: IntegerSumPooling, source: Format, result: Format) -> Iterator[Statement]:
    """Every divisor of a mean, with the constants that stand in its layer's table."""
    division = division_of(op, source, result)
    words = {word: place for place, word in enumerate(entries_of(division.entries, division.exceptions))}
    taps = op.kernel[0] * op.kernel[1]
    for word, place in words.items():
        low, high = division.multiplier_width, division.dividend_width
        yield Statement(
            "divide",
            ("fpgaq_divide", "fpgaq_requantize"),
            {
                **division.divide.parameters,
                "ADDEND": word >> low & ((1 << high) - 1),
                "MULTIPLIER": word & ((1 << low) - 1),
                "DIVISOR": word >> (low + high),
                "COUNT": op.divisor[place] << op.requantize.shift[0],
                "ROUNDING": ROUNDINGS.index(op.requantize.rounding),
                "LEAST": min(0, source.minimum) * taps,
                "MOST": max(0, source.maximum) * taps,
            },
            flat=True,
        )


def entries_of(entries: Iterable[str], exceptions: Iterable[tuple[str, str]]) -> list[int]:
    """The words of a table of reciprocals, one for each pixel."""
    words = [int(entry.split("'h")[1], 16) for entry in entries]
    for place, word in exceptions:
        words[int(place.split("'d")[1])] = int(word.split("'h")[1], 16)
    return words


def statements_of(design: Design) -> Iterator[Statement]:
    """The statements about the cells of a design, repeats included."""
    for module in design.modules:
        for instance in module.instances:
            statement = statement_of(instance)
            if statement is not None:
                yield statement


FIXED = (
    Statement("counts", ("fpgaq_count3", "fpgaq_count5"), flat=True),
    *(
        Statement("gearbox", ("fpgaq_gearbox",), {"IN_UNITS": taken, "OUT_UNITS": given})
        for taken, given in ((1, 1), (1, 2), (2, 1), (2, 3), (3, 2), (1, 4), (4, 1))
    ),
    *(Statement("guard", ("fpgaq_guard",), {"FRAME_BEATS": beats}) for beats in (1, 2, 3, 5)),
    *(
        Statement("clip", ("fpgaq_clip",), {"WIDTH": width, "SIGNED": sign}, flat=True)
        for width, sign in ((1, 0), (2, 1), (8, 0), (8, 1), (16, 0), (24, 1))
    ),
)
"""Of cells whose parameters no network of the fuzz chooses."""


def collected(networks: int, first: int = 0) -> list[Statement]:
    """The distinct statements about the cells of that many networks of the fuzz, and the fixed ones."""
    found = {str(statement): statement for statement in FIXED}
    for seed in range(first, first + networks):
        case = random_case(seed)
        design = design_of(case.graph, case.schedule)
        for statement in (*statements_of(design), *divisions(case.graph, case.schedule)):
            found.setdefault(str(statement), statement)
    return [found[name] for name in sorted(found)]
