"""From a design to its files: the last step, after which nobody needs to read the text."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from math import gcd

from .cells import RTL
from .design import Design, Module
from .literals import decimal, index_width, memory_file, sized
from .render import render, static_text
from .roms import Bank, Rom


def print_design(design: Design) -> dict[str, str | bytes]:
    """All files of the hardware by their path in the output folder: ``rtl/``, ``interface.json``, ``manifest.json``."""
    texts = {f"{RTL}/{cell}.v": static_text(f"verilog/cells/{cell}.v") for cell in design.cells}
    for module in design.modules:
        texts.update({f"{RTL}/{name}": text for name, text in print_module(module).items()})
    digests = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in texts.items()}
    return {
        **texts,
        "interface.json": as_json(design.interface()),
        "manifest.json": as_json(design.as_json(digests)),
    }


def print_module(module: Module) -> dict[str, str]:
    """The file of a module, and those that it reads: name to text."""
    if module.rom is not None:
        return print_rom(module.rom)
    facts = {one.name: getattr(module.facts, one.name) for one in fields(module.facts)}
    return {f"{module.name}.v": render(module.template, {"module": module.name, **facts})}


@dataclass(frozen=True)
class _BankText:
    """A bank as its template places it; `pattern` holds for its addresses."""

    name: str
    file: str
    last_word: int
    in_block: bool
    address_width: int
    pattern: str


def print_rom(rom: Rom) -> dict[str, str]:
    """The files of a ROM: its module, and a memory file for each of its banks."""
    # Every bank starts at a multiple of its size and of this one.
    bank_bits = index_width(gcd(*(bank.start for bank in rom.banks)) or len(rom.words)) if rom.banks else 0
    entries = () if rom.banks else enumerate(rom.words)
    facts = {
        "rom": rom,
        "banks": [_bank_text(rom, bank, bank_bits) for bank in rom.banks],
        "entries": [(decimal(i, rom.address_width), sized(word, rom.width)) for i, word in entries],
        "bank_bits": bank_bits,
        "select_bits": rom.address_width - bank_bits,
    }
    files = {f"{rom.module}.v": render("verilog/rom.v.j2", facts)}
    files.update({bank.file: memory_file(bank.words, rom.width) for bank in rom.banks})
    return files


def _bank_text(rom: Rom, bank: Bank, low_bits: int) -> _BankText:
    """A bank and the bits of its addresses from `low_bits` up, with ``?`` for those that differ within it."""
    width = index_width(len(bank.words))
    bits = rom.address_width - low_bits
    free = max(0, width - low_bits)
    fixed = bits - free
    pattern = f"{bits}'b" + (f"{bank.start >> low_bits + free:0{fixed}b}" if fixed else "") + "?" * free
    return _BankText(bank.name, bank.file, len(bank.words) - 1, bank.in_block, width, pattern)


def as_json(value: object) -> str:
    """The text of a JSON file."""
    return json.dumps(value, indent=2, sort_keys=False) + "\n"
