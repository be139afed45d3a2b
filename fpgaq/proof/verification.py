"""The record of what was simulated: verification.json in an output folder, bound to the digest of its manifest.

The manifest holds the digest of every file, so that a record with its digest speaks of exactly these files. The last
run of each simulator is kept; a run of another build is dropped when the next one is recorded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ..base.errors import ModelError, UsageError
from ..base.output import write_product
from ..base.regular import open_regular
from ..base.remarks import note
from .folder import read_json

VERIFICATION_FILE = "verification.json"
SCHEMA = 1

Outcome = Literal["equal", "different"]


@dataclass(frozen=True)
class Run:
    """One simulation of a folder.

    Parameters
    ----------
    simulator, version : str
    manifest : str
        SHA-256 of the manifest.json of the folder that was simulated.
    fpgaq : str
        The version of this program.
    outcome : {"equal", "different"}
    message : str
        The result in one line, or where the first difference is.
    compared : str
        What was held against the reference, in words.
    frames : int
        Frames every compared beat of which was equal; 0 if they differ.
    mismatches : int or None
        None where the run ended at the first one.
    interval_cycles, latency_cycles : int or None
        As measured.
    exercise : mapping of str to int, optional
        Words of the memories that the frames exercise (`fpgaq.proof.chosen.Exercise`).
    wrapper : bool
        Whether the wrapper was simulated too.
    """

    simulator: str
    version: str
    manifest: str
    fpgaq: str
    outcome: Outcome
    message: str
    compared: str
    frames: int
    mismatches: int | None
    interval_cycles: int | None
    latency_cycles: int | None
    exercise: Mapping[str, int] | None = None
    wrapper: bool = False

    @property
    def proves(self) -> bool:
        """Whether it may be called a verification: frames were compared, and none of their beats differs."""
        return self.outcome == "equal" and self.frames > 0 and self.mismatches == 0


def manifest_digest(directory: Path) -> str:
    """SHA-256 of the folder's manifest.json as hexadecimal digits."""
    with open_regular(directory / "manifest.json", "a manifest") as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def record_run(directory: Path, run: Run) -> None:
    """Keep a run in the folder, in place of the last one of the same simulator; a note where it cannot be written."""
    try:
        earlier = read_runs(directory)
    except ModelError:
        # What is damaged proves nothing, and is replaced.
        earlier = ()
    kept = [other for other in earlier if other.simulator != run.simulator and other.manifest == run.manifest]
    runs = sorted([*kept, run], key=lambda each: each.simulator)
    text = json.dumps({"schema": SCHEMA, "runs": [asdict(each) for each in runs]}, indent=2) + "\n"
    try:
        write_product(directory, VERIFICATION_FILE, text)
    except UsageError as error:
        note(f"the result of the simulation was not recorded: {error}")


def read_runs(directory: Path) -> tuple[Run, ...]:
    """The recorded runs, of whatever build; none if there is no record.

    Raises
    ------
    ModelError
        A record that is damaged.
    """
    path = directory / VERIFICATION_FILE
    if not path.exists():
        return ()
    content = read_json(path)
    runs = content.get("runs")
    if content.get("schema") != SCHEMA or not isinstance(runs, list):
        raise ModelError(f"{path}: not a record of version {SCHEMA}; simulate the folder anew")
    return tuple(_read_run(path, index, run) for index, run in enumerate(runs))


_TEXTS = ("simulator", "version", "manifest", "fpgaq", "outcome", "message", "compared")
_NUMBERS = ("frames", "mismatches", "interval_cycles", "latency_cycles")


def _read_run(path: Path, index: int, run: Any) -> Run:
    sound = isinstance(run, dict) and all(isinstance(run.get(name), str) for name in _TEXTS)
    sound = sound and all(type(run.get(name)) in (int, type(None)) for name in _NUMBERS) and type(run["frames"]) is int
    exercise = run.get("exercise") if sound else None
    if not sound or run["outcome"] not in ("equal", "different") or not _is_exercise(exercise):
        raise ModelError(f"{path}: runs[{index}] is no record of a simulation; simulate the folder anew")
    known = {name: run[name] for name in (*_TEXTS, *_NUMBERS)}
    return Run(**known, exercise=exercise, wrapper=run.get("wrapper") is True)


def _is_exercise(value: Any) -> bool:
    return value is None or isinstance(value, dict) and all(type(count) is int for count in value.values())
