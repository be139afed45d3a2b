"""Damaged forms of a real file: bits, runs of bytes, numbers at their limits, cuts, repeats, and parts of another."""

from __future__ import annotations

import io
import random
import zipfile

from tests.support.nnp_builder import zip_bytes

LIMITS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, (1 << 63) - 1, (1 << 64) - 1)


def damaged_file(content: bytes, source: random.Random, other: bytes = b"") -> bytes:
    """A damaged form of a file; of two zips in three one member is damaged, below sums that are right."""
    if not content.startswith(b"PK\x03\x04") or source.random() < 1 / 3:
        return damaged(content, source, other)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    chosen = source.choice(sorted(members))
    members[chosen] = damaged(members[chosen], source, source.choice(list(members.values())))
    return zip_bytes(members, source.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def damaged(content: bytes, source: random.Random, other: bytes = b"") -> bytes:
    """One to six damages, at places drawn from `source`; `other` is a file of the same kind that lends parts."""
    found = bytearray(content)
    for _ in range(source.choice((1, 1, 1, 2, 3, 6))):
        place = source.randrange(len(found) + 1)
        length = min(source.choice((1, 2, 4, 8, 16, 64, 256)), len(found) - place)
        kind = source.randrange(8)
        if kind == 0 and length:
            found[place] ^= 1 << source.randrange(8)
        elif kind == 1:
            found[place : place + length] = source.randbytes(length)
        elif kind == 2:
            size = source.choice((1, 2, 4, 8))
            value = source.choice(LIMITS) & ((1 << 8 * size) - 1)
            found[place : place + size] = value.to_bytes(size, source.choice(("little", "big")))
        elif kind == 3:
            del found[place : place + length]
        elif kind == 4:
            found[place:place] = found[place : place + length] * source.choice((1, 2, 50))
        elif kind == 5 and source.random() < 0.3:
            del found[place:]
        elif kind == 6 and other:
            start = source.randrange(len(other))
            found[place : place + length] = other[start : start + length]
        elif kind == 7:
            _change_digits(found, place, source)
    return bytes(found)


def _change_digits(found: bytearray, place: int, source: random.Random) -> None:
    """Another number in place of the next one that stands there as text."""
    for start in range(place, min(len(found), place + 400)):
        if chr(found[start]).isdigit():
            end = start
            while end < len(found) and chr(found[end]).isdigit():
                end += 1
            value = source.choice(("0", "-1", "1", "2147483648", "99999999999999999999", "1e400", "nan", "3.5"))
            found[start:end] = value.encode()
            return
