"""Networks compiled from their HLS C++ and called from Python: exact, like the reference, and independent of it."""

from __future__ import annotations

import ctypes
import hashlib
import platform
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..base.child import Limits, ask_tool, first_error, run_tool
from ..base.errors import ToolError, VerificationError
from ..base.user_cache import cache_folder, is_trusted, keep, private_folder
from ..hardware.emit.hls import HlsNetwork, describe, sources, widest
from ..hardware.emit.hls.network import HEADERS
from ..hardware.emit.render import render, static_text
from ..integer.graph import IntegerArray, IntegerGraph
from ..integer.reference import check_inputs

STRICT = ("-std=c++17", "-Wall", "-Wextra", "-Werror")
SHARED = ("-fPIC", "-shared", "-fvisibility=hidden")
"""Hidden symbols: the loader must not join the static memory of two networks that a process has loaded."""
OPTIMIZE = ("-O3", "-march=native")
"""For this very processor, whose features are part of a compiled network's key: several machines may share a home."""

ENGINES = "engines"
"""Compiled networks in the user's cache folder."""

TIMEOUT = 600.0
CALL_FRAMES = 256
"""Frames of one call, between which a user can interrupt."""

FAULTS = {
    1: "a stream ran empty or full, or a value overflowed its proved width",
    2: "an output has a misplaced tlast or too many beats",
    3: "a layer left beats in its input",
}
"""The meaning of a compiled network's return codes."""

_Pointer = ctypes.POINTER(ctypes.c_longlong)
_turn = threading.Lock()


def find_compiler() -> str | None:
    """The C++ compiler: g++ or clang++; None if there is neither."""
    return shutil.which("g++") or shutil.which("clang++")


@dataclass(frozen=True)
class Library:
    """A shared library of compiled networks; `graphs` are in their order."""

    path: Path
    graphs: tuple[IntegerGraph, ...]

    def run(self, inputs: Mapping[str, IntegerArray], which: int = 0) -> dict[str, IntegerArray]:
        """Compute one of the networks exactly; arguments, result and errors are those of `reference.run`."""
        graph = self.graphs[which]
        frames = check_inputs(graph, inputs)
        given = [np.ascontiguousarray(inputs[name], dtype=np.int64) for name in graph.inputs]
        results = {name: np.empty((frames, *graph.tensors[name].shape), dtype=np.int64) for name in graph.outputs}
        try:
            function = ctypes.CDLL(str(self.path)).fpgaq_run
        except OSError as error:
            raise ToolError(f"{self.path}: cannot be loaded ({error}); use --engine numpy") from None
        for start in range(0, frames, CALL_FRAMES):
            part = slice(start, start + CALL_FRAMES)
            arrays = [array[part] for array in given], [results[name][part] for name in graph.outputs]
            # The streams of a compiled network are its own static memory.
            with _turn:
                count = ctypes.c_longlong(len(arrays[0][0]))
                code = function(which, count, *(_pointers(side) for side in arrays))
            if code:
                raise VerificationError(f"network {graph.name!r}, compiled: {FAULTS.get(code, f'code {code}')}")
        return results


def _pointers(arrays: Sequence[IntegerArray]) -> ctypes.Array[ctypes._Pointer[ctypes.c_longlong]]:
    return (_Pointer * len(arrays))(*(array.ctypes.data_as(_Pointer) for array in arrays))


def compile_networks(
    networks: Sequence[HlsNetwork],
    graphs: Sequence[IntegerGraph],
    folder: Path,
    *,
    options: Sequence[str],
    timeout: float = TIMEOUT,
) -> Library:
    """Compile networks, each of a name of its own, into one library.

    Parameters
    ----------
    networks : sequence of HlsNetwork
        What `emit.hls.describe` made of `graphs`.
    graphs : sequence of IntegerGraph
    folder : Path
        For the sources and the library.
    options : sequence of str
        Compiler options in addition to the language and the warnings; ``-DFPGAQ_CHECKS`` checks every proved width.
    timeout : float
        Seconds for the compiler.

    Raises
    ------
    ToolError
        The compiler is missing, or fails.
    """
    compiler = find_compiler()
    if compiler is None:
        raise ToolError("no C++ compiler was found; install g++, or use --engine numpy")
    for name, text in _source_files(networks).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    command = [compiler, *STRICT, *SHARED, *options, "-I.", "-o", "engine.so", "engine.cpp"]
    name = Path(compiler).name
    finished = run_tool(name, command, folder, Limits(timeout, remedy="--engine numpy does without it"))
    if finished.code:
        shown = first_error(finished.output) or "it printed nothing"
        raise ToolError(f"{name} failed with exit code {finished.code}: {shown[:200]}")
    return Library(folder / "engine.so", tuple(graphs))


def _source_files(networks: Sequence[HlsNetwork]) -> dict[str, str]:
    """The static headers, a folder for each network, and the functions around them."""
    files = {name: static_text(f"hls/{name}") for name in (*HEADERS, "fpgaq_host.h")}
    for network in networks:
        own = {name: text for name, text in sources(network).items() if name not in HEADERS}
        files.update({f"{network.top}/{name}": text for name, text in own.items()})
    files["engine.cpp"] = render("hls/library.cpp.j2", {"networks": networks})
    return files


def compiled_path(graph: IntegerGraph) -> Path:
    """Where the compiled network is kept: by its digest and sources, the compiler, its options and the processor."""
    network = _wide(graph)
    key = hashlib.sha256(repr((_compiler_version(), _processor(), STRICT, SHARED, OPTIMIZE)).encode())
    for name, text in _source_files([network]).items():
        key.update(f"\0{name}\0{text}".encode())
    return cache_folder(ENGINES) / f"{network.digest[:16]}_{key.hexdigest()[:16]}.so"


def compile_graph(graph: IntegerGraph) -> Library:
    """The compiled network, from the user's cache folder if it was compiled before.

    A kept one is loaded if it belongs to this user and is whole, in a folder where nobody else can write; otherwise the
    network is compiled again. ToolError if that fails.
    """
    path = compiled_path(graph)
    try:
        private_folder(ENGINES)
        if not (is_trusted(path) and _is_whole(path)):
            with tempfile.TemporaryDirectory(prefix="fpgaq-engine-") as temporary:
                library = compile_networks([_wide(graph)], [graph], Path(temporary), options=OPTIMIZE)
                content = library.path.read_bytes()
            keep(path, content + hashlib.sha256(content).digest())
    except OSError as error:
        raise ToolError(
            f"{path.parent}: cannot be written ({error.strerror or error}); let XDG_CACHE_HOME name another folder,"
            " or use --engine numpy"
        ) from None
    return Library(path, (graph,))


def _is_whole(path: Path) -> bool:
    """Whether a kept library ends in its own digest, which the loader does not look at."""
    content = path.read_bytes()
    return hashlib.sha256(content[:-32]).digest() == content[-32:]


def with_all_tensors(graph: IntegerGraph) -> IntegerGraph:
    """The network with every tensor that a layer writes as an output."""
    outputs = tuple(op.output for op in graph.operators)
    shapes = {}
    for name in outputs:
        height, width, channels = graph.tensors[name].shape
        shapes[name] = graph.output_shapes.get(name, (channels, height, width))
    return replace(graph, outputs=outputs, output_shapes=shapes)


def _wide(graph: IntegerGraph) -> HlsNetwork:
    return describe(graph, widest(graph), "network")


@lru_cache(maxsize=1)
def _compiler_version() -> str:
    compiler = find_compiler()
    if compiler is None:
        raise ToolError("no C++ compiler was found; install g++, or use --engine numpy")
    name = Path(compiler).name
    lines = ask_tool(name, [compiler, "--version"]).output.splitlines()
    return f"{name} {lines[0] if lines else 'unknown'}"


@lru_cache(maxsize=1)
def _processor() -> str:
    """The features of this processor."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.lower().startswith(("flags", "features")):
                return f"{platform.machine()} {line}"
    return f"{platform.machine()} {platform.processor()} {platform.node()}"
