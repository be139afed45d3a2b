"""The packets of the serial line (templates/board/fpgaq_serial.v) as the host sends and reads them.

A packet is a payload and its CRC-32 between two END bytes; END and ESC inside are two bytes each (SLIP, RFC 1055). COBS
would bound what that adds, but its sender must know a block of up to 254 bytes before the first of them leaves: a block
RAM on the board. SLIP needs none, and adds 2 bytes in 256 to random data; a frame of nothing but END doubles.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

END, ESC, ESC_END, ESC_ESC = 0xC0, 0xDB, 0xDC, 0xDD
FRAME, READ, WRITE = 0x01, 0x02, 0x03
ANSWER = 0x80
"""Added to the kind of what is answered."""
ERROR = 0xFF
REASONS = {1: "the board found a wrong CRC", 2: "the board does not know the packet", 3: "the frame is too long"}


def encode(payload: bytes) -> bytes:
    """A packet on the line."""
    body = payload + zlib.crc32(payload).to_bytes(4, "little")
    escaped = body.replace(bytes([ESC]), bytes([ESC, ESC_ESC])).replace(bytes([END]), bytes([ESC, ESC_END]))
    return bytes([END]) + escaped + bytes([END])


@dataclass
class Decoder:
    """Takes bytes of the line and gives payloads; None stands for a packet that was damaged."""

    _body: bytearray = field(default_factory=bytearray)
    _escaped: bool = False
    _broken: bool = False

    def feed(self, data: bytes) -> list[bytes | None]:
        """The payloads that end within `data`."""
        found = []
        for byte in data:
            if byte == END:
                if self._body or self._escaped or self._broken:
                    found.append(self._finish())
                self._body, self._escaped, self._broken = bytearray(), False, False
            elif self._escaped:
                self._broken |= byte not in (ESC_END, ESC_ESC)
                self._body.append(END if byte == ESC_END else ESC)
                self._escaped = False
            elif byte == ESC:
                self._escaped = True
            else:
                self._body.append(byte)
        return found

    def _finish(self) -> bytes | None:
        payload, check = bytes(self._body[:-4]), bytes(self._body[-4:])
        sound = len(self._body) >= 4 and not self._broken and not self._escaped
        return payload if sound and zlib.crc32(payload).to_bytes(4, "little") == check else None
