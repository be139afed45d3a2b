"""Commands from a model file to integers and their report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.one_line import assert_one_line

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "digits_tabular"


@pytest.mark.parametrize("bits", ["0", "1", "-3", "33", "8.5", "nan", ""])
@pytest.mark.parametrize("option", ["--weight-bits", "--activation-bits", "--input-bits"])
def test_bits_out_of_range_are_refused(call: Any, tmp_path: Path, option: str, bits: str) -> None:
    code, out, err = call("quantize", "m.nnp", "--calibration", "c.npz", "-o", tmp_path / "q.fpgaq", option, bits)
    assert (code, out) == (2, "")
    assert_one_line(err)
    assert bits in err and not list(tmp_path.iterdir())


def test_run_writes_integers_and_real_values(call: Any, network: Path) -> None:
    output = network.parent / "out.npz"
    code, out, err = call("run", network, "--data", network.parent / "data.npz", "-o", output, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["arrays"] == {"y": [12, 3], "y_float": [12, 3]}
    with np.load(output) as arrays:
        steps = arrays["y_float"][arrays["y"] != 0] / arrays["y"][arrays["y"] != 0]
        assert arrays["y"].dtype == np.int64 and arrays["y"].any()
        assert len(set(steps)) == 1 and np.log2(steps[0]).is_integer()


def test_run_heeds_the_suffix(call: Any, network: Path) -> None:
    def written(name: str) -> Path:
        path = network.parent / name
        code, _, err = call("run", network, "--data", network.parent / "data.npz", "-o", path, "--quiet")
        assert (code, err) == (0, "")
        return path

    with np.load(written("out.npz")) as arrays:
        expected = arrays["y"]
    assert np.array_equal(np.load(written("out.npy")), expected)
    assert np.array_equal(np.loadtxt(written("out.CSV"), delimiter=",", dtype=np.int64), expected)
    with np.load(written("plain")) as arrays:
        assert np.array_equal(arrays["y"], expected)
    code, _, err = call("run", network, "--data", network.parent / "data.npz", "-o", network.parent / "out.txt")
    assert code == 2 and "outputs are written as .npz, .npy or .csv" in err
    assert_one_line(err)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The smallest example through `fpgaq build --json`."""
    folder = tmp_path_factory.mktemp("built") / "out"
    command = [sys.executable, "-m", "fpgaq", "build", EXAMPLE / "model.nnp", "--calibration"]
    command += [EXAMPLE / "calibration.npz", "--data", EXAMPLE / "test.npz", "-o", folder]
    command += ["--frames", "1", "--multipliers", "200", "--json"]
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
    assert code == 0 and described["macs"] == 5_280 == sum(layer["macs"] for layer in described["layers"])
    code, out, _ = call("summary", model)
    assert code == 0 and len(out.splitlines()) == len(described["layers"]) + 2
    code, out, _ = call("quantize", model, "--calibration", EXAMPLE / "calibration.npz", "-o", integer)
    assert code == 0 and "accumulator" in out
    assert integer.read_bytes() == (built[0] / "network.fpgaq").read_bytes()
    code, out, _ = call("compare", model, integer, "--data", EXAMPLE / "test.npz", "--json")
    assert code == 0 and json.loads(out)["agreement"] == built[1]["compare"]["agreement"]
    code, out, _ = call("compare", model, integer, "--data", EXAMPLE / "test.npz", "--quiet")
    assert (code, out) == (0, "")


def test_batch_statistics_are_noted_or_refused(call: Any, tmp_path: Path) -> None:
    """A batch normalization in training mode: a line in every command that reads the model, or exit code 4."""
    from tests.support.nnp_builder import affine, batch_normalization, build_nnp

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
