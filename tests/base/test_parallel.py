"""Independent evaluations: order, processes, a cluster, results that survive."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgaq.base.errors import FitError, ToolError, UsageError
from fpgaq.base.parallel import evaluate, usable_processors

TASKS = [5, 3, 8, 1]


def scaled(array: Any, calls: Path | None, task: int) -> dict[str, float]:
    """A result that depends on what is shared and on the task; each call leaves a line."""
    if calls is not None:
        with calls.open("a") as stream:
            stream.write(f"{task}\n")
    if task < 0:
        raise FitError("too small")
    return {"sum": float(np.sum(array) * task)}


WANTED = [{"sum": 6.0 * task} for task in TASKS]
ARRAY = np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize("jobs", [1, 2, None])
def test_results_come_in_the_order_of_the_tasks(jobs: int | None) -> None:
    assert evaluate(partial(scaled, ARRAY, None), TASKS, jobs=jobs) == WANTED


def test_nothing_to_do() -> None:
    assert evaluate(partial(scaled, ARRAY, None), []) == []


def test_progress_counts_every_task() -> None:
    seen: list[tuple[int, int]] = []
    evaluate(partial(scaled, ARRAY, None), TASKS, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 4) for done in range(5)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_of_the_user_reaches_him(jobs: int) -> None:
    with pytest.raises(FitError, match="too small"):
        evaluate(partial(scaled, ARRAY, None), [1, -1, 2], jobs=jobs)


def test_what_was_computed_is_not_computed_again(tmp_path: Path) -> None:
    calls, results = tmp_path / "calls", tmp_path / "results"
    with pytest.raises(FitError):
        evaluate(partial(scaled, ARRAY, calls), [5, 3, -1], cache=results)
    first = calls.read_text().split()
    assert first == ["5", "3", "-1"]
    assert evaluate(partial(scaled, ARRAY, calls), TASKS, cache=results) == WANTED
    assert calls.read_text().split()[3:] == ["8", "1"]


def test_other_content_is_another_task(tmp_path: Path) -> None:
    results = tmp_path / "results"
    evaluate(partial(scaled, ARRAY, None), TASKS, cache=results)
    doubled = evaluate(partial(scaled, ARRAY * 2, None), TASKS, cache=results)
    assert doubled == [{"sum": 12.0 * task} for task in TASKS]
    assert len(results.read_text().splitlines()) == 8


def test_a_line_that_a_kill_cut_off_is_dropped(tmp_path: Path) -> None:
    results = tmp_path / "results"
    evaluate(partial(scaled, ARRAY, None), TASKS[:2], cache=results)
    whole = results.read_text()
    results.write_text(whole[:-9])
    assert evaluate(partial(scaled, ARRAY, None), TASKS, cache=results) == WANTED
    assert len(results.read_text().splitlines()) == 4
    assert evaluate(partial(scaled, ARRAY, None), TASKS, cache=results) == WANTED


def test_computed_and_found_results_are_alike(tmp_path: Path) -> None:
    results = tmp_path / "results"
    assert evaluate(divmod_of, [7], cache=results) == evaluate(divmod_of, [7], cache=results) == [[3, 1]]


def divmod_of(task: int) -> tuple[int, int]:
    return divmod(task, 2)


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    results = tmp_path / "notes.txt"
    results.write_text("hello\n")
    with pytest.raises(UsageError, match="line 1"):
        evaluate(partial(scaled, ARRAY, None), TASKS, cache=results)
    assert results.read_text() == "hello\n"
    with pytest.raises(UsageError, match="is a folder"):
        evaluate(partial(scaled, ARRAY, None), TASKS, cache=tmp_path)


def test_no_jobs_are_refused() -> None:
    with pytest.raises(UsageError, match="0 jobs"):
        evaluate(partial(scaled, ARRAY, None), TASKS, jobs=0)
    assert usable_processors() >= 1


@pytest.fixture(params=["threads", "processes"])
def cluster(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    distributed = pytest.importorskip("distributed")
    # A loaded machine answers late.
    monkeypatch.setattr("fpgaq.base.parallel.CONNECT_SECONDS", 300)
    processes = request.param == "processes"
    with (
        warnings.catch_warnings(),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, processes=processes
        ) as local,
    ):
        warnings.simplefilter("ignore")
        yield local.scheduler_address


def test_a_cluster_keeps_the_order(cluster: str) -> None:
    # A function that any worker can import.
    assert evaluate(partial(pow, 2), [5, 3, 8], dask=cluster) == [32, 8, 256]


@pytest.mark.parametrize("cluster", ["threads"], indirect=True)
def test_a_cluster_gives_the_same_results(cluster: str, tmp_path: Path) -> None:
    results = tmp_path / "results"
    assert evaluate(partial(scaled, ARRAY, None), TASKS, dask=cluster, cache=results) == WANTED
    assert evaluate(partial(scaled, ARRAY, None), TASKS, cache=results) == WANTED
    with pytest.raises(FitError, match="too small"):
        evaluate(partial(scaled, ARRAY, None), [-1], dask=cluster)


def test_a_cluster_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("fpgaq.base.parallel.CONNECT_SECONDS", 1)
    with pytest.raises(ToolError, match="no Dask scheduler answers"):
        evaluate(partial(scaled, ARRAY, None), TASKS, dask="tcp://127.0.0.1:9")


@pytest.mark.parametrize("address", ["foo://x:1", "::::", "tls://127.0.0.1:{port}", "tcp://127.0.0.1:{port}"])
def test_an_address_of_no_scheduler_is_one_line(address: str, tmp_path: Path) -> None:
    """Also where something else listens, such as a server of web pages."""
    pytest.importorskip("distributed")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom fpgaq.base.errors import ToolError\nfrom fpgaq.base.parallel import evaluate\n"
        "try:\n    evaluate(abs, [1], dask=sys.argv[1])\n"
        "except ToolError as error:\n    print(error, file=sys.stderr)\n    sys.exit(error.exit_code)\n"
    )
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    server.RequestHandlerClass.log_message = lambda *arguments: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        command = [sys.executable, str(script), address.format(port=server.server_port)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert finished.returncode == 6, finished.stderr
    assert finished.stderr.count("\n") == 1 and "no Dask scheduler answers" in finished.stderr, finished.stderr
