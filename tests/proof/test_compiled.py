"""Compiled networks: equal to the reference, cached, and refused where they cannot be made."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.base import user_cache
from fpgaq.base.errors import ModelError, ToolError, ToolTimeoutError, VerificationError
from fpgaq.hardware.emit.hls import describe, widest
from fpgaq.integer import file as integer_file
from fpgaq.integer.graph import IntegerAffine, IntegerGraph
from fpgaq.integer.reference import run
from fpgaq.proof import compiled
from fpgaq.proof.compiled import compile_graph, compile_networks, compiled_path, find_compiler, with_all_tensors
from tests.support.integer_networks import small_network
from tests.support.integer_operators import residual_network

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="needs g++ or clang++")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def frames_of(graph: IntegerGraph, count: int, seed: int = 0) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(seed)
    formats = {name: graph.tensors[name] for name in graph.inputs}
    return {
        name: chance.integers(tensor.format.minimum, tensor.format.maximum + 1, size=(count, *tensor.shape))
        for name, tensor in formats.items()
    }


@pytest.mark.parametrize("count", [0, 1, 2 * compiled.CALL_FRAMES + 1])
def test_equal_to_the_reference(count: int, tmp_path: Path) -> None:
    graphs = [small_network(), residual_network()]
    networks = [describe(graph, widest(graph), f"network_{index}") for index, graph in enumerate(graphs)]
    library = compile_networks(networks, graphs, tmp_path, options=["-O0", "-DFPGAQ_CHECKS"])
    for which, graph in enumerate(graphs):
        inputs = frames_of(graph, count)
        expected, found = run(graph, inputs), library.run(inputs, which)
        assert set(found) == set(graph.outputs)
        assert all(found[name].shape == expected[name].shape for name in found)
        assert all((found[name] == expected[name]).all() for name in found)


def test_every_tensor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "OPTIMIZE", ("-O0",))
    graph = residual_network()
    inputs = frames_of(graph, 3)
    found, expected = compile_graph(with_all_tensors(graph)).run(inputs), run(graph, inputs, keep=True)
    assert set(found) | set(graph.inputs) == set(expected)
    assert all((found[name] == expected[name]).all() for name in found)


def test_cached_by_content(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "OPTIMIZE", ("-O0",))
    graph = small_network()
    first = compile_graph(graph)
    assert first.path == compiled_path(graph) and first.path.name.startswith(integer_file.digest(graph)[:16])
    written = first.path.stat().st_mtime_ns
    assert compile_graph(graph).path.stat().st_mtime_ns == written
    assert compiled_path(small_network(1)) != first.path
    monkeypatch.setattr(compiled, "OPTIMIZE", ("-O1",))
    assert compiled_path(graph) != first.path
    assert [path.suffix for path in first.path.parent.iterdir()] == [".so"]


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[IntegerGraph, Path]:
    """A network and its kept library, in whose place another one is put that tells when it is loaded."""
    monkeypatch.setattr(compiled, "OPTIMIZE", ("-O0",))
    graph = small_network()
    path = compile_graph(graph).path
    (tmp_path / "evil.c").write_text(
        f'#include <stdio.h>\n__attribute__((constructor)) void f(void) {{ fclose(fopen("{tmp_path}/owned", "w")); }}\n'
    )
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "evil.so", "evil.c"], cwd=tmp_path, check=True)
    put(path, (tmp_path / "evil.so").read_bytes())
    return graph, path


def put(path: Path, content: bytes) -> None:
    """Another file in the place: the old one may be loaded."""
    path.unlink()
    path.write_bytes(content)


def assert_sound(graph: IntegerGraph) -> None:
    inputs = frames_of(graph, 2)
    found, expected = compile_graph(graph).run(inputs), run(graph, inputs)
    assert all((found[name] == expected[name]).all() for name in expected)


def test_a_damaged_entry_heals(planted: tuple[IntegerGraph, Path], tmp_path: Path) -> None:
    """Another library, one cut short, one with a flipped bit, and none at all."""
    graph, path = planted
    assert_sound(graph)
    sound = path.read_bytes()
    flipped = bytearray(sound)
    flipped[len(flipped) // 2] ^= 1
    for damaged in (sound[:1000], bytes(flipped), b""):
        put(path, damaged)
        assert_sound(graph)
        assert path.read_bytes()[-32:] == hashlib.sha256(path.read_bytes()[:-32]).digest()
    assert not (tmp_path / "owned").exists()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_nothing_is_loaded_from_a_folder_of_others(planted: tuple[IntegerGraph, Path], tmp_path: Path) -> None:
    graph, path = planted
    evil = path.read_bytes()
    evil += hashlib.sha256(evil).digest()
    put(path, evil)
    for folder in (path.parent, path.parent.parent):
        folder.chmod(0o777)
        with pytest.raises(ToolError, match="can be written by others .mode 777.*XDG_CACHE_HOME"):
            compile_graph(graph)
        folder.chmod(0o700)
    moved = tmp_path / "moved"
    path.parent.rename(moved)
    path.parent.symlink_to(moved)
    with pytest.raises(ToolError, match="is not a folder of this user"):
        compile_graph(graph)
    path.parent.unlink()
    moved.rename(path.parent)
    # In a folder that is ours: an entry that others may write, one of another user, or a link.
    path.chmod(0o666)
    assert_sound(graph)
    assert path.read_bytes() != evil
    put(path, evil)
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
        assert_sound(graph)
        assert path.read_bytes() != evil
    path.unlink()
    (tmp_path / "other.so").write_bytes(evil)
    path.symlink_to(tmp_path / "other.so")
    assert_sound(graph)
    assert path.read_bytes() != evil and not path.is_symlink()
    assert not (tmp_path / "owned").exists()
    if os.geteuid() == 0:
        os.chown(path.parent, 65534, 65534)
        with pytest.raises(ToolError, match="is not a folder of this user"):
            compile_graph(graph)


def test_the_folder_is_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = user_cache.private_folder("engines")
    finally:
        os.umask(before)
    assert [place.stat().st_mode & 0o777 for place in (folder, folder.parent)] == [0o700, 0o700]
    folder.chmod(0o755)
    assert user_cache.private_folder("engines").stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for ignored in ("relative/cache", "", "."):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        assert user_cache.cache_folder("synth") == tmp_path / "home" / ".cache" / "fpgaq" / "synth"


def test_two_networks_in_one_process(tmp_path: Path) -> None:
    """Two networks with the same names but other sizes: each has memory of its own."""
    libraries = []
    for seed, options in ((0, ["-O0"]), (1, ["-O0", "-DFPGAQ_CHECKS"])):
        graph = residual_network(seed)
        every = with_all_tensors(graph) if seed else graph
        network = describe(every, widest(every), "network")
        libraries.append(compile_networks([network], [every], tmp_path / str(seed), options=options))
    for library in (*libraries, *reversed(libraries)):
        inputs = frames_of(library.graphs[0], 2)
        found, expected = library.run(inputs), run(library.graphs[0], inputs)
        assert all((found[name] == expected[name]).all() for name in expected)


def test_checks_find_an_overflow(tmp_path: Path) -> None:
    """A network whose stated accumulator is too narrow, which `check` would refuse."""
    graph = small_network()
    last = graph.operators[-1]
    assert isinstance(last, IntegerAffine)
    narrow = replace(graph, operators=(*graph.operators[:-1], replace(last, accumulator_width=4)))
    network = describe(narrow, widest(narrow), "network")
    library = compile_networks([network], [narrow], tmp_path, options=["-O0", "-DFPGAQ_CHECKS"])
    with pytest.raises(VerificationError, match="overflowed its proved width"):
        library.run(frames_of(graph, 2))


def test_refusals(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(compiled, "OPTIMIZE", ("-O0",))
    graph = small_network()
    name = graph.inputs[0]
    library = compile_graph(graph)
    with pytest.raises(ModelError, match="leave the range"):
        library.run({name: frames_of(graph, 1)[name] + (1 << 40)})
    monkeypatch.setattr(compiled, "OPTIMIZE", ("-fno-such-option",))
    with pytest.raises(ToolError, match="failed"):
        compile_graph(graph)
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    monkeypatch.setattr(compiled, "OPTIMIZE", ("-O0",))
    with pytest.raises(ToolError, match="cannot be written .*XDG_CACHE_HOME"):
        compile_graph(graph)
    monkeypatch.setenv("PATH", str(tmp_path))
    compiled._compiler_version.cache_clear()
    with pytest.raises(ToolError, match="no C.* compiler was found; install g"):
        pipeline.run(graph, {name: np.zeros((1, *graph.transforms[name].model_shape))}, engine="cpp")


def test_a_compiler_that_takes_too_long_is_named(tmp_path: Path) -> None:
    graph = small_network()
    network = describe(graph, widest(graph), "network")
    compiler = Path(find_compiler() or "g++").name
    with pytest.raises(ToolTimeoutError, match=rf"^{re.escape(compiler)} did not finish in 0.01 s .*; --engine numpy"):
        compile_networks([network], [graph], tmp_path, options=["-O0"], timeout=0.01)
