"""The parts of a design: cells with their parameters, and the logic of its modules themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..emit.design import Choice, Design, Instance, Module
from ..emit.roms import Rom

Facts: TypeAlias = Mapping[str, int]

# What a module's elements go into: the bits of the factors of its products.
_NO_PRODUCTS = {"element_bits": 0, "weight_bits": 0, "product_bits": 0, "padded": 0, "merged": 0}
_COUNTED = "+*?"
"""Operations before a register that cost logic of their own; the coefficients were fitted without differences."""


@dataclass(frozen=True)
class Item:
    """`count` times a cell, a ROM or a bank of one ("rom"), the choice among banks ("rom_choice") or the own logic of a
    module ("own"), with the numbers that make its cost.
    """

    kind: str
    facts: Facts
    count: int = 1


def take_inventory(design: Design) -> dict[str, tuple[Item, ...]]:
    """For each instance in the top module its items, those of the modules within it included.

    The top module's own logic stands under the empty name.
    """
    top = design.by_name[design.top]
    found: dict[str, tuple[Item, ...]] = {"": (_own(top, _NO_PRODUCTS, 1),)}
    for instance in top.instances:
        found[instance.name] = tuple(_items(instance, {**instance.parameters, **_NO_PRODUCTS}, 1, design.by_name))
    return found


def _items(instance: Instance, facts: Facts, count: int, modules: Mapping[str, Module]) -> Iterator[Item]:
    """The items of `count` instances; `facts` holds the parameters and those of what multiplies after it."""
    module = modules.get(instance.module)
    if module is None:
        yield Item(instance.module, facts, count)
        return
    if module.rom is not None:
        yield from _rom_items(module.rom, {}, count)
        return
    context = {name: facts[name] for name in _NO_PRODUCTS}
    context["padded"] = int(module.padded)
    if any(inner.module == "fpgaq_spread" for inner in module.instances):
        context["merged"] = 1  # the elements of several layers meet in registers of the engine
    for inner in module.instances:
        if inner.module == "fpgaq_mac":
            context |= factor_facts(inner.parameters)
        elif inner.module == "fpgaq_digits":
            # A product of one bit stands for those that no DSP block takes.
            context |= {"element_bits": inner.parameters["ELEMENT_WIDTH"], "weight_bits": 1, "product_bits": 1}
    yield _own(module, context, count)
    weights = next((modules[inner.module].rom for inner in module.instances if inner.name == "weight_rom"), None)
    for inner in module.instances:
        if inner.name == "weight_rom" and weights is not None:
            yield from _rom_items(weights, {**context, "weights": 1}, count * inner.times)
            continue
        own: Facts = inner.parameters
        if inner.module == "fpgaq_mac" and weights is not None:
            own = {**own, **_weight_facts(weights, own["WEIGHT_WIDTH"])}
        yield from _items(inner, {**own, **context}, count * inner.times, modules)


def factor_facts(mac: Facts) -> Facts:
    """Bits of the factors of an array's products, and of the products."""
    element = mac["ELEMENT_WIDTH"] + (not mac["ELEMENT_SIGNED"])
    product = min(mac["ELEMENT_WIDTH"] + mac["WEIGHT_WIDTH"], mac["SUM_WIDTH"])
    return {"element_bits": element, "weight_bits": mac["WEIGHT_WIDTH"], "product_bits": product}


def _weight_facts(rom: Rom, width: int) -> Facts:
    """Facts that make products by the weights cheaper than their widths suggest.

    "shifts" are weights that are one power of two in every step: no multiplier is left of those. "changing_bits" of
    "all_bits" of the weights change from step to step; where there is but one step, those are counted that are set.
    """
    words, bits = rom.words, rom.width
    facts = {"shifts": 0, "all_bits": bits, "changing_bits": len(_columns(words, bits))}
    if len(words) == 1:
        facts["changing_bits"] = words[0].bit_count()
        values = [words[0] >> low & ((1 << width) - 1) for low in range(0, bits, width)]
        facts["shifts"] = sum(min(value, (1 << width) - value).bit_count() <= 1 for value in values)
    return facts


def _own(module: Module, context: Facts, count: int) -> Item:
    """Registers, lookups and choices that stand in a module itself."""
    product = module.products[0] if module.products else None
    facts = {
        "registers": sum(register.width * register.times for register in module.registers if not register.operand),
        "operands": sum(register.width * register.times for register in module.registers if register.operand),
        "lookup": sum(_constant_bits(choice) for choice in module.choices),
        "entries": sum(len(choice.constants) for choice in module.choices),
        "arithmetic": sum(operation.times for operation in module.operations if operation.operator in _COUNTED),
        **context,
        "products": product.times if product else 0,
        "first": product.first if product else 0,
        "second": product.second if product else 0,
    }
    return Item("own", facts, count)


def _constant_bits(choice: Choice) -> int:
    """Bits of constants that a case statement chooses from; an entry of none counts as the widest before it."""
    bits = widest = 0
    for constant in choice.constants:
        widest = max(widest, constant)
        bits += constant or widest
    return bits


def _rom_items(rom: Rom, context: Facts, count: int) -> Iterator[Item]:
    """A ROM, or its banks with the choice among them."""
    if not rom.banks:
        # Addresses that no word has give the first.
        absent = (1 << (len(rom.words) - 1).bit_length()) - len(rom.words)
        yield Item("rom", {**_rom_facts((*rom.words, *rom.words[:1] * absent), rom.width), **context}, count)
        return
    if len(rom.banks) == 1:
        yield Item("rom", {**_rom_facts(rom.words, rom.width), **context}, count)
        return
    columns = len(_columns(rom.words, rom.width))
    yield Item("rom_choice", {"banks": len(rom.banks), "width": rom.width, "columns": columns, **context}, count)
    for bank in rom.banks:
        yield Item("rom", {**_rom_facts(bank.words, rom.width), "in_block": int(bank.in_block)}, count)


def _rom_facts(content: Sequence[int], width: int) -> Facts:
    """Words, width, bits of a word that differ from word to word, and what the content takes as logic."""
    columns = _columns(content, width)
    facts = {"words": len(content), "width": width, "columns": len(columns)}
    for inputs in (4, 6):
        leaves, joints = _lookups(columns, 1 << inputs)
        facts |= {f"leaves{inputs}": leaves, f"joints{inputs}": joints}
    return facts


def _columns(words: Sequence[int], width: int) -> NDArray[np.uint8]:
    """The bits of each place of a word that is not constant, in the order of the words."""
    size = -(-width // 8)
    content = np.frombuffer(b"".join(word.to_bytes(size, "little") for word in words), dtype=np.uint8)
    bits = np.unpackbits(content.reshape(len(words), size), axis=1, bitorder="little")[:, :width]
    return np.ascontiguousarray(bits[:, bits.any(axis=0) & ~bits.all(axis=0)].T)


def _lookups(columns: NDArray[np.uint8], inputs: int) -> tuple[int, int]:
    """(distinct tables of `inputs` words, choices between them) that give all columns; constant tables are free."""
    if not len(columns):
        return 0, 0
    padded = np.pad(columns, ((0, 0), (0, -columns.shape[1] % inputs)))
    # A table and its opposite are the same one; that which begins with 0 stands for both, as a number.
    bits = padded.reshape(len(columns), -1, inputs)
    numbers = np.unique(np.packbits(bits ^ bits[:, :, :1], axis=2).view(f">u{inputs // 8}"))
    return int(np.count_nonzero(numbers)), bits.shape[0] * (bits.shape[1] - 1)
