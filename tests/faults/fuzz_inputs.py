"""Damage real files of every kind and read them: ``python -m tests.faults.fuzz_inputs N [--seed S] [-o FILE]``.

Each reading has to end within seconds and a gigabyte, with a result or with a refusal in one line. N files of each kind
are read in this process, under an alarm and a limit on its memory; what ends otherwise is kept, with how it ended.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fpgaq.base.errors import FpgaqError
from tests.faults.damage import damaged_file
from tests.faults.readers import READERS, Reader
from tests.faults.table import MEGABYTES, SECONDS
from tests.support.provenance import about, store

ALLOWED = (2, 3, 4, 5, 7)
"""Exit codes of a refusal: usage, file, feature, fit, and a model that another program computes otherwise."""
REAL_FILES = (".nnp", ".onnx", ".tflite")


class TooLongError(Exception):
    """A reading that took longer than it may."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise TooLongError after so many seconds of this process."""

    def ring(*arguments: object) -> None:
        raise TooLongError(f"took more than {seconds:g} processor seconds")

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def limited_memory(megabytes: float) -> Iterator[None]:
    """Let this process take so much memory beyond what it has."""
    held = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + int(megabytes * (1 << 20)), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def outcome_of(read: Callable[[Path], object], path: Path) -> tuple[str, str]:
    """How a reading ended ("read", a kind of refusal, or "fault"), and of a fault what happened."""
    try:
        with alarm(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(path)
    except FpgaqError as error:
        if "\n" in str(error) or not str(error) or error.exit_code not in ALLOWED:
            return "fault", f"{type(error).__name__}: {error}"
        return type(error).__name__, ""
    except (Exception, TooLongError) as error:
        return "fault", f"{type(error).__name__}: {error}"
    return "read", ""


def fuzz(
    reader: Reader, sound: Sequence[bytes], count: int, seed: int, folder: Path, kept: Path | None = None
) -> dict[str, Any]:
    """Read `count` damaged files of one kind; returns counts, the longest reading, and the faults by their seeds."""
    counts, faults, longest = Counter[str](), {}, 0.0
    for number in range(seed, seed + count):
        source = random.Random(f"{reader.name} {number}")
        content = damaged_file(source.choice(sound), source, source.choice(sound))
        path = folder / reader.name
        path.write_bytes(content)
        if reader.beside is not None:
            reader.beside(folder)
        started = time.process_time()
        kind, said = outcome_of(reader.read, path)
        longest = max(longest, time.process_time() - started)
        counts[kind] += 1
        if kind == "fault":
            faults[str(number)] = said[:300]
            if kept is not None:
                kept.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, kept / f"{number}_{reader.name}")
    return {"files": count, **dict(sorted(counts.items())), "longest_seconds": round(longest, 2), "faults": faults}


def real_files(folder: Path | None, name: str) -> list[bytes]:
    """Real models of a reader's kind below a folder, for a run on files that no test may hold."""
    end = Path(name).suffix
    if folder is None or end not in REAL_FILES:
        return []
    return [path.read_bytes() for path in sorted(folder.rglob(f"*{end}")) if path.stat().st_size < 1 << 20]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz as asked; 0 if every file was read or refused in one line, else 7."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz_inputs", description=__doc__)
    parser.add_argument("count", type=int, help="files of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=READERS, default=list(READERS))
    parser.add_argument("--models", type=Path, help="a folder of real models, which are damaged too")
    parser.add_argument("--kept", type=Path, default=Path("build/bad_inputs"), help="where files of a fault go")
    parser.add_argument("-o", "--output", type=Path, help="results as JSON")
    options = parser.parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    kinds: dict[str, Any] = {}
    for name in options.kinds:
        reader = READERS[name]
        sound = [*reader.sound(), *real_files(options.models, reader.name)]
        with tempfile.TemporaryDirectory() as folder:
            # What a reader imports on its first file is none of its files' doing.
            outcome_of(reader.read, _sound_file(Path(folder), reader, sound[0]))
            with limited_memory(MEGABYTES):
                kinds[name] = fuzz(reader, sound, options.count, options.seed, Path(folder), options.kept)
        shown = ", ".join(f"{key} {value}" for key, value in kinds[name].items() if key != "faults")
        print(f"{name}: {shown}", flush=True)
        for number, said in kinds[name]["faults"].items():
            print(f"  seed {number}: {said}", flush=True)
        if options.output is not None:
            origin = about("python -m tests.faults.fuzz_inputs", arguments, "onnx", "h5py", "onnxruntime")
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            limits = {"seconds": SECONDS, "megabytes": MEGABYTES, "peak_megabytes": peak}
            store(options.output, {**origin, "limits": limits, "kinds": kinds})
    return 7 if any(found["faults"] for found in kinds.values()) else 0


def _sound_file(folder: Path, reader: Reader, content: bytes) -> Path:
    path = folder / reader.name
    path.write_bytes(content)
    if reader.beside is not None:
        reader.beside(folder)
    return path


if __name__ == "__main__":
    sys.exit(main())
