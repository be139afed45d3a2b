"""Reading an output folder that somebody may have changed: nothing in it is run before it was held against digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ..base.errors import ModelError, UsageError, VerificationError
from ..base.kinds import expect
from ..base.regular import open_regular, read_text
from ..hardware.emit.versions import check_version

WANTED = "a folder made by `fpgaq generate`"
_HEXADECIMAL = frozenset("0123456789abcdef")
_NUMBER = (int,)
_MAYBE = (int, type(None))

_MANIFEST = {"top": (str,), "files": (list,), "memory_files": (list,), "prediction": (dict,), "streams": (list,)}
_PREDICTION = {"interval_cycles": _MAYBE, "latency_cycles": _NUMBER}
_NET = {"name": (str,), "tensor": (str,), "layer": (str,), "lanes": _NUMBER, "width": _NUMBER, "signed": (bool,)}
_STREAM = {**_NET, "shape": (list,), "data": (str,), "valid": (str,), "ready": (str,)}
_PORT = {
    **{"name": (str,), "tensor": (str,), "port": (str,), "signed": (bool,), "shape": (list,)},
    **dict.fromkeys(("lanes", "width", "slot_bits", "tdata_bits", "beats_per_frame"), _NUMBER),
}
_BENCH = {"frames": (list,), "streams": (list,)}
_VECTORS = {"kind": (str,), "vectors": (str,), "tensor": (str,)}


def read_manifest(directory: Path) -> dict[str, Any]:
    """manifest.json of Verilog, its types checked, and that all files are there.

    Raises
    ------
    ModelError
        It is missing, damaged or of another version, or a file that it lists is missing.
    UsageError
        The folder holds HLS C++.
    """
    expect(directory, "folder")
    path = directory / "manifest.json"
    manifest = read_json(path)
    if manifest.get("target") == "hls":
        raise UsageError(f"{directory}: holds HLS C++, which no Verilog simulator runs; run `make` in it")
    check_version(directory, manifest)
    if any(key not in manifest for key in _MANIFEST):
        raise ModelError(f"{path}: not a manifest of version 1; generate the folder anew")
    _check_types(path, "", manifest, _MANIFEST)
    _check_types(path, "prediction", manifest["prediction"], _PREDICTION)
    for index, stream in enumerate(manifest["streams"]):
        _check_types(path, f"streams[{index}]", stream, _STREAM)
    for key in ("digests", "memory_digests"):
        digests = manifest.get(key, {})
        _check_types(path, "", {key: digests}, {key: (dict,)})
        for name, digest in digests.items():
            if not isinstance(digest, str) or len(digest) != 64 or not _HEXADECIMAL.issuperset(digest):
                raise ModelError(f"{path}: {key}[{name!r}] is {digest!r:.80}, no SHA-256; generate the folder anew")
    for name in (*manifest["files"], *manifest["memory_files"], *_digests(manifest)):
        if not isinstance(name, str) or not name or "\\" in name or "\0" in name:
            raise ModelError(f"{path}: {name!r} is no path of a file; generate the folder anew")
        relative = PurePosixPath(name)
        if relative.is_absolute() or ".." in relative.parts:
            raise ModelError(f"{path}: {name!r} points outside the folder; generate it anew")
        if not (directory / relative).is_file():
            raise ModelError(f"{directory / relative}: missing; generate the folder anew")
    return manifest


def read_interface(directory: Path) -> dict[str, Any]:
    """interface.json, its types checked; ModelError if it is missing or damaged."""
    path = directory / "interface.json"
    interface = read_json(path)
    _check_types(path, "", interface, {"inputs": (list,), "outputs": (list,)})
    for side in ("inputs", "outputs"):
        for index, port in enumerate(interface[side]):
            _check_types(path, f"{side}[{index}]", port, _PORT)
    return interface


def check_wrapper(directory: Path, manifest: Mapping[str, Any], interface: Mapping[str, Any]) -> None:
    """Hold what both JSON files tell of a wrapper against what they must; ModelError if it is damaged."""
    path = directory / "manifest.json"
    wrapper = manifest["wrapper"]
    _check_types(path, "wrapper", wrapper, {"module": (str,), "files": (list,), "prediction": (dict,)})
    _check_types(path, "wrapper.prediction", wrapper["prediction"], _PREDICTION)
    for name in wrapper["files"]:
        if name not in _digests(manifest):
            raise ModelError(f"{path}: wrapper.files has {name!r:.80}, of which there is no digest; generate it anew")
    path = directory / "interface.json"
    if "wrapper" not in interface:
        raise ModelError(f"{path}: wrapper is missing; generate the folder anew")
    _check_types(path, "wrapper", interface["wrapper"], {"bus_bits": (int,), "input": (dict,), "output": (dict,)})
    numbers = ("tdata_bits", "slot_bits", "bytes_per_frame", "beats_per_frame")
    for side in ("input", "output"):
        _check_types(
            path, f"wrapper.{side}", interface["wrapper"][side], {"port": (str,), **dict.fromkeys(numbers, _NUMBER)}
        )


def read_bench(directory: Path) -> dict[str, Any]:
    """bench/bench.json, its types checked; ModelError if it is missing or damaged."""
    path = directory / "bench" / "bench.json"
    bench = read_json(path)
    _check_types(path, "", bench, _BENCH)
    if not all(isinstance(label, str) for label in bench["frames"]):
        raise ModelError(f"{path}: frames are no texts; generate the folder anew")
    for index, stream in enumerate(bench["streams"]):
        _check_types(path, f"streams[{index}]", stream, _VECTORS)
    return bench


def check_digests(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Hold every file against the manifest.

    A manifest of version 0.1.0 has digests of memory files only, and of the network.

    Raises
    ------
    VerificationError
        A file is not the one that was generated. Its exit code is that of hardware which differs from its model, as
        it was for memory files before: the hardware in this folder is not the one that was generated from it.
    """
    digests = _digests(manifest)
    for name, wanted in digests.items():
        with open_regular(directory / name, "a file as it was generated") as stream:
            found = hashlib.sha256(stream.read()).hexdigest()
        if found != wanted:
            raise VerificationError(
                f"{directory / name}: was changed: its SHA-256 is {found[:12]}..., manifest.json says"
                f" {wanted[:12]}...; generate the folder anew"
            )
    needed = (*manifest["files"], *manifest["memory_files"], "interface.json", "network.fpgaq")
    missing = [name for name in needed if name not in digests]
    if "digests" in manifest and missing:
        raise VerificationError(
            f"{directory / 'manifest.json'}: has no digest of {missing[0]!r}; generate the folder anew"
        )


def _digests(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    found: Mapping[str, str] = manifest["digests"] if "digests" in manifest else manifest.get("memory_digests", {})
    return found


def read_json(path: Path) -> dict[str, Any]:
    """An object from a JSON file; ModelError if there is none."""
    try:
        content = json.loads(read_text(path, WANTED))
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}; {WANTED} is needed") from None
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not sound JSON ({error}); generate the folder anew") from None
    if not isinstance(content, dict):
        raise ModelError(f"{path}: found a {type(content).__name__}, an object is needed; generate the folder anew")
    return content


def _check_types(path: Path, where: str, value: object, wanted: Mapping[str, Sequence[type]]) -> None:
    if not isinstance(value, dict):
        raise ModelError(f"{path}: {where} is {value!r:.80}, an object is needed; generate the folder anew")
    for key, types in wanted.items():
        place = f"{where}.{key}".lstrip(".")
        if key not in value:
            raise ModelError(f"{path}: {place} is missing; generate the folder anew")
        # A boolean is an integer to Python, not to us.
        if type(value[key]) not in types:
            raise ModelError(
                f"{path}: {place} is {value[key]!r:.80}, {' or '.join(kind.__name__ for kind in types)} is needed;"
                " generate the folder anew"
            )
        if key == "shape" and not all(type(size) is int and size > 0 for size in value[key]):
            raise ModelError(f"{path}: {place} is {value[key]!r:.80}, no shape; generate the folder anew")
        if key in ("lanes", "width", "slot_bits", "tdata_bits", "beats_per_frame") and value[key] < 1:
            raise ModelError(f"{path}: {place} is {value[key]}, 1 or more is needed; generate the folder anew")
