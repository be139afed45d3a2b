"""The schemas and rules of docs/contracts, against files that are really written."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import math
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from fpgaq import pipeline
from fpgaq.base.errors import ModelError
from fpgaq.base.preparation import Preparation
from fpgaq.hardware.emit.hls import emit as emit_hls
from fpgaq.hardware.emit.unrolled import emit_unrolled
from fpgaq.hardware.emit.verilog import design_of
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.schedule import Target, make_schedule, plan_hardware
from fpgaq.hardware.unrolled import Unrolling, plan_network
from fpgaq.integer import file as integer_file
from fpgaq.integer.check import check
from fpgaq.integer.file import fields as file_fields
from fpgaq.integer.graph import IntegerGraph
from fpgaq.proof.bench import bench_files
from fpgaq.proof.vectors import golden_vectors
from tests.support.integer_networks import convolution_network, small_network
from tests.support.integer_operators import BUILDERS, residual_network
from tests.support.network_builder import NetworkBuilder
from tests.support.output_folder import make_files

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "contracts"
FILES = {"manifest": "manifest.json", "interface": "interface.json", "bench": "bench/bench.json"}
Files = dict[str, "str | bytes"]
ADDED = {
    ("verilog", "manifest"): {"schema", "modules", "roms"},
    ("unrolled", "manifest"): {"schema", "modules", "roms"},
    ("hls", "manifest"): {"schema", "modules", "roms", "memory_files", "memory_digests", "rom_directory", "prediction"}
    | {"streams", "layers"},
    ("verilog", "bench"): {"exercise"},
}
"""Keys that version 0.1.0 did not write, so that no reader may need them."""


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((PAGES / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def unrolled_graph() -> IntegerGraph:
    return NetworkBuilder(1, (1, 1, 6)).affine(7).affine(4, requantize=False).graph()


def unrolled_files() -> Files:
    graph = unrolled_graph()
    files: Files = dict(emit_unrolled(graph, plan_network(graph, Unrolling())))
    manifest, interface = (json.loads(files[FILES[name]]) for name in ("manifest", "interface"))
    return {**files, **bench_files(graph, manifest, interface)}


def hls_files() -> Files:
    graph = residual_network()
    schedule = make_schedule(graph, Target(multipliers=12))
    return dict(emit_hls(graph, schedule, golden_vectors(graph).tensors))


def wrapped_files(folder: Path) -> Files:
    """A folder with a wrapper under a name of its own, as `generate` writes it."""
    wish = Wish(64, buffered=True, top="mine")
    pipeline.generate(small_network(), folder, Target(multipliers=2), frames=1, wish=wish)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Files]:
    """The files of one folder of each kind."""
    return {
        "wrapped": wrapped_files(tmp_path_factory.mktemp("wrapped")),
        "verilog": make_files(residual_network(), 12),
        "shared": make_files(small_network(), 2),
        "unrolled": unrolled_files(),
        "hls": hls_files(),
    }


def read(files: Files, name: str) -> Any:
    return json.loads(files[FILES[name]])


def network_of(graph: IntegerGraph) -> Any:
    with zipfile.ZipFile(io.BytesIO(integer_file.dump(graph))) as archive:
        return json.loads(archive.read("network.json"))


@pytest.mark.parametrize("name", FILES)
def test_written_folders_keep_the_schemas(name: str, folders: dict[str, Files]) -> None:
    found = 0
    for files in folders.values():
        if FILES[name] in files:
            validator(name).validate(read(files, name))
            found += 1
    assert found >= 3


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["verilog", "hls"])
def test_schemas_notice_what_is_missing_and_allow_what_is_added(
    name: str, kind: str, folders: dict[str, Files]
) -> None:
    if FILES[name] not in folders[kind]:
        assert (name, kind) == ("bench", "hls")
        return
    value, check = read(folders[kind], name), validator(name)
    check.validate({**value, "schema": 1, "a_later_key": {"of": "any type"}})
    needed = set(value) - {"engines", "frame_error", "target"} - ADDED.get((kind, name), set())
    for key in needed:
        assert not check.is_valid({other: value[other] for other in value if other != key}), key
        assert not check.is_valid({**value, key: {"of": ["another type"]}}), key


def test_nested_values_are_checked(folders: dict[str, Files]) -> None:
    interface, check = read(folders["verilog"], "interface"), validator("interface")
    for key in interface["inputs"][0]:
        changed = copy.deepcopy(interface)
        del changed["inputs"][0][key]
        assert not check.is_valid(changed), key
    manifest, check = read(folders["verilog"], "manifest"), validator("manifest")
    for group in ("streams", "layers", "engines"):
        for key in set(manifest[group][0]) - {"latency_cycles"}:
            changed = copy.deepcopy(manifest)
            del changed[group][0][key]
            assert not check.is_valid(changed), (group, key)


def test_the_values_of_a_wrapper_are_checked(folders: dict[str, Files]) -> None:
    for name in ("manifest", "interface"):
        value, check = read(folders["wrapped"], name), validator(name)
        for key in value["wrapper"]:
            changed = copy.deepcopy(value)
            del changed["wrapper"][key]
            assert not check.is_valid(changed), key
    for port in (value["wrapper"]["input"], value["wrapper"]["output"]):
        assert port["bytes_per_frame"] * 8 == port["elements_per_frame"] * port["slot_bits"]
        whole = (port["beats_per_frame"] - 1) * port["tdata_bits"] // 8
        assert whole + port["last_beat_bytes"] == port["bytes_per_frame"]


@pytest.mark.parametrize("bad", ["/etc/passwd", "../other.v", "rtl/../../other.v", ""])
def test_paths_stay_inside_the_folder(bad: str, folders: dict[str, Files]) -> None:
    manifest = read(folders["verilog"], "manifest")
    assert not validator("manifest").is_valid({**manifest, "files": [*manifest["files"], bad]})


def test_every_kind_of_operator_keeps_the_schema_of_the_network() -> None:
    checks, kinds = {1: validator("network"), 2: validator("network-2")}, set()
    graphs = [builder(seed) for builder in BUILDERS.values() for seed in range(3)]
    for graph in [*graphs, residual_network(), small_network(), convolution_network(final=True), unrolled_graph()]:
        value = network_of(graph)
        checks[value["version"]].validate(value)
        kinds |= {op["kind"] for op in value["operators"]}
    assert kinds == set(file_fields.KINDS)


def test_the_schema_of_the_network_is_that_of_the_reader() -> None:
    definitions = json.loads((PAGES / "network.schema.json").read_text(encoding="utf-8"))["$defs"]
    assert set(definitions) - {"format", "requantize"} == set(file_fields.KINDS)
    for kind, fields in file_fields.FIELDS.items():
        assert set(definitions[kind]["properties"]) == {"kind", "name", "inputs", "output", *fields}, kind
        assert set(definitions[kind]["required"]) == set(definitions[kind]["properties"]), kind


def test_a_network_with_an_unknown_field_or_version_breaks_the_schema() -> None:
    value, check = network_of(residual_network()), validator("network")
    assert not check.is_valid({**value, "later": 1})
    assert not check.is_valid({**value, "version": 2})
    for index in range(len(value["operators"])):
        changed = copy.deepcopy(value)
        changed["operators"][index]["later"] = 1
        assert not check.is_valid(changed)
    changed = copy.deepcopy(value)
    changed["tensors"][0]["format"]["width"] = 65
    assert not check.is_valid(changed)


def test_numbers_of_the_ports(folders: dict[str, Files]) -> None:
    for files in folders.values():
        interface = read(files, "interface")
        assert interface["top"] == read(files, "manifest")["top"]
        for port in (*interface["inputs"], *interface["outputs"]):
            height, width, channels = port["shape"]
            assert port["tdata_bits"] == port["lanes"] * port["slot_bits"]
            assert port["beats_per_frame"] == height * width * math.ceil(channels / port["lanes"])
            assert port["scale"] == 2.0 ** -port["frac"]
            assert 0 <= port["slot_bits"] - port["width"] < 8


def test_files_of_the_manifest_are_in_the_order_of_compilation(folders: dict[str, Files]) -> None:
    for kind in ("verilog", "shared", "unrolled"):
        manifest = read(folders[kind], "manifest")
        modules = {Path(path).stem: index for index, path in enumerate(manifest["files"])}
        instances = 0
        for index, path in enumerate(manifest["files"]):
            for name in re.findall(r"^ +(\w+) (?:#\(|\w+ \()", str(folders[kind][path]), re.MULTILINE):
                if name in modules:
                    assert modules[name] < index, (path, name)
                    instances += 1
        assert instances >= len(manifest["layers"])
        for path, expected in manifest["memory_digests"].items():
            assert hashlib.sha256(str(folders[kind][path]).encode()).hexdigest() == expected


def test_the_digest_is_what_the_page_says() -> None:
    graph = residual_network()
    found = hashlib.sha256()
    with zipfile.ZipFile(io.BytesIO(integer_file.dump(graph))) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        for member in archive.infolist():
            assert (member.compress_type, member.date_time) == (zipfile.ZIP_STORED, (1980, 1, 1, 0, 0, 0))
            content = archive.read(member)
            found.update(member.filename.encode() + b"\0" + str(len(content)).encode() + b"\0" + content)
    assert found.hexdigest() == integer_file.digest(graph)


@pytest.mark.parametrize("page", ["stream", "fpgaq-file", "manifest", "interface"])
def test_rules_are_numbered_without_a_gap(page: str) -> None:
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", text, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= 10
    assert " must " in text and re.search(r"version \d", text.splitlines()[0])


def test_prepared_inputs_and_estimates_keep_the_schemas(tmp_path: Path) -> None:
    graph = small_network()
    name = graph.inputs[0]
    shape = graph.transforms[name].model_shape
    count = shape[0]
    prepared = Preparation(tuple(0.5 + index for index in range(count)), (0.25,), "nhwc")
    marked = replace(
        graph, estimate_only=True, transforms={name: replace(graph.transforms[name], preparation=prepared)}
    )
    value = network_of(marked)
    validator("network-2").validate(value)
    assert value["version"] == 2 and value["estimate_only"] is True
    integer_file.save(marked, tmp_path / "network.fpgaq")
    again = integer_file.load(tmp_path / "network.fpgaq")
    assert again.transforms == marked.transforms and again.estimate_only
    design = design_of(*plan_hardware(marked, Target(multipliers=8)))
    validator("interface").validate(design.interface())
    assert design.interface()["inputs"][0]["transform"]["layout"] == "nhwc"
    # Without either, the bytes are those of version 1.
    assert network_of(graph)["version"] == 1 and "estimate_only" not in network_of(graph)
    for broken in ({"scale": [1.0, 2.0], "offset": [0.0]}, {"scale": [float("inf")], "offset": [0.0]}):
        wrong = Preparation(tuple(broken["scale"]) * (count + 1), tuple(broken["offset"]))
        with pytest.raises(ModelError):
            check(replace(graph, transforms={name: replace(graph.transforms[name], preparation=wrong)}))
