"""Reports of networks that are no classifiers: each task's own figures stand on the page, and nothing is remarked."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fpgaq.pipeline.reporting import report_files
from fpgaq.study.report.advice import advise
from tests.support.task_networks import TASKS, report_of

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.once

FIGURES = {
    "classes a pixel": ["pixel accuracy", "mean IoU"],
    "several labels": ["F1", "right labels"],
    "numbers": ["MAE", "R2"],
    "reconstruction": ["AUC"],
}


@pytest.mark.parametrize("task", TASKS)
def test_the_page_has_the_figures_of_the_task(task: str, tmp_path: Path) -> None:
    # A warning, such as of a comparison without any figure, is an error in these tests.
    report = report_of(task, tmp_path)
    assert report.compared is not None
    (metrics,) = report.compared.metrics
    assert metrics.task == task and [figure.name for figure in metrics.figures] == FIGURES[task]
    page = report_files(report)["report.html"]
    for place, figure in enumerate(metrics.figures):
        assert f"<td>{figure.name} of y ({task})</td>" in page
        for own in ("float_value", "integer_value"):
            path = f"accuracy.metrics.0.figures.{place}.{own}"
            assert f'<data value="{getattr(figure, own)}" data-path="{path}"' in page
    # An option that is advised is not parted at a line's end.
    assert not re.search(r"[^>]--[a-z]", page[page.index("What to try next") : page.index("<h2>Verification")])


@pytest.mark.parametrize(("loss", "words"), [(0.02, "The integers lose 2.00 % of F1"), (0.0, "Nothing was lost")])
def test_a_loss_of_the_tasks_own_figure_is_advised_on(loss: float, words: str, tmp_path: Path) -> None:
    report = report_of("several labels", tmp_path)
    assert report.compared is not None
    (metrics,) = report.compared.metrics
    first = replace(metrics.figures[0], float_value=0.9, integer_value=0.9 - loss)
    found = replace(metrics, figures=(first, *metrics.figures[1:]))
    facts: dict[str, Any] = replace(report, compared=replace(report.compared, metrics=(found,))).as_json()
    assert sum(words in advice for advice in advise(facts)) == 1
