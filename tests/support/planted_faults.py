"""Faults planted in the files of an output folder, with every digest renewed: what only simulation can find."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

DIGESTS = re.compile(r"[0-9a-f]{64}")
DESCRIPTIONS = ("interface.json", "bench/bench.json", "manifest.json", ".fpgaq-output")
"""Files that may hold digests of others, in the order in which they are renewed."""

CASE_WORD = re.compile(r"(?<=data <= )(\d+)'h([0-9a-f]+)(?=;)")
RELEASE = re.compile(r"(?<=release_words = )(\d+)'d(\d+)(?=;)")


def renew_digests(folder: Path) -> None:
    """Bring every SHA-256 that a description gives by a file's path up to date; files without any stay as they are."""
    for name in DESCRIPTIONS:
        path = folder / name
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        # A list, since all are to be renewed, not those before the first that was out of date.
        if any([_renew(folder, mapping) for mapping in _mappings(content)]):
            path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _mappings(content: Any) -> Iterator[dict[str, Any]]:
    if isinstance(content, dict):
        yield content
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    for part in parts:
        yield from _mappings(part)


def _renew(folder: Path, mapping: dict[str, Any]) -> bool:
    changed = False
    for name, digest in mapping.items():
        path = folder / name
        if isinstance(digest, str) and DIGESTS.fullmatch(digest) and path.is_file():
            mapping[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            changed |= mapping[name] != digest
    return changed


def change_match(
    folder: Path, pattern: str, found: re.Pattern[str], place: int, change: Callable[[re.Match[str]], str]
) -> None:
    """Change the match number `place`, modulo their number, of all in the files of a pattern; renew the digests."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted((folder / "rtl").glob(pattern))}
    matches = [(path, match) for path, text in texts.items() for match in found.finditer(text)]
    assert matches, f"nothing to change in {pattern}"
    path, match = matches[place % len(matches)]
    text = texts[path]
    path.write_text(text[: match.start()] + change(match) + text[match.end() :], encoding="utf-8")
    renew_digests(folder)


def wrong_word(folder: Path, place: int) -> None:
    """The lowest bit of a word of weights, in the text of its ROM."""
    change_match(folder, "rom_*weights.v", CASE_WORD, place, lambda word: f"{word[1]}'h{int(word[2], 16) ^ 1:x}")


def exchanged_biases(folder: Path, place: int) -> None:
    """Two words of biases of one layer."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted((folder / "rtl").glob("rom_*biases.v"))}
    able = [path for path, text in texts.items() if len(set(CASE_WORD.findall(text))) > 1]
    path = able[place % len(able)]
    words = [word[0] for word in CASE_WORD.finditer(texts[path])]
    first = next(word for word in words if word != words[-1])
    exchange = {first: words[-1], words[-1]: first}
    path.write_text(CASE_WORD.sub(lambda word: exchange.get(word[0], word[0]), texts[path]), encoding="utf-8")
    renew_digests(folder)


def greater_rounding_constant(folder: Path, place: int) -> None:
    """One more than half a step, in every requantizer that rounds."""
    change_match(folder, "fpgaq_requantize.v", re.compile(r"lifted \+ HALF"), place, lambda _: "lifted + HALF + 1'b1")


def word_not_released(folder: Path, place: int) -> None:
    """One word of a line buffer fewer than its rows hold."""
    change_match(folder, "layer_*.v", RELEASE, place, lambda count: f"{count[1]}'d{int(count[2]) - 1}")


def count_places(folder: Path, pattern: str, found: re.Pattern[str]) -> int:
    """How many there are to change."""
    return sum(len(found.findall(path.read_text(encoding="utf-8"))) for path in (folder / "rtl").glob(pattern))


FAULTS: dict[str, Callable[[Path, int], None]] = {
    "wrong word": wrong_word,
    "exchanged biases": exchanged_biases,
    "greater rounding constant": greater_rounding_constant,
    "word not released": word_not_released,
}
