"""Write what fpgaq depends on, with versions and licences, as a CycloneDX bill of materials: ``make sbom``.

The list is that of the packages which are installed here, found from fpgaq's own requirements with all extras; licences
are those that their metadata state. Ends with 1 if one states none, or one that is not allowed.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = "fpgaq"
SCOPES = {"required": ("",), "optional": ("all",), "excluded": ("dev",)}
"""Extras that bring a package, by CycloneDX's word for it: what only tests need is "excluded" from what users run."""
ALLOWED = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "ISC",
        "MIT",
        "MIT-CMU",
        "MPL-2.0",
        "PSF-2.0",
        "Zlib",
    }
)
"""SPDX names; BSD where the metadata do not say which. All leave what fpgaq emits to its user."""
TESTS_ALLOWED = ALLOWED | {"GPL-2.0-only"}
"""For what only the tests need: scapy, of the bus models that drive the wrapper there. None of it goes to a user."""
KNOWN = {"cocotb-bus": "BSD-3-Clause"}
"""Licences that stand in a package's files and not in its metadata."""
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
TEXTS = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License v2.0": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "MIT License": "MIT",
}
"""What metadata of the older form state, by its SPDX name."""


@dataclass(frozen=True)
class Component:
    """A package, its licence as an SPDX expression, and who needs it (a key of `SCOPES`)."""

    name: str
    version: str
    expression: str
    scope: str = "required"

    @property
    def licences(self) -> tuple[str, ...]:
        """The single licences of the expression."""
        return tuple(part.strip(" ()") for part in re.split(r"\b(?:AND|OR)\b", self.expression) if part.strip(" ()"))

    @property
    def allowed(self) -> bool:
        """Whether one of the alternatives is of allowed licences only."""
        allowed = TESTS_ALLOWED if self.scope == "excluded" else ALLOWED
        ways = (Component(self.name, self.version, way).licences for way in self.expression.split(" OR "))
        return any(bool(way) and allowed.issuperset(way) for way in ways)


def licence_of(facts: Any) -> str:
    """The licence that a package's metadata state, as an SPDX expression; empty if they state none."""
    expression = str(facts.get("License-Expression") or "")
    if expression:
        return expression
    stated = str(facts.get("License") or "").strip()
    if TEXTS.get(stated, stated) in ALLOWED or re.fullmatch(r"[\w.-]+( (AND|OR|WITH) [\w.-]+)+", stated):
        return TEXTS.get(stated, stated)
    found = [
        line.split("::")[-1].strip() for line in facts.get_all("Classifier") or () if line.startswith("License ::")
    ]
    known = [CLASSIFIERS.get(name, name) for name in found if name != "OSI Approved"]
    return " AND ".join(dict.fromkeys(known)) or TEXTS.get(stated, stated.splitlines()[0] if stated else "")


def components(root: str = ROOT) -> list[Component]:
    """All that is installed of what `root` requires, itself left out, by name."""
    found: dict[str, Component] = {}
    for scope, extras in SCOPES.items():
        for name, distribution in _installed(root, extras).items():
            expression = KNOWN.get(name) or licence_of(distribution.metadata)
            found.setdefault(name, Component(name, distribution.version, expression, scope))
    return [found[name] for name in sorted(found) if name != canonicalize_name(root)]


def _installed(root: str, extras: Sequence[str]) -> dict[str, metadata.Distribution]:
    """What is installed of a package with extras and of all that it requires."""
    seen: set[tuple[str, str]] = set()
    found: dict[str, metadata.Distribution] = {}
    waiting = [(root, extra) for extra in extras]
    while waiting:
        name, extra = waiting.pop()
        key = (canonicalize_name(name), extra)
        if key in seen:
            continue
        seen.add(key)
        try:
            found[key[0]] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            # The user chose fewer extras.
            continue
        waiting += _required(found[key[0]].requires or (), extra)
    return found


def _required(lines: Sequence[str], extra: str) -> Iterator[tuple[str, str]]:
    for line in lines:
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
            for name in {"", *wanted.extras}:
                yield wanted.name, name


def bill(found: Sequence[Component]) -> dict[str, Any]:
    """The bill of materials, CycloneDX 1.5; the same for the same packages."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": ROOT, "version": metadata.version(ROOT)}},
        "components": [
            {
                "type": "library",
                "bom-ref": f"pkg:pypi/{one.name}@{one.version}",
                "name": one.name,
                "version": one.version,
                "scope": one.scope,
                "purl": f"pkg:pypi/{one.name}@{one.version}",
                "licenses": [{"license": {"name": "BSD"}}] if one.expression == "BSD" else [
                    {"expression": one.expression}
                ],
            }
            for one in found
        ],
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the bill; print each package whose licence is not allowed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("build/sbom.json"))
    options = parser.parse_args(arguments)
    found = components()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(bill(found), indent=1) + "\n", encoding="utf-8")
    refused = [one for one in found if not one.allowed]
    for one in refused:
        print(f"{one.name} {one.version}: licence {one.expression or 'not stated'} is not allowed", file=sys.stderr)
    print(f"{len(found)} packages, {len(refused)} with a licence that is not allowed: {options.output}")
    return 1 if refused or not found else 0


if __name__ == "__main__":
    sys.exit(main())
