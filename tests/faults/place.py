"""The place where faults are tried: sound files, a previous output, and what is new for each fault."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fpgaq import cli
from tests.support.nnp_builder import affine, build_nnp, relu


def weight(*shape: int) -> np.ndarray:
    """Weights that are the same each time."""
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def sound_model() -> bytes:
    """An .nnp of two layers on 6 elements."""
    return build_nnp([affine("first", weight(6, 4)), relu("r"), affine("second", weight(4, 3))], (6,))


@dataclass(frozen=True)
class Place:
    """Sound files in `sound`, the outputs of an earlier run in `outputs`, and a folder for the fault's own files.

    Attributes
    ----------
    sound : Path
        model.nnp, calibration.npy and network.fpgaq.
    outputs : Path
        kept.fpgaq and the folder kept.
    own : Path
        Empty, for one fault.
    """

    sound: Path
    outputs: Path
    own: Path

    def names(self, bad: Path | None) -> dict[str, str]:
        """What stands in a command for the files."""
        return {
            "model": str(self.sound / "model.nnp"),
            "samples": str(self.sound / "calibration.npy"),
            "network": str(self.sound / "network.fpgaq"),
            "file": str(self.outputs / "kept.fpgaq"),
            "folder": str(self.outputs / "kept"),
            "own": str(self.own),
            "bad": str(bad),
        }


def make_place(root: Path) -> tuple[Path, Path]:
    """Write the sound files and the earlier outputs; returns both folders."""
    sound, outputs = root / "sound", root / "outputs"
    sound.mkdir(parents=True)
    outputs.mkdir()
    (sound / "model.nnp").write_bytes(sound_model())
    np.save(sound / "calibration.npy", np.random.default_rng(1).normal(size=(12, 6)).astype(np.float32))
    quantized = ["quantize", str(sound / "model.nnp"), "--calibration", str(sound / "calibration.npy"), "--quiet"]
    for target in (sound / "network.fpgaq", outputs / "kept.fpgaq"):
        assert cli.invoke([*quantized, "-o", str(target)]) == 0
    assert cli.invoke(["generate", str(sound / "network.fpgaq"), "-o", str(outputs / "kept"), "--quiet"]) == 0
    return sound, outputs


def state(folder: Path) -> dict[str, str]:
    """Everything below a folder: kind and mode, and a digest of each file's content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        mode = os.lstat(path).st_mode
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else ""
        found[str(path.relative_to(folder))] = f"{mode:o} {content}"
    return found
