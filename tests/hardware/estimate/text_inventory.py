"""The parts of a design's printed text, read from its form: an oracle for the inventory of the design itself.

The text is our own: one parameter or statement a line, loops over constants, blocks closed at their own indent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from fpgaq.hardware.estimate.inventory import Facts, Item, _columns, _rom_facts

_INSTANCE = re.compile(r"^\s*(\w+)\s+(?:#\(((?:[^()]|\([^()]*\))*)\)\s*)?(\w+)\s*\(", re.MULTILINE)
_PARAMETER = re.compile(r"\.(\w+)\((-?\d+)\)")
_LOOP = re.compile(r"^( *)for \(\w+ = 0; \w+ < (\d+); .*\bbegin\b")
_REGISTER = re.compile(r"^\s*reg (?:signed )?(?:\[(\d+):0\] )?(\w+);")
_CASE = re.compile(r"^\s*case \(")
_ENTRY = re.compile(r"^\s*(?:\d+'d\d+|default): (.*);")
_LONG_ENTRY = re.compile(r"^ *(?:\d+'d\d+|default): [^;]*;", re.MULTILINE)
_SIZED = re.compile(r"(\d+)'[dhb]")
_FACTOR = re.compile(r"^\s*wire signed .* (x\d|scale) = \{(.*), (?:\w+\[lane\*\d+ \+: (\d+)\]|fact\[(\d+):0\])\};")
_PRODUCT = re.compile(r"^\s*(?:total|product) <= (\w+) \* (\w+);")
# What a module's elements go into: the bits of the factors of its products.
_NO_PRODUCTS = {"element_bits": 0, "weight_bits": 0, "product_bits": 0, "padded": 0, "merged": 0}
_MEMORY = re.compile(r"^ *(\(\* rom_style = \"block\" \*\) )?reg \[\d+:0\] memory\w* \[", re.MULTILINE)
_MODULE = re.compile(r"^module (\w+)", re.MULTILINE)


def take_inventory(texts: Mapping[str, str], top: str) -> dict[str, tuple[Item, ...]]:
    """For each instance in the top module its items, those of the modules within it included.

    Parameters
    ----------
    texts : mapping of str to str
        Verilog and memory files by name, as `fpgaq.hardware.emit.verilog.emit` gives them below ``rtl/``.
    top : str
        The top module. Its own logic stands under the empty name.
    """
    texts = {path: _unfolded(text) for path, text in texts.items()}
    modules = {name: text for text in texts.values() for name in _MODULE.findall(text)}
    found: dict[str, tuple[Item, ...]] = {"": (_own(modules[top], _NO_PRODUCTS, 1),)}
    for kind, facts, instance, _ in _instances(modules[top], modules):
        found[instance] = tuple(_items(kind, {**facts, **_NO_PRODUCTS}, 1, modules, texts))
    return found


def _unfolded(text: str) -> str:
    """`text` with each entry of a case statement on one line."""
    return _LONG_ENTRY.sub(lambda entry: re.sub(r"\n\s+", " ", entry.group()), text)


def _items(kind: str, facts: Facts, count: int, modules: Mapping[str, str], texts: Mapping[str, str]) -> Iterator[Item]:
    """The items of `count` instances of a module; `facts` holds its parameters and those of the multiplier after it."""
    if kind.startswith("fpgaq_"):
        yield Item(kind, facts, count)
        return
    text = modules[kind]
    if text.lstrip().startswith("// ROM:"):
        yield from _rom_items(text, texts, {}, count)
        return
    inside = list(_instances(text, modules))
    context = {name: facts[name] for name in _NO_PRODUCTS}
    context["padded"] = int(".row_inside(row_inside)" in text)
    if any(inner == "fpgaq_spread" for inner, _, _, _ in inside):
        context["merged"] = 1  # the elements of several layers meet in registers of the engine
    for inner, mac, _, _ in inside:
        if inner == "fpgaq_mac":
            element = mac["ELEMENT_WIDTH"] + (not mac["ELEMENT_SIGNED"])
            product = min(mac["ELEMENT_WIDTH"] + mac["WEIGHT_WIDTH"], mac["SUM_WIDTH"])
            context |= {"element_bits": element, "weight_bits": mac["WEIGHT_WIDTH"], "product_bits": product}
        if inner == "fpgaq_digits":
            context |= {"element_bits": mac["ELEMENT_WIDTH"], "weight_bits": 1, "product_bits": 1}
    yield _own(text, context, count)
    for inner, inner_facts, instance, times in inside:
        if instance == "weight_rom":
            yield from _rom_items(modules[inner], texts, {**context, "weights": 1}, count * times)
            continue
        if inner == "fpgaq_mac":
            inner_facts = {**inner_facts, **_weight_facts(inside, inner_facts["WEIGHT_WIDTH"], modules, texts)}
        yield from _items(inner, {**inner_facts, **context}, count * times, modules, texts)


def _weight_facts(
    inside: Iterable[tuple[str, Facts, str, int]], width: int, modules: Mapping[str, str], texts: Mapping[str, str]
) -> Facts:
    """Facts that make products by the weights cheaper than their widths suggest.

    "shifts" are weights that are one power of two in every step: no multiplier is left of those. "changing_bits" of
    "all_bits" of the weights change from step to step; where there is but one step, those are counted that are set.
    """
    rom = next(modules[module] for module, _, instance, _ in inside if instance == "weight_rom")
    banks, bits = _content(rom, texts)
    words = [word for bank in banks for word in bank]
    facts = {"shifts": 0, "all_bits": bits, "changing_bits": len(_columns(words, bits))}
    if len(words) == 1:
        facts["changing_bits"] = words[0].bit_count()
        values = [words[0] >> low & ((1 << width) - 1) for low in range(0, bits, width)]
        facts["shifts"] = sum(min(value, (1 << width) - value).bit_count() <= 1 for value in values)
    return facts


def _instances(text: str, modules: Mapping[str, str]) -> Iterator[tuple[str, Facts, str, int]]:
    """(module, parameters, instance, how often) of every instance in a module's text."""
    repeats = list(_repetitions(text.splitlines()))
    for match in _INSTANCE.finditer(text):
        module, parameters, instance = match.groups()
        if module not in modules:
            continue
        facts = {name: int(value) for name, value in _PARAMETER.findall(parameters or "")}
        yield module, facts, instance, repeats[text.count("\n", 0, match.start(1))]


def _repetitions(lines: list[str]) -> Iterator[int]:
    """For each line how often the loops around it repeat it."""
    open_loops: list[tuple[int, int]] = []
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if line.strip() == "end" and open_loops and open_loops[-1][0] == indent:
            open_loops.pop()
        product = 1
        for _, times in open_loops:
            product *= times
        yield product
        if loop := _LOOP.match(line):
            open_loops.append((len(loop.group(1)), int(loop.group(2))))


def _own(text: str, context: Facts, count: int) -> Item:
    """Registers, lookups and choices that stand in a module itself."""
    lines = text.splitlines()
    assigned = set(re.findall(r"(\w+)(?:\[[^\]]*\])? <=", text))
    registers = operands = lookup = entries = arithmetic = 0
    in_case = 0
    width = 0
    for line, times in zip(lines, _repetitions(lines), strict=True):
        if (register := _REGISTER.match(line)) and register.group(2) in assigned:
            bits = (int(register.group(1) or 0) + 1) * times
            if register.group(2) in ("step_weights", "fetched_weights", "operands"):
                operands += bits
            else:
                registers += bits
        if _CASE.match(line):
            in_case, width = 1, 0
        elif in_case and "endcase" in line:
            in_case = 0
        elif in_case and (entry := _ENTRY.match(line)):
            bits = sum(int(size) for size in _SIZED.findall(entry.group(1)))
            width = max(width, bits)
            entries += times
            lookup += (bits or width) * times
        elif re.search(r" <= .*[+*?] ", line):
            arithmetic += times
    facts = {
        "registers": registers,
        "operands": operands,
        "lookup": lookup,
        "entries": entries,
        "arithmetic": arithmetic,
        **context,
        **_own_product(lines),
    }
    return Item("own", facts, count)


def _own_product(lines: list[str]) -> Facts:
    """How many products a module computes outside of `fpgaq_mac`, and the bits of their factors as signed numbers."""
    widths: dict[str, int] = {}
    for line, times in zip(lines, _repetitions(lines), strict=True):
        if factor := _FACTOR.match(line):
            name, extension, element, fact = factor.groups()
            widths[name] = int(element) + ("1'b0" in extension) if element else int(fact) + 1
        elif product := _PRODUCT.match(line):
            first, second = product.groups()
            return {"products": times, "first": widths[first], "second": widths.get(second, widths.get("scale", 0))}
    return {"products": 0, "first": 0, "second": 0}


def _content(text: str, texts: Mapping[str, str]) -> tuple[list[list[int]], int]:
    """The words of each bank of a ROM and their width."""
    size = re.search(r"^// \d+ words? of (\d+) bits?", text, re.MULTILINE)
    assert size is not None, "a ROM's header tells its size"
    if banks := re.findall(r'^    localparam FILE\w* = "(\w+\.hex)";', text, re.MULTILINE):
        return [[int(line, 16) for line in texts[bank].split()] for bank in banks], int(size.group(1))
    # The entry that stands last in the case statement is that of address 0 and of all that are not there.
    *others, first = (int(word, 16) for word in re.findall(r"data <= \d+'h([0-9a-f]+);", text))
    absent = (1 << len(others).bit_length()) - 1 - len(others)
    return [[first, *others, *[first] * absent]], int(size.group(1))


def _rom_items(text: str, texts: Mapping[str, str], context: Facts, count: int) -> Iterator[Item]:
    """A ROM, or its banks and the choice among them."""
    banks, width = _content(text, texts)
    if len(banks) == 1:
        yield Item("rom", {**_rom_facts(banks[0], width), **context}, count)
        return
    columns = len(_columns([word for bank in banks for word in bank], width))
    yield Item("rom_choice", {"banks": len(banks), "width": width, "columns": columns, **context}, count)
    for bank, style in zip(banks, _MEMORY.findall(text), strict=True):
        yield Item("rom", {**_rom_facts(bank, width), "in_block": int(bool(style))}, count)
