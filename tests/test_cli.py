"""The command line: names, options, exit codes, one-line errors, JSON keys."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from fpgaq import cli, formats
from fpgaq.cli import options as cli_options
from fpgaq.errors import FitError, ModelError, ToolError, UnsupportedError, UsageError, VerificationError
from fpgaq.graph import Affine, Graph, Relu
from fpgaq.integer_file import load, save
from fpgaq.quantizer import config
from fpgaq.report.text import columns, printable, shorten
from hdl_tests.network_builder import NetworkBuilder

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "fashion_mlp"
COMMANDS = (
    "build",
    "cheapen",
    "compare",
    "doctor",
    "explore",
    "finetune",
    "generate",
    "parity",
    "prune",
    "quantize",
    "run",
    "search",
    "sensitivity",
    "simulate",
    "summary",
    "synth",
)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command line; returns exit code, stdout, stderr."""

    def invoke(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.invoke([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return invoke


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A small integer network in a file, and `data.npz` with 12 samples beside it."""
    from fpgaq.quantizer import quantize

    chance = np.random.default_rng(7)

    def affine(name: str, source: str, target: str, outputs: int, features: int) -> Affine:
        weight = chance.normal(size=(outputs, features)).astype(np.float32)
        return Affine(name, (source,), target, weight, chance.normal(size=outputs).astype(np.float32))

    operators = (affine("first", "x", "a", 4, 6), Relu("relu", ("a",), "b"), affine("second", "b", "y", 3, 4))
    graph = Graph("small", ("x",), ("y",), operators, {"x": (6,), "a": (4,), "b": (4,), "y": (3,)}, classifier=True)
    samples = chance.normal(size=(12, 6)).astype(np.float32)
    save(quantize(graph, {"x": samples}), tmp_path / "small.fpgaq")
    np.savez(tmp_path / "data.npz", x=samples, y=chance.integers(0, 3, size=12))
    return tmp_path / "small.fpgaq"


def assert_one_line(text: str) -> None:
    assert text.startswith("fpgaq: error: ") and text.count("\n") == 1 and text.endswith("\n"), text


def test_the_commands_are_those_of_the_manual() -> None:
    assert sorted(cli.fpgaq.commands) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_and_the_common_options(call: Any, name: str) -> None:
    code, out, err = call(name, "--help")
    assert (code, err) == (0, "")
    assert f"Example:\n    fpgaq {name}" in out
    for option in ("--json", "--quiet", "--debug"):
        assert option in out


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
    assert min(seconds) < 0.3, seconds


def test_choices_are_those_of_the_modules_that_own_them() -> None:
    from fpgaq.engines import ENGINES
    from fpgaq.pipeline import LANGUAGES
    from fpgaq.synth import DEVICES

    assert cli_options.ROUNDINGS == formats.ROUNDINGS
    assert cli_options.ACTIVATION_RANGES == config.ACTIVATION_RANGES
    assert cli_options.WEIGHT_DELTAS == config.WEIGHT_DELTAS
    assert tuple(DEVICES) == cli_options.DEVICES
    assert LANGUAGES == cli_options.LANGUAGES
    assert ENGINES == cli_options.ENGINES


@pytest.mark.parametrize("bits", ["0", "1", "-3", "33", "8.5", "nan", ""])
@pytest.mark.parametrize("option", ["--weight-bits", "--activation-bits", "--input-bits"])
def test_bits_out_of_range_are_refused(call: Any, tmp_path: Path, option: str, bits: str) -> None:
    code, out, err = call("quantize", "m.nnp", "--calibration", "c.npz", "-o", tmp_path / "q.fpgaq", option, bits)
    assert (code, out) == (2, "")
    assert_one_line(err)
    assert bits in err and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--fps", "30"], "--clock"),
        (["--clock", "30"], "--fps"),
        (["--multipliers", "4", "--cycles", "100"], "exclude"),
        (["--multipliers", "4", "--fps", "30", "--clock", "50"], "exclude"),
        (["--multipliers", "0"], "above 0"),
        (["--cycles", "-5"], "above 0"),
        (["--fps", "nan", "--clock", "50"], "above 0"),
        (["--fps", "1e9", "--clock", "1"], "less than one cycle"),
        (["--frames", "-1"], "0 or more"),
        (["--nonsense"], "nonsense"),
    ],
)
def test_targets_that_make_no_sense(call: Any, network: Path, options: list[str], words: str) -> None:
    code, _, err = call("generate", network, "-o", network.parent / "out", *options)
    assert code == 2
    assert_one_line(err)
    assert words in err and not (network.parent / "out").exists()


def test_frames_a_second_become_cycles() -> None:
    values = {"multipliers": None, "cycles": None, "fps": 30.0, "clock": 50.0}
    target = cli_options.pop_target(values)
    assert target is not None and (target.multipliers, target.cycles) == (None, 1_666_666)
    assert values == {}


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

    monkeypatch.setattr("fpgaq.doctor.find_tools", fail)
    found, out, err = call("doctor")
    assert (found, out) == (code, "")
    assert_one_line(err.lstrip("\n"))
    assert "Traceback" not in err


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, call: Any) -> None:
    def fail() -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("fpgaq.doctor.find_tools", fail)
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


def test_run_writes_integers_and_real_values(call: Any, network: Path) -> None:
    output = network.parent / "out.npz"
    code, out, err = call("run", network, "--data", network.parent / "data.npz", "-o", output, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["arrays"] == {"y": [12, 3], "y_float": [12, 3]}
    with np.load(output) as arrays:
        steps = arrays["y_float"][arrays["y"] != 0] / arrays["y"][arrays["y"] != 0]
        assert arrays["y"].dtype == np.int64 and arrays["y"].any()
        assert len(set(steps)) == 1 and np.log2(steps[0]).is_integer()


def test_generate_and_simulate(call: Any, network: Path) -> None:
    folder = network.parent / "out"
    data = network.parent / "data.npz"
    code, out, err = call("generate", network, "-o", folder, "--multipliers", 6, "--data", data, "--json")
    assert (code, err) == (0, "")
    made = json.loads(out)
    keys = {"multipliers", "budget", "interval_cycles", "latency_cycles", "efficiency", "aux_multipliers", "macs"}
    assert keys <= set(made)
    assert made["multipliers"] <= made["budget"] == 6 and made["macs"] == 36
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {"top", "files", "digest"} <= set(manifest)
    assert (folder / "interface.json").is_file()
    assert (folder / "network.fpgaq").read_bytes() == network.read_bytes()

    code, out, err = call("simulate", folder, "--json")
    assert (code, err) == (0, "")
    measured = json.loads(out)
    assert {"frames", "mismatches", "interval_cycles", "latency_cycles", "seconds"} <= set(measured)
    assert measured["mismatches"] == 0 and measured["frames"] >= 8
    assert measured["interval_cycles"] == made["interval_cycles"]
    assert measured["latency_cycles"] == made["latency_cycles"]


def test_the_same_bytes_under_two_hash_seeds(network: Path) -> None:
    contents = []
    for seed in ("1", "2"):
        folder = network.parent / f"out{seed}"
        subprocess.run(
            [sys.executable, "-O", "-m", "fpgaq", "generate", network, "-o", folder, "--quiet"],
            env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed, "LC_ALL": "C"},
            cwd=ROOT,
            check=True,
        )
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        contents.append({str(path.relative_to(folder)): path.read_bytes() for path in files})
    assert contents[0] == contents[1] and len(contents[0]) > 5


def test_an_unreachable_target_says_what_can_be_met(call: Any, tmp_path: Path) -> None:
    network = tmp_path / "net.fpgaq"
    save(NetworkBuilder(1, (4, 4, 2), formats.Format(8, 7)).convolution(3, (1, 1), requantize=False).graph(), network)
    code, _, err = call("generate", network, "-o", tmp_path / "out", "--cycles", 1)
    assert code == 5
    assert_one_line(err)
    assert "--cycles 16 or more" in err and not (tmp_path / "out").exists()


def test_unroll_and_simulate(call: Any, tmp_path: Path) -> None:
    network = tmp_path / "net.fpgaq"
    layers = NetworkBuilder(1, (1, 1, 4), formats.Format(8, 7)).affine(3).affine(2, requantize=False)
    save(layers.graph(), network)
    folder = tmp_path / "out"
    code, out, err = call("generate", network, "-o", folder, "--unroll", "--levels", 3, "--json")
    assert (code, err) == (0, "")
    made = json.loads(out)
    code, out, err = call("simulate", folder, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["interval_cycles"] == 1
    assert json.loads(out)["latency_cycles"] == made["latency_cycles"]


def test_cheapen(call: Any, network: Path, tmp_path: Path) -> None:
    cheap = tmp_path / "cheap.fpgaq"
    data = network.parent / "data.npz"
    code, out, err = call("cheapen", network, "--calibration", data, "--bound", 0.1, "-o", cheap, "--json")
    assert (code, err) == (0, "")
    layers = json.loads(out)["layers"]
    assert all(layer["digits_after"] < layer["digits_before"] for layer in layers) and len(layers) == 2
    assert load(cheap).name == load(network).name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--levels", 2), "give --unroll too"),
        (("--shallow",), "give --unroll too"),
        (("--unroll", "--adders"), "leave --adders out"),
        (("--adders", "--target", "hls"), "--adders is about Verilog"),
        (("--adders", "--device", "xc7"), "estimates multipliers, not adders"),
        (("--unroll", "--levels", 2, "--stages", 3), "exclude one another"),
        (("--unroll", "--multipliers", 4), "leave --multipliers out"),
    ],
)
def test_unrolling_is_refused(call: Any, network: Path, options: tuple[Any, ...], message: str) -> None:
    code, _, err = call("generate", network, "-o", network.parent / "out", *options)
    assert code == 2 and message in err
    assert_one_line(err)


def test_generate_refuses_a_folder_of_others(call: Any, network: Path) -> None:
    folder = network.parent / "out"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    code, _, err = call("generate", network, "-o", folder)
    assert code == 2 and "mine.txt" in err
    assert_one_line(err)
    assert (folder / "mine.txt").read_text() == "mine"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The MLP example through `fpgaq build --json`."""
    folder = tmp_path_factory.mktemp("built") / "out"
    command = [sys.executable, "-m", "fpgaq", "build", EXAMPLE / "model.nnp", "--calibration"]
    command += [EXAMPLE / "calibration.npz", "--data", EXAMPLE / "test.npz", "-o", folder, "--frames", "2", "--json"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    return folder, json.loads(result.stdout)


def test_build_does_all_in_a_row(built: tuple[Path, dict[str, Any]]) -> None:
    folder, values = built
    assert values["simulate"]["mismatches"] == 0
    assert values["simulate"]["interval_cycles"] == values["generate"]["interval_cycles"]
    compared = values["compare"]
    assert {"samples", "float_top1", "integer_top1", "agreement", "layers"} <= set(compared)
    assert (
        round((compared["float_top1"] - compared["integer_top1"]) * compared["samples"]) <= 0.005 * compared["samples"]
    )
    assert compared["agreement"] >= 0.985
    assert (folder / "network.fpgaq").is_file()


def test_summary_quantize_and_compare(call: Any, tmp_path: Path, built: tuple[Path, dict[str, Any]]) -> None:
    model, integer = EXAMPLE / "model.nnp", tmp_path / "q.fpgaq"
    code, out, _ = call("summary", model, "--json")
    described = json.loads(out)
    assert code == 0 and described["macs"] == 52_544 == sum(layer["macs"] for layer in described["layers"])
    code, out, _ = call("summary", model)
    assert code == 0 and len(out.splitlines()) == len(described["layers"]) + 2
    code, out, _ = call("quantize", model, "--calibration", EXAMPLE / "calibration.npz", "-o", integer)
    assert code == 0 and "accumulator" in out
    assert integer.read_bytes() == (built[0] / "network.fpgaq").read_bytes()
    code, out, _ = call("compare", model, integer, "--data", EXAMPLE / "test.npz", "--json")
    assert code == 0 and json.loads(out)["agreement"] == built[1]["compare"]["agreement"]
    code, out, _ = call("compare", model, integer, "--data", EXAMPLE / "test.npz", "--quiet")
    assert (code, out) == (0, "")


def test_a_closed_pipe_and_a_full_device() -> None:
    command = [sys.executable, "-m", "fpgaq", "doctor", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait() == 1
    with open("/dev/full", "wb") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    assert result.returncode == 2 and result.stderr == "fpgaq: error: output: No space left on device\n"


def test_interrupt_leaves_with_130() -> None:
    # A shell starts what it runs in the background with SIGINT ignored, which children inherit.
    script = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    script += (
        "import fpgaq.doctor, time, sys; fpgaq.doctor.find_tools = lambda: print('on', flush=True) or time.sleep(60)"
    )
    script += "; from fpgaq import cli; sys.argv = ['fpgaq', 'doctor']; cli.main()"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
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


def test_batch_statistics_are_noted_or_refused(call: Any, tmp_path: Path) -> None:
    """A batch normalization in training mode: a line in every command that reads the model, or exit code 4."""
    from tests.nnp_builder import affine, batch_normalization, build_nnp

    chance = np.random.default_rng(0)
    mean, variance = chance.normal(size=4).astype(np.float32), np.ones(4, np.float32)
    model = tmp_path / "model.nnp"
    layers = [
        affine("first", chance.normal(size=(6, 4)).astype(np.float32)),
        batch_normalization("norm", mean, variance, dimensions=2, batch_stat=True),
    ]
    model.write_bytes(build_nnp(layers, (6,)))
    data, integer = tmp_path / "data.npz", tmp_path / "model.fpgaq"
    np.savez(data, x=chance.normal(size=(20, 6)))
    commands = {
        "summary": ("summary", model),
        "quantize": ("quantize", model, "--calibration", data, "-o", integer),
        "compare": ("compare", model, integer, "--data", data),
    }
    for name, command in commands.items():
        code, printed, _ = call(*command)
        assert code == 0 and "note: layer 'norm' (BatchNormalization): batch_stat is true" in printed, name
        code, printed, _ = call(*command, "--json")
        assert "batch_stat is true" in json.loads(printed)["notes"][0], name
    commands["build"] = ("build", model, "--calibration", data, "--data", data, "-o", tmp_path / "out")
    for name, command in commands.items():
        code, _, error = call(*command, "--refuse-batch-statistics")
        assert code == 4 and error.count("\n") == 1 and "save the network with batch_stat=False" in error, name
