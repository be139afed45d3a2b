"""What `generate` decided, kept in the output folder as build.json for reports: options, layers, engines, timeline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.errors import ModelError, UsageError
from ..base.output import write_product
from ..base.remarks import note
from ..base.version import __version__
from ..proof.folder import read_json
from ..proof.verification import manifest_digest

if TYPE_CHECKING:
    from ..hardware.schedule import Schedule
    from ..integer.graph import IntegerGraph

BUILD_FILE = "build.json"
SCHEMA = 1
PLACES = ("directory", "files", "digest", "target", "layers")
"""Keys of a result that the manifest or the record itself has already, or that tell of a place on a machine."""


def build_record(
    language: str,
    options: Mapping[str, Any],
    result: Mapping[str, Any],
    layers: Sequence[Mapping[str, Any]],
    timeline: Mapping[str, Any] | None = None,
    engines: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The text of build.json: the same network and options give the same bytes."""
    content = {
        "schema": SCHEMA,
        "fpgaq": __version__,
        "language": language,
        "options": {name: value for name, value in options.items() if value not in (None, False, 0)},
        "result": {name: value for name, value in result.items() if name not in PLACES},
        "layers": list(layers),
        "engines": list(engines),
        "timeline": timeline,
    }
    return json.dumps(content, indent=1) + "\n"


def engine_rows(schedule: Schedule) -> list[dict[str, Any]]:
    """Each MAC array: its layers, lanes and multipliers."""
    return [
        {
            "layers": list(engine.layers),
            "products": engine.products,
            "outputs": engine.outputs,
            "multipliers": engine.multipliers,
            "adders": engine.adders,
        }
        for engine in schedule.engines
    ]


def timeline_of(network: IntegerGraph, schedule: Schedule) -> dict[str, Any]:
    """Who works and who waits during a steady frame, as plain values."""
    from ..hardware.schedule.memories import describe
    from ..hardware.schedule.timeline import follow_frame

    beats = describe(network, schedule.plans, schedule.edges, schedule.input_beats, schedule.engines)
    return asdict(follow_frame(beats, schedule.prediction.frames))


SYNTHESIS_FILE = "synthesis.json"


def record_synthesis(directory: Path, result: Mapping[str, Any]) -> None:
    """Keep in the folder what its hardware was measured to take, the last result for each device."""
    digest = manifest_digest(directory)
    device = str(result["device"])
    others = {name: found for name, found in read_synthesis(directory, digest).items() if name != device}
    # The last one stands last, which is what a report shows.
    known = {**others, device: dict(result)}
    text = json.dumps({"schema": SCHEMA, "manifest": digest, "results": known}, indent=1) + "\n"
    try:
        write_product(directory, SYNTHESIS_FILE, text)
    except UsageError as error:
        note(f"the result of synthesis was not recorded: {error}")


def read_synthesis(directory: Path, digest: str) -> dict[str, Any]:
    """Results by device for the manifest of this digest; none where they are missing, damaged or of another build."""
    try:
        content = read_json(directory / SYNTHESIS_FILE)
    except ModelError:
        return {}
    results = content.get("results")
    return results if content.get("manifest") == digest and isinstance(results, dict) else {}
