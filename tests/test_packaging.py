"""The wheel: the same bytes from any checkout, with all that `fpgaq demo` needs; extras that messages name."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("fpgaq", "templates", "examples", "pyproject.toml", "README.md", "LICENSE", ".gitignore")
CORE = {"numpy", "h5py", "jinja2", "cocotb", "click", "rich", "onnx", "joblib"}
EXTRAS = {"plot", "images", "synth", "nnabla", "tflite", "cluster", "fast", "all", "dev"}


def build(folder: Path, mask: int, year: int, seed: int) -> Path:
    """Build a wheel in a copy of the checkout whose files have other dates and modes, with compiled files in it."""
    source = folder / f"checkout of {year}"
    for name in PARTS:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, source / name, ignore=shutil.ignore_patterns("__pycache__", "fashion_*"))
        else:
            source.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(place, source / name)
    for path in source.rglob("*"):
        os.utime(path, (year * 31_556_952 - 62_167_219_200,) * 2)
        if path.is_file():
            path.chmod(0o666 & ~mask)
    (source / "fpgaq" / "__pycache__").mkdir()
    (source / "fpgaq" / "__pycache__" / f"left.cpython-3{seed}.pyc").write_bytes(b"left over")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / str(year))],
        cwd=source,
        env={**os.environ, "PYTHONHASHSEED": str(seed), "TZ": f"UTC{seed:+d}"},
        check=True,
        capture_output=True,
        umask=mask,
        timeout=100,
    )
    (wheel,) = (folder / str(year)).iterdir()
    return wheel


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("wheels")
    return [build(folder, 0o022, 2021, 1), build(folder, 0o077, 2024, 9)]


@pytest.mark.once
def test_two_builds_are_the_same_bytes(wheels: list[Path]) -> None:
    digests = {hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels}
    assert len(digests) == 1


@pytest.mark.once
def test_the_wheel_holds_the_package_its_templates_and_the_demo(wheels: list[Path]) -> None:
    with zipfile.ZipFile(wheels[0]) as archive:
        names = archive.namelist()
    from fpgaq.cli.demo import FILES

    assert {f"fpgaq/demo/{name}" for name in FILES} <= set(names)
    assert "fpgaq/templates/verilog/cells/fpgaq_fifo.v" in names and "fpgaq/py.typed" in names
    assert not [name for name in names if name.endswith(".pyc") or name.split("/")[0] in ("tests", "examples")]
    assert wheels[0].stat().st_size < 1_500_000


@pytest.mark.once
def test_the_core_is_small_and_the_rest_are_extras(wheels: list[Path]) -> None:
    with zipfile.ZipFile(wheels[0]) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    needed = [line for line in metadata.get_all("Requires-Dist") or [] if "extra ==" not in line]
    assert {re.split(r"[<>=;]", line)[0].strip() for line in needed} == {*CORE, "tomli"}
    assert set(metadata.get_all("Provides-Extra") or []) == EXTRAS
    assert metadata["Requires-Python"] == "<3.15,>=3.10"
