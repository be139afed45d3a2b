"""Packages without the tools for which they are made: their bench, their drivers, and what is refused."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.base.choices import PACKAGE_TOOLS
from fpgaq.base.errors import UsageError, VerificationError
from fpgaq.base.formats import Format
from fpgaq.base.preparation import Preparation
from fpgaq.hardware.emit.ports import Port
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.package import TOOLS
from fpgaq.hardware.schedule import Target
from fpgaq.integer.graph import InputTransform, IntegerGraph
from fpgaq.integer.inputs import apply_transform, transform_data
from fpgaq.integer.reference import run
from tests.support.network_builder import NetworkBuilder

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
needs_compiler = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


def network() -> IntegerGraph:
    return NetworkBuilder(5, (6, 6, 4)).convolution(8).affine(20, relu=False).graph()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("core") / "out"
    pipeline.generate(network(), folder, Target(multipliers=4), frames=2, wish=Wish(32, top="eye"))
    return folder


@pytest.fixture(scope="module")
def package(folder: Path) -> Path:
    return pipeline.package(folder, "fusesoc").directory


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def test_the_command_line_knows_every_tool() -> None:
    assert PACKAGE_TOOLS == TOOLS


@pytest.mark.parametrize("tool", TOOLS)
def test_the_same_core_gives_the_same_bytes(tool: str, folder: Path, tmp_path: Path) -> None:
    first = pipeline.package(folder, tool, tmp_path / "first")
    second = pipeline.package(folder, tool, tmp_path / "second")
    assert first.files == second.files and f"drivers/{'fpgaq'}.c" in first.files
    for name in first.files:
        assert (first.directory / name).read_bytes() == (second.directory / name).read_bytes()
    readme = (first.directory / "README.md").read_text(encoding="utf-8")
    assert all(f"`{port}`" in readme for port in ("aclk", "aresetn", "s_axis_tkeep", "m_axis_tuser", "s_axi_bresp"))


def test_a_folder_of_its_own_beside_the_core(package: Path, folder: Path) -> None:
    assert package == folder.with_name("out-fusesoc")


def test_a_bare_core_is_refused(tmp_path: Path) -> None:
    pipeline.generate(network(), tmp_path / "out", Target(multipliers=4), frames=2)
    with pytest.raises(UsageError, match="bare core.*--bus 32"):
        pipeline.package(tmp_path / "out", "vivado")


def test_a_changed_core_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "out")
    with (tmp_path / "out" / "rtl" / "eye.v").open("a", encoding="utf-8") as stream:
        stream.write("// mine\n")
    with pytest.raises(VerificationError, match=r"eye\.v: was changed"):
        pipeline.package(tmp_path / "out", "vivado")


def simulate(package: Path, work: Path) -> str:
    defines = [f'-DFPGAQ_SIM_DIR="{package}/sim"', f'-DFPGAQ_ROM_DIR="{package}/rtl"']
    sources = [package / name for name in (package / "files.f").read_text(encoding="ascii").split()]
    command = ["iverilog", "-g2005", "-Wall", *defines, "-s", "eye_bench", "-o", "bench.vvp"]
    built = subprocess.run([*command, package / "sim" / "eye_bench.v", *sources], cwd=work, check=True,
                           capture_output=True, text=True, timeout=120)  # fmt: skip
    assert built.stdout + built.stderr == ""
    ran = subprocess.run(["vvp", "-n", "bench.vvp"], cwd=work, capture_output=True, text=True, check=False, timeout=120)
    assert (ran.returncode == 0) == ("PASS" in ran.stdout)
    return ran.stdout


@needs_icarus
def test_the_bench_passes_and_finds_a_changed_word(package: Path, tmp_path: Path) -> None:
    assert simulate(package, tmp_path).startswith("PASS: ")
    changed = tmp_path / "changed"
    shutil.copytree(package, changed)
    lines = (changed / "sim" / "output.hex").read_text(encoding="ascii").splitlines()
    lines[7] = f"{int(lines[7], 16) ^ 1:x}"
    (changed / "sim" / "output.hex").write_text("\n".join(lines) + "\n", encoding="ascii")
    assert "FAIL: beat 7" in simulate(changed, tmp_path)


class FakeCore:
    """The registers as a core of this network has them."""

    def __init__(self, interface: dict[str, Any], digest: str) -> None:
        words = {0x00: 0x51475046, 0x04: 0x10000, 0x08: 4}
        words |= {0x0C: interface["wrapper"]["input"]["bytes_per_frame"]}
        words |= {0x10: interface["wrapper"]["output"]["bytes_per_frame"]}
        words |= {0x20 + 4 * place: int(digest[8 * place : 8 * place + 8], 16) for place in range(8)}
        self.words, self.written = words, []

    def read(self, offset: int) -> int:
        return self.words.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        self.written.append((offset, value))


def test_the_python_driver_computes_as_the_reference(package: Path) -> None:
    host = load(package / "drivers" / "fpgaq_host.py")
    graph = network()
    digest = json.loads((package.with_name("out") / "manifest.json").read_text(encoding="utf-8"))["digest"]
    driver = host.Network(package / "interface.json", digest)
    name = graph.inputs[0]
    samples = np.random.default_rng(1).normal(0, 40, size=(5, *graph.transforms[name].model_shape))
    inputs = transform_data(graph, {name: samples})
    assert (driver.integers(samples) == inputs[name]).all()
    golden = run(graph, inputs)[graph.outputs[0]]
    size = driver.wrapper["output"]["slot_bits"] // 8
    data = b"".join(int(value).to_bytes(size, "little", signed=True) for value in golden.ravel())
    assert (driver.output_integers(data) == golden).all()
    assert driver.unpack(data).shape == (5, *driver.output["model_shape"])
    core = FakeCore(json.loads((package / "interface.json").read_text(encoding="utf-8")), digest)
    host.Registers(core.read, core.write).check(driver)
    core.words[0x24] ^= 1
    with pytest.raises(RuntimeError, match="another network: its digest"):
        host.Registers(core.read, core.write).check(driver)


@pytest.mark.parametrize(
    ("shape", "axis", "channels_last"),
    [((3, 6, 5), 0, False), ((6, 5, 3), 2, False), ((6, 5, 3), 2, True), ((7,), 0, False)],
)
def test_the_python_driver_computes_each_channel_by_its_own_numbers(
    shape: tuple[int, ...], axis: int, channels_last: bool
) -> None:
    count, fmt = shape[axis], Format(8, 4)
    prepared = Preparation(tuple(0.01 * (index + 1) for index in range(count)), tuple(0.1 * i for i in range(count)))
    image = {(3, 6, 5): (3, 6, 5), (6, 5, 3): (3, 6, 5) if channels_last else (6, 5, 3), (7,): (7, 1, 1)}[shape]
    transform = InputTransform(2.0, 0.25, "half_up", shape, image, "real", prepared, channels_last)
    samples = np.random.default_rng(2).integers(0, 256, (4, *shape))
    rows = np.moveaxis(samples, 1 + axis, -1)
    values = np.floor((rows * np.array(transform.scales) + np.array(transform.offsets)) * 16 + 0.5)
    expected = np.moveaxis(np.clip(values, -128, 127).astype(np.int64), -1, 1 + axis)
    expected = expected if channels_last else expected.reshape(4, *image).transpose(0, 2, 3, 1)
    assert np.array_equal(apply_transform(transform, fmt, samples), expected)
    port = Port("x", "x", "s_axis", image, 1, fmt.width, fmt.frac, fmt.signed, shape, transform).as_json()
    assert port["transform"].get("axis", 0) == axis  # type: ignore[attr-defined]
    driver = load(Path(__file__).parents[3] / "templates" / "drivers" / "fpgaq_host.py")
    network = driver.Network.__new__(driver.Network)
    network.input = json.loads(json.dumps(port))
    assert np.array_equal(network.integers(samples), expected)


@pytest.mark.parametrize("rule", ["half_up", "half_away", "half_even", "floor"])
def test_the_python_driver_rounds_as_the_reference(rule: str, package: Path) -> None:
    from fpgaq.base.formats import round_real

    host = load(package / "drivers" / "fpgaq_host.py")
    values = np.array([*np.arange(-4, 4, 0.25), 0.49999999999999994, -0.49999999999999994, 2.0**52 + 0.5])
    assert (host._round(values, rule) == round_real(values, rule)).all()


def test_the_pynq_driver_runs_frames(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With stand-ins for pynq: a DMA that gives back frames of a known answer."""
    load(package / "drivers" / "fpgaq_host.py")
    pynq_driver = load(package / "drivers" / "fpgaq_pynq.py")
    interface = json.loads((package / "interface.json").read_text(encoding="utf-8"))

    class Buffer(np.ndarray):
        def flush(self) -> None: ...
        def invalidate(self) -> None: ...
        def freebuffer(self) -> None: ...

    class Channel:
        def __init__(self, act: Any) -> None:
            self.transfer, self.wait = act, lambda: None

    sent: list[bytes] = []
    results: list[Any] = []

    def send(buffer: Any) -> None:
        sent.append(bytes(buffer))
        results[-1][:] = np.arange(len(results[-1])) % 7

    dma = type("Dma", (), {"sendchannel": Channel(send), "recvchannel": Channel(results.append)})
    fake = ModuleType("pynq")
    fake.allocate = lambda shape, dtype: np.zeros(shape, dtype).view(Buffer)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pynq", fake)
    core = FakeCore(interface, "0" * 64)
    one = pynq_driver.OverlayNetwork(dma, core, package / "interface.json")
    samples = np.ones((3, *interface["inputs"][0]["transform"]["model_shape"]))
    outputs = one.run(samples)
    assert sent == [one.network.pack(samples[:1])] * 3 and len(outputs) == 3
    core.words[0x1C] = 2
    with pytest.raises(RuntimeError, match="damaged frames: long"):
        one.run(samples)


C_TEST = """
#include <stdio.h>
#include <string.h>
#include "fpgaq_network.h"
#include "fpgaq_registers.h"

static uint32_t words[32];
static uint32_t read_word(void *context, uint32_t offset) { return ((uint32_t *)context)[offset / 4u]; }
static void write_word(void *context, uint32_t offset, uint32_t value) { ((uint32_t *)context)[offset / 4u] = value; }
static const fpgaq_network network = FPGAQ_NETWORK;

int main(void)
{
    fpgaq_device device = { words, read_word, write_word };
    fpgaq_counters counters;
    int64_t values[4] = { -8388608, 8388607, -1, 5 }, back[4];
    uint8_t bytes[12];
    int place;

    if (fpgaq_probe(&device, &network) != FPGAQ_NO_CORE) return 1;
    words[0] = FPGAQ_MAGIC_VALUE;
    if (fpgaq_probe(&device, &network) != FPGAQ_OTHER_VERSION) return 2;
    words[1] = 0x10000u;
    if (fpgaq_probe(&device, &network) != FPGAQ_OTHER_NETWORK) return 3;
    for (place = 0; place < 8; place++) words[8 + place] = network.digest[place];
    words[3] = network.input_bytes;
    words[4] = network.output_bytes;
    if (fpgaq_probe(&device, &network) != FPGAQ_OK) return 4;
    words[10] ^= 1u;
    if (fpgaq_probe(&device, &network) != FPGAQ_OTHER_NETWORK) return 5;
    fpgaq_mark_damaged(&device, 1);
    fpgaq_reset(&device);
    if (words[5] != (FPGAQ_CONTROL_RESET_MASK | FPGAQ_CONTROL_MARK_MASK)) return 6;
    words[6] = 1u; words[16] = 3u; words[7] = 2u;
    fpgaq_read_counters(&device, &counters);
    if (!fpgaq_busy(&device) || counters.frames_in != 3u || counters.errors != 2u) return 7;
    if (fpgaq_pack(values, 4, 3, 1, bytes) != FPGAQ_OK) return 8;
    fpgaq_unpack(bytes, 4, 3, 1, back);
    if (memcmp(values, back, sizeof values) != 0) return 9;
    values[0] = -8388609;
    if (fpgaq_pack(values, 4, 3, 1, bytes) != FPGAQ_OUT_OF_RANGE) return 10;
    values[0] = 256;
    if (fpgaq_pack(values, 1, 1, 0, bytes) != FPGAQ_OUT_OF_RANGE) return 11;
    values[0] = 255;
    if (fpgaq_pack(values, 1, 1, 0, bytes) != FPGAQ_OK || bytes[0] != 255) return 12;
    values[0] = 9; values[1] = 9; values[2] = 3;
    if (fpgaq_argmax(values, 3) != 0) return 13;
    printf("%u %u\\n", (unsigned)FPGAQ_INPUT_FRAME_BYTES, (unsigned)FPGAQ_OUTPUT_FRAME_BYTES);
    return 0;
}
"""


@needs_compiler
def test_the_c_driver(package: Path, tmp_path: Path) -> None:
    drivers = package / "drivers"
    (tmp_path / "test.c").write_text(C_TEST, encoding="ascii")
    command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-O1", f"-I{drivers}"]
    subprocess.run([*command, "test.c", drivers / "fpgaq.c", "-o", "test"], cwd=tmp_path, check=True, timeout=60)
    done = subprocess.run([tmp_path / "test"], capture_output=True, text=True, check=False, timeout=60)
    interface = json.loads((package / "interface.json").read_text(encoding="utf-8"))["wrapper"]
    sizes = [interface[side]["bytes_per_frame"] for side in ("input", "output")]
    assert (done.returncode, done.stdout.split()) == (0, list(map(str, sizes)))


@pytest.fixture(scope="module")
def loadable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of a core whose weights are loaded, its image beside it."""
    folder = tmp_path_factory.mktemp("loadable") / "out"
    pipeline.generate(network(), folder, Target(multipliers=4), frames=2, wish=Wish(32, top="eye", loadable=True))
    return pipeline.package(folder, "fusesoc").directory


@needs_icarus
def test_the_bench_loads_the_weights_first(loadable: Path, tmp_path: Path) -> None:
    assert simulate(loadable, tmp_path).startswith("PASS: ")
    changed = tmp_path / "changed"
    shutil.copytree(loadable, changed)
    words = (changed / "sim" / "image.hex").read_text(encoding="ascii").split()
    words[12] = f"{int(words[12], 16) ^ 1:08x}"
    (changed / "sim" / "image.hex").write_text("\n".join(words) + "\n", encoding="ascii")
    assert "PASS" not in simulate(changed, tmp_path)


class FakeLoader(FakeCore):
    """A core that takes images of a number of words, and holds each against its CRC."""

    def __init__(self, interface: dict[str, Any], digest: str, count: int, busy: int = 3) -> None:
        super().__init__(interface, digest)
        self.count, self.busy, self.taken = count, busy, []

    def read(self, offset: int) -> int:
        if offset == 0x18 and self.busy:
            self.busy -= 1
            return 1
        return super().read(offset)

    def write(self, offset: int, value: int) -> None:
        super().write(offset, value)
        if offset == 0x14 and value & 8:
            self.taken, self.words[0x18] = [], 8
        if offset == 0x54 and self.words.get(0x18) == 8:
            self.taken.append(value)
            if len(self.taken) == self.count:
                *whole, last = self.taken
                right = last == zlib.crc32(np.array(whole, dtype="<u4").tobytes())
                self.words[0x18] = 16 if right else 0


def test_the_python_driver_loads_an_image(loadable: Path) -> None:
    host = load(loadable / "drivers" / "fpgaq_host.py")
    image = (loadable.with_name("out") / "image" / "weights.bin").read_bytes()
    interface = json.loads((loadable / "interface.json").read_text(encoding="utf-8"))
    core = FakeLoader(interface, "0" * 64, len(image) // 4)
    host.Registers(core.read, core.write).load(image)
    assert np.array(core.taken, dtype="<u4").tobytes() == image and (0x1C, 0x20) in core.written
    damaged = bytes([*image[:40], image[40] ^ 1, *image[41:]])
    with pytest.raises(RuntimeError, match="is damaged, or of another core"):
        host.Registers(core.read, core.write).load(damaged)
    waiting = FakeLoader(interface, "0" * 64, len(image) // 4, busy=100)
    with pytest.raises(RuntimeError, match="frames do not leave"):
        host.Registers(waiting.read, waiting.write).load(image, patience=5)


C_LOAD_TEST = """
#include "fpgaq.h"
#include "fpgaq_registers.h"

static uint32_t words[32], taken[8];
static unsigned count, busy;

static uint32_t read_word(void *context, uint32_t offset)
{
    if (offset == FPGAQ_STATUS && busy > 0u) {
        busy--;
        return 1u;
    }
    return ((uint32_t *)context)[offset / 4u];
}

static void write_word(void *context, uint32_t offset, uint32_t value)
{
    if (offset == FPGAQ_CONTROL && (value & FPGAQ_CONTROL_LOAD_MASK) != 0u) {
        count = 0;
        words[FPGAQ_STATUS / 4u] = FPGAQ_STATUS_IMAGE_WANTED_MASK;
    } else if (offset == FPGAQ_IMAGE) {
        taken[count++] = value;
        /* The last word of a right image is their sum here. */
        if (count == 4u)
            words[FPGAQ_STATUS / 4u] = value == taken[0] + taken[1] + taken[2] ? FPGAQ_STATUS_LOADED_MASK : 0u;
    } else
        ((uint32_t *)context)[offset / 4u] = value;
}

int main(void)
{
    fpgaq_device device = { words, read_word, write_word };
    uint32_t image[4] = { 5u, 7u, 11u, 23u };

    busy = 3u;
    if (fpgaq_load(&device, image, 4, 10) != FPGAQ_OK) return 1;
    if (count != 4u || taken[0] != 5u || taken[3] != 23u) return 2;
    if (words[FPGAQ_ERRORS / 4u] != FPGAQ_ERRORS_IMAGE_MASK) return 3;
    image[2] = 12u;
    if (fpgaq_load(&device, image, 4, 10) != FPGAQ_REFUSED) return 4;
    busy = 100u;
    if (fpgaq_load(&device, image, 4, 10) != FPGAQ_NOT_IDLE) return 5;
    return 0;
}
"""


@needs_compiler
def test_the_c_driver_loads_an_image(loadable: Path, tmp_path: Path) -> None:
    drivers = loadable / "drivers"
    (tmp_path / "test.c").write_text(C_LOAD_TEST, encoding="ascii")
    command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-O1", f"-I{drivers}"]
    subprocess.run([*command, "test.c", drivers / "fpgaq.c", "-o", "test"], cwd=tmp_path, check=True, timeout=60)
    assert subprocess.run([tmp_path / "test"], check=False, timeout=60).returncode == 0


def test_from_the_command_line(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fpgaq", "package", str(folder), "--for", "litex", "-o", "eye", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])})  # fmt: skip
    assert json.loads(done.stdout)["tool"] == "litex" and (tmp_path / "eye" / "eye.py").is_file()
