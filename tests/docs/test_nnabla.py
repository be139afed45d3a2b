"""The examples of docs/nnabla.md print what the document says."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

pytestmark = pytest.mark.nnabla
DOCUMENT = Path(__file__).parents[2] / "docs" / "nnabla.md"


def test_examples_of_the_document(nnabla) -> None:
    text = DOCUMENT.read_text(encoding="utf-8").replace("```", "\n")
    examples = doctest.DocTestParser().get_doctest(text, {}, DOCUMENT.name, str(DOCUMENT), 0)
    assert len(examples.examples) > 15
    output: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(examples, out=output.append)
    assert result.failed == 0, "".join(output)
