"""What a layer without a line buffer has between its inputs and its result FIFO, whatever it computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..design import Choice, Instance, Operation, Product, Register
from ..roms import Rom


@dataclass(frozen=True)
class Logic:
    """Parts of a module, each in the order of the text; see `fpgaq.hardware.emit.design.Module`.

    `memories` are those that are loaded, in place of ROMs.
    """

    instances: tuple[Instance, ...] = ()
    memories: tuple[Instance, ...] = ()
    registers: tuple[Register, ...] = ()
    choices: tuple[Choice, ...] = ()
    operations: tuple[Operation, ...] = ()
    products: tuple[Product, ...] = ()


class Datapath(Protocol):
    """The facts of one kind of layer, which its template places."""

    @property
    def logic(self) -> Logic:
        """What the template prints."""
        ...

    @property
    def own_rom(self) -> Rom | None:
        """The ROM that the layer reads, if it reads one."""
        ...
