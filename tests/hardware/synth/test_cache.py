"""Results are kept for their user only, and a damaged one counts as none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fpgaq.base.user_cache import cache_folder
from fpgaq.hardware.synth.cache import RESULTS, fetch, make_key, store


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    store(make_key("a"), {"cells": [1, 2]})
    assert fetch(make_key("a")) == {"cells": [1, 2]}
    return cache_folder(RESULTS) / f"{make_key('a')}.json"


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"key": 1}', "[" * 100_000, "changed", "of another"])
def test_a_damaged_entry_counts_as_none_and_heals(entry: Path, content: str) -> None:
    if content == "changed":
        content = entry.read_text().replace("[1, 2]", "[1, 3]")
    elif content == "of another":
        store(make_key("b"), 5)
        content = entry.with_name(f"{make_key('b')}.json").read_text()
    entry.write_text(content)
    assert fetch(make_key("a")) is None
    store(make_key("a"), 7)
    assert fetch(make_key("a")) == 7


def test_what_others_could_have_written_is_not_used(entry: Path) -> None:
    entry.chmod(0o666)
    assert fetch(make_key("a")) is None
    entry.chmod(0o600)
    entry.parent.chmod(0o777)
    assert fetch(make_key("a")) is None
    store(make_key("b"), 5)
    assert [place.name for place in entry.parent.iterdir()] == [entry.name]
    entry.parent.chmod(0o700)
    assert fetch(make_key("a")) == {"cells": [1, 2]}
    content = entry.read_text()
    entry.unlink()
    entry.with_name("other").write_text(content)
    entry.symlink_to("other")
    assert fetch(make_key("a")) is None
    entry.unlink()
    os.mkfifo(entry)
    assert fetch(make_key("a")) is None
    assert json.loads(content)["key"] == make_key("a")
