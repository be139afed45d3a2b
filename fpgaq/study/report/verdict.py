"""Whether the files of an output folder were simulated as they are, and by what: the verdict of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...base.errors import ModelError, VerificationError
from ...proof.folder import check_digests
from ...proof.verification import Run, manifest_digest, read_runs

State = Literal["verified", "unverified", "different", "changed"]

WORDS: Mapping[State, str] = {
    "verified": "Verified",
    "unverified": "Not verified",
    "different": "The hardware differs from its model",
    "changed": "The folder is not as it was generated",
}


@dataclass(frozen=True)
class Verdict:
    """What is known about the hardware of a folder.

    Parameters
    ----------
    state : {"verified", "unverified", "different", "changed"}
        "verified" needs a run with frames, all beats equal, of exactly the files that are in the folder.
    words, reason : str
    runs : tuple of Run
        Those of these files.
    not_verified : tuple of str
        What nobody looked at, in words.
    unexercised : int
        Words of the memories that no frame exercised, though one could.
    """

    state: State
    words: str
    reason: str
    runs: tuple[Run, ...]
    not_verified: tuple[str, ...]
    unexercised: int = 0


def judge(directory: Path, manifest: Mapping[str, Any]) -> Verdict:
    """The verdict on a folder whose manifest was read and found sound."""
    missing = _not_verified(manifest)
    try:
        check_digests(directory, manifest)
    except VerificationError as error:
        return _verdict("changed", _without_place(directory, error), (), missing)
    try:
        recorded = read_runs(directory)
    except ModelError as error:
        return _verdict("unverified", _without_place(directory, error), (), missing)
    digest = manifest_digest(directory)
    runs = tuple(run for run in recorded if run.manifest == digest)
    wrong = [run for run in runs if run.outcome == "different"]
    if wrong:
        return _verdict("different", wrong[0].message, runs, missing)
    proofs = [run for run in runs if run.proves]
    if "digests" not in manifest:
        return _verdict("unverified", "manifest.json lacks the digests of its files", runs, missing)
    if proofs:
        return _verdict("verified", "; ".join(f"{run.simulator}: {run.message}" for run in proofs), runs, missing)
    reason = "the last simulation was of another build" if recorded else "nobody has simulated this folder"
    return _verdict("unverified", reason, runs, missing)


def _verdict(state: State, reason: str, runs: tuple[Run, ...], missing: tuple[str, ...]) -> Verdict:
    simulators = {run.simulator for run in runs if run.proves}
    words = list(missing)
    if "icarus" not in simulators:
        words.insert(0, "the streams between layers: only Icarus Verilog's bench compares them")
    exercised = [run.exercise for run in runs if run.exercise is not None]
    left = min((facts["words"] - facts["exercised"] - facts["unreachable"] for facts in exercised), default=0)
    if left:
        words.insert(0, f"{left:,} words of the memories that no frame exercised: a wrong one would not have shown")
    return Verdict(state, WORDS[state], reason, runs, tuple(words), left)


def _not_verified(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    words = [
        "inputs other than the frames that were simulated",
        "the netlist after synthesis, and the timing on a board: place and route tell the clock",
    ]
    if manifest.get("target") == "hls":
        words.insert(0, "HLS C++: `make` in the folder compares every golden value, and leaves no record")
    return tuple(words)


def _without_place(directory: Path, error: Exception) -> str:
    """An error's words without the path of this machine."""
    return str(error).replace(f"{directory}/", "")
