"""Blocks of torchvision's networks, with few channels and random weights, by both exporters of PyTorch."""

from __future__ import annotations

from functools import partial

import torch
from recording import Recorder, scratch
from torch import nn
from torchvision.models import efficientnet, mobilenetv2, mobilenetv3, resnet, shufflenetv2
from torchvision.models.convnext import CNBlockConfig, ConvNeXt
from torchvision.models.densenet import _DenseBlock
from torchvision.models.googlenet import Inception
from torchvision.models.regnet import BlockParams, RegNet
from torchvision.models.squeezenet import Fire
from torchvision.ops import Conv2dNormActivation, SqueezeExcitation


def blocks() -> dict[str, tuple[nn.Module, int]]:
    """Blocks by name, with the channels of their inputs."""
    norm = nn.BatchNorm2d
    bottleneck = mobilenetv3.InvertedResidualConfig(8, 3, 16, 8, True, "HS", 1, 1, 1.0)
    fused = efficientnet.MBConvConfig(2, 3, 1, 8, 8, 1)
    return {
        "basic": (resnet.BasicBlock(4, 4), 4),
        "bottleneck": (resnet.Bottleneck(8, 2), 8),
        "inverted": (mobilenetv2.InvertedResidual(4, 4, 1, 2), 4),
        "inverted3": (mobilenetv3.InvertedResidual(bottleneck, norm), 8),
        "shuffle": (shufflenetv2.InvertedResidual(8, 8, 1), 8),
        "shuffle_down": (shufflenetv2.InvertedResidual(4, 8, 2), 4),
        "fire": (Fire(4, 2, 3, 3), 4),
        "inception": (Inception(4, 2, 2, 3, 1, 2, 2), 4),
        "dense": (_DenseBlock(2, 4, 2, 3, 0.0), 4),
        "mbconv": (efficientnet.MBConv(fused, 0.0, norm), 8),
        "excite": (nn.Sequential(Conv2dNormActivation(3, 8, 3), SqueezeExcitation(8, 4)), 3),
        "regnet": (RegNet(BlockParams([1], [8], [4], [1.0], [2], 0.25), num_classes=3, stem_width=4), 3),
        "convnext": (ConvNeXt([CNBlockConfig(4, 8, 1), CNBlockConfig(8, None, 1)], num_classes=3), 3),
    }


REFUSED = ("convnext",)
"""Networks with a layer normalization, which are there to be refused by name, or split."""


def main() -> None:
    """Export each block by each exporter."""
    recorder = Recorder(__file__, ("torch", "torchvision", "onnx", "onnxscript"))
    torch.manual_seed(0)
    exporters = {
        "torchscript": partial(torch.onnx.export, dynamo=False, opset_version=17),
        "dynamo": partial(torch.onnx.export, dynamo=True, external_data=False),
    }
    for name, (model, channels) in blocks().items():
        model.eval()
        for part in model.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean = torch.randn(part.num_features)
                part.running_var = torch.rand(part.num_features) + 0.5
        sample = torch.randn(1, channels, 8, 8)
        with torch.no_grad():
            values = model(sample)
        for exporter, export in exporters.items():
            with scratch() as folder:
                path = folder / f"torchvision_{name}_{exporter}.onnx"
                export(model, (sample,), str(path), input_names=["x"], verbose=False)
                recorder.add(path.stem, path, {"x": sample.numpy()}, [values.numpy()])
    recorder.finish()


if __name__ == "__main__":
    main()
