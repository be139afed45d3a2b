"""The interface of fpgaq as JSON values: commands, exit codes, functions, keys of every file and output.

Only names that stay are used here, so that the same code describes 0.1.0 and today.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import json
import os
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import numpy as np

import fpgaq
from fpgaq._moved import MovedFinder
from fpgaq.cli import fpgaq as group
from fpgaq.cli import invoke

ROOT = Path(__file__).parents[2]
RELEASE = Path(__file__).parent / "0.1.0"
NETWORKS = RELEASE / "networks"
MODEL = "examples/digits_tabular/model.nnp"
SAMPLES = 64
"""Samples that the small runs use."""


def old_module(name: str) -> ModuleType:
    """A module by the name that it had in 0.1.0."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module(name)


def commands() -> dict[str, Any]:
    """Options and arguments of each command, and of the group (by the empty name)."""
    return {name: describe_command(command) for name, command in {"": group, **group.commands}.items()}


def describe_command(command: click.Command) -> dict[str, Any]:
    options, arguments = {}, []
    whole = click.Context(group, **group.context_settings)
    context = whole if command is group else click.Context(command, parent=whole)
    for parameter in command.get_params(context):
        facts = {
            "names": sorted((*parameter.opts, *parameter.secondary_opts)),
            "choices": list(parameter.type.choices) if isinstance(parameter.type, click.Choice) else None,
            "required": parameter.required,
            "multiple": parameter.multiple,
            "values": parameter.nargs,
        }
        if isinstance(parameter, click.Option):
            options[max(parameter.opts, key=len)] = {**facts, "flag": parameter.is_flag}
        else:
            arguments.append(facts)
    return {"options": options, "arguments": arguments}


def exit_codes() -> dict[str, Any]:
    """Each kind of error, its bases and its exit code."""
    errors = vars(old_module("fpgaq.errors"))
    kinds = [kind for kind in errors.values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return {
        kind.__name__: {"code": kind.exit_code, "bases": [base.__name__ for base in kind.__mro__[1:]]} for kind in kinds
    }


def functions() -> dict[str, Any]:
    """The parameters of everything in `fpgaq.__all__`, in order; None for what is no function."""
    # `vars` without the functions: an import of the package fpgaq.search puts it in the place of the function.
    known = {"__version__": fpgaq.__version__}
    return {name: signature(known.get(name) or fpgaq.__getattr__(name)) for name in fpgaq.__all__}


def signature(value: object) -> list[dict[str, Any]] | None:
    if not callable(value):
        return None
    return [
        {
            "name": parameter.name,
            "kind": parameter.kind.name,
            "default": describe_default(parameter.default),
        }
        for parameter in inspect.signature(value).parameters.values()
    ]


def describe_default(value: object) -> str | None:
    """A default as text, None where there is none; a function's text would hold its address."""
    if value is inspect.Parameter.empty:
        return None
    return "a function" if callable(value) else repr(value)


def imports(texts: Iterable[str]) -> list[str]:
    """The imports from fpgaq in README, docs and examples: `module` or `module:name`."""
    found: set[str] = set()
    for text in texts:
        text = re.sub(r"^(>>>|\.\.\.) ", "", text, flags=re.MULTILINE)
        for match in re.finditer(r"^ *from (fpgaq[\w.]*) import (\([^)]*\)|[^\n#]*)", text, flags=re.MULTILINE):
            found.update(f"{match[1]}:{name.split()[0]}" for name in match[2].strip("()").split(",") if name.strip())
        found.update(re.findall(r"^ *import (fpgaq[\w.]*)", text, flags=re.MULTILINE))
    return sorted(found)


def modules() -> list[str]:
    """Every module and package of fpgaq by its dotted name."""
    folder = Path(fpgaq.__file__).parent
    paths = (path.relative_to(folder.parent).with_suffix("") for path in folder.rglob("*.py"))
    return sorted(".".join(path.parts).removesuffix(".__init__") for path in paths if path.name != "__main__")


@dataclass(frozen=True)
class Run:
    """A small run of a command; `needs` are names of runs before it, whose files it reads."""

    line: str
    needs: tuple[str, ...] = ()
    slow: bool = False
    nnabla: bool = False


CALIBRATION = "--calibration samples.npz"
RUNS = {
    "summary": Run(f"summary {MODEL}"),
    "quantize": Run(f"quantize {MODEL} {CALIBRATION} -o digits.fpgaq"),
    "compare": Run(f"compare {MODEL} digits.fpgaq --data samples.npz", ("quantize",)),
    "run": Run("run digits.fpgaq --data samples.npz -o outputs.npz", ("quantize",)),
    "doctor": Run("doctor"),
    "sensitivity": Run(f"sensitivity {MODEL} {CALIBRATION} --weight-bits 4 --jobs 1"),
    "search": Run(
        f"search {MODEL} {CALIBRATION} --budget 60% --widths 3,8 --jobs 1 -o mixed.toml --picture front.png", slow=True
    ),
    "explore": Run(
        f"explore {MODEL} {CALIBRATION} --data samples.npz --device ecp5-25k --multipliers 1,4 --jobs 1", slow=True
    ),
    "generate": Run("generate every_operator.fpgaq -o verilog --multipliers 2 --device ecp5-25k --buffers"),
    "generate --unroll": Run("generate perceptron.fpgaq -o unrolled --unroll"),
    "generate --target hls": Run("generate every_operator.fpgaq -o hls --target hls"),
    "simulate": Run("simulate small --frames 1", ("generate small",)),
    "generate small": Run("generate perceptron.fpgaq -o small --multipliers 4"),
    "build": Run(f"build {MODEL} {CALIBRATION} --data samples.npz -o built --frames 1", slow=True),
    "synth": Run("synth small --device ecp5-25k --seeds 1", ("generate small",), slow=True),
    "prune --groups": Run(f"prune {MODEL} --groups"),
    "prune": Run(f"prune {MODEL} --budget 0.6 {CALIBRATION} --data samples.npz --jobs 1 -o pruned.nnp", slow=True),
    "finetune": Run(f"finetune {MODEL} --data samples.npz --test samples.npz --epochs 1 -o trained.nnp", nnabla=True),
    "parity": Run("parity trained.nnp --data samples.npz --frames 4", ("finetune",), nnabla=True),
    "cheapen": Run("cheapen perceptron.fpgaq --calibration six.npz --bound 0.03 -o cheap.fpgaq"),
}
FOLDERS = {"verilog": "generate", "unrolled": "generate --unroll", "hls": "generate --target hls"}
FILES = ("manifest.json", "interface.json", "bench/bench.json")
MAPS = (
    *("memory_digests", "arrays", "alone", "bits", "reasons", "change", "fmax_by_seed"),
    *("inputs", "outputs", "float_operators", "integer_operators"),
)
"""Keys whose value, where it is an object, is keyed by data: names of files, layers, operators or options."""


def run_json(name: str, folder: Path) -> dict[str, Any]:
    """The output of a run with --json, run in `folder` after the runs that it needs.

    Raises
    ------
    RuntimeError
        A command that fails; the message has its line and what it printed.
    """
    for earlier in RUNS[name].needs:
        run_json(earlier, folder)
    prepare(folder)
    output, errors = io.StringIO(), io.StringIO()
    with entered(folder), contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        code = invoke([*RUNS[name].line.split(), "--json"])
    if code != 0:
        raise RuntimeError(f"fpgaq {RUNS[name].line}: {code}, {errors.getvalue()}")
    return json.loads(output.getvalue())


@contextlib.contextmanager
def entered(folder: Path) -> Iterator[None]:
    """`folder` as the current one; `contextlib.chdir` needs Python 3.11."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def prepare(folder: Path) -> None:
    """The files that the runs read: the example, a few of its samples, two integer networks."""
    if (folder / "samples.npz").exists():
        return
    (folder / "examples").symlink_to(ROOT / "examples")
    calibration = np.load(ROOT / "examples" / "digits_tabular" / "calibration.npz")
    np.savez(folder / "samples.npz", x=calibration["x"][:SAMPLES], y=calibration["y"][:SAMPLES])
    np.savez(folder / "six.npz", x=np.random.default_rng(0).uniform(0, 1, (SAMPLES, 6, 1, 1)))
    for network in ("every_operator", "perceptron"):
        (folder / f"{network}.fpgaq").write_bytes((NETWORKS / f"{network}.fpgaq").read_bytes())


def shape(value: Any) -> Any:
    """The keys and types of a JSON value: entries of a list are taken together, values are left out.

    An object is `{"keys": {key: shape}}`, a list `{"items": shape}`, a map keyed by data `{"values": shape}`, a plain
    value the sorted list of its types. Something that is of several kinds is a list of all of them.
    """
    if isinstance(value, dict):
        return {
            "keys": {
                key: {"values": merge(shape(entry) for entry in part.values())}
                if key in MAPS and isinstance(part, dict)
                else shape(part)
                for key, part in value.items()
            }
        }
    if isinstance(value, list):
        return {"items": merge(shape(entry) for entry in value)}
    return {"types": [type(value).__name__]}


def merge(shapes: Iterable[Any]) -> dict[str, Any]:
    """One shape for all; keys that not all objects have are named in `optional`."""
    result: dict[str, Any] = {}
    for found in shapes:
        if "types" in found:
            result["types"] = sorted({*result.get("types", ()), *found["types"]})
        for kind in ("items", "values"):
            if kind in found:
                result[kind] = merge([result[kind], found[kind]]) if kind in result else found[kind]
        if "keys" in found:
            known, new = result.get("keys"), found["keys"]
            optional = {*result.get("optional", ()), *found.get("optional", ())}
            if known is not None:
                optional |= known.keys() ^ new.keys()
                new = {
                    key: merge([part for part in (known.get(key), new.get(key)) if part is not None])
                    for key in (*known, *(key for key in new if key not in known))
                }
            result["keys"] = new
            if optional:
                result["optional"] = sorted(optional)
    return result


def lost(old: Any, new: Any, where: str = "") -> list[str]:
    """Parts of the old shape that the new one lacks; additions are no loss."""
    result = []
    if "types" in old and not {*new.get("types", ())} <= {*old["types"]}:
        result.append(f"{where}: {new.get('types')} where {old['types']} was")
    if "types" in old and not ("types" in new or old.keys() - {"types"}):
        result.append(f"{where}: no {old['types']}")
    for kind in ("items", "values"):
        if kind in old:
            result += lost(old[kind], new[kind], f"{where}[]") if kind in new else [f"{where}: no {kind}"]
    if "keys" in old and "keys" not in new:
        return [*result, f"{where}: no object"]
    for key, part in old.get("keys", {}).items():
        if key not in new["keys"]:
            result += [] if key in old.get("optional", ()) else [f"{where}.{key} is gone"]
        elif key in new.get("optional", ()) and key not in old.get("optional", ()):
            result.append(f"{where}.{key} is not always there")
        else:
            result += lost(part, new["keys"][key], f"{where}.{key}")
    return result


def folder_files(folder: Path) -> dict[str, Any]:
    """The shapes of the JSON files of an output folder."""
    paths = {name: folder / name for name in FILES}
    return {name: shape(json.loads(path.read_text("utf-8"))) for name, path in paths.items() if path.is_file()}


def ports(folder: Path) -> list[str]:
    """The ports of the top module as they are declared: direction, width, name."""
    top = json.loads((folder / "manifest.json").read_text("utf-8"))["top"]
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", (folder / "rtl" / f"{top}.v").read_text("utf-8"), flags=re.DOTALL)
    header = re.search(rf"^module {top}\b(.*?);", text, flags=re.DOTALL | re.MULTILINE)
    declared = re.findall(r"\b(input|output)\s+(?:wire|reg)?\s*(\[[^\]]*\])?\s*(\w+)", header[1] if header else "")
    return [" ".join(part for part in match if part) for match in declared]


def finder() -> MovedFinder:
    """The hook for old names that `import fpgaq` installed."""
    (found,) = (finder for finder in sys.meta_path if isinstance(finder, MovedFinder))
    return found
