"""The picture of a network: its suffix is honoured, and names stay text."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from fpgaq.cli import invoke
from fpgaq.study.report.network_picture import draw_network, graph_nodes, network_picture
from fpgaq.study.report.plots import inline_svg
from tests.support.reports import EXAMPLE, hostile_model

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.once

STARTS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}


@pytest.mark.parametrize("suffix", STARTS)
def test_the_suffix_is_honoured(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"network.{suffix}"
    assert invoke(["summary", str(EXAMPLE / "model.nnp"), "--svg", str(path), "--quiet"]) == 0
    assert path.read_bytes().startswith(STARTS[suffix])


def test_another_suffix_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "network.gif"
    assert invoke(["summary", str(EXAMPLE / "model.nnp"), "--svg", str(path)]) == 2
    assert not path.exists() and ".png, .pdf, .svg" in capsys.readouterr().err


def test_layers_shapes_and_hostile_names_are_text() -> None:
    graph = hostile_model()
    nodes, labels = graph_nodes(graph)
    tree = ElementTree.fromstring(str(inline_svg(draw_network(nodes, labels, graph.inputs), "the network")))
    texts = [" ".join(element.itertext()) for element in tree.iter() if element.tag.endswith("text")]
    assert any("<script>alert(1)" in text for text in texts)
    assert not any(element.tag.endswith("script") for element in tree.iter())
    for op in graph.operators[1:]:
        assert any(op.name in text for text in texts), op.name
    assert "1x8x8 float" in " ".join(texts)
    assert network_picture(graph, "a.svg") == network_picture(graph, "a.svg")


def test_every_tensor_has_an_arrow() -> None:
    nodes, labels = graph_nodes(hostile_model())
    (axes,) = draw_network(nodes, labels, ["x"]).axes
    arrows = [text for text in axes.texts if getattr(text, "arrow_patch", None) is not None]
    # One for each reader, and one out of the last layer.
    assert len(arrows) == sum(len(node.inputs) for node in nodes) + 1
