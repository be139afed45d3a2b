"""All that a report says, as one value; its plain form has every number of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ...base.results import Result
from ...base.version import __version__
from .advice import advise
from .comparison import Comparison
from .layer_facts import InputFacts, LayerFacts
from .verdict import Verdict

SCHEMA = 1


@dataclass(frozen=True, repr=False)
class Report(Result):
    """All that a report says; `as_json` gives every number of the page.

    Parameters
    ----------
    name : str
        Of the network.
    origin : mapping
        What was built from what: digests, versions, options.
    verdict : Verdict
    inputs : tuple of InputFacts
    layers : tuple of LayerFacts
    build : mapping or None
        The contents of build.json; None in a folder of an earlier version.
    resources : mapping or None
        What the hardware takes, with `source` "measured" or "estimated".
    clock : (float, str) or None
        In MHz, and how it is known.
    compared : Comparison or None
        None without the model and test data.
    pictures : tuple of mapping
        Samples on which both networks disagree, for the page.
    """

    name: str
    origin: Mapping[str, Any]
    verdict: Verdict
    inputs: tuple[InputFacts, ...]
    layers: tuple[LayerFacts, ...]
    build: Mapping[str, Any] | None
    resources: Mapping[str, Any] | None
    clock: tuple[float, str] | None
    compared: Comparison | None
    pictures: tuple[Mapping[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        """Every number of the page as plain values."""
        result = {
            "schema": SCHEMA,
            "fpgaq": __version__,
            "name": self.name,
            "verification": _verification(self.verdict),
            "origin": dict(self.origin),
            "inputs": [asdict(facts) for facts in self.inputs],
            "layers": [self._layer(facts) for facts in self.layers],
            "accuracy": None if self.compared is None else _accuracy(self.compared),
            "disagreements": [dict(picture) for picture in self.pictures],
            "hardware": self._hardware(),
            "missing": self._missing(),
        }
        return {**result, "next": list(advise(result))}

    def headline(self) -> str:
        """The network and the verdict, in one line."""
        return f"{self.name}: {self.verdict.words.lower()}; {self.verdict.reason}"

    def records(self) -> list[dict[str, Any]]:
        """A row for each layer."""
        return [self._layer(facts) for facts in self.layers]

    def _layer(self, facts: LayerFacts) -> dict[str, Any]:
        """A layer's own facts with what comparison and schedule know of it."""
        noise = {each.layer: each for each in self.compared.layers} if self.compared is not None else {}
        compared = noise.get(facts.name)
        finite = compared is not None and abs(compared.signal_to_noise) != float("inf")
        rows = {} if self.build is None else {row["name"]: row for row in self.build["layers"]}
        row, time = rows.get(facts.name, {}), self._times().get(facts.name)
        return {
            **asdict(facts),
            "signal_to_noise": compared.signal_to_noise if compared is not None and finite else None,
            "lanes": row.get("lanes"),
            "multipliers": row.get("multipliers"),
            "buffer_words": row.get("buffer_words"),
            "time": time,
        }

    def _times(self) -> dict[str, Any]:
        timeline = None if self.build is None else self.build.get("timeline")
        return {} if timeline is None else {time["layer"]: time for time in timeline["layers"]}

    def _hardware(self) -> dict[str, Any] | None:
        if self.build is None:
            return None
        result, times = self.build["result"], self._times()
        busiest = max(times.values(), key=lambda time: time["busy_cycles"], default=None)
        rows = {row["name"]: row for row in self.build["layers"]}
        interval = result.get("interval_cycles")
        clock = None if self.clock is None else self.clock[0]
        timeline = self.build.get("timeline")
        return {
            "language": self.build["language"],
            "interval_cycles": interval,
            "latency_cycles": result.get("latency_cycles"),
            "multipliers": result.get("multipliers"),
            "budget": result.get("budget"),
            "limit_cycles": result.get("limit_cycles"),
            "efficiency": result.get("efficiency"),
            "macs": result.get("macs"),
            "memory": result.get("memory"),
            "wrapper": result.get("wrapper"),
            "clock_mhz": clock,
            "clock_source": None if self.clock is None else self.clock[1],
            "frames_per_second": clock * 1e6 / interval if clock and interval else None,
            "resources": self.resources,
            "bottleneck": None
            if busiest is None
            else {
                "name": busiest["layer"],
                "busy_cycles": busiest["busy_cycles"],
                "multipliers": rows.get(busiest["layer"], {}).get("multipliers") or 0,
            },
            "timeline_cycles": None if timeline is None else timeline["cycles"],
        }

    def _missing(self) -> dict[str, str]:
        """The sections that cannot be filled, and what each needs."""
        found = {}
        if self.compared is None:
            found["accuracy"] = "needs the trained model and test data: fpgaq report DIR --model MODEL --test NPZ"
        if self.build is None:
            found["hardware"] = "the folder was written by an fpgaq that kept no build.json; generate it anew"
            found["resources"] = "needs build.json, which an earlier fpgaq did not write: generate the folder anew"
        elif self.build.get("timeline") is None:
            found["timeline"] = "only the beat model of folded Verilog knows who waits for whom"
        if self.build is not None and self.resources is None:
            found["resources"] = "needs a device: fpgaq synth DIR measures, fpgaq generate --device estimates"
        if self.clock is None:
            found["clock"] = "nobody named one: give --clock MHZ, or let fpgaq synth DIR find what the part reaches"
        return found


def _verification(verdict: Verdict) -> dict[str, Any]:
    return {**asdict(verdict), "frames": max((run.frames for run in verdict.runs if run.proves), default=0)}


def _accuracy(compared: Comparison) -> dict[str, Any]:
    # Times are of this machine and this run, and say nothing about the hardware.
    left_out = ("layers", "float_seconds", "integer_seconds", "threads", "engine", "disagreements")
    return {name: value for name, value in compared.as_json().items() if name not in left_out}
