"""No FIFO and no device makes a command wait, and no file makes it take what its size does not warrant."""

from __future__ import annotations

import io
import os
import resource
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from fpgaq.base.data import load_data
from fpgaq.base.errors import FpgaqError, ModelError, UsageError
from fpgaq.base.npy import FREE_BYTES, MAX_EXPANSION
from fpgaq.base.parallel import evaluate
from fpgaq.base.regular import MAX_TEXT_BYTES, open_regular, read_text
from fpgaq.cli import invoke
from fpgaq.hardware.synth.project import read_project
from fpgaq.integer.file import load, save
from fpgaq.model.importers import load as load_model
from fpgaq.quantizer.config import read_config
from tests.support.integer_networks import small_network


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    """A reader that waits is ended after a while, and fails."""

    def ring(*arguments: object) -> None:
        raise AssertionError("a reader waits")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "options": ("x.toml", read_config),
    "samples": ("x.npy", lambda path: load_data(path, ["x"])),
    "archive of samples": ("x.npz", lambda path: load_data(path, ["x"])),
    "integer network": ("x.fpgaq", load),
    "ONNX model": ("x.onnx", load_model),
    "nnabla model": ("x.nnp", load_model),
    "results": ("x.jsonl", lambda path: evaluate(abs, [1], cache=path)),
    "manifest": ("manifest.json", lambda path: read_project(path.parent)),
    "any": ("x", lambda path: open_regular(path, "a file")),
}


@pytest.mark.parametrize("kind", ["FIFO", "device", "folder"])
@pytest.mark.parametrize("name", READERS)
def test_only_regular_files_are_read(name: str, kind: str, tmp_path: Path) -> None:
    file, read = READERS[name]
    path = tmp_path / file
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(FpgaqError, match=f"is a {kind}, not a file") as caught:
        read(path)
    assert caught.value.exit_code in (2, 3) and "\n" not in str(caught.value)


def test_the_command_does_not_wait(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "options.toml")
    save(small_network(), tmp_path / "x.fpgaq")
    arguments = ["quantize", "m.onnx", "--calibration", "x.npz", "-o", str(tmp_path / "y.fpgaq")]
    assert invoke([*arguments, "--config", str(tmp_path / "options.toml")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "is a FIFO, not a file; a TOML file of options is needed" in said


def test_a_text_is_read_up_to_a_size(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"a" * MAX_TEXT_BYTES)
    assert len(read_text(path, "a text")) == MAX_TEXT_BYTES
    path.write_bytes(b"a" * (MAX_TEXT_BYTES + 1))
    with pytest.raises(UsageError, match="larger than 16 MiB; a text is needed"):
        read_text(path, "a text", UsageError)


def zeros(path: Path, name: str, shape: tuple[int, ...], kind: str = "|u1", **others: bytes) -> Path:
    """An archive that is small for what it declares."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": kind, "fortran_order": False, "shape": shape})
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as member:
        member.write(header.getvalue())
        for start in range(0, size, 1 << 20):
            member.write(bytes(min(1 << 20, size - start)))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for other, content in others.items():
            archive.writestr(other, content)
    return path


def test_what_packs_too_well_is_refused(tmp_path: Path) -> None:
    small = zeros(tmp_path / "small.npz", "x.npy", (FREE_BYTES - 1000,))
    assert load_data(small, ["x"]).frames == FREE_BYTES - 1000
    bomb = zeros(tmp_path / "bomb.npz", "x.npy", (2 * FREE_BYTES,))
    assert bomb.stat().st_size * MAX_EXPANSION < 2 * FREE_BYTES
    with pytest.raises(ModelError, match="bytes expanded; at most"):
        load_data(bomb, ["x"])
    # Samples that hold something are read, however many they are.
    noise = np.random.default_rng(1).integers(0, 256, FREE_BYTES // 16, dtype=np.uint8)
    np.savez_compressed(tmp_path / "real.npz", x=np.concatenate([noise, np.zeros(FREE_BYTES, np.uint8)]))
    assert load_data(tmp_path / "real.npz", ["x"]).frames == FREE_BYTES * 17 // 16


def test_a_network_of_too_many_elements_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(small_network(), tmp_path / "x.fpgaq")
    monkeypatch.setattr("fpgaq.integer.file.MAX_ELEMENTS", 20)
    with pytest.raises(ModelError, match="more than 20 elements in all arrays"):
        load(tmp_path / "x.fpgaq")


BOMBS: dict[str, Callable[[Path], Path]] = {
    "samples": lambda folder: zeros(folder / "x.npz", "x.npy", (1 << 29,)),
    "network": lambda folder: zeros(folder / "x.fpgaq", "samples/0.npy", (1 << 28,), "|i1"),
    "description": lambda folder: described(folder / "x.fpgaq", b"[" + b"[]," * ((1 << 24) // 3 - 1) + b"[]]"),
    "long description": lambda folder: described(folder / "x.fpgaq", b"[" + b"[]," * 20_000_000 + b"[]]"),
}


def described(path: Path, text: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("network.json", text)
    return path


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_little(name: str, tmp_path: Path) -> None:
    """In a process of its own: at most a gigabyte of addresses beyond what importing took, and 20 seconds of work."""
    path = BOMBS[name](tmp_path)
    save(small_network(), tmp_path / "sound.fpgaq")
    if path.suffix == ".npz":
        arguments = ["run", str(tmp_path / "sound.fpgaq"), "--data", str(path), "-o", str(tmp_path / "y.npz")]
    else:
        arguments = ["generate", str(path), "-o", str(tmp_path / "out")]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))

    finished = subprocess.run(
        [sys.executable, "-m", "fpgaq", *arguments, "--quiet"],
        preexec_fn=limit, capture_output=True, text=True, timeout=60,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert finished.returncode == 3 and finished.stderr.count("\n") == 1, finished.stderr
