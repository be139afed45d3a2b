"""The report as a page: every number is that of the JSON, names cannot break it, and its verdict follows the record."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from fpgaq import pipeline
from fpgaq.base.formats import Format
from fpgaq.cli import invoke
from fpgaq.hardware.emit.render import render
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.schedule import Target
from fpgaq.model.graph import Graph
from fpgaq.pipeline.reporting import MOST_PIXELS, _pictures, report_files
from fpgaq.study.report.metrics import MOST_DISAGREEMENTS, Disagreement
from fpgaq.study.report.page import FORMS, html_page, look_up
from tests.compat.interface import RELEASE
from tests.support.network_builder import NetworkBuilder
from tests.support.planted_faults import renew_digests
from tests.support.reports import EXAMPLE, HOSTILE, gather_report, hostile_model, record, write_folder_of

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.once

SCHEMA = Path(__file__).parents[3] / "docs" / "contracts" / "report.schema.json"
MOST_BYTES = 3_000_000


class Page(HTMLParser):
    """The numbers of a page with their paths, its elements, and all that it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.numbers: list[tuple[str, str, str, str]] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self._open: dict[str, str] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        known = {name: value or "" for name, value in attrs}
        self.links += [known[name] for name in ("src", "href", "xlink:href", "action", "data") if name in known]
        self.links += [name for name in known if name.startswith("on")]
        self._open = known if tag == "data" else None

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._open is not None:
            self.numbers.append((self._open["data-path"], self._open["value"], self._open["data-form"], data))
            self._open = None


@pytest.fixture(scope="module")
def graph() -> Graph:
    return hostile_model()


@pytest.fixture(scope="module")
def folder(graph: Graph, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder_of(graph, tmp_path_factory.mktemp("report") / "out")


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "out"))


@pytest.fixture(scope="module")
def files(graph: Graph, folder: Path) -> dict[str, str]:
    record(folder)
    report = gather_report(folder, graph)
    return {**report_files(report), **report_files(report, "md")}


def state(folder: Path) -> str:
    return pipeline.gather(folder).verdict.state


def test_every_number_of_the_page_is_that_of_the_json(files: dict[str, str]) -> None:
    page, content = Page(files["report.html"]), json.loads(files["report.json"])
    assert len(page.numbers) > 300
    for path, value, form, shown in page.numbers:
        found = look_up(content, path)
        assert value == str(found) and shown == FORMS[form](found), path


def test_a_changed_number_is_noticed(files: dict[str, str]) -> None:
    content: dict[str, Any] = json.loads(files["report.json"])
    content["hardware"]["interval_cycles"] += 1
    wrong = [path for path, value, _, _ in Page(files["report.html"]).numbers if value != str(look_up(content, path))]
    assert wrong and set(wrong) == {"hardware.interval_cycles"}


def test_names_of_a_model_stay_text(files: dict[str, str]) -> None:
    page = Page(files["report.html"])
    assert "script" not in page.tags and files["report.html"].count("<script") == 0
    assert any("<script>alert(1)</script>" in words and "{{ 7 * 7 }}" in words for words in page.words)
    assert "\u202e" not in files["report.html"] and "\\u202e" in files["report.html"]
    for line in files["report.md"].splitlines():
        # Only as code, which no `|` or backquote of the name ends.
        assert "<script>" not in line or re.search(r"`[^`|]*<script>alert\(1\)</script>[^`|]*`", line)


def test_the_page_is_small_and_loads_nothing(files: dict[str, str]) -> None:
    text = files["report.html"]
    assert len(text.encode()) < MOST_BYTES
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in Page(text).links)
    assert not re.search(r"url\((?!#)|@import", text) and "default-src 'none'" in text


def test_print_is_dark_on_white_whatever_the_screen() -> None:
    css = render("report/report.css.j2", {})
    dark, printed = (re.search(rf"@media {kind} {{(.*?)\n}}", css, re.DOTALL) for kind in (r"\(.*dark\)", "print"))
    assert dark is not None and printed is not None and printed.start() > dark.start()
    assert set(re.findall(r"--\w+(?=:)", dark.group())) == set(re.findall(r"--\w+(?=:)", printed.group()))


@pytest.mark.parametrize(("side", "shown"), [(96, 96), (97, 49), (224, 75)])
def test_large_samples_are_thinned_out(side: int, shown: int) -> None:
    pixels = np.arange(2 * 3 * side * side).reshape(2, 3, side, side)
    compared = SimpleNamespace(disagreements=[Disagreement(1, 3, 4, 5)])
    (picture,) = _pictures(compared, SimpleNamespace(inputs={"x": pixels}))
    found = np.array(picture["pixels"])
    assert found.shape == (3, shown, shown) and found[1, 0, 1] == pixels[1, 1, 0, -(-side // 96)]


@pytest.mark.slow
@pytest.mark.parametrize("layers", [240, 1000])
def test_a_page_of_many_layers_and_large_samples_is_small(files: dict[str, str], layers: int) -> None:
    content = json.loads(files["report.json"])
    own = content["layers"]
    content["layers"] = [{**own[i % len(own)], "name": f"stage {i}"} for i in range(layers)]
    noise = np.random.default_rng(0).integers(0, 256, (3, MOST_PIXELS, MOST_PIXELS)).tolist()
    content["disagreements"] = [
        {"sample": 1, "label": 2, "float_answer": 3, "integer_answer": 4, "pixels": noise}
    ] * MOST_DISAGREEMENTS
    assert len(html_page(content).encode()) < MOST_BYTES


def test_the_json_keeps_its_schema(files: dict[str, str], folder: Path) -> None:
    check = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    check.validate(json.loads(files["report.json"]))
    check.validate(json.loads(json.dumps(pipeline.gather(folder).as_json())))
    broken = json.loads(files["report.json"])
    broken["verification"]["state"] = "good"
    assert not check.is_valid(broken)


def test_verified_needs_frames_and_the_digest_of_these_files(copy: Path) -> None:
    (copy / "verification.json").unlink(missing_ok=True)
    assert state(copy) == "unverified"
    record(copy, frames=0)
    assert state(copy) == "unverified"
    record(copy, manifest="0" * 64)
    assert state(copy) == "unverified"
    record(copy, outcome="different", frames=0, mismatches=None)
    assert state(copy) == "different"
    record(copy)
    assert state(copy) == "verified"
    page = report_files(pipeline.gather(copy))["report.html"]
    assert 'class="verdict verified"' in page


def test_a_wrong_weight_turns_the_verdict_red(copy: Path) -> None:
    record(copy)
    rom = next(path for path in sorted((copy / "rtl").glob("*.v")) if "'h" in path.read_text() and "rom" in path.name)
    text = rom.read_text()
    place = re.search(r"'h([0-9a-f])", text)
    assert place is not None
    rom.write_text(text[: place.start(1)] + f"{int(place[1], 16) ^ 1:x}" + text[place.end(1) :])
    found = pipeline.gather(copy)
    assert found.verdict.state == "changed" and rom.name in found.verdict.reason
    assert 'class="verdict changed"' in report_files(found)["report.html"]
    # With digests made anew nothing that was simulated speaks of these files.
    renew_digests(copy)
    assert state(copy) == "unverified"


def test_without_a_model_the_page_says_what_it_needs(folder: Path) -> None:
    found = pipeline.gather(folder)
    words = " ".join(" ".join(Page(report_files(found)["report.html"]).words).split())
    assert "needs the trained model and test data: fpgaq report DIR --model MODEL --test NPZ" in words
    assert "give --clock MHZ, or let fpgaq synth DIR find what the part reaches" in words
    assert found.as_json()["accuracy"] is None and found.as_json()["hardware"]["frames_per_second"] is None


def test_facts_of_the_layers(files: dict[str, str]) -> None:
    content = json.loads(files["report.json"])
    assert content["name"] == HOSTILE and content["accuracy"]["samples"] == 500
    assert sum(map(sum, content["accuracy"]["confusion"]["integer_counts"])) == 500
    hardware = content["hardware"]
    assert hardware["frames_per_second"] == 50e6 / hardware["interval_cycles"]
    assert hardware["bottleneck"]["busy_cycles"] == max(layer["time"]["busy_cycles"] for layer in content["layers"])
    assert hardware["resources"]["source"] == "estimated"
    for layer in content["layers"]:
        for kind in ("weights", "activations"):
            facts = layer[kind]
            assert facts is None or sum(facts["counts"]) == facts["values"]
    known = {(each["what"], each["how"]) for layer in content["layers"] for each in layer["known"]}
    assert {("accumulator", "proved"), ("weights", "proved"), ("output range", "measured")} <= known


def test_the_command_writes_into_the_folder_and_a_build_may_replace_it(copy: Path, tmp_path: Path) -> None:
    record(copy)
    assert invoke(["report", str(copy), "--quiet"]) == 0
    assert (copy / "report.html").is_file() and state(copy) == "verified"
    other = tmp_path / "page.html"
    assert invoke(["report", str(copy), "-o", str(other), "--quiet"]) == 0
    assert other.is_file() and json.loads((tmp_path / "page.json").read_text())["schema"] == 1
    assert invoke(["generate", str(copy / "network.fpgaq"), "-o", str(copy), "--quiet"]) == 0
    assert not (copy / "report.html").exists() and state(copy) == "unverified"


def test_a_model_alone_is_refused(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["report", str(copy), "--model", str(EXAMPLE / "model.nnp")]) == 2
    assert "--test" in capsys.readouterr().err


def folder_of(kind: str, folder: Path) -> Path:
    """An output folder of each kind that the commands write; of 0.1.0's none has records."""
    network = NetworkBuilder(7, (1, 1, 6), Format(6, 4)).affine(4).affine(3, requantize=False).graph()
    if kind == "0.1.0":
        return shutil.copytree(RELEASE / "folder", folder)
    if kind == "unrolled":
        pipeline.unroll(network, folder, frames=1)
    else:
        wish = Wish(32, loadable=kind == "loadable") if kind in ("bus", "loadable") else None
        language = "hls" if kind == "hls" else "verilog"
        pipeline.generate(network, folder, Target(multipliers=4), frames=1, language=language, wish=wish)
    return folder


@pytest.mark.parametrize("kind", ["0.1.0", "hls", "unrolled", "bus", "loadable"])
def test_every_kind_of_folder_has_a_report(kind: str, tmp_path: Path) -> None:
    report = pipeline.gather(folder_of(kind, tmp_path / "out"))
    content = json.loads(json.dumps(report.as_json(), default=str))
    Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(content)
    assert content["verification"]["state"] == "unverified" and content["missing"]["accuracy"]
    assert (content["hardware"] is None) == (kind == "0.1.0")
    page = Page(report_files(report, "html")["report.html"])
    assert any("Not verified" in words for words in page.words)
    assert all(FORMS[form](look_up(content, path)) == shown for path, _, form, shown in page.numbers)
    assert "None" not in report_files(report, "md")["report.md"]
