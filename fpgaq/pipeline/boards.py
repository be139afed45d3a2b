"""The stages on boards: make a bitstream, and send frames to a board that was loaded with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.errors import ModelError, UsageError, VerificationError
from ..base.progress import Step
from .samples import DATA_FRAMES, Samples, check_frames, user_data

if TYPE_CHECKING:
    from ..hardware.board.bitstream import Bitstream
    from ..hardware.board.boards import Board

SIMULATED = "sim"
"""The port of a board that is simulated."""

PACKET_BYTES = 8
"""Of a packet beside its data: two ENDs, kind, number and CRC; the answer to a frame has one more, its status."""


@dataclass(frozen=True)
class BitstreamResult:
    """What `bitstream` wrote: a folder with the file that the board loads.

    `link_fps` and `core_fps` are predicted frames a second over the serial line, one at a time, and of the core alone.
    """

    directory: Path
    board: Board
    file: str
    baud: int
    bitstream: Bitstream
    interval_cycles: int | None
    link_fps: float
    core_fps: float | None

    @property
    def load_command(self) -> list[str]:
        """What loads the board."""
        return ["openFPGALoader", "-b", self.board.loader, str(self.directory / self.file)]

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        made = self.bitstream
        return {
            "directory": str(self.directory),
            "board": self.board.name,
            "file": self.file,
            "bytes": len(made.content),
            "counts": asdict(made.counts),
            "shares": made.shares,
            "clock_mhz": self.board.clock_mhz,
            "fmax_mhz": made.fmax_mhz,
            "seed": made.seed,
            "baud": self.baud,
            "link_fps": self.link_fps,
            "core_fps": self.core_fps,
            "tools": list(made.tools),
            "seconds": round(made.seconds, 1),
            "load": self.load_command,
        }


def bitstream(
    directory: str | Path,
    board: str,
    output: str | Path | None = None,
    *,
    baud: int | None = None,
    progress: Callable[[str], None] = lambda stage: None,
) -> BitstreamResult:
    """Make the bitstream of a generated core with a serial line for a board.

    Parameters
    ----------
    directory : str or Path
        What `generate` wrote with a bus of 32 bits.
    board : str
        One of `fpgaq.hardware.board.table.BOARDS`.
    output : str or Path, optional
        The folder to write; by default one beside `directory` with the board's name at its end.
    baud : int, optional
        Of the serial line; by default 1,000,000.
    progress : callable
        Called with what is being done.

    Raises
    ------
    UsageError
        An unknown board, a folder without such a bus, a rate that the clock cannot give.
    FitError
        The design does not fit the board's part, or is too slow for its clock.
    ToolError
        A tool is missing or fails.
    VerificationError
        A file of the folder is not as it was generated.
    """
    from ..base.output import check_folder, write_folder
    from ..hardware.board.bitstream import make_bitstream
    from ..hardware.board.boards import BAUD, find_board
    from ..hardware.board.shell import BUS, make_shell
    from ..hardware.emit.digests import with_digests
    from ..hardware.emit.printer import as_json
    from ..hardware.synth.project import read_project
    from ..proof.folder import check_digests, check_wrapper, read_interface, read_manifest

    found, rate = find_board(board), BAUD if baud is None else baud
    found.divider(rate)
    folder = Path(directory)
    manifest = read_manifest(folder)
    if "wrapper" not in manifest or "board" in manifest or manifest["wrapper"].get("bus_bits") != BUS:
        raise UsageError(f"{directory}: a board needs a core behind a bus of {BUS} bits; generate it with --bus {BUS}")
    target = Path(output) if output is not None else folder.resolve().with_name(f"{folder.resolve().name}-{board}")
    check_folder(target)
    check_digests(folder, manifest)
    interface = read_interface(folder)
    check_wrapper(folder, manifest, interface)
    shell = make_shell(found, rate, manifest, interface, manifest["wrapper"]["module"])
    made = make_bitstream(found, shell, read_project(folder, wrapped=True), progress)
    file = f"{manifest['wrapper']['module']}.{made.suffix}"
    described = {**asdict(found), "module": shell.module, "baud": rate, "parameters": shell.parameters, "file": file,
                 "files": [*manifest["wrapper"]["files"], *shell.files], "tools": list(made.tools),
                 "fmax_mhz": made.fmax_mhz, "seed": made.seed}  # fmt: skip
    whole = {key: value for key, value in manifest.items() if key != "digests"}
    files: dict[str, str | bytes] = {"manifest.json": as_json({**whole, "board": described})}
    image = [manifest["image"][one] for one in ("file", "layout")] if "image" in manifest else []
    for name in (*manifest["wrapper"]["files"], *manifest["memory_files"], *image, "interface.json", "network.fpgaq"):
        files[name] = (folder / name).read_bytes()
    if (folder / "lowered.fpgaq").is_file():
        files["lowered.fpgaq"] = (folder / "lowered.fpgaq").read_bytes()
    files |= {**shell.files, f"board/{shell.constraints[0]}": shell.constraints[1], file: made.content}
    files["board/netlist.json"] = made.netlist
    write_folder(target, with_digests(files))
    prediction = manifest["wrapper"]["prediction"]
    sent = interface["wrapper"]["input"]["bytes_per_frame"] + interface["wrapper"]["output"]["bytes_per_frame"]
    seconds = 10 * (sent + 2 * PACKET_BYTES + 1) / rate + prediction["latency_cycles"] / found.clock_hz
    interval = prediction["interval_cycles"]
    core = found.clock_hz / interval if interval else None
    return BitstreamResult(target, found, file, rate, made, interval, 1 / seconds, core)


def load_board(result: BitstreamResult, timeout: float = 300.0) -> None:
    """Load a board by openFPGALoader; ToolError if that is missing or fails."""
    import shutil
    import tempfile

    from ..base.child import Limits, first_error, run_tool
    from ..base.errors import ToolError

    program = result.load_command[0]
    if shutil.which(program) is None:
        raise ToolError(f"{program}: not found; install it, then run {' '.join(result.load_command)}")
    command = [*result.load_command[:-1], str((result.directory / result.file).resolve())]
    with tempfile.TemporaryDirectory(prefix="fpgaq-load-") as folder:
        finished = run_tool(program, command, Path(folder), Limits(timeout))
    if finished.code:
        raise ToolError(f"{program}: the board was not loaded: {first_error(finished.output)[:200]}")


@dataclass(frozen=True)
class InferResult:
    """What a board computed: outputs by frame as integers, all equal to the reference.

    `frame_cycles` is what the board counted between the last two frames' ends, which the line decides; `resent` counts
    packets that were damaged on the line and sent again.
    """

    port: str
    frames: int
    equal: int
    resent: int
    seconds: float
    frame_cycles: int
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {**asdict(self), "notes": list(self.notes), "frames_per_second": self.frames / self.seconds}


def infer(
    directory: str | Path,
    port: str,
    data: Samples | None = None,
    *,
    frames: int | None = None,
    timeout: float | None = None,
    weights: str | Path | None = None,
    progress: Callable[[str], None] = lambda stage: None,
) -> InferResult:
    """Send samples to a board and compare what it computes with the reference, bit for bit.

    Parameters
    ----------
    directory : str or Path
        What `bitstream` wrote.
    port : str
        A serial port such as /dev/ttyUSB0, or "sim" for the board simulated by Verilator.
    data : Samples, optional
        In the model's units; by default the samples inside the network.
    frames : int, optional
        How many of them, by default 8.
    timeout : float, optional
        Seconds that an answer may take; by default 2, or 60 where the board is simulated.
    weights : str or Path, optional
        Where the board loads its weights: a network whose weights it is to load instead of the folder's.

    Raises
    ------
    VerificationError
        The board holds another network, or computes another value than the reference; the message names the frame.
    ToolError
        No board answers, or a tool that simulates it is missing.
    UsageError
        A port that cannot be opened, or a folder without a board.
    """
    from ..base.serial_line import SerialLine
    from ..integer.file import digest
    from ..integer.inputs import transform_data
    from ..integer.reference import run
    from ..proof.board_host import CLEAR, CONTROL, FRAME_CYCLES, BoardHost
    from ..proof.bus_bench import as_bytes
    from ..proof.folder import check_digests, check_wrapper, read_interface, read_manifest
    from .images import weights_for
    from .models import load_integer

    check_frames(frames)
    folder = Path(directory)
    manifest = read_manifest(folder)
    if not isinstance(manifest.get("board"), dict) or "wrapper" not in manifest:
        raise UsageError(f"{directory}: is no folder for a board; make it with `fpgaq bitstream`")
    check_digests(folder, manifest)
    interface = read_interface(folder)
    check_wrapper(folder, manifest, interface)
    network, image = load_integer(folder / "network.fpgaq"), None
    if "image" in manifest or weights is not None:
        loaded = weights_for(folder, manifest, weights)
        network, image = loaded.network, loaded.image
    count = DATA_FRAMES if frames is None else frames
    if data is None:
        inputs = {name: values[:count] for name, values in network.samples.items()}
    else:
        inputs = transform_data(network, user_data(network, data).slice(0, count).inputs)
    (name,), (output,) = network.inputs, network.outputs
    if not len(inputs.get(name, ())):
        raise ModelError(f"{weights or folder / 'network.fpgaq'}: holds no samples; give some with --data")
    golden = run(network, inputs)[output]
    sent, wanted = (
        as_bytes(values, interface["wrapper"][side]).astype(np.uint8).reshape(len(values), -1)
        for values, side in ((inputs[name], "input"), (golden, "output"))
    )
    notes: list[str] = []
    with _port(folder, manifest, port, progress) as (path, patience):
        progress(f"asking the board at {port}")
        with SerialLine(path, manifest["board"]["baud"]) as line:
            host = BoardHost(line, timeout or patience, notes.append)
            if image is not None:
                progress("loading the weights")
                host.load_weights(image, digest(network))
            host.check(digest(network) if image is not None else manifest["digest"])
            host.write(CONTROL, CLEAR)
            started = time.monotonic()
            for index, (frame, expected) in enumerate(zip(sent, wanted, strict=True)):
                progress(Step("sending frames", index, len(sent)))
                found = host.infer(frame.tobytes(), len(expected), f"frame {index}")
                if found != expected.tobytes():
                    raise VerificationError(_difference(index, expected.tobytes(), found, interface))
            seconds = time.monotonic() - started
            cycles = host.read(FRAME_CYCLES)
    return InferResult(port, len(sent), len(sent), host.resent, seconds, cycles, tuple(notes))


@contextmanager
def _port(
    folder: Path, manifest: Mapping[str, Any], port: str, progress: Callable[[str], None]
) -> Iterator[tuple[str, float]]:
    """The path of a line to the board, and the seconds that an answer may take there."""
    if port != SIMULATED:
        yield port, 2.0
        return
    from ..proof.simulated_board import simulated_board

    progress("compiling the simulated board")
    board, latency = manifest["board"], manifest["wrapper"]["prediction"]["latency_cycles"]
    with simulated_board(folder, board["files"], manifest["memory_files"], board, latency) as terminal:
        yield terminal, 60.0


def _difference(index: int, expected: bytes, found: bytes, interface: Mapping[str, Any]) -> str:
    """The first element of a frame that differs, in words."""
    size = interface["wrapper"]["output"]["slot_bits"] // 8
    signed = interface["outputs"][0]["signed"]
    for element, start in enumerate(range(0, len(expected), size)):
        wanted, got = (
            int.from_bytes(part[start : start + size], "little", signed=signed) for part in (expected, found)
        )
        if wanted != got:
            return f"frame {index}: element {element}: expected {wanted}, the board computed {got}"
    raise AssertionError("two equal frames were found unequal")


__all__ = ["BitstreamResult", "InferResult", "bitstream", "infer", "load_board"]
