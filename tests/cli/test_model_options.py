"""The options that say how a model is read."""

from __future__ import annotations

import pytest

from fpgaq.base.errors import UsageError
from fpgaq.cli import fpgaq
from fpgaq.cli.options import NetworkOptions


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x", "give each input once"), ("=1,2", "give each input once"), ("x=1,a", "give each input once"),
        ("x=1,0", "sizes of at least 1"), ("x=-1,3", "give each input once"), ("x=", "give each input once"),
    ],
)  # fmt: skip
def test_shapes_that_are_none_are_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        NetworkOptions(input_shape=(text,)).input_shapes()


def test_shapes_and_outputs_by_name() -> None:
    options = NetworkOptions(input_shape=("x=1,3,4", "a=b=2x5"), outputs="p, q")
    assert options.input_shapes() == {"x": (1, 3, 4), "a=b": (2, 5)}
    assert options.output_names() == ("p", "q")
    with pytest.raises(UsageError, match="names of outputs"):
        NetworkOptions(outputs="a,,b").output_names()
    assert NetworkOptions().input_shapes() is None and NetworkOptions().output_names() is None


@pytest.mark.parametrize(
    "command",
    ["summary", "quantize", "compare", "build", "search", "explore", "sensitivity", "finetune", "prune", "parity"],
)
def test_every_command_that_takes_a_model_takes_its_shapes(command: str) -> None:
    found = fpgaq.get_command(None, command)  # type: ignore[arg-type]
    assert found is not None
    assert {"input_shape", "outputs"} <= {parameter.name for parameter in found.params}
