"""The report's page in a browser: nothing is wider than a telephone or a screen, in light and in dark."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fpgaq.pipeline.reporting import report_files
from tests.support.reports import gather_report, hostile_model, record, write_folder_of
from tests.support.task_networks import TASKS, report_of

BROWSER = shutil.which("chromium-headless-shell")
PROBE = """<script>document.documentElement.setAttribute("data-found", [document.documentElement.scrollWidth,
document.documentElement.clientWidth, getComputedStyle(document.documentElement).backgroundColor].join(";"))</script>"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.once,
    pytest.mark.skipif(BROWSER is None, reason="needs Debian's chromium-headless-shell"),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("matplotlib")
    place, graph = tmp_path_factory.mktemp("page"), hostile_model()
    folder = write_folder_of(graph, place / "out")
    record(folder)
    return probed(report_files(gather_report(folder, graph))["report.html"], place / "page.html")


def probed(text: str, path: Path) -> Path:
    """The page with a script that measures it, as a file."""
    # The page forbids scripts of its own; the probe is the test's.
    policy = re.search(r"<meta http-equiv=.*>", text)
    assert policy is not None
    path.write_text(text.replace(policy.group(), "").replace("</html>", PROBE + "</html>"), encoding="utf-8")
    return path


def look(page: Path, width: int, dark: bool) -> tuple[int, int, str]:
    command = [str(BROWSER), "--no-sandbox", "--hide-scrollbars", f"--window-size={width},900", "--dump-dom"]
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    done = subprocess.run(
        [*command, scheme, page.as_uri()], capture_output=True, text=True, timeout=120, check=True, cwd=page.parent
    )
    found = re.search(r'data-found="(\d+);(\d+);([^"]+)"', done.stdout)
    assert found is not None, done.stderr[-2000:]
    return int(found[1]), int(found[2]), found[3]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(page: Path, width: int, dark: bool) -> None:
    scrolled, shown, background = look(page, width, dark)
    assert shown == width and scrolled <= shown
    assert background == ("rgb(20, 22, 26)" if dark else "rgb(251, 251, 249)")


@pytest.mark.parametrize("task", TASKS)
def test_no_task_makes_a_page_too_wide(task: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    page = probed(report_files(report_of(task, tmp_path))["report.html"], tmp_path / "page.html")
    for width in (390, 1280):
        scrolled, shown, _ = look(page, width, False)
        assert shown == width and scrolled <= shown


def test_what_is_too_wide_is_found(page: Path) -> None:
    wide = page.with_name("wide.html")
    wide.write_text(page.read_text(encoding="utf-8").replace("<main>", '<main><div style="width:2000px">x</div>'))
    scrolled, shown, _ = look(wide, 390, False)
    assert scrolled > shown
