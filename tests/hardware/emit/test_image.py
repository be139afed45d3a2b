"""Images of weights: what is in them, which hardware they fit, and what is refused by name."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
import zlib
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.base.errors import ModelError, UnsupportedError, UsageError, VerificationError
from fpgaq.base.formats import Format
from fpgaq.base.npy import archive_bytes
from fpgaq.hardware.emit.image import IMAGE, LAYOUT, SCHEMA, Layout, read_layout
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.lowering.loadable import with_loadable_weights
from fpgaq.hardware.schedule import Target
from fpgaq.integer.accumulators import operator_bounds
from fpgaq.integer.file import digest
from fpgaq.integer.graph import IntegerGraph, IntegerScale
from tests.support.loadable import KINDS, every_kind, with_other_weights, with_others
from tests.support.network_builder import NetworkBuilder

LOADABLE = Wish(32, loadable=True)


def network() -> IntegerGraph:
    return NetworkBuilder(3, (6, 5, 3)).convolution(5).convolution(3, relu=False).graph()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("loadable") / "out"
    pipeline.generate(network(), path, Target(multipliers=12), frames=1, wish=LOADABLE)
    return path


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hardware with words of every kind."""
    path = tmp_path_factory.mktemp("mixed") / "out"
    pipeline.generate(every_kind(1), path, Target(multipliers=2), frames=1, wish=LOADABLE)
    return path


def words(content: bytes) -> list[int]:
    return [int(word) for word in np.frombuffer(content, "<u4")]


def test_an_image_has_identity_digest_parts_and_crc(folder: Path) -> None:
    image = (folder / IMAGE).read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text())
    told, found = manifest["image"], words(image)
    assert len(found) == told["words"] and f"{found[0]:08x}" == told["identity"]
    assert "".join(f"{word:08x}" for word in found[1:9]) == digest(network()) == manifest["digest"]
    assert found[-1] == zlib.crc32(image[:-4])
    parts = sum(one["words"] * -(-one["width"] // 32) for one in told["memories"])
    assert len(found) == 9 + parts + 1
    assert not (folder / "bench" / "test_network.py").exists() and "constant" not in manifest


def layout_of(folder: Path) -> Layout:
    with (folder / LAYOUT).open("rb") as stream:
        return read_layout(stream, LAYOUT)


def damaged(whole: bytes) -> dict[str, bytes]:
    def changed(**parts: Any) -> bytes:
        with zipfile.ZipFile(io.BytesIO(whole)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        described = {**json.loads(members["layout.json"]), **parts}
        return archive_bytes({**members, "layout.json": json.dumps(described).encode()})

    return {
        "empty": b"",
        "no zip": b"PK\x03\x04 and no more",
        "cut": whole[: len(whole) // 2],
        "no description": archive_bytes({"0_0.npy": b""}),
        "no list": changed(memories=3),
        "a missing array": changed(memories=[[["weight", 8], ["bias", 8], ["lift", 2], ["more", 1]]]),
        "no number": changed(layers={"layer0": ["a", 1, 2]}),
        "another type": changed(structure=None, layers=[]),
    }


def test_a_damaged_layout_is_one_line(folder: Path, tmp_path: Path) -> None:
    whole = (folder / LAYOUT).read_bytes()
    for name, content in damaged(whole).items():
        (tmp_path / name).write_bytes(content)
        with (tmp_path / name).open("rb") as stream, pytest.raises(ModelError, match=re.escape(LAYOUT)) as error:
            read_layout(stream, LAYOUT)
        assert "\n" not in str(error.value), name
    shutil.copytree(folder, tmp_path / "out")
    (tmp_path / "out" / LAYOUT).write_bytes(b"PK")
    with pytest.raises(VerificationError, match="was changed"):
        pipeline.simulate(tmp_path / "out", weights=network())


def test_a_layout_of_the_first_schema_is_refused(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(folder / LAYOUT) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    described = json.loads(members["layout.json"])
    assert described.pop("schema") == SCHEMA == 2
    members["layout.json"] = json.dumps(described).encode()
    (tmp_path / "first").write_bytes(archive_bytes(members))
    with (tmp_path / "first").open("rb") as stream, pytest.raises(ModelError, match="schema 1, 2 is known"):
        read_layout(stream, LAYOUT)


def test_each_number_stands_in_the_image_once(folder: Path, mixed: Path) -> None:
    counts = {"weight": 5 * 27 + 3 * 45, "bias": 8, "lift": 8, "low": 2, "high": 2}
    every = {"weight": 15 + 9, "bias": 6, "lift": 9, "scale": 3, "negative": 3, "offset": 3, "entry": 16, "low": 5,
             "high": 5}  # fmt: skip
    for path, wanted in ((folder, counts), (mixed, every)):
        memories = layout_of(path).memories
        assert {source for memory in memories for source in memory.holds} == set(wanted)
        _each_once(path, wanted)


def _each_once(folder: Path, wanted: dict[str, int]) -> None:
    layout = layout_of(folder)
    for source, count in wanted.items():
        places = np.concatenate(
            [field.index[field.index > 0] for memory in layout.memories for field in memory.fields
             if field.source == source])  # fmt: skip
        assert sorted(places.tolist()) == list(range(1, count + 1))


def test_the_image_of_another_network_differs_in_its_words_alone(folder: Path, tmp_path: Path) -> None:
    other = with_other_weights(network(), 1, shift=1)
    result = pipeline.image(other, folder, tmp_path / "other.bin")
    old, new = words((folder / IMAGE).read_bytes()), words((tmp_path / "other.bin").read_bytes())
    assert len(old) == len(new) == result.words and old[0] == new[0] and old[9:-1] != new[9:-1]
    assert "".join(f"{word:08x}" for word in new[1:9]) == digest(other) == result.digest
    again = pipeline.image(network(), folder, tmp_path / "same.bin")
    assert (tmp_path / "same.bin").read_bytes() == (folder / IMAGE).read_bytes() and again.bytes == 4 * len(old)


def test_accumulators_hold_every_weight_and_bias_of_their_formats() -> None:
    for op in with_loadable_weights(network()).operators:
        full = replace(op.weight_format, narrow=False)  # type: ignore[attr-defined]
        most = 1 << (op.accumulator_width - 2)  # type: ignore[attr-defined]
        for weight in (full.minimum, full.maximum):
            for bias in (-most, most - 1):
                filled = replace(op, weight=np.full_like(op.weight, weight), bias=np.full_like(op.bias, bias))  # type: ignore[attr-defined, call-arg]
                source = network().tensors[op.input].format
                assert operator_bounds(filled, source).width <= op.accumulator_width  # type: ignore[attr-defined]


def test_what_an_image_cannot_change_is_named(folder: Path, tmp_path: Path) -> None:
    first, last = network().operators
    cases = {
        r"shape of the weights": NetworkBuilder(3, (6, 5, 3)).convolution(5).convolution(4, relu=False).graph(),
        r"number of layers: 1, the hardware has 2": NetworkBuilder(3, (6, 5, 3)).convolution(5).graph(),
        r"shape of 't0'": NetworkBuilder(3, (6, 6, 3)).convolution(5).convolution(3, relu=False).graph(),
        r"format of 't0'": NetworkBuilder(3, (6, 5, 3), Format(7, 4)).convolution(5).convolution(3, relu=False).graph(),
        r"stride of layer 'layer0': \(2, 1\)": replace(network(), operators=(replace(first, stride=(2, 1)), last)),
        r"requantizer of layer 'layer1'": replace(network(), operators=(first, replace(
            last, requantize=replace(last.requantize, rounding="half_even")))),  # type: ignore[attr-defined]
        r"layer 'layer0': a shift of 12; the hardware shifts by 5 to 9": with_other_weights(network(), 2, shift=5),
        r"a bias of 8388608; the hardware holds 20 bits": replace(network(), operators=(replace(
            first, bias=np.full(5, 1 << 23)), last)),
    }  # fmt: skip
    for message, graph in cases.items():
        with pytest.raises(UsageError, match=message):
            pipeline.image(graph, folder, tmp_path / "refused.bin")
    assert not (tmp_path / "refused.bin").exists()


def changed(layer: int, **fields: Any) -> IntegerGraph:
    """`every_kind` with other fields of one layer."""
    graph = every_kind(1)
    operators = list(graph.operators)
    operators[layer] = replace(operators[layer], **fields)  # type: ignore[call-arg]
    return replace(graph, operators=tuple(operators))


def test_what_an_image_cannot_change_of_other_layers_is_named(mixed: Path, tmp_path: Path) -> None:
    ops: Any = every_kind(1).operators
    scale, table, add = ops[1], ops[2], ops[3]
    narrow = every_kind(1)
    narrow = replace(narrow, tensors={**narrow.tensors, "t3": replace(narrow.tensors["t3"],
                                                                     format=Format(7, 3, narrow=True))})  # fmt: skip
    cases = {
        r"layer 'layer2': an offset of 4096; the hardware holds 12 bits": changed(
            1, offset=np.array([0, 4096, 1]), accumulator_width=20),
        r"scale_width of layer 'layer2': 6, the hardware has 5": changed(1, scale_width=6),
        r"layer 'layer2': a shift of 9; the hardware shifts by 0 to 4": changed(
            1, requantize=replace(scale.requantize, shift=(9,))),
        r"scales of their own for negative elements of layer 'layer2': False, the hardware has True": changed(
            1, negative_scale=None),
        r"requantizer of layer 'layer2', its shifts and limits apart,: half_even, the hardware has half_away": changed(
            1, requantize=replace(scale.requantize, rounding="half_even")),
        r"requantize of layer 'layer3'": changed(2, requantize=replace(table.requantize, rounding="floor")),
        r"signs of layer 'layer4': \(1, 1\), the hardware has \(1, -1\)": changed(3, signs=(1, 1)),
        r"requantizer of layer 'layer4', its limits apart,: half_away, shift 2, the hardware has half_away, shift 1":
            changed(3, requantize=replace(add.requantize, shift=(2,))),
        r"format of 't3': s7.3 without its least code, the hardware has s7.3": narrow,
    }  # fmt: skip
    for message, graph in cases.items():
        with pytest.raises(UsageError, match=message):
            pipeline.image(graph, mixed, tmp_path / "refused.bin")


def test_limits_tables_and_scales_are_words(mixed: Path, tmp_path: Path) -> None:
    for kind in KINDS:
        pipeline.image(with_others(every_kind(1), 3, (kind,)), mixed, tmp_path / f"{kind}.bin")
    images = {path.read_bytes() for path in tmp_path.glob("*.bin")} | {(mixed / IMAGE).read_bytes()}
    assert len(images) == len(KINDS) + 1 and len({len(image) for image in images}) == 1


def test_totals_hold_every_scale_and_offset_of_their_formats() -> None:
    graph = every_kind(1)
    (op,) = (op for op in with_loadable_weights(graph).operators if isinstance(op, IntegerScale))
    most, source = 1 << (op.accumulator_width - 2), graph.tensors[op.input].format
    for scale, negative, offset in product((-16, 15), (-16, 15), (-most, most - 1)):
        filled = replace(op, scale=np.full(3, scale), negative_scale=np.full(3, negative), offset=np.full(3, offset))
        assert operator_bounds(filled, source).width <= op.accumulator_width
    wide = replace(op, scale_width=60)
    with pytest.raises(UnsupportedError, match="'layer2': needs 68 bits for any scales of 60 bits; to 64"):
        with_loadable_weights(replace(graph, operators=(graph.operators[0], wide, *graph.operators[2:])))


def test_hardware_with_constants_takes_no_image(tmp_path: Path) -> None:
    pipeline.generate(network(), tmp_path / "out", Target(multipliers=1), frames=1, wish=Wish(32))
    with pytest.raises(UsageError, match="its weights are constants; generate it with --weights loadable"):
        pipeline.image(network(), tmp_path / "out", tmp_path / "x.bin")


def test_options_that_look_at_weights_are_refused(tmp_path: Path) -> None:
    cases = [
        ({"device": "ecp5"}, Target(multipliers=1), "--device estimates weights that are constants"),
        ({"factor_bits": 18}, Target(multipliers=1), "--pack lets constants share multipliers"),
        ({"language": "hls"}, Target(multipliers=1), "leave --language hls out"),
        ({}, Target(latency=1000), "--latency needs --multipliers or --fps"),
        ({}, Target(multipliers=8, adders=True), "--adders makes logic of the weights"),
    ]
    for options, target, message in cases:
        with pytest.raises(UsageError, match=message):
            pipeline.generate(network(), tmp_path / "out", target, wish=LOADABLE, **options)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="--unroll makes logic of the weights"):
        pipeline.unroll(network(), tmp_path / "out", wish=LOADABLE)
    with pytest.raises(UsageError, match="weights are loaded through the wrapper; give --bus too"):
        pipeline.generate(network(), tmp_path / "out", Target(multipliers=1), wish=Wish(loadable=True))


def test_a_requantizer_that_multiplies_is_refused() -> None:
    first, last = network().operators
    rule = replace(last.requantize, rule="multiply_shift", multiplier=(3,))  # type: ignore[attr-defined]
    graph = replace(network(), operators=(first, replace(last, requantize=rule)))  # type: ignore[call-arg]
    with pytest.raises(UnsupportedError, match="'layer1': requantizes by a multiplier"):
        with_loadable_weights(graph)


def test_identities_differ_where_images_do(folder: Path, tmp_path: Path) -> None:
    seen = {layout_of(folder).identity}
    even = NetworkBuilder(3, (6, 5, 3)).convolution(5).convolution(3, relu=False, rounding="half_even").graph()
    for place, (graph, multipliers) in enumerate(((network(), 1), (network(), 200), (even, 12))):
        out = tmp_path / str(place)
        pipeline.generate(graph, out, Target(multipliers=multipliers), frames=1, wish=LOADABLE)
        seen.add(layout_of(out).identity)
    assert len(seen) == 4
    again = tmp_path / "again"
    pipeline.generate(with_other_weights(network(), 4), again, Target(multipliers=12), frames=1, wish=LOADABLE)
    other = layout_of(again)
    assert other.identity in seen
