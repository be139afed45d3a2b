"""The command that shows all stages on a network which comes with fpgaq: demo."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ..base.text import printable
from .hardware import build_json, build_lines
from .options import SimulatorName
from .parameters import Option, command
from .settings import Settings

FRAMES = 2
"""Of the data; extreme, random and chosen ones come on top."""
REPORT = "report.txt"
FILES = ("model.nnp", "calibration.npz", "test.npz", "README.md")


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """The options of `fpgaq demo`."""

    output: Annotated[str, Option("The folder for the model, its hardware and a report.", "-o", metavar="DIR")] = (
        "fpgaq-demo"
    )
    simulator: SimulatorName = "icarus"


@command(DemoOptions, "fpgaq demo -o demo", tables=True)
def demo(settings: Settings, options: DemoOptions) -> None:
    """Build a small network that comes with fpgaq.

    It reads handwritten digits of 8x8 pixels. The model and its data are copied into DIR, quantized, compared, written
    as Verilog and simulated. This takes about ten seconds. The last lines name the report and commands to go on with.
    """
    from .. import pipeline
    from ..base.output import write_file

    folder, source = Path(options.output), example_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        write_file(folder / name, (source / name).read_bytes())
    with settings.progress("starting") as progress:
        result = pipeline.build(
            folder / "model.nnp",
            folder / "calibration.npz",
            folder / "test.npz",
            folder / "hardware",
            frames=FRAMES,
            simulator=options.simulator,
            progress=progress,
        )
    pipeline.save_integer(result.integer, folder / "model.fpgaq")
    lines = build_lines(result)
    report = folder / REPORT
    write_file(report, "".join(f"{line}\n" for line in lines))
    following = next_commands(folder)
    ending = ["", f"report: {printable(str(report))}", "go on with:", *(f"  {line}" for line in following)]
    settings.show([*lines, *ending], {**build_json(result), "report": str(report), "next": list(following)})


def next_commands(folder: Path) -> tuple[str, ...]:
    """Three commands that run as they stand, whatever the folder is called."""
    model, calibration, test, integer, small, four = (
        shlex.quote(str(folder / name))
        for name in ("model.nnp", "calibration.npz", "test.npz", "model.fpgaq", "small", "four.fpgaq")
    )
    return (
        f"fpgaq explore {model} --calibration {calibration} --data {test} --jobs 1",
        f"fpgaq generate {integer} -o {small} --multipliers 4",
        f"fpgaq quantize {model} --calibration {calibration} --weight-bits 4 -o {four}",
    )


def example_folder() -> Path:
    """The example that comes with fpgaq: in the package of a wheel, next to it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "demo"
    return inside if inside.is_dir() else package.parent / "examples" / "digits_cnn"
