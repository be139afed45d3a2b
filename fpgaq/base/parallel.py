"""Independent evaluations of one function: on the processes of this machine or on a Dask cluster, resumable.

A search evaluates one function on many tasks that know nothing of each other. `evaluate` runs them and returns the
results in the order of the tasks, whoever finished first. With a results file, what was computed before an
interruption is not computed again.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from .errors import ToolError, UsageError
from .extras import import_extra
from .output import check_file
from .regular import open_regular
from .version import __version__

Task = TypeVar("Task")

CONNECT_SECONDS = 10
"""How long a cluster may take to answer."""


def evaluate(
    function: Callable[[Task], Any],
    tasks: Sequence[Task],
    *,
    jobs: int | None = 1,
    dask: str | None = None,
    cache: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Any]:
    """Apply a function to every task.

    Parameters
    ----------
    function : callable
        The work of one task. It goes to other processes, so it is a function of a module or a `functools.partial`, and
        depends on nothing but its arguments. Data that all tasks share (a graph, samples) belong into the partial.
    tasks : sequence
    jobs : int or None
        Processes on this machine; 1 computes in this one, None takes every processor that this process may use.
    dask : str, optional
        Address of a Dask scheduler, such as ``tcp://host:8786``, whose workers have fpgaq installed; `jobs` is then
        left aside.
    cache : str or Path, optional
        A file of results, one JSON object a line, that grows as they come. A result is found again by the content
        of the function, its bound arguments and the task. Results must then be values of JSON, and come back as
        such (lists in place of tuples), computed or found.
    progress : callable, optional
        Called with the number of finished tasks and of all, in the beginning and after each.

    Returns
    -------
    list
        One result for each task, in their order.

    Raises
    ------
    UsageError
        Fewer jobs than 1, or a results file that cannot be used.
    ToolError
        No Dask, or a cluster that does not answer.
    """
    if jobs is not None and jobs < 1:
        raise UsageError(f"{jobs} jobs were asked for; at least 1 is needed")
    show = progress or (lambda done, total: None)
    keys: Sequence[str] = ()
    found: dict[str, Any] = {}
    if cache is not None:
        keys, found = _keys(function, tasks), _read(Path(cache))
    results = {index: found[key] for index, key in enumerate(keys) if key in found}
    missing = [index for index in range(len(tasks)) if index not in results]
    show(len(results), len(tasks))
    with _results_file(cache) as store:
        for index, result in completed(function, tasks, jobs=jobs, dask=dask, indices=missing):
            results[index] = store(keys[index], result) if cache is not None else result
            show(len(results), len(tasks))
    return [results[index] for index in range(len(tasks))]


def usable_processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def completed(
    function: Callable[[Task], Any],
    tasks: Sequence[Task],
    *,
    jobs: int | None = 1,
    dask: str | None = None,
    indices: Sequence[int] | None = None,
) -> Iterator[tuple[int, Any]]:
    """Yield (index, result) of each task as it is finished, in any order; `indices` chooses among the tasks.

    Arguments and errors are those of `evaluate`.
    """
    indices = range(len(tasks)) if indices is None else indices
    jobs = min(jobs or usable_processors(), max(1, len(indices)))
    if not indices:
        return
    if dask is not None:
        yield from _on_cluster(function, [(index, tasks[index]) for index in indices], dask)
    elif jobs == 1:
        for index in indices:
            yield index, function(tasks[index])
    else:
        from joblib import Parallel, delayed

        work = (delayed(_numbered)(function, index, tasks[index]) for index in indices)
        # Closing the generator cancels tasks that have not begun, so that an interruption is not held up.
        with closing(Parallel(n_jobs=jobs, return_as="generator_unordered")(work)) as finished:
            yield from finished


def _numbered(function: Callable[[Task], Any], index: int, task: Task) -> tuple[int, Any]:
    return index, function(task)


def _on_cluster(
    function: Callable[[Task], Any], tasks: Iterable[tuple[int, Task]], address: str
) -> Iterator[tuple[int, Any]]:
    distributed: Any = import_extra("distributed", "cluster", "--dask")
    # A client whose making failed would try to part from its scheduler in __del__: 20 seconds, and a traceback.
    kind = type("Client", (distributed.Client,), {"__del__": lambda self: None})
    for logger in ("distributed", "tornado", "asyncio"):
        # What they have to say of a lost scheduler, the error below says in a line.
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    try:
        client = _within(CONNECT_SECONDS + 2, lambda: kind(address, timeout=CONNECT_SECONDS, set_as_default=False))
    except Exception as error:  # what else than a scheduler listens there may answer anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ToolError(f"--dask {address}: no Dask scheduler answers ({reason}); start `dask scheduler`") from None
    with client:
        # The function carries the data that all tasks share: it is sent once, not with every task.
        shared = client.scatter(function, broadcast=True, hash=False)
        futures = [client.submit(_numbered, shared, index, task, pure=False) for index, task in tasks]
        try:
            for future in distributed.as_completed(futures, loop=client.loop):
                yield future.result()
                future.release()
        finally:
            client.cancel(futures)


def _within(seconds: float, action: Callable[[], Any]) -> Any:
    """The result of an action; TimeoutError if it takes longer, as Dask's own limit does not hold on every Python."""
    results: list[Any] = []
    errors: list[BaseException] = []

    def act() -> None:
        try:
            results.append(action())
        except BaseException as error:
            errors.append(error)

    worker = threading.Thread(target=act, daemon=True)
    worker.start()
    worker.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer in {seconds:g} s")
    return results[0]


def _keys(function: Callable[[Task], Any], tasks: Sequence[Task]) -> list[str]:
    """A digest of each evaluation's content."""
    import joblib

    shared = joblib.hash((__version__, function), hash_name="sha1")
    return [joblib.hash((shared, task), hash_name="sha1") for task in tasks]


def _read(path: Path) -> dict[str, Any]:
    """The results of a file by key; an unfinished last line, left by an interruption, does not count."""
    if not path.exists():
        return {}
    try:
        with open_regular(path, "a results file", UsageError) as stream:
            lines = stream.read().decode("utf-8").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as a results file ({error}); name another file") from None
    results = {}
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            results[entry["key"]] = entry["result"]
        except (ValueError, KeyError, TypeError):
            if number == len(lines) and not line.endswith("\n"):
                break
            raise UsageError(f"{path}: line {number} is no line of a results file; name another file") from None
    return results


@contextmanager
def _results_file(cache: str | Path | None) -> Iterator[Callable[[str, Any], Any]]:
    """A function that appends one result to the file and returns it as the file has it."""
    if cache is None:
        yield lambda key, result: result
        return
    path = Path(cache)
    # A line is added to a file of ours or a new one, never sent to a device or through a link.
    check_file(path)
    try:
        _drop_unfinished_line(path)
        stream = path.open("a", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror or error}); name another file") from None
    with stream:

        def store(key: str, result: Any) -> Any:
            line = json.dumps({"key": key, "result": result})
            stream.write(line + "\n")
            stream.flush()
            return json.loads(line)["result"]

        yield store


def _drop_unfinished_line(path: Path) -> None:
    if path.exists():
        content = path.read_bytes()
        if not content.endswith(b"\n"):
            os.truncate(path, content.rfind(b"\n") + 1)
