"""The stage that makes a generated folder a package of another tool."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..base.errors import UsageError

FRAMES = 4
"""Of the folder's golden vectors that a package's own bench takes."""


@dataclass(frozen=True)
class PackageResult:
    """What `package` wrote: the folder, for which tool, the top module and the files by their paths in the folder."""

    directory: Path
    tool: str
    top: str
    files: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {**asdict(self), "directory": str(self.directory), "files": list(self.files)}


def package(directory: str | Path, tool: str, output: str | Path | None = None) -> PackageResult:
    """Write a folder that holds a generated core behind a bus as a package of another tool.

    Parameters
    ----------
    directory : str or Path
        What `generate` wrote with a bus.
    tool : str
        One of `fpgaq.hardware.package.TOOLS`.
    output : str or Path, optional
        The folder to write; by default one beside `directory` with the tool's name at its end.

    Raises
    ------
    UsageError
        An unknown tool, a folder without a wrapper, or an output that cannot be written.
    VerificationError
        A file of the folder is not as it was generated.
    """
    from ..base.output import check_folder, write_folder
    from ..hardware.package import TOOLS, package_facts, package_files
    from ..proof.bus_bench import bus_words, image_hex
    from ..proof.folder import check_digests, check_wrapper, read_interface, read_manifest

    if tool not in TOOLS:
        raise UsageError(f"--for {tool}: {', '.join(TOOLS)} are known")
    folder = Path(directory)
    manifest = read_manifest(folder)
    if "wrapper" not in manifest:
        raise UsageError(f"{directory}: holds a bare core, whose ports no tool knows; generate it with --bus 32")
    target = Path(output) if output is not None else folder.resolve().with_name(f"{folder.resolve().name}-{tool}")
    check_folder(target)
    check_digests(folder, manifest)
    interface = read_interface(folder)
    check_wrapper(folder, manifest, interface)
    facts = package_facts(manifest, interface)
    contents = {name: (folder / name).read_bytes() for name in (*facts.sources, *facts.memories, "interface.json")}
    words = bus_words(folder, interface, FRAMES)
    if "image" in manifest:
        name = manifest["image"]["file"]
        contents[name] = (folder / name).read_bytes()
        words["image.hex"] = image_hex(contents[name])
    files = package_files(facts, tool, words, contents)
    write_folder(target, files)
    return PackageResult(target, tool, facts.top, tuple(sorted(files)))
