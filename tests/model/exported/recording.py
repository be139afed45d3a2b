"""Where the scripts of this folder put what an exporter wrote: the file, its digest, and the framework's own values."""

from __future__ import annotations

import hashlib
import json
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import onnx

FOLDER = Path(__file__).parent / "files"
INDEX = Path(__file__).parent / "index.json"


class Recorder:
    """Takes the files of one script; the index keeps those of the other scripts as they are."""

    def __init__(self, script: str, packages: Sequence[str]) -> None:
        self.script = Path(script).name
        self.versions = {"python": platform.python_version()} | {name: _version(name) for name in packages}
        self.entries: dict[str, Any] = {}

    def add(
        self, name: str, path: Path, inputs: Mapping[str, Any], outputs: Sequence[Any], *, tolerance: float = 1e-5
    ) -> None:
        """Keep a file, with a sample's inputs by name and the values that the framework gives for the outputs."""
        FOLDER.mkdir(exist_ok=True)
        suffix = path.suffix
        content = _without_places(path) if suffix == ".onnx" else path.read_bytes()
        files = {f"{name}{suffix}": content}
        beside = path.with_name(path.name + ".data")
        if beside.exists():
            # The name by which the model calls it.
            files[beside.name] = beside.read_bytes()
        values = {f"input {key}": np.asarray(value) for key, value in inputs.items()}
        values |= {f"output {index}": np.asarray(value) for index, value in enumerate(outputs)}
        for file, data in files.items():
            (FOLDER / file).write_bytes(data)
        np.savez_compressed(FOLDER / f"{name}.npz", **values)
        self.entries[name] = {
            "script": self.script,
            "file": f"{name}{suffix}",
            "versions": self.versions,
            "tolerance": tolerance,
            "sha256": {
                file: hashlib.sha256((FOLDER / file).read_bytes()).hexdigest() for file in (*files, f"{name}.npz")
            },
        }
        print(f"{self.script}: {name}, {sum(map(len, files.values())):,} bytes", flush=True)

    def finish(self) -> None:
        """Write the index, and drop files that this script made before and makes no more."""
        index = json.loads(INDEX.read_text(encoding="utf-8")) if INDEX.exists() else {}
        gone = {name for name, entry in index.items() if entry["script"] == self.script} - set(self.entries)
        index = {name: entry for name, entry in index.items() if entry["script"] != self.script} | self.entries
        kept = {file for entry in index.values() for file in entry["sha256"]}
        for name in gone:
            for file in FOLDER.glob(f"{name}.*"):
                if file.name not in kept:
                    file.unlink()
        INDEX.write_text(json.dumps(dict(sorted(index.items())), indent=1) + "\n", encoding="utf-8")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _without_places(path: Path) -> bytes:
    """The model without the stack traces and texts that hold paths of the machine where it was made."""
    model = onnx.load(path, load_external_data=False)
    model.ClearField("doc_string")
    del model.metadata_props[:]
    graphs: list[Any] = [model.graph, *model.functions]
    for graph in graphs:
        graph.ClearField("doc_string")
        del graph.metadata_props[:]
        values = [*graph.value_info, *getattr(graph, "input", []), *getattr(graph, "output", [])]
        for part in [*graph.node, *values]:
            if isinstance(part, str):
                continue
            part.ClearField("doc_string")
            del part.metadata_props[:]
    for tensor in model.graph.initializer:
        tensor.ClearField("doc_string")
        del tensor.metadata_props[:]
    return bytes(model.SerializeToString())


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for what an exporter writes."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def run_advice(lines: Sequence[str], names: dict[str, Any], shell: Callable[[str], None] | None = None) -> None:
    """Run the lines of a refusal as they stand: Python, or commands where `shell` is given."""
    for line in lines:
        if shell is not None:
            shell(line)
        else:
            exec(line, names)
