"""The host of a board: frames and registers over a serial line, each packet answered before the next one leaves."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..base.errors import ToolError, VerificationError
from ..base.serial_line import SerialLine
from ..hardware.board.link import ANSWER, ERROR, FRAME, READ, REASONS, WRITE, Decoder, encode
from ..hardware.emit.bus import MAGIC, MAJOR
from ..hardware.emit.image import words_of

MAGIC_OFFSET, VERSION, DIGEST, CONTROL, FRAME_CYCLES = 0x00, 0x04, 0x20, 0x14, 0x4C
STATUS, ERRORS, IMAGE = 0x18, 0x1C, 0x54
CLEAR, LOAD = 2, 8
IMAGE_WANTED, LOADED, IMAGE_ERROR = 8, 16, 32
ATTEMPTS = 3


@dataclass
class BoardHost:
    """A board at the other end of a line.

    Parameters
    ----------
    line : SerialLine
    seconds : float
        That an answer may take.
    note : callable
        Called with a line for each packet that has to be sent again.
    """

    line: SerialLine
    seconds: float
    note: Callable[[str], None] = lambda line: None
    resent: int = 0
    _number: int = 0
    _decoder: Decoder = field(default_factory=Decoder)

    def check(self, digest: str) -> None:
        """Raise VerificationError unless the board holds the network of this digest."""
        self.check_core()
        found = self.digest()
        if found != digest:
            raise VerificationError(
                f"{self.line.path}: the board holds the network {found[:12]}..., the folder {digest[:12]}...; load the"
                " board with the folder's bitstream"
            )

    def load_weights(self, image: bytes, digest: str) -> bool:
        """Load an image of weights unless it is there already; whether it was loaded.

        Raises
        ------
        VerificationError
            The board refuses it.
        """
        self.check_core()
        if self.read(STATUS) & LOADED and self.digest() == digest:
            return False
        for attempt in range(ATTEMPTS):
            self.write(ERRORS, IMAGE_ERROR)
            self.write(CONTROL, LOAD)
            deadline = time.monotonic() + self.seconds
            while not self.read(STATUS) & IMAGE_WANTED:
                if time.monotonic() > deadline:
                    raise ToolError(f"{self.line.path}: the board waits for its own frames to leave; load it anew")
            resent = self.resent
            for word in words_of(image):
                self.write(IMAGE, word)
            if self.read(STATUS) & LOADED:
                return True
            # A word whose answer was lost came twice: then the image is no longer whole.
            if self.resent == resent:
                break
            self.note(f"the weights: refused after damage on the line{'; sent again' * (attempt + 1 < ATTEMPTS)}")
        raise VerificationError(
            f"{self.line.path}: the board refuses the weights: the image is damaged, or of another design; load the"
            " board with the folder's bitstream"
        )

    def digest(self) -> str:
        """The network that the board holds."""
        return "".join(f"{self.read(DIGEST + 4 * word):08x}" for word in range(8))

    def check_core(self) -> None:
        """Raise VerificationError unless a core of fpgaq answers whose registers are known."""
        magic = self.read(MAGIC_OFFSET)
        if magic != MAGIC:
            raise VerificationError(f"{self.line.path}: no core of fpgaq answers (its magic number is {magic:#010x})")
        major = self.read(VERSION) >> 16
        if major != MAJOR:
            raise VerificationError(
                f"{self.line.path}: registers of version {major}, {MAJOR} is known; load the board anew"
            )

    def read(self, offset: int) -> int:
        """The value of a register."""
        return int.from_bytes(self._ask(READ, bytes([offset]), 4, f"register {offset:#04x}"), "little")

    def write(self, offset: int, value: int) -> None:
        """Give a register a value."""
        self._ask(WRITE, bytes([offset]) + value.to_bytes(4, "little"), 0, f"register {offset:#04x}")

    def infer(self, frame: bytes, size: int, name: str) -> bytes:
        """The output frame, of `size` bytes, that the board makes of an input frame; `name` is for messages."""
        answer = self._ask(FRAME, frame, size + 1, name)
        if answer[-1] & 1:
            raise VerificationError(f"{name}: the core marked it as damaged, though its packet was right; report this")
        return answer[:-1]

    def _ask(self, kind: int, data: bytes, size: int, name: str) -> bytes:
        """The data of the answer to a packet, which is sent again where it or its answer is damaged."""
        reason = ""
        for attempt in range(ATTEMPTS):
            self._number = (self._number + 1) % 256
            # An END before it ends whatever noise came first.
            self.line.write(encode(bytes([kind, self._number]) + data), self.seconds)
            found = self._answer(kind, size)
            if isinstance(found, bytes):
                return found
            reason = found
            again = attempt + 1 < ATTEMPTS
            self.note(f"{name}: {reason}{'; sent again' if again else ''}")
            self.resent += again
        raise ToolError(f"{self.line.path}: {name}: {reason}, {ATTEMPTS} times; check port, baud rate and cable")

    def _answer(self, kind: int, size: int) -> bytes | str:
        """The data of an answer, or what is wrong."""
        deadline = time.monotonic() + self.seconds
        while (left := deadline - time.monotonic()) > 0:
            for payload in self._decoder.feed(self.line.read(left)):
                if payload is None:
                    return "its answer has a wrong CRC"
                if len(payload) == 3 and payload[0] == ERROR:
                    return REASONS.get(payload[2], f"the board answers with the unknown error {payload[2]}")
                if len(payload) == 2 + size and payload[:2] == bytes([kind | ANSWER, self._number]):
                    return payload[2:]
                # Else the late answer to a packet that was given up.
        return "no answer"
