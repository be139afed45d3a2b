"""The report of an output folder: all that is known about it, gathered into one value, then written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.errors import ModelError, UsageError
from ..base.kinds import expect
from ..base.output import check_file, write_file, write_product
from ..base.regular import open_regular
from ..integer.graph import IntegerArray, IntegerGraph
from ..integer.inputs import transform_data
from .build_record import BUILD_FILE, read_synthesis
from .hardware import LOWERED_FILE, NETWORK_FILE
from .models import load_integer
from .quantizing import compare
from .samples import Samples, user_data

if TYPE_CHECKING:
    from ..model.graph import Graph
    from ..study.report.comparison import Comparison
    from ..study.report.report import Report

REPORT_FILE = "report.html"
JSON_FILE = "report.json"
FORMATS = ("html", "md", "json")
MOST_PIXELS = 96
"""Pixels of a side of a sample that is shown, which is as wide on the page; a larger one is thinned out."""


def gather(
    directory: str | Path,
    model: str | Path | Graph | None = None,
    test: Samples | None = None,
    *,
    clock: float | None = None,
    compared: Comparison | None = None,
    load: Callable[[bool], Graph] | None = None,
    progress: Callable[[str], None] = lambda stage: None,
) -> Report:
    """Gather all that is known about an output folder.

    Parameters
    ----------
    directory : str or Path
        What `generate` wrote.
    model : str, Path or Graph, optional
        The trained model, for the comparison; needs `test`.
    test : Samples, optional
        With labels or targets.
    clock : float, optional
        In MHz, where the user names one; else the one that synthesis found, if it did.
    compared : Comparison, optional
        Where the comparison of these two was made already.
    load : callable, optional
        Reads the model with or without the passes, where options say how.

    Raises
    ------
    ModelError
        A folder that is incomplete, or a model to which it does not belong.
    UsageError
        A model without test data, or the other way round.
    """
    from ..proof.verification import manifest_digest
    from ..study.report.layer_facts import input_facts, layer_facts
    from ..study.report.report import Report
    from ..study.report.verdict import judge

    if (model is None) != (test is None):
        raise UsageError("--model and --test go together: the comparison needs the trained model and labelled samples")
    folder = Path(directory)
    manifest = _read_manifest(folder)
    network = load_integer(folder / NETWORK_FILE)
    built = load_integer(folder / LOWERED_FILE) if (folder / LOWERED_FILE).is_file() else network
    progress("checking digests")
    verdict, digest = judge(folder, manifest), manifest_digest(folder)
    build = _read_build(folder)
    samples: Mapping[str, IntegerArray] = network.samples
    data = None
    if test is not None:
        data = user_data(network, test)
        samples = transform_data(network, data.slice(0, 64).inputs)
    if model is not None and data is not None and compared is None:
        progress("comparing integer with float")
        graph, source = (load(True), load(False)) if load is not None else (model, None)
        compared = compare(graph, network, data, source=source)
    progress("counting values")
    resources, found = _resources(read_synthesis(folder, digest), build)
    known = (clock, "told") if clock is not None else found
    hardware_clock = None if known is None else known[0]
    if compared is not None and build is not None:
        compared = with_speed(compared, build["result"].get("interval_cycles"), hardware_clock)
    return Report(
        network.name,
        _origin(network, manifest, digest, build, model),
        verdict,
        input_facts(built, samples),
        layer_facts(built, samples),
        build,
        resources,
        known,
        compared,
        _pictures(compared, data),
    )


def with_speed(compared: Comparison, interval: int | None, clock: float | None) -> Comparison:
    """A comparison with the cycles of the hardware, and frames a second at a clock in MHz."""
    rate = clock * 1e6 / interval if clock and interval else None
    return replace(compared, interval_cycles=interval, clock_mhz=clock, frames_per_second=rate)


def with_hardware(
    compared: Comparison, directory: str | Path, network: IntegerGraph, clock: float | None = None
) -> Comparison:
    """A comparison with the predicted cycles of the hardware in a folder, which has to be of the same network.

    Raises
    ------
    UsageError
        Hardware of another network.
    """
    from ..integer.file import digest

    folder = Path(directory)
    manifest = _read_manifest(folder)
    if digest(load_integer(folder / NETWORK_FILE)) != digest(network):
        raise UsageError(f"{directory}: is hardware of another network; generate it from the one that is compared")
    return with_speed(compared, (manifest.get("prediction") or {}).get("interval_cycles"), clock)


def _read_manifest(folder: Path) -> Mapping[str, Any]:
    from ..proof.folder import read_json, read_manifest

    expect(folder, "folder")
    content = read_json(folder / "manifest.json")
    return content if content.get("target") == "hls" else read_manifest(folder)


def _read_build(folder: Path) -> Mapping[str, Any] | None:
    """The contents of build.json; None if there is none."""
    from ..proof.folder import read_json

    path = folder / BUILD_FILE
    if not path.exists():
        return None
    content = read_json(path)
    wanted = {"language": str, "options": dict, "result": dict, "layers": list, "engines": list}
    if content.get("schema") != 1 or any(not isinstance(content.get(key), kind) for key, kind in wanted.items()):
        raise ModelError(f"{path}: not a build record of version 1; generate the folder anew")
    return content


def _resources(
    synthesis: Mapping[str, Any], build: Mapping[str, Any] | None
) -> tuple[Mapping[str, Any] | None, tuple[float, str] | None]:
    """What the hardware takes, measured if it was, and the clock that was found."""
    if synthesis:
        device, found = list(synthesis.items())[-1]
        counts = {name: found.get(name) for name in ("lut", "ff", "dsp", "bram")}
        facts = {"source": "measured", "device": device, **counts, "shares": found.get("shares") or {}}
        facts |= {"tools": found.get("tools") or [], "errors": None}
        clock = found.get("fmax_mhz")
        return facts, None if clock is None else (float(clock), f"measured by place and route on {device}")
    guess = None if build is None else build["result"].get("estimate")
    if not guess:
        return None, None
    counts = {name: guess[name] for name in ("lut", "ff", "dsp", "bram")}
    device = guess["device"]
    known = {"errors": guess["errors"], "tools": [guess["tool"]]}
    return {"source": "estimated", "device": device, **counts, "shares": _shares(counts, device), **known}, None


def _shares(counts: Mapping[str, int], device: str) -> dict[str, float]:
    from ..hardware.synth import find_device

    capacity = find_device(device).capacity
    if capacity is None:
        return {}
    return {name: used / getattr(capacity, name) for name, used in counts.items() if getattr(capacity, name)}


def _origin(
    network: IntegerGraph,
    manifest: Mapping[str, Any],
    digest: str,
    build: Mapping[str, Any] | None,
    model: str | Path | Graph | None,
) -> dict[str, Any]:
    from ..integer.file import digest as network_digest

    found = {
        "network_digest": network_digest(network),
        "manifest_digest": digest,
        "files": len(manifest.get("digests", {})),
        "top": manifest["top"],
        "generated_by": None if build is None else build["fpgaq"],
        "options": {} if build is None else build["options"],
        "quantizer": {
            name: value
            for name, value in (network.options.get("options") or {}).items()
            if value not in (None, False, {})
        },
        "chosen": network.options.get("chosen", []),
        "estimate_only": network.estimate_only,
        "model": None,
        "model_digest": None,
    }
    if isinstance(model, str | Path):
        with open_regular(model, "a model") as stream:
            found |= {"model": Path(model).name, "model_digest": hashlib.sha256(stream.read()).hexdigest()}
    return found


def _pictures(compared: Comparison | None, data: Any) -> tuple[Mapping[str, Any], ...]:
    """The samples that the networks answer differently, those that are pictures with their pixels."""
    if compared is None or data is None:
        return ()
    array = next(iter(data.inputs.values()))
    shape = array.shape[1:]
    drawn = len(shape) == 3 and shape[0] in (1, 3) and min(shape[1:]) >= 4
    step = -(-max(shape[1:]) // MOST_PIXELS) if drawn else 1
    return tuple(
        {**asdict(each), "pixels": array[each.sample][:, ::step, ::step].astype(float).tolist() if drawn else None}
        for each in compared.disagreements
    )


def write_report(
    report: Report, directory: str | Path, output: str | Path | None = None, form: str = "html"
) -> list[str]:
    """Write a report: HTML with its JSON beside it, or one file of another format; the paths that were written.

    Parameters
    ----------
    report : Report
    directory : str or Path
        The folder that it is about; there it is a product that a later build may replace.
    output : str or Path, optional
        Another place.
    form : {"html", "md", "json"}

    Raises
    ------
    UsageError
        A place that cannot be written.
    ToolError
        HTML without matplotlib.
    """
    files = report_files(report, form)
    if output is None:
        for name, text in files.items():
            write_product(Path(directory), name, text)
        return [str(Path(directory) / name) for name in files]
    names = [Path(output), *([Path(output).with_suffix(".json")] if form == "html" else [])]
    for path in names:
        check_file(path)
    for path, text in zip(names, files.values(), strict=True):
        write_file(path, text)
    return [str(path) for path in names]


def report_files(report: Report, form: str = "html") -> dict[str, str]:
    """The text of a report by the name of its file."""
    from ..study.report.page import html_page, markdown_page

    content = report.as_json()
    text = json.dumps(content, indent=1, default=str) + "\n"
    if form == "json":
        return {JSON_FILE: text}
    if form == "md":
        return {"report.md": markdown_page(content)}
    return {REPORT_FILE: html_page(content), JSON_FILE: text}
