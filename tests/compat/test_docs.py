"""Every Python and shell block of 0.1.0's README and docs, run by today's code in an empty folder."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import fpgaq
from fpgaq.cli import invoke
from tests.compat.interface import NETWORKS, RELEASE, ROOT

DOCS = RELEASE / "docs"
SKIPPED = {
    "make demo": "installs packages and takes minutes",
    "make test": "the test suite itself",
    'export PATH="$PWD/.venv/bin:$PATH"': "the environment is that of the tests",
    "python examples/fashion_data.py -o build/walk --train": "reads a package of the operating system",
    "python benchmarks/unrolled.py --peer da4ml=PYTHON --peer alkaid=PYTHON [WORK ...]": "needs other programs, hours",
}
"""Lines that are never run, and why."""

SLOW = (
    *("--simulator verilator", "fpgaq synth", "fpgaq explore", "make -C", "--finetune 8", "prune model.nnp --budget"),
    *("--adders", "OneShot(WithinBudget(", 'fpgaq.simulate("hardware")'),
)
"""Parts of lines or blocks that take long; nothing quick after them on their page needs them."""

SHORT = {
    "README": {
        "fashion_cnn": "digits_tabular",
        "--seeds 1": "--seeds 0",
        "simulate build/cnn": "simulate build/cnn --frames 1",
    },
    "cost": {
        "fashion_cnn": "digits_tabular",
        "synth out": "synth out --seeds 0",
        "--bits 8,5,3": "--bits 8,5,3 --multipliers 1,4 --jobs 1",
    },
    "nnabla": {"finetune MODEL": "finetune model.nnp"},
    "pruning": {"--finetune 8": "--finetune 0.1 --trials 2 --trial-epochs 0.1", "140_000": "3_000"},
    "walkthrough": {
        "build/walk/fashion_test.npz": "build/walk/digits_tabular/test.npz",
        "build/walk/fashion_train.npz": "build/walk/digits_tabular/test.npz",
        "fashion_cnn": "digits_tabular",
        "--budget 55%": "--budget 55% --widths 3,8 --jobs 1",
    },
}
"""A network of 64 inputs in the place of images, few trials in the place of many, less to place and route."""

NEEDS_NNABLA = ("nnabla", "walkthrough", "pruning")
SLOW_PAGES = ("walkthrough",)
COMMAND = re.compile(r"(fpgaq|python|make|mkdir|export|sudo) ")
OLD_PATHS = pytest.mark.filterwarnings("ignore:fpgaq.* is now fpgaq:DeprecationWarning")


@dataclass(frozen=True)
class Block:
    """One command line, or the lines of one Python block."""

    kind: str
    text: str


def blocks(page: str) -> list[Block]:
    """Code on a page that can be run: indented commands and Python, and examples in ```python fences, in order."""
    return blocks_of((DOCS / f"{page}.md").read_text(encoding="utf-8"))


def blocks_of(text: str) -> list[Block]:
    """The same of a page's text."""
    text = text.replace("\\\n", " ")
    result = []
    pattern = r"^```(\w*)\n(.*?)^```$|((?:^    [^\n]*\n|^\n(?=    ))+)"
    for fence, fenced, indented in re.findall(pattern, text, flags=re.DOTALL | re.MULTILINE):
        if fence == "python":
            result.append(Block("examples", fenced))
        elif indented:
            lines = textwrap.dedent(indented).strip("\n").splitlines()
            if all(COMMAND.match(line) for line in lines):
                result += [Block("shell", " ".join(line.split("  #")[0].split())) for line in lines]
            elif re.match(r"(import|from) ", lines[0]):
                result.append(Block("python", "\n".join(lines)))
    return result


def shortened(page: str, block: Block) -> Block:
    text = block.text
    for long, short in SHORT.get(page, {}).items():
        text = text.replace(long, short)
    return Block(block.kind, text)


PAGES = sorted(path.stem for path in DOCS.glob("*.md"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with examples/ and the files that the pages take as given, and the current one."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__", "fashion_*"))
    for name in ("networks.py", "tasks.py", "train.py", "fashion_data.py"):
        shutil.copyfile(ROOT / "examples" / name, tmp_path / "examples" / name)
    example = ROOT / "examples" / "digits_tabular"
    shutil.copyfile(example / "model.nnp", tmp_path / "model.nnp")
    samples = np.load(example / "calibration.npz")
    for name in ("calibration", "train", "test"):
        np.savez(tmp_path / f"{name}.npz", x=samples["x"][:96], y=samples["y"][:96])
    monkeypatch.chdir(tmp_path)
    for name in ("model", "network"):
        shutil.copyfile(NETWORKS / "perceptron.fpgaq", f"{name}.fpgaq")
    return tmp_path


def run_page(page: str, names: dict[str, object], slow: bool, capsys: pytest.CaptureFixture[str]) -> int:
    """Run the blocks of a page, slow ones only if asked for; the number of blocks that ran."""
    return run_blocks(page, blocks(page), names, slow, capsys)


def run_blocks(
    page: str, found: list[Block], names: dict[str, object], slow: bool, capsys: pytest.CaptureFixture[str]
) -> int:
    """The same of blocks; `page` says what is shortened."""
    count = 0
    for block in found:
        if block.text in SKIPPED:
            continue
        if not slow and any(part in block.text for part in SLOW):
            continue
        run_block(shortened(page, block), names, capsys)
        count += 1
    return count


def run_block(block: Block, names: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    if block.kind == "examples":
        parsed = doctest.DocTestParser().get_doctest(block.text, names, "page", None, 0)
        output: list[str] = []
        parsed.globs = names
        failed = doctest.DocTestRunner(verbose=False).run(parsed, out=output.append, clear_globs=False).failed
        assert failed == 0, "".join(output)
    elif block.kind == "python":
        exec(compile(block.text, "page", "exec"), names)
    elif block.text.startswith("fpgaq "):
        assert invoke(shlex.split(block.text)[1:]) == 0, block.text + capsys.readouterr().err
    else:
        command = shlex.split(block.text)
        command[0] = sys.executable if command[0] == "python" else command[0]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, block.text + done.stderr


def page_names(page: str) -> dict[str, object]:
    """Names that a page takes as given; files of its own are written."""
    if page == "unrolled":
        # Only chains of affine layers can be unrolled.
        for name in ("digits", "small"):
            shutil.copyfile(NETWORKS / "perceptron.fpgaq", f"{name}.fpgaq")
        np.savez("train.npz", x=np.random.default_rng(0).uniform(0, 1, (64, 6, 1, 1)))
    if page != "pruning":
        return {}
    samples = np.load("train.npz")
    return {"fpgaq": fpgaq, "images": samples["x"], "labels": samples["y"]}


def parameters(slow: bool) -> list[object]:
    """The pages with something to run quickly, or with something slow."""
    result = []
    for page in PAGES:
        is_slow = page in SLOW_PAGES or any(part in block.text for block in blocks(page) for part in SLOW)
        if is_slow if slow else page not in SLOW_PAGES:
            marks = [pytest.mark.nnabla] if page in NEEDS_NNABLA else []
            result.append(pytest.param(page, marks=marks))
    return result


@OLD_PATHS
@pytest.mark.parametrize("page", parameters(slow=False))
def test_page(page: str, folder: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> None:
    if page in NEEDS_NNABLA:
        request.getfixturevalue("nnabla")
    assert run_page(page, page_names(page), False, capsys) > 0


@OLD_PATHS
@pytest.mark.slow
@pytest.mark.parametrize("page", parameters(slow=True))
def test_whole_page(
    page: str, folder: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    if page in NEEDS_NNABLA:
        request.getfixturevalue("nnabla")
    skipped = [block for block in blocks(page) if block.text in SKIPPED]
    assert run_page(page, page_names(page), True, capsys) == len(blocks(page)) - len(skipped)


def test_every_command_is_run_or_named_as_skipped() -> None:
    found = {block.text for page in PAGES for block in blocks(page)}
    for page in PAGES:
        text = (DOCS / f"{page}.md").read_text(encoding="utf-8").replace("\\\n", " ")
        for line in re.findall(r"^    ((?:fpgaq|python|make|mkdir|export|sudo) .*)$", text, flags=re.MULTILINE):
            assert " ".join(line.split("  #")[0].split()) in found, f"{page}: {line}"
        examples = sum(block.text.count(">>> ") for block in blocks(page))
        assert examples == len(re.findall(r"^>>> ", text, flags=re.MULTILINE)), page
    assert set(SKIPPED) <= found


@pytest.mark.parametrize(
    "block",
    [Block("examples", ">>> 1 + 1\n3\n"), Block("python", "import fpgaq.nothing"), Block("shell", "fpgaq nothing")],
)
def test_a_block_that_fails_is_noticed(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises((AssertionError, ImportError)):
        run_block(block, {}, capsys)
