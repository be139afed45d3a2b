"""Child processes: their ends, their traces, and the tool that the message names."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from fpgaq.base.child import Limits, ask_tool, first_error, last_line, run_tool
from fpgaq.base.errors import ToolError, ToolTimeoutError


def python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_what_it_prints_and_its_exit_code(tmp_path: Path) -> None:
    program = "import os, sys; print('out', flush=True); print(os.environ['WORD'], file=sys.stderr); sys.exit(3)"
    finished = run_tool("tool", python(program), tmp_path, Limits(60), {"WORD": "err"})
    assert (finished.code, finished.output) == (3, "out\nerr\n")
    assert (tmp_path / "output.log").read_text() == "out\nerr\n"


def test_a_signal_is_a_negative_code(tmp_path: Path) -> None:
    assert run_tool("tool", ["sh", "-c", "kill -SEGV $$"], tmp_path, Limits(60)).code == -11


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    assert run_tool("tool", ["printf", "a\\377b"], tmp_path, Limits(60)).output == "a\ufffdb"


def test_it_works_in_the_folder_and_has_no_input(tmp_path: Path) -> None:
    assert run_tool("tool", ["sh", "-c", "pwd; cat"], tmp_path, Limits(60)).output == f"{tmp_path.resolve()}\n"


def test_a_timeout_names_the_tool_and_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ToolTimeoutError) as caught:
        run_tool("g++", ["sleep", "60"], tmp_path, Limits(0.2, remedy="--engine numpy does without it"))
    assert str(caught.value) == "g++ did not finish in 0.2 s and was ended; --engine numpy does without it"


def test_too_much_output(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="^yes printed more than 2 MiB and was ended$"):
        run_tool("yes", ["yes"], tmp_path, Limits(60, 2 << 20))
    with pytest.raises(ToolError, match="^yes printed more than 2 MiB and was ended$"):
        run_tool("yes", ["sh", "-c", "exec yes > other.log"], tmp_path, Limits(60, 2 << 20, ("*.log",)))


def test_too_much_output_of_one_that_ends_at_once(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="printed more than 1 MiB"):
        run_tool("head", ["head", "-c", str(2 << 20), "/dev/zero"], tmp_path, Limits(60, 1 << 20))


@pytest.mark.parametrize("end", ["wait", "exit 0", "kill -SEGV $$"])
def test_children_of_a_child_are_ended_with_it(tmp_path: Path, end: str) -> None:
    command = ["sh", "-c", f"sleep 600 & echo $! > child; {end}"]
    if end == "wait":
        with pytest.raises(ToolTimeoutError, match="^sh did not finish in 5 s"):
            # Time enough to write the file, on a loaded machine too.
            run_tool("sh", command, tmp_path, Limits(5))
    else:
        run_tool("sh", command, tmp_path, Limits(60))
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and alive(child):
        time.sleep(0.05)
    assert not alive(child)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_a_program_that_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="^tool cannot be started: No such file or directory; `fpgaq doctor` shows"):
        run_tool("tool", [str(tmp_path / "nothing")], tmp_path, Limits(1))


def test_an_answer_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert ask_tool("echo", ["echo", "1.2.3"]).output == "1.2.3\n"
    with pytest.raises(ToolTimeoutError, match="^sleep did not finish in 0.1 s and was ended$"):
        ask_tool("sleep", ["sleep", "60"], seconds=0.1)
    assert list(tmp_path.iterdir()) == []


def test_lines_of_interest() -> None:
    assert last_line("one\n two \n\n") == "two" and last_line(" \n") == ""
    assert first_error("fine\n a.cpp:1: error: no\nerror: more\n") == "a.cpp:1: error: no"
    assert first_error("fine\nlast\n") == "last"
