"""Small networks of PyTorch, as people write them, by both of its exporters. Random weights of a fixed seed."""

from __future__ import annotations

import os
import runpy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from recording import Recorder, run_advice, scratch
from torch import nn


class MnistExample(nn.Module):
    """The shape of PyTorch's own MNIST example, smaller."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 6, 3)
        self.dropout1, self.dropout2 = nn.Dropout(0.25), nn.Dropout(0.5)
        self.fc1, self.fc2 = nn.Linear(96, 12), nn.Linear(12, 10)

    def forward(self, x: Any) -> Any:
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        x = self.dropout1(F.max_pool2d(x, 2))
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        return F.log_softmax(self.fc2(self.dropout2(x)), dim=1)


class Residual(nn.Module):
    """A residual block with batch normalization, and a global mean."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.one, self.two = nn.BatchNorm2d(6), nn.BatchNorm2d(6)
        self.down = nn.Sequential(nn.Conv2d(6, 8, 1, stride=2, bias=False), nn.BatchNorm2d(8))
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Any) -> Any:
        x = F.relu(self.one(self.first(x)))
        x = F.relu(self.two(self.second(x)) + x)
        x = F.adaptive_avg_pool2d(F.relu(self.down(x)), 1)
        return self.fc(x.view(x.size(0), -1))


class SqueezeExcite(nn.Module):
    """An inverted residual with hard swish, and a squeeze-excite that expands."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.deep = nn.Conv2d(4, 8, 1), nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.fc1, self.fc2, self.down = nn.Linear(8, 4), nn.Linear(4, 8), nn.Conv2d(8, 4, 1)

    def forward(self, x: Any) -> Any:
        y = F.hardswish(self.deep(F.hardswish(self.up(x))))
        gate = F.hardsigmoid(self.fc2(F.relu(self.fc1(y.mean((2, 3))))))
        return self.down(y * gate.view(y.size(0), 8, 1, 1).expand_as(y)) + x


class Activations(nn.Module):
    """A function after each layer of a perceptron."""

    def __init__(self, functions: Sequence[nn.Module]) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for function in functions:
            parts += [nn.Linear(6, 6), function]
        self.layers = nn.Sequential(*parts)

    def forward(self, x: Any) -> Any:
        return self.layers(x)


class UNet(nn.Module):
    """Down and up once: bilinear upsampling, a transposed convolution, concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.up = nn.ConvTranspose2d(4, 4, 2, stride=2)
        self.join, self.end = nn.Conv2d(8, 4, 3, padding=1), nn.Conv2d(4, 1, 1)

    def forward(self, x: Any) -> Any:
        a = F.relu(self.down1(x))
        b = F.relu(self.down2(F.max_pool2d(a, 2)))
        c = F.relu(self.join(torch.cat([self.up(b), a], 1)))
        d = F.interpolate(F.max_pool2d(c, 2), scale_factor=2, mode="bilinear", align_corners=False)
        return torch.sigmoid(self.end(F.interpolate(F.max_pool2d(d, 2), scale_factor=2, mode="nearest")))


class Shuffles(nn.Module):
    """Channel shuffle, pixel shuffle and its inverse."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.end = nn.Conv2d(8, 8, 3, padding=1, groups=2), nn.Conv2d(8, 4, 1)
        self.up, self.down = nn.PixelShuffle(2), nn.PixelUnshuffle(2)

    def forward(self, x: Any) -> Any:
        x = F.relu(self.conv(x))
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        return self.end(self.down(torch.tanh(self.up(x))))


class TemporalNetwork(nn.Module):
    """A convolution over time with weight normalization, padded at both ends and cut at one."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(3, 6, 3, padding=4, dilation=2))
        self.end = nn.Conv1d(6, 2, 1)

    def forward(self, x: Any) -> Any:
        return self.end(F.elu(self.conv(x)[:, :, :-4]))[:, :, -1]


class Pads(nn.Module):
    """Zeros and reflections around an image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect")
        self.pad, self.end = nn.ZeroPad2d((1, 0, 2, 1)), nn.Conv2d(3, 2, 3)

    def forward(self, x: Any) -> Any:
        return self.end(F.pad(self.pad(F.relu(self.conv(x))), (1, 1, 1, 1), value=0.5))


class Preprocessing(nn.Module):
    """RGB to BGR, mean and deviation inside the model."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.2, 0.3, 0.4]).view(1, 3, 1, 1))
        self.conv = nn.Conv2d(3, 4, 3, stride=2)

    def forward(self, x: Any) -> Any:
        return self.conv((x[:, [2, 1, 0]] - self.mean) / self.std).flatten(1).argmax(1)


class Pixels(nn.Module):
    """Bytes as they come from a camera."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2)

    def forward(self, x: Any) -> Any:
        return F.relu(self.conv(x.float() / 255.0)).mean((2, 3))


class Steps(nn.Module):
    """Linear layers along the last axis of (time, features), and a mean over time."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.end = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 1)

    def forward(self, x: Any) -> Any:
        return self.end(self.second(F.gelu(self.first(x))).mean(1)).squeeze(1)


class Siamese(nn.Module):
    """Two inputs through one tower."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))

    def forward(self, a: Any, b: Any) -> Any:
        return torch.abs(self.tower(a) - self.tower(b))


class Heads(nn.Module):
    """Two outputs of one trunk, one by a gated linear unit."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.a, self.b = nn.Conv2d(2, 6, 3), nn.Linear(24, 4), nn.Conv2d(3, 2, 1)

    def forward(self, x: Any) -> Any:
        y = self.trunk(x)
        return self.a(F.max_pool2d(y, 2).flatten(1)), self.b(F.glu(y, dim=1))


def image(*shape: int) -> Any:
    """A random sample."""
    return torch.randn(*shape)


def models() -> dict[str, tuple[nn.Module, tuple[Any, ...]]]:
    """Networks and samples by name."""
    return {
        "mnist_example": (MnistExample(), (image(1, 1, 12, 12),)),
        "residual": (Residual(), (image(1, 3, 8, 8),)),
        "squeeze_excite": (SqueezeExcite(), (image(1, 4, 6, 6),)),
        "gelu": (Activations([nn.GELU(), nn.GELU(approximate="tanh")]), (image(1, 6),)),
        "smooth": (Activations([nn.SiLU(), nn.Mish(), nn.ELU(), nn.SELU(), nn.CELU(), nn.Softplus()]), (image(1, 6),)),
        "clipped": (
            Activations([nn.ReLU6(), nn.Hardtanh(), nn.Hardsigmoid(), nn.Hardswish(), nn.LeakyReLU(0.2)]),
            (image(1, 6),),
        ),
        "others": (Activations([nn.PReLU(), nn.Softsign(), nn.Tanh(), nn.Sigmoid(), nn.LogSigmoid()]), (image(1, 6),)),
        "threshold": (Activations([nn.Threshold(0.1, 0.0), nn.Tanhshrink(), nn.Hardshrink()]), (image(1, 6),)),
        "unet": (UNet(), (image(1, 1, 16, 16),)),
        "shuffles": (Shuffles(), (image(1, 8, 4, 4),)),
        "temporal": (TemporalNetwork(), (image(1, 3, 10),)),
        "pads": (Pads(), (image(1, 2, 6, 6),)),
        "preprocessing": (Preprocessing(), (image(1, 3, 7, 7),)),
        "pixels": (Pixels(), (torch.randint(0, 256, (1, 3, 7, 7), dtype=torch.uint8),)),
        "sequence": (Steps(), (image(1, 5, 6),)),
        "siamese": (Siamese(), (image(1, 5), image(1, 5))),
        "heads": (Heads(), (image(1, 2, 6, 6),)),
    }  # fmt: skip


EXPORTERS: dict[str, dict[str, Any]] = {
    "torchscript13": {"dynamo": False, "opset_version": 13},
    "torchscript17": {"dynamo": False, "opset_version": 17},
    "dynamo": {"dynamo": True, "external_data": False},
}
NEW_ONLY = ("threshold",)
"""Networks that the older exporter refuses."""
BESIDE = ("mnist_example", "residual")
"""Networks that are also exported as torch does it by default, with their values in a file beside the model."""


ADVICE = runpy.run_path(str(Path(__file__).parents[3] / "fpgaq" / "model" / "importers" / "exports.py"))


def record_advice(recorder: Recorder) -> None:
    """Export by the lines that a refusal of .pt and the like shows."""
    torch.manual_seed(1)
    model = Residual()
    before = Path.cwd()
    with scratch() as folder:
        os.chdir(folder)
        try:
            run_advice(ADVICE["TORCH"], {"torch": torch, "model": model})
            sample = image(1, 3, 8, 8).tile(1, 1, 8, 8)
            with torch.no_grad():
                values = model(sample)
            path = folder / "model.onnx"
            recorder.add("advice_torch", path, {"x": sample.numpy()}, [values.numpy()])
        finally:
            os.chdir(before)


def main() -> None:
    """Export each network by each exporter."""
    recorder = Recorder(__file__, ("torch", "onnx", "onnxscript"))
    torch.manual_seed(0)
    for name, (model, sample) in models().items():
        model.eval()
        for part in model.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean = torch.randn(part.num_features)
                part.running_var = torch.rand(part.num_features) + 0.5
        with torch.no_grad():
            values = model(*sample)
        outputs = values if isinstance(values, tuple) else (values,)
        names = [f"x{index}" for index in range(len(sample))]
        inputs = dict(zip(names, (part.numpy() for part in sample), strict=True))
        wanted = dict(EXPORTERS) | ({"default": {}} if name in BESIDE else {})
        for exporter, options in wanted.items():
            if name in NEW_ONLY and "torchscript" in exporter:
                continue
            with scratch() as folder:
                path = folder / f"torch_{name}_{exporter}.onnx"
                torch.onnx.export(model, sample, str(path), input_names=names, verbose=False, **options)
                recorder.add(path.stem, path, inputs, [part.numpy() for part in outputs])
    record_advice(recorder)
    recorder.finish()


if __name__ == "__main__":
    main()
