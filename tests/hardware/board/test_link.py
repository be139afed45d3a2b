"""Packets of the serial line: whatever they hold comes back, and damage never passes for a packet."""

from __future__ import annotations

import random

from fpgaq.hardware.board.link import END, ESC, Decoder, encode


def test_every_payload_comes_back_in_pieces_of_any_size() -> None:
    chance = random.Random(1)
    payloads = [bytes([END, ESC] * 9), bytes([END]), bytes(range(256)), *(chance.randbytes(n) for n in range(1, 60))]
    line = b"".join(map(encode, payloads))
    decoder, found, place = Decoder(), [], 0
    while place < len(line):
        step = chance.randint(1, 40)
        found += decoder.feed(line[place : place + step])
        place += step
    assert found == payloads


def test_whoever_takes_the_first_payload_only_does_not_get_it_again() -> None:
    decoder = Decoder()
    assert decoder.feed(encode(b"one") + encode(b"two")[:3])[0] == b"one"
    assert decoder.feed(encode(b"two")[3:]) == [b"two"]


def test_an_end_stands_only_at_the_ends() -> None:
    assert encode(bytes([END, ESC, 7])).count(END) == 2


def test_damage_is_told_and_the_next_packet_is_right() -> None:
    chance, good = random.Random(2), bytes(range(100, 140))
    for _ in range(500):
        packet = bytearray(encode(chance.randbytes(20)))
        place = chance.randrange(1, len(packet) - 1)
        kind = chance.choice(("cut", "flip"))
        if kind == "cut":
            del packet[place]
        else:
            packet[place] ^= 1 << chance.randrange(8)
        found = list(Decoder().feed(bytes(packet) + encode(good)))
        assert found[-1] == good
        assert set(found[:-1]) <= {None}
