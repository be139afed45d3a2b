"""The options that tell how a model is read."""

from __future__ import annotations

import pytest

from fpgaq.cli import fpgaq
from fpgaq.cli.options import pop_model_options
from fpgaq.errors import UsageError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x", "give each input once"), ("=1,2", "give each input once"), ("x=1,a", "give each input once"),
        ("x=1,0", "sizes of at least 1"), ("x=-1,3", "give each input once"), ("x=", "give each input once"),
    ],
)  # fmt: skip
def test_shapes_that_are_none_are_refused(text, words):
    values = {"input_shape": (text,), "outputs": None}
    with pytest.raises(UsageError, match=words):
        pop_model_options(values)


def test_model_options_are_what_the_reader_is_told():
    values = {"input_shape": ("x=1,3,4", "a=b=2x5"), "outputs": "p, q", "network": None, "other": 1}
    found = pop_model_options(values)
    assert found == {"input_shapes": {"x": (1, 3, 4), "a=b": (2, 5)}, "outputs": ("p", "q"), "network": None}
    assert values == {"other": 1}
    with pytest.raises(UsageError, match="names of outputs"):
        pop_model_options({"input_shape": (), "outputs": "a,,b"})
    assert pop_model_options({"input_shape": (), "outputs": None}) == {"input_shapes": None, "outputs": None}


@pytest.mark.parametrize(
    "command", ["summary", "quantize", "compare", "build", "search", "explore", "sensitivity", "finetune", "prune"]
)
def test_every_command_that_takes_a_model_takes_its_shapes(command):
    names = {parameter.name for parameter in fpgaq.commands[command].params}
    assert {"input_shape", "outputs"} <= names
