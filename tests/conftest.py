from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

# Helpers are imported as `tests.name`, whatever folder pytest was started from.
sys.path.insert(0, str(Path(__file__).parents[1]))

collect_ignore_glob = ["golden/*", "compat/0.1.0/*"]
"""Kept output folders hold benches of cocotb, which are no tests of this suite."""

SHARED_MODELS = Path(__file__).parents[2] / "shared" / "models"


@pytest.fixture
def shared_models() -> Path:
    """The folder of real trained models next to a development checkout; tests that need it skip where it is absent."""
    if not SHARED_MODELS.is_dir():
        pytest.skip(f"no folder of development models at {SHARED_MODELS}")
    return SHARED_MODELS


@pytest.fixture(autouse=True)
def no_placing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Place and route takes minutes, and longer on another machine: only tests that are marked slow may start it."""
    if request.node.get_closest_marker("slow") is None:
        refuse = partial(pytest.fail, "only tests that are marked slow place and route")
        monkeypatch.setattr("fpgaq.hardware.synth.place.run_tool", lambda *_, **__: refuse())


@pytest.fixture
def nnabla():
    """nnabla with an empty parameter scope, quiet, seeded; absent on Pythons for which it has no wheel."""
    module = pytest.importorskip("nnabla", reason="nnabla has wheels for CPython up to 3.10 only")
    module.logger.setLevel(40)
    module.clear_parameters()
    module.seed(0)
    np.random.seed(0)
    yield module
    module.clear_parameters()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--renew-goldens", action="store_true", help="write the kept output folders of tests/golden anew")
