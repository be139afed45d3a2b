"""Damaged files of every kind are read or refused in one line; the fuzz itself sees what is neither."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fpgaq.base.errors import ModelError
from tests.faults import fuzz_inputs
from tests.faults.fuzz_inputs import alarm, fuzz, limited_memory, outcome_of
from tests.faults.readers import READERS, Reader

FILES = 40


@pytest.mark.parametrize("kind", READERS)
def test_damaged_files_are_read_or_refused(kind: str, tmp_path: Path) -> None:
    if "tflite" in kind:
        pytest.importorskip("tflite", reason="reads .tflite files")
    if kind in (".png", ".jpg"):
        pytest.importorskip("PIL", reason="reads pictures")
    reader = READERS[kind]
    sound = reader.sound()
    for content in sound:
        assert outcome_of(reader.read, fuzz_inputs._sound_file(tmp_path, reader, content))[0] != "fault"
    found = fuzz(reader, sound, FILES, 0, tmp_path)
    assert not found["faults"] and found["files"] == FILES
    assert found.get("ModelError", 0) > FILES / 4, "the damage does no harm"


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize("kind", READERS)
def test_more_damaged_files(kind: str, tmp_path: Path) -> None:
    reader = READERS[kind]
    assert not fuzz(reader, reader.sound(), 2000, 1000, tmp_path)["faults"]


def test_an_npy_header_that_ends_in_a_bracket_is_refused(tmp_path: Path) -> None:
    """numpy's reader of old headers raised an error of its tokenizer."""
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((4, 6)))
    path.write_bytes(path.read_bytes().replace(b"(4, 6)", b"(4, 6 "))
    with pytest.raises(ModelError, match=r"not a sound \.npy array"):
        READERS[".npy"].read(path)


def test_faults_are_seen_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(path: Path) -> None:
        raise (KeyError("x"), ModelError("two\nlines"), ModelError("one line"))[len(path.read_bytes()) % 3]

    reader = Reader("m.bin", wrong, lambda: [bytes(range(200))])
    monkeypatch.setattr(fuzz_inputs, "READERS", {"wrong": reader})
    output = tmp_path / "found.json"
    asked = ["30", "--kinds", "wrong", "--kept", str(tmp_path / "kept"), "-o", str(output)]
    assert fuzz_inputs.main(asked) == 7
    found = json.loads(output.read_text(encoding="utf-8"))["kinds"]["wrong"]
    assert found["fault"] == len(found["faults"]) == len(list((tmp_path / "kept").iterdir()))
    assert 0 < found["ModelError"] < 30 and {said.split(":")[0] for said in found["faults"].values()} == {
        "KeyError",
        "ModelError",
    }


def test_time_and_memory_are_limited(tmp_path: Path) -> None:
    def spin(path: Path) -> None:
        while True:
            pass

    with pytest.raises(fuzz_inputs.TooLongError), alarm(0.2):
        spin(tmp_path)
    with limited_memory(200), pytest.raises(MemoryError):
        bytearray(400 << 20)
    assert len(bytearray(400 << 20)) == 400 << 20
