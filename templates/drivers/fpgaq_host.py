# SPDX-License-Identifier: 0BSD
"""A network behind a bus, from a host: samples to bytes and back, and the registers. Needs numpy only.

network = Network("interface.json")
data = network.pack(samples)          # bytes of all frames, in the order of the streams
outputs = network.unpack(received)    # real values, (frames, *shape of the model's output)
registers = Registers(read, write)    # two functions for 32-bit words at byte offsets
registers.check(network)
"""

import json
from pathlib import Path

import numpy as np

MAGIC, MAJOR = 0x51475046, 1
OFFSETS = {
    "magic": 0x00,
    "version": 0x04,
    "geometry": 0x08,
    "input_bytes": 0x0C,
    "output_bytes": 0x10,
    "control": 0x14,
    "status": 0x18,
    "errors": 0x1C,
    "digest": 0x20,
    "frames_in": 0x40,
    "frames_out": 0x44,
    "frames_damaged": 0x48,
    "frame_cycles": 0x4C,
    "longest_stall": 0x50,
    "image": 0x54,
}
RESET, CLEAR, MARK, LOAD = 1, 2, 4, 8
IMAGE_WANTED, LOADED = 8, 16
ERRORS = ("short", "long", "cut", "sender", "core", "image")


class Network:
    """What interface.json tells of a network: `digest` of manifest.json is needed to check registers only."""

    def __init__(self, interface, digest=None):
        content = json.loads(Path(interface).read_text(encoding="utf-8"))
        self.input, self.output, self.wrapper = content["inputs"][0], content["outputs"][0], content["wrapper"]
        self.input_bytes = self.wrapper["input"]["bytes_per_frame"]
        self.output_bytes = self.wrapper["output"]["bytes_per_frame"]
        self.digest = digest

    def integers(self, samples):
        """The integers that the hardware eats of samples, (frames, *model_shape): (frames, height, width, channels)."""
        transform = self.input["transform"]
        shape = transform["model_shape"]
        array = np.asarray(samples)
        if list(array.shape[1:]) != shape:
            raise ValueError(f"samples have the shape {list(array.shape[1:])}, the network takes {shape}")
        low, high = _range(self.input)
        if transform["formula"] == "x":
            integers = array.astype(np.int64)
            if (integers != array).any() or integers.min() < low or integers.max() > high:
                raise ValueError(f"the network takes integers from {low} to {high} as they are")
        else:
            integers = _quantized(array.astype(np.float64), transform, self.input["frac"], low, high)
        channels, height, width = transform["image_shape"]
        if transform.get("channels_last"):
            return np.ascontiguousarray(integers.reshape(len(array), height, width, channels))
        images = integers.reshape(len(array), channels, height, width)
        return np.ascontiguousarray(images.transpose(0, 2, 3, 1))

    def pack(self, samples):
        """The bytes of the frames of samples, (frames, *model_shape), one frame after another."""
        size = self.wrapper["input"]["slot_bits"] // 8
        words = np.ascontiguousarray(self.integers(samples), dtype="<i8").view(np.uint8)
        return words.reshape(-1, 8)[:, :size].tobytes()

    def output_integers(self, data):
        """The integers in the bytes of whole output frames: (frames, height, width, channels)."""
        if len(data) % self.output_bytes:
            raise ValueError(f"{len(data)} bytes are no whole frames of {self.output_bytes}")
        size = self.wrapper["output"]["slot_bits"] // 8
        slots = np.frombuffer(bytes(data), dtype=np.uint8).reshape(-1, size)
        words = np.zeros((len(slots), 8), dtype=np.uint8)
        words[:, :size] = slots
        if self.output["signed"]:
            words[:, size:] = np.where(slots[:, -1:] >= 128, 255, 0)
        return words.view("<i8").reshape(-1, *self.output["shape"])

    def unpack(self, data):
        """The real values in the bytes of whole output frames: (frames, *model_shape)."""
        port = self.output
        integers = self.output_integers(data).transpose(0, 3, 1, 2)
        values = (integers - port.get("zero_point", 0)) * port["scale"] + port.get("offset", 0.0)
        return values.reshape(len(integers), *port["model_shape"])


class Registers:
    """The registers by two functions: `read(offset)` and `write(offset, value)`, offsets in bytes."""

    def __init__(self, read, write):
        self._read, self._write = read, write

    def __getitem__(self, name):
        """The value of a register by its name."""
        return self._read(OFFSETS[name]) & 0xFFFFFFFF

    @property
    def digest(self):
        """SHA-256 of the network, as hexadecimal digits."""
        return "".join(f"{self._read(OFFSETS['digest'] + 4 * word) & 0xFFFFFFFF:08x}" for word in range(8))

    @property
    def errors(self):
        """Names of what was wrong with frames since the errors were cleared."""
        found = self["errors"]
        return [name for bit, name in enumerate(ERRORS) if found >> bit & 1]

    @property
    def busy(self):
        """Whether frames are on their way."""
        return bool(self["status"] & 1)

    def check(self, network):
        """Raise RuntimeError unless the core is this network."""
        if self["magic"] != MAGIC:
            raise RuntimeError(f"no core there: the magic number is {self['magic']:#010x}")
        if self["version"] >> 16 != MAJOR:
            raise RuntimeError(f"the registers are of version {self['version'] >> 16}, this driver is of {MAJOR}")
        for name in ("input_bytes", "output_bytes"):
            if self[name] != getattr(network, name):
                raise RuntimeError(f"another network: {name} is {self[name]}, expected {getattr(network, name)}")
        if network.digest is not None and self.digest != network.digest:
            raise RuntimeError(f"another network: its digest is {self.digest}, expected {network.digest}")

    def load(self, image, patience=1_000_000):
        """Load the weights of an image, the bytes that `fpgaq image` wrote, once all begun frames have left."""
        self._write(OFFSETS["errors"], 1 << ERRORS.index("image"))
        self._order(LOAD)
        while not self["status"] & IMAGE_WANTED:
            patience -= 1
            if patience < 0:
                raise RuntimeError("frames do not leave, so that no weights can be loaded")
        for word in np.frombuffer(bytes(image), dtype="<u4"):
            self._write(OFFSETS["image"], int(word))
        if not self["status"] & LOADED:
            raise RuntimeError("the image of weights is damaged, or of another core")

    def reset(self):
        """Forget all frames on their way."""
        self._order(RESET)

    def clear(self):
        """Set the counters to zero and clear the errors."""
        self._order(CLEAR)
        self._write(OFFSETS["errors"], 0xFFFFFFFF)

    def mark_damaged(self, mark):
        """Have damaged frames marked by tuser, or dropped where the core can do that."""
        self._write(OFFSETS["control"], MARK if mark else 0)

    def _order(self, bits):
        self._write(OFFSETS["control"], (self["control"] & MARK) | bits)


def _range(port):
    width = port["width"]
    return (-(1 << width - 1), (1 << width - 1) - 1) if port["signed"] else (0, (1 << width) - 1)


def _quantized(values, transform, frac, low, high):
    scale, offset = (_along(transform[name], transform) for name in ("scale", "offset"))
    if transform["formula"].startswith("saturate(round(x / scale)"):
        scaled = _round(values / scale, transform["rounding"]) + offset
    else:
        scaled = _round((values * scale + offset) * 2.0**frac, transform["rounding"])
    if not np.isfinite(scaled).all():
        raise ValueError("samples hold values that are not finite")
    return np.clip(scaled, low, high).astype(np.int64)


def _along(values, transform):
    """A number for all, or one for each entry of an axis of the samples, the first one unless another is named."""
    if not isinstance(values, list):
        return np.float64(values)
    axes = [1] * (1 + len(transform["model_shape"]))
    axes[1 + transform.get("axis", 0)] = len(values)
    return np.asarray(values, dtype=np.float64).reshape(axes)


def _round(values, rule):
    whole = np.floor(values)
    rest = values - whole
    if rule == "floor":
        return whole
    if rule == "half_even":
        return np.rint(values)
    if rule == "half_away":
        size = np.abs(values)
        return np.copysign(np.floor(size) + (size - np.floor(size) >= 0.5), values)
    return whole + (rest >= 0.5)
