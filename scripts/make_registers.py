"""Print the registers of the wrapper: from their SystemRDL to Verilog, a C header and a page.

Run by ``make registers``; the products are committed, so that nothing but this script needs systemrdl-compiler.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from systemrdl import RDLCompiler
from systemrdl.node import FieldNode, RegNode

from fpgaq.hardware.emit.render import render, templates_folder

ROOT = Path(__file__).resolve().parents[1]
SOURCE = templates_folder() / "registers" / "fpgaq_registers.rdl"
PRODUCTS = {
    "templates/verilog/cells/fpgaq_registers.v": "registers/fpgaq_registers.v.j2",
    "templates/verilog/cells/fpgaq_loadable_registers.v": "registers/fpgaq_registers.v.j2",
    "templates/c/fpgaq_registers.h": "registers/fpgaq_registers.h.j2",
    "docs/contracts/registers.md": "registers/registers.md.j2",
}
CONSTANT = "fpgaq_registers"
"""The slave of cores whose weights are constants."""
KINDS = {
    "constant": "read only, constant",
    "input": "read only",
    "pulse": "write only",
    "storage": "read and write",
    "word": "write only",
    "sticky": "read, write 1 to clear",
}


@dataclass(frozen=True)
class Field:
    """Bits of a register; `kind` is one of KINDS, `loadable` ones are in cores whose weights are loaded only."""

    name: str
    signal: str
    kind: str
    low: int
    width: int
    reset: int
    text: str
    loadable: bool = False

    @property
    def high(self) -> int:
        """The highest bit."""
        return self.low + self.width - 1

    @property
    def range(self) -> str:
        """Of the signal, with a space after it; empty for a single bit."""
        return f"[{self.width - 1}:0] " if self.width > 1 else ""

    @property
    def bits(self) -> str:
        """Of the register, as they are printed."""
        return f"{self.high}:{self.low}" if self.width > 1 else str(self.low)

    @property
    def mask(self) -> int:
        """These bits of the register as ones."""
        return ((1 << self.width) - 1) << self.low

    @property
    def access(self) -> str:
        """What a host may do, in words."""
        return KINDS[self.kind]


@dataclass(frozen=True)
class Register:
    """A register of 32 bits, or `count` in a row."""

    name: str
    offset: int
    count: int
    text: str
    fields: tuple[Field, ...]

    @property
    def words(self) -> tuple[int, ...]:
        """Number of each of its words, from the first of the address space."""
        return tuple(self.offset // 4 + index for index in range(self.count))

    @property
    def bits(self) -> int:
        """Of all its words."""
        return 32 * self.count

    @property
    def writable(self) -> bool:
        """Whether a write has any effect."""
        return any(field.kind in ("pulse", "storage", "word", "sticky") for field in self.fields)

    @property
    def shown(self) -> tuple[tuple[int, str], ...]:
        """Number of each word, and the bits that a read gives, as Verilog; an array is read from one wide input."""
        if self.count == 1:
            return ((self.words[0], self._joined()),)
        signal = self.fields[0].signal
        return tuple((word, f"{signal}[{32 * place + 31}:{32 * place}]") for place, word in enumerate(self.words))

    def _joined(self) -> str:
        parts, top = [], 32
        for field in sorted(self.fields, key=lambda one: -one.low):
            if field.high + 1 < top:
                parts.append(f"{top - field.high - 1}'d0")
            if field.kind == "constant":
                parts.append(f"{field.width}'h{field.reset:x}")
            else:
                parts.append(f"{field.width}'d0" if field.kind in ("pulse", "word") else field.signal)
            top = field.low
        if top:
            parts.append(f"{top}'d0")
        return parts[0] if len(parts) == 1 else "{" + ", ".join(parts) + "}"


def read_registers(source: Path = SOURCE, constant: bool = False) -> tuple[Register, ...]:
    """Compile the description; SystemExit where it uses what the templates do not print.

    `constant`: with the reset values of cores whose weights are constants.
    """
    compiler = RDLCompiler()
    compiler.compile_file(str(source))
    top = compiler.elaborate().top
    return tuple(_register(node, constant) for node in top.children(unroll=False) if isinstance(node, RegNode))


def _register(node: RegNode, constant: bool) -> Register:
    count = node.array_dimensions[0] if node.is_array and node.array_dimensions else 1
    fields = tuple(_field(node, field, constant) for field in node.fields())
    if count > 1 and [field.kind for field in fields] != ["input"]:
        raise SystemExit(f"{node.inst_name}: only a register with one input field may be an array")
    return Register(node.inst_name, node.raw_address_offset, count, _text(node), fields)


def _field(register: RegNode, node: FieldNode, constant: bool) -> Field:
    writes, pulse = node.is_sw_writable, node.get_property("singlepulse")
    if pulse:
        kind = "pulse"
    elif node.get_property("swmod"):
        kind = "word"
    elif node.get_property("hwset") and str(node.get_property("onwrite")).endswith("woclr"):
        kind = "sticky"
    elif writes and node.is_hw_readable:
        kind = "storage"
    elif not writes and node.is_hw_writable:
        kind = "input"
    elif not writes and node.get_property("reset") is not None:
        kind = "constant"
    else:
        raise SystemExit(f"{register.inst_name}.{node.inst_name}: no template prints a field of these properties")
    signal = f"{register.inst_name}_{node.inst_name}"
    without = "without" if constant and "without" in node.list_properties() else "reset"
    reset = node.get_property(without) or 0
    assert isinstance(reset, int)
    loadable = _is_loadable(register) or _is_loadable(node)
    return Field(node.inst_name, signal, kind, node.low, node.width, reset, _text(node), loadable)


def _is_loadable(node: RegNode | FieldNode) -> bool:
    return "loadable" in node.list_properties(list_all=False)


def constant_registers(source: Path = SOURCE) -> tuple[Register, ...]:
    """The registers of cores whose weights are constants."""
    registers = []
    for register in read_registers(source, constant=True):
        fields = tuple(field for field in register.fields if not field.loadable)
        registers += [replace(register, fields=fields)] if fields else []
    return tuple(registers)


def _text(node: RegNode | FieldNode) -> str:
    """What a register or a field means, on one line: the source breaks its lines."""
    return " ".join((node.get_property("desc") or "").split())


def _major(registers: tuple[Register, ...]) -> int:
    """The version that programs ask for."""
    return next(
        field.reset for one in registers if one.name == "version" for field in one.fields if field.name == "major"
    )


def products() -> dict[str, str]:
    """The text of each product by its path in the project."""
    registers = read_registers()
    words = max(register.words[-1] for register in registers) + 1
    address_width = max(3, (4 * words - 1).bit_length())
    facts = {
        "registers": registers,
        "address_width": address_width,
        "word_width": address_width - 2,
        "version": _major(registers),
    }
    texts = {}
    for path, template in PRODUCTS.items():
        module = Path(path).stem
        own = constant_registers() if module == CONSTANT and path.endswith(".v") else registers
        texts[path] = render(template, {**facts, "registers": own, "module": module})
    return texts


def main() -> None:
    """Write the products where they belong."""
    for path, text in products().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
