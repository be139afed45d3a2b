"""The command line as a whole: names, options, exit codes, one-line errors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from fpgaq import cli
from fpgaq.base import choices
from fpgaq.base.errors import FitError, ModelError, ToolError, UnsupportedError, UsageError, VerificationError
from fpgaq.base.tables import columns
from fpgaq.base.text import printable, shorten
from tests.cli.one_line import assert_one_line

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    "bitstream",
    "build",
    "cheapen",
    "compare",
    "demo",
    "doctor",
    "explore",
    "finetune",
    "generate",
    "image",
    "infer",
    "package",
    "parity",
    "prune",
    "quantize",
    "report",
    "run",
    "export",
    "search",
    "sensitivity",
    "simulate",
    "split",
    "summary",
    "synth",
)


def test_the_commands_are_those_of_the_manual() -> None:
    assert sorted(cli.fpgaq.commands) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_and_the_common_options(call: Any, name: str) -> None:
    code, out, err = call(name, "--help")
    assert (code, err) == (0, "")
    assert f"Example:\n    fpgaq {name}" in out
    for option in ("--json", "--quiet", "--debug"):
        assert option in out


def test_the_bare_command_prints_help_and_tells_a_script_that_nothing_was_done(call: Any) -> None:
    code, out, err = call()
    assert (code, err) == (2, "") and out == call("--help")[1]
    assert call("--quiet")[1] == out


def test_commands_stand_under_headings_in_the_order_of_the_walk(call: Any) -> None:
    lines = call("--help")[1].splitlines()
    shown = [line.split()[0] for line in lines if line.startswith("  ") and line.split()[0] in cli.COMMANDS]
    assert shown == list(cli.COMMANDS) and shown[:3] == ["demo", "doctor", "summary"]
    assert [line[:-1] for line in lines if line[:-1] in cli.SECTIONS] == list(cli.SECTIONS)


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_the_version(call: Any, option: str) -> None:
    from fpgaq import __version__

    assert call(option) == (0, f"fpgaq, version {__version__}\n", "")


def test_options_of_every_command_may_stand_before_it(call: Any) -> None:
    assert call("--quiet", "doctor")[1] == "" and call("--json", "doctor")[1] == call("doctor", "--json")[1]


def test_help_is_fast_and_imports_nothing_heavy() -> None:
    script = "import sys; from fpgaq.cli import invoke; invoke(['--help']); print(sorted(sys.modules))"
    seconds = []
    for _ in range(5):
        # Processor time, which other programs on the machine do not lengthen.
        start = os.times()
        result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
        end = os.times()
        seconds.append(end.children_user + end.children_system - start.children_user - start.children_system)
    for module in ("numpy", "rich", "h5py", "jinja2", "cocotb", "nnabla", "pyosys"):
        assert f"'{module}'" not in result.stdout, module
    assert min(seconds) < 0.25, seconds


def test_the_list_of_commands_is_that_of_their_own_help() -> None:
    for name, (_, text) in cli.COMMANDS.items():
        assert (cli.fpgaq.commands[name].help or "").splitlines()[0] == text
        assert cli.fpgaq.commands[name].name == name


def test_devices_are_those_that_synthesis_knows() -> None:
    from fpgaq.hardware.synth import DEVICES

    assert tuple(DEVICES) == choices.DEVICES


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (ModelError("x"), 3),
        (UnsupportedError("x"), 4),
        (FitError("x"), 5),
        (ToolError("x"), 6),
        (VerificationError("x"), 7),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("x"), 1),
        (OSError(28, "No space left on device", "f"), 2),
        (click.UsageError("x"), 2),
    ],
)
def test_exit_codes(monkeypatch: pytest.MonkeyPatch, call: Any, error: BaseException, code: int) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("fpgaq.base.tools.find_tools", fail)
    found, out, err = call("doctor")
    assert (found, out) == (code, "")
    assert_one_line(err.lstrip("\n"))
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("line", "kind", "code"),
    [
        ("simulate nowhere --json", "ModelError", 3),
        ("--json simulate nowhere", "ModelError", 3),
        ("simulate --json --nowhere", "UsageError", 2),
        ("simulate --nowhere --json", "UsageError", 2),
        ("nothing --json", "UsageError", 2),
        ("prune m.nnp --groups --budget 0.5 --json", "UsageError", 2),
    ],
)
def test_errors_are_json_too(call: Any, line: str, kind: str, code: int) -> None:
    found, out, err = call(*line.split())
    assert found == code
    assert_one_line(err)
    told = json.loads(out)
    assert set(told) == {"schema", "error"} and told["schema"] == 1
    assert set(told["error"]) == {"kind", "exit_code", "message"}
    assert told["error"]["kind"] == kind and told["error"]["exit_code"] == code
    assert err == f"fpgaq: error: {told['error']['message']}\n"


def test_an_error_after_the_result_adds_no_second_object(monkeypatch: pytest.MonkeyPatch, call: Any) -> None:
    from fpgaq.cli import quantizing
    from fpgaq.cli.settings import Settings

    def fail(settings: Settings, *others: object) -> None:
        settings.show(["fine"], {"fine": True})
        raise FitError("too large")

    monkeypatch.setattr(quantizing.doctor, "callback", lambda **values: fail(click.get_current_context().obj))
    code, out, err = call("doctor", "--json")
    assert code == 5 and json.loads(out) == {"schema": 1, "fine": True} and "too large" in err


def test_a_bug_is_json_too(monkeypatch: pytest.MonkeyPatch, call: Any) -> None:
    def fail() -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("fpgaq.base.tools.find_tools", fail)
    assert json.loads(call("doctor", "--json")[1])["error"]["kind"] == "Bug"


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, call: Any) -> None:
    def fail() -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("fpgaq.base.tools.find_tools", fail)
    code, _, err = call("doctor", "--debug")
    assert code == 1 and "Traceback" in err and "planted" in err


def test_newlines_and_controls_in_names_are_escaped(call: Any, tmp_path: Path) -> None:
    code, _, err = call("run", tmp_path / "a\nb\x1b[31m\u202e.fpgaq", "--data", "d.npz", "-o", "y.npz")
    assert code == 3
    assert_one_line(err)
    assert r"a\nb\x1b[31m\u202e.fpgaq" in err


def test_missing_files(call: Any, tmp_path: Path) -> None:
    for arguments in (
        ("run", tmp_path / "no.fpgaq", "--data", "d.npz", "-o", tmp_path / "y.npz"),
        ("simulate", tmp_path / "no"),
        ("generate", tmp_path, "-o", tmp_path / "out"),
    ):
        code, _, err = call(*arguments)
        assert code == 3, arguments
        assert_one_line(err)
    assert not list(tmp_path.iterdir())


def test_interrupt_leaves_with_130() -> None:
    # A shell starts what it runs in the background with SIGINT ignored, which children inherit.
    script = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    script += "import fpgaq.base.tools as tools, time, sys\n"
    script += "tools.find_tools = lambda: print('on', flush=True) or time.sleep(600)"
    script += "; from fpgaq import cli; sys.argv = ['fpgaq', 'doctor']; cli.main()"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 130
        assert process.stderr.read().strip() == b"fpgaq: error: interrupted"


def test_text_helpers() -> None:
    assert printable("a\tb\u202e\\é") == "a\\tb\\u202e\\é"
    assert shorten("x" * 5000, 10) == "xxxxxxx..."
    assert columns(("name", "count"), [("a", 1), ("bcdef", 1000)]) == ["name   count", "a          1", "bcdef  1,000"]
    assert columns(("name", "count"), []) == ["name  count"]


def test_python_interface_is_lazy_and_complete() -> None:
    import fpgaq
    from fpgaq import pipeline

    for name in ("load_model", "load_integer", "quantize", "compare", "generate", "simulate"):
        assert getattr(fpgaq, name) is getattr(pipeline, name) and name in dir(fpgaq)
    with pytest.raises(AttributeError, match="nonsense"):
        fpgaq.nonsense  # noqa: B018
