"""The kinds of file that commands take, and what is said to a user who gave one of another kind."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from .errors import ModelError

Kind = Literal["model", "integer", "folder", "data"]
SUFFIXES: dict[str, Kind] = {".nnp": "model", ".onnx": "model", ".fpgaq": "integer", ".npz": "data", ".npy": "data"}
WANTED: dict[Kind, str] = {
    "model": "a model (.nnp, .onnx) is needed",
    "integer": "an integer network (.fpgaq) is needed",
    "folder": "a folder made by `fpgaq generate` is needed",
    "data": "samples (.npz, .npy) are needed",
}
ADVICE: dict[tuple[Kind, Kind], str] = {
    ("integer", "model"): "it is a model: quantize it first (fpgaq quantize {path} --calibration NPZ -o MODEL.fpgaq)",
    ("folder", "model"): "it is a model: fpgaq build makes such a folder of it",
    ("model", "integer"): "it is an integer network already: fpgaq generate, run and compare take it",
    ("folder", "integer"): "it is an integer network: write its hardware first (fpgaq generate {path} -o DIR)",
    ("model", "folder"): "it is an output folder: fpgaq simulate and synth take it",
    (
        "integer",
        "folder",
    ): "it is an output folder, whose network is {path}/network.fpgaq; fpgaq simulate and synth take it",
    ("model", "data"): "it holds samples: give them by --calibration or --data",
    ("integer", "data"): "it holds samples: give them by --data",
    ("folder", "data"): "it holds samples: give them by --data",
}
"""What to say of a file, by what is wanted and what it is."""


def kind_of(path: str | Path) -> Kind | None:
    """The kind of a file or folder that is there; None for another or none."""
    place = Path(path)
    if (place / "manifest.json").is_file():
        return "folder"
    return SUFFIXES.get(place.suffix.lower()) if place.is_file() else None


def expect(path: str | Path, wanted: Kind) -> None:
    """Refuse a file of another kind, with the command that takes it; what is of no kind is left to its reader.

    Raises
    ------
    ModelError
        A file of another kind.
    """
    found = kind_of(path)
    if found is not None and (wanted, found) in ADVICE:
        raise ModelError(f"{path}: {ADVICE[wanted, found].format(path=path)}; {WANTED[wanted]} here")
